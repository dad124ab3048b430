//! Pictures that come in parts, and of fewer triangles, are those that are drawn at once of all.

use super::*;
use crate::volume::{Affine, Geometry};

const SIDE: u32 = 96;

/// What a device shows of a scene, as bytes of red, green, blue and opacity, and how many frames it took.
fn picture((device, queue): (&wgpu::Device, &wgpu::Queue), body: &mut BodyDevice, scene: &Scene) -> (Vec<u8>, usize) {
    let size = wgpu::Extent3d { width: SIDE, height: SIDE, depth_or_array_layers: 1 };
    let texture = device.create_texture(&wgpu::TextureDescriptor {
        label: None,
        size,
        mip_level_count: 1,
        sample_count: 1,
        dimension: wgpu::TextureDimension::D2,
        format: wgpu::TextureFormat::Rgba8Unorm,
        usage: wgpu::TextureUsages::RENDER_ATTACHMENT | wgpu::TextureUsages::COPY_SRC,
        view_formats: &[],
    });
    let view = texture.create_view(&wgpu::TextureViewDescriptor::default());
    // Rows of a copy are multiples of 256 bytes.
    let row = 4 * SIDE.next_multiple_of(64);
    let buffer = device.create_buffer(&wgpu::BufferDescriptor {
        label: None,
        size: u64::from(row * SIDE),
        usage: wgpu::BufferUsages::COPY_DST | wgpu::BufferUsages::MAP_READ,
        mapped_at_creation: false,
    });
    let (mut frames, mut goes_on) = (0, true);
    while goes_on {
        frames += 1;
        let mut encoder = device.create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
        goes_on = body.draw((device, queue), &mut encoder, scene, [SIDE; 2]);
        {
            let pass = encoder.begin_render_pass(&wgpu::RenderPassDescriptor {
                color_attachments: &[Some(wgpu::RenderPassColorAttachment {
                    view: &view,
                    depth_slice: None,
                    resolve_target: None,
                    ops: wgpu::Operations::default(),
                })],
                ..wgpu::RenderPassDescriptor::default()
            });
            body.copy(&mut pass.forget_lifetime());
        }
        encoder.copy_texture_to_buffer(
            texture.as_image_copy(),
            wgpu::TexelCopyBufferInfo {
                buffer: &buffer,
                layout: wgpu::TexelCopyBufferLayout { offset: 0, bytes_per_row: Some(row), rows_per_image: None },
            },
            size,
        );
        queue.submit([encoder.finish()]);
    }
    buffer.slice(..).map_async(wgpu::MapMode::Read, |mapped| mapped.unwrap());
    device.poll(wgpu::PollType::Wait { submission_index: None, timeout: Some(LONGEST) }).unwrap();
    let bytes = buffer.slice(..).get_mapped_range().unwrap().to_vec();
    (bytes.chunks_exact(row as usize).flat_map(|row| row[..4 * SIDE as usize].to_vec()).collect(), frames)
}

#[test]
fn a_picture_that_comes_in_parts_is_the_one_that_is_drawn_at_once() {
    let (device, queue, _) = match open(true) {
        Ok(opened) => opened,
        Err(why) => {
            assert!(std::env::var_os("LAMELLA_CI").is_none(), "CI needs a (software) Vulkan driver: {why}");
            return eprintln!("skipped: {why}");
        }
    };
    // Many small pieces of two labels, in blocks at all distances.
    let geometry = Geometry::new([58; 3], Affine::IDENTITY).unwrap();
    let labels = LabelMap::from_fn(geometry, |[i, j, k]| {
        let mixed = (i / 4 * 73 + j / 4 * 179 + k / 4 * 283).wrapping_mul(2_654_435_761) >> 7;
        [0, 0, 1, 2][mixed % 4]
    });
    let mut surfaces = Surfaces::default();
    mesh(&mut surfaces, &labels, None).unwrap();
    let count = triangles(&surfaces.blocks);
    assert!((200_000..400_000).contains(&count), "{count} triangles");
    let camera = Camera::from(Side::Anterior, surfaces.bounds(labels.geometry())).orbited([0.5, 0.3]);
    let of = BodyLook {
        colours: vec![(1, [250, 60, 30, 255]), (2, [40, 120, 250, 255])],
        kept: Region::whole(labels.geometry().shape()),
    };
    let look = Look::new(labels.geometry(), &camera, 1.0, of, egui::Color32::BLACK);
    // Of the same triangles with and without a card.
    let blocks = Arc::new(with_all_triangles(&surfaces.blocks));
    let scene = Scene { blocks, slices: Vec::new(), volume: None, look, is_moving: false };
    let drawn = |is_software: bool| {
        let mut body = BodyDevice::new(&device, wgpu::TextureFormat::Rgba8Unorm, is_software);
        let first = picture((&device, &queue), &mut body, &scene);
        assert_eq!(picture((&device, &queue), &mut body, &scene), (first.0.clone(), 1), "it is drawn once");
        first
    };
    let ((whole, one), (parts, several)) = (drawn(false), drawn(true));
    assert!(one == 1 && several > 3, "{one} and {several} frames");
    assert!(whole.chunks_exact(4).filter(|pixel| pixel[0] > 40 || pixel[2] > 40).count() > 2000);
    assert!(whole == parts, "both are the same picture");
}

