//! The closed surface of a set of voxels as a mesh.

use std::collections::HashMap;

use super::fairing::{self, Fairing};
use super::mesh::Mesh;
use super::surface::march;
use crate::volume::{Affine, Vec3};
use crate::work::{Stopped, Watch, numbers};

/// The closed surface of a set of voxels, which encloses their volume; empty where there is no voxel.
///
/// `shape` is the box of the set, `mark(k, slice)` says which voxels of a slice (i fastest) belong to it, `world_from_voxel` maps the box's
/// voxel centres to millimetres. With `is_smooth` steps between slices are evened out: no corner moves by much more than a third of a voxel along any
/// axis, so that nothing thin is lost.
///
/// # Errors
/// When the work is stopped.
pub fn surface_mesh(
    shape: [usize; 3],
    world_from_voxel: &Affine,
    mark: impl Fn(usize, &mut [bool]) + Sync,
    is_smooth: bool,
    watch: Watch,
) -> Result<Mesh, Stopped> {
    let mut sewing = Sewing::default();
    let is_mirrored = world_from_voxel.determinant() < 0.0;
    let making = watch.part(0.0, if is_smooth { 0.4 } else { 0.9 });
    march(shape, is_mirrored, 0..shape[2] + 1, &mark, making, &mut |layer, triangle| {
        if layer != sewing.layer {
            // Whether to stop is asked in every layer anyway.
            let _ = making.at(numbers::share(layer, shape[2] + 1));
        }
        sewing.add(layer, triangle);
    })?;
    let mut mesh = sewing.mesh;
    let lengths = [0, 1, 2].map(|axis| {
        let column = world_from_voxel.column(axis);
        column.iter().map(|part| part * part).sum::<f64>().sqrt()
    });
    let scale = |mesh: &mut Mesh, by: Vec3| {
        mesh.vertices.iter_mut().for_each(|p| p.iter_mut().zip(by).for_each(|(part, factor)| *part *= factor));
    };
    // Evened out in millimetres along the axes of the grid, where the sizes of voxels are known.
    scale(&mut mesh, lengths);
    let sign = if is_mirrored { -1.0 } else { 1.0 };
    let voxels = count(shape, &mark, watch)?;
    let fairing = Fairing { spacing: lengths, sign, volume: voxels as f64 * lengths.iter().product::<f64>() };
    if is_smooth {
        fairing::smooth(&mut mesh, &fairing, watch.part(0.4, 0.9))?;
    }
    fairing::fill(&mut mesh, &fairing, watch)?;
    scale(&mut mesh, lengths.map(f64::recip));
    mesh.vertices.iter_mut().for_each(|p| *p = world_from_voxel.point(*p));
    Ok(mesh)
}

/// Number of voxels of the set.
fn count(shape: [usize; 3], mark: &impl Fn(usize, &mut [bool]), watch: Watch) -> Result<usize, Stopped> {
    let mut slice = vec![false; shape[0] * shape[1]];
    let mut count = 0;
    for k in 0..shape[2] {
        watch.check()?;
        mark(k, &mut slice);
        count += slice.iter().filter(|is_in| **is_in).count();
    }
    Ok(count)
}

/// Triangles that are put together at corners of the same bits.
#[derive(Default)]
struct Sewing {
    mesh: Mesh,
    /// Corners that triangles of this layer and the next can have.
    known: HashMap<[u64; 3], u32>,
    layer: usize,
}

