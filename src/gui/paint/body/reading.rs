//! Pictures of the body brought back from the graphics device.

use std::time::Duration;

use eframe::egui_wgpu::wgpu;

use super::target::Target;
use crate::formats::RgbPicture;
use crate::jobs::JobError;

/// Longest that a part of a picture may take.
const LONGEST: Duration = Duration::from_mins(1);

/// What a target shows.
///
/// # Errors
/// Where the device fails.
pub fn read((device, queue): (&wgpu::Device, &wgpu::Queue), target: &Target) -> Result<RgbPicture, JobError> {
    let [width, height] = target.size;
    // Rows of a copy are multiples of 256 bytes.
    let row = (4 * width).next_multiple_of(wgpu::COPY_BYTES_PER_ROW_ALIGNMENT);
    let buffer = device.create_buffer(&wgpu::BufferDescriptor {
        label: Some("picture of the body"),
        size: u64::from(row) * u64::from(height),
        usage: wgpu::BufferUsages::COPY_DST | wgpu::BufferUsages::MAP_READ,
        mapped_at_creation: false,
    });
    let mut encoder = device.create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
    target.copy_to(&mut encoder, &buffer, row);
    let copied = queue.submit([encoder.finish()]);
    buffer.slice(..).map_async(wgpu::MapMode::Read, |_| {});
    wait(device, copied)?;
    let bytes = buffer.slice(..).get_mapped_range().map_err(lost)?;
    let rows = bytes.chunks_exact(row as usize).map(|row| &row[..4 * width as usize]);
    let rgb = rows.flat_map(|row| row.chunks_exact(4).flat_map(|pixel| [pixel[0], pixel[1], pixel[2]])).collect();
    Ok(RgbPicture { width: width as usize, height: height as usize, rgb })
}

/// Waits until what was submitted is done.
///
/// # Errors
/// Where the device fails, or takes longer than a minute.
pub fn wait(device: &wgpu::Device, for_index: wgpu::SubmissionIndex) -> Result<(), JobError> {
    let waiting = wgpu::PollType::Wait { submission_index: Some(for_index), timeout: Some(LONGEST) };
    device.poll(waiting).map(drop).map_err(lost)
}

fn lost(error: impl std::fmt::Display) -> JobError {
    JobError::Other(format!("the graphics device failed: {error}"))
}