#[test]
fn what_is_drawn_of_fewer_triangles_shows_all_that_is_thin() {
    let (device, queue, _) = match open(true) {
        Ok(opened) => opened,
        Err(why) => {
            assert!(std::env::var_os("LAMELLA_CI").is_none(), "CI needs a (software) Vulkan driver: {why}");
            return eprintln!("skipped: {why}");
        }
    };
    // A ball, plates of one voxel, and threads of one voxel to all sides, at even and at odd places.
    let geometry = Geometry::new([150; 3], Affine::IDENTITY).unwrap();
    let labels = LabelMap::from_fn(geometry, |voxel| {
        let [i, j, k] = voxel;
        let far = voxel.map(|n| n.abs_diff(75).pow(2)).iter().sum::<usize>();
        match voxel {
            _ if far < 48 * 48 => 1,
            [6, ..] if j.abs_diff(75) < 60 && k.abs_diff(75) < 60 => 2,
            [.., 143] if i.abs_diff(75) < 60 && j.abs_diff(75) < 60 => 3,
            [_, 10, 20] | [_, 13, 31] => 4,
            [20, 4, _] | [131, 7, _] => 5,
            [33, _, 12] | [120, _, 17] => 6,
            _ => 0,
        }
    });
    let mut surfaces = Surfaces::default();
    mesh(&mut surfaces, &labels, None).unwrap();
    let colours = (1..=6u16).map(|n| (n, [40 * n as u8, 250, 250 - 40 * n as u8, 255])).collect::<Vec<_>>();
    let all = Arc::new(with_all_triangles(&surfaces.blocks));
    // Seen straight, a thread may lie between two rows of pixels, whatever it is made of.
    for (n, turn) in [[0.1, 0.07], [0.6, 0.4], [2.2, -0.5]].into_iter().enumerate() {
        let camera = Camera::from(Side::Anterior, surfaces.bounds(labels.geometry())).orbited(turn);
        let drawn = |blocks: &Arc<Blocks>, colours: &[(LabelValue, [u8; 4])]| {
            let of = BodyLook { colours: colours.to_vec(), kept: Region::whole(labels.geometry().shape()) };
            let look = Look::new(labels.geometry(), &camera, 1.0, of, egui::Color32::BLACK);
            let scene = Scene { blocks: blocks.clone(), slices: Vec::new(), volume: None, look, is_moving: false };
            let mut body = BodyDevice::new(&device, wgpu::TextureFormat::Rgba8Unorm, true);
            let (bytes, _) = picture((&device, &queue), &mut body, &scene);
            let rgb = bytes.as_chunks::<4>().0.iter().flat_map(|pixel| [pixel[0], pixel[1], pixel[2]]).collect();
            (RgbPicture { width: SIDE as usize, height: SIDE as usize, rgb }, body.shown().unwrap().triangles)
        };
        let ((simpler, few), (fine, many)) = (drawn(&surfaces.blocks, &colours), drawn(&all, &colours));
        assert!(few * 3 < many * 2, "view {n}: {few} of {many}");
        let likeness = Likeness::of(&[[simpler, fine]]);
        assert!(likeness.mean_levels < 4.0 && likeness.one_sided_share < 0.01, "view {n}: {likeness:?}");
        for colour in &colours {
            let [light, light_of_all] = [&surfaces.blocks, &all].map(|blocks| {
                let (picture, _) = drawn(blocks, std::slice::from_ref(colour));
                picture.rgb.iter().map(|level| f64::from(*level)).sum::<f64>()
            });
            let ratio = light / light_of_all;
            assert!(light_of_all > 0.0 && (0.9..1.1).contains(&ratio), "view {n}, label {}: {ratio}", colour.0);
        }
    }
}