impl Sewing {
    fn add(&mut self, layer: usize, triangle: [Vec3; 3]) {
        if layer != self.layer {
            // Layer n ends where slice n is, and only there the next one meets it.
            let end = (layer as f64 - 1.0).to_bits();
            self.known.retain(|key, _| key[2] == end);
            self.layer = layer;
        }
        let Self { mesh, known, .. } = self;
        let corners = triangle.map(|point| {
            *known.entry(point.map(f64::to_bits)).or_insert_with(|| {
                mesh.vertices.push(point);
                (mesh.vertices.len() - 1) as u32
            })
        });
        mesh.triangles.push(corners);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::volume::cross;
    use proptest::prelude::*;

    fn mesh_of(
        shape: [usize; 3],
        affine: &Affine,
        is_smooth: bool,
        inside: impl Fn([usize; 3]) -> bool + Sync,
    ) -> (Mesh, f64) {
        let mark = |k: usize, slice: &mut [bool]| {
            for (n, mark) in slice.iter_mut().enumerate() {
                *mark = inside([n % shape[0], n / shape[0], k]);
            }
        };
        let voxels = (0..shape.iter().product())
            .filter(|n| inside([n % shape[0], n / shape[0] % shape[1], n / shape[0] / shape[1]]))
            .count();
        let mesh = surface_mesh(shape, affine, mark, is_smooth, Watch::unwatched()).unwrap();
        (mesh, voxels as f64 * affine.determinant().abs())
    }

    /// Every edge belongs to exactly two triangles, which run along it in opposite directions.
    fn is_closed(mesh: &Mesh) -> bool {
        let mut edges: HashMap<[u32; 2], usize> = HashMap::new();
        for [a, b, c] in &mesh.triangles {
            for edge in [[*a, *b], [*b, *c], [*c, *a]] {
                *edges.entry(edge).or_default() += 1;
            }
        }
        edges.iter().all(|([a, b], count)| *count == 1 && edges.get(&[*b, *a]) == Some(&1))
    }

    /// Voxels of these sizes, with a turned, left-handed grid.
    fn oblique(spacing: [f64; 3]) -> Affine {
        let (sin, cos) = (0.3f64.sin(), 0.3f64.cos());
        let columns = [[-cos, sin, 0.0], [sin, cos, 0.0], [0.0, 0.0, 1.0]];
        let scaled = [0, 1, 2].map(|axis: usize| columns[axis].map(|v| v * spacing[axis]));
        Affine::from_columns(scaled, [40.0, -70.0, 90.0])
    }

    #[test]
    fn surfaces_have_the_volume_of_their_voxels_whatever_the_grid() {
        let ball = |voxel: [usize; 3]| {
            let from = |axis: usize| voxel[axis] as f64 - 9.5;
            (0..3).map(|axis| from(axis).powi(2)).sum::<f64>() <= 64.0
        };
        let border = |voxel: [usize; 3]| voxel[0] < 5 && voxel[2] > 12;
        for spacing in [[1.0; 3], [0.7, 0.7, 3.0], [0.5, 2.0, 1.0]] {
            for is_smooth in [false, true] {
                for (name, inside) in [("ball", &ball as &(dyn Fn([usize; 3]) -> bool + Sync)), ("border", &border)] {
                    let (mesh, voxels) = mesh_of([20; 3], &oblique(spacing), is_smooth, inside);
                    let ratio = mesh.volume_mm3() / voxels;
                    assert!((ratio - 1.0).abs() < 0.005, "{name} {spacing:?} {is_smooth}: {ratio}");
                    assert!(is_closed(&mesh), "{name} {spacing:?} {is_smooth}");
                }
            }
        }
    }

    #[test]
    fn what_is_thin_stays_when_it_is_smoothed() {
        for (name, shape) in
            [("voxel", [1, 1, 1]), ("rod", [1, 1, 30]), ("thick rod", [3, 3, 30]), ("sheet", [1, 30, 30])]
        {
            let (mesh, voxels) = mesh_of(shape, &Affine::IDENTITY, true, |_| true);
            let ratio = mesh.volume_mm3() / voxels;
            assert!((0.9..1.02).contains(&ratio), "{name}: {ratio}");
            let reach = (0..3).map(|axis| {
                let of = |pick: fn(f64, f64) -> f64, start| mesh.vertices.iter().map(|p| p[axis]).fold(start, pick);
                (of(f64::max, f64::MIN) - of(f64::min, f64::MAX)) / shape[axis] as f64
            });
            assert!(reach.into_iter().all(|share| (0.6..1.8).contains(&share)), "{name}");
        }
    }

    /// How much neighbouring triangles are bent against each other, on average.
    fn roughness(mesh: &Mesh) -> f64 {
        let mut normals: HashMap<[u32; 2], Vec3> = HashMap::new();
        for triangle in &mesh.triangles {
            let [a, b, c] = mesh.corners(*triangle);
            let side = |to: Vec3| [0, 1, 2].map(|axis| to[axis] - a[axis]);
            let normal = cross(side(b), side(c));
            let size = normal.iter().map(|part| part * part).sum::<f64>().sqrt();
            for n in 0..3 {
                normals.insert([triangle[n], triangle[(n + 1) % 3]], normal.map(|part| part / size));
            }
        }
        let bent = |(edge, normal): (&[u32; 2], &Vec3)| {
            let other = normals[&[edge[1], edge[0]]];
            1.0 - (0..3).map(|axis| normal[axis] * other[axis]).sum::<f64>()
        };
        normals.iter().map(bent).sum::<f64>() / normals.len() as f64
    }

    #[test]
    fn smoothing_evens_out_a_ball_and_leaves_it_where_it_is() {
        let inside = |voxel: [usize; 3]| {
            let from = |axis: usize, step: f64| (voxel[axis] as f64 - 12.0) * step;
            from(0, 1.0).powi(2) + from(1, 1.0).powi(2) + from(2, 2.0).powi(2) <= 81.0
        };
        let affine = Affine::from_columns([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 2.0]], [0.0; 3]);
        let (plain, _) = mesh_of([25; 3], &affine, false, inside);
        let (smooth, _) = mesh_of([25; 3], &affine, true, inside);
        let middle: f64 = smooth.vertices.iter().map(|p| p[2]).sum::<f64>() / smooth.vertices.len() as f64;
        assert!((middle - 24.0).abs() < 0.05, "{middle}");
        assert!(roughness(&smooth) < 0.4 * roughness(&plain), "{} against {}", roughness(&smooth), roughness(&plain));
        for (p, first) in smooth.vertices.iter().zip(&plain.vertices) {
            assert!(
                (0..3).all(|axis| (p[axis] - first[axis]).abs() < 0.8 * [1.0, 1.0, 2.0][axis]),
                "{p:?} from {first:?}"
            );
        }
    }

    proptest! {
        #[test]
        fn any_set_of_voxels_has_a_closed_mesh_that_turns_outward(
            bits in prop::collection::vec(any::<bool>(), 60), mirrored in any::<bool>(), is_smooth in any::<bool>(),
        ) {
            let spacing = [if mirrored { -0.7 } else { 0.7 }, 1.3, 2.9];
            let affine = Affine::from_columns(
                [[spacing[0], 0.0, 0.0], [0.0, spacing[1], 0.0], [0.0, 0.0, spacing[2]]], [5.0, -3.0, 1.0],
            );
            let (mesh, voxels) = mesh_of([3, 4, 5], &affine, is_smooth, |v| bits[(v[2] * 4 + v[1]) * 3 + v[0]]);
            prop_assert!(is_closed(&mesh));
            prop_assert_eq!(mesh.triangles.is_empty(), voxels == 0.0);
            prop_assert!(voxels == 0.0 || mesh.volume_mm3() > 0.5 * voxels);
        }
    }
}
