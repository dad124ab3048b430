//! Planes of a file as slices and frames.

/// What planes along an axis are. The order is that in which frames count: channels first, then times.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// Slices of a volume.
    Slice,
    /// Channels or colours.
    Channel,
    /// Points in time.
    Time,
    /// Something else, a position or an angle.
    Other,
}

/// A direction in which planes follow each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Axis {
    pub role: Role,
    pub size: usize,
}

impl Axis {
    /// An axis; a size of zero counts as one.
    pub fn new(role: Role, size: usize) -> Self {
        Self { role, size: size.max(1) }
    }
}

/// Planes in all.
pub fn plane_count(axes: &[Axis]) -> Option<usize> {
    axes.iter().try_fold(1usize, |n, axis| n.checked_mul(axis.size))
}

/// Sizes along a role.
pub fn size_of(axes: &[Axis], role: Role) -> usize {
    axes.iter().filter(|axis| axis.role == role).map(|axis| axis.size).product()
}

/// Numbers of the planes in the order slices, channels, times, others; `axes` are those of the file, the fastest first.
pub fn planes(axes: &[Axis]) -> Vec<usize> {
    let mut stride = 1;
    let mut strides: Vec<(Axis, usize)> = Vec::new();
    for &axis in axes {
        strides.push((axis, stride));
        stride *= axis.size;
    }
    strides.sort_by_key(|(axis, _)| axis.role);
    strides.into_iter().fold(vec![0], |planes, (axis, stride)| {
        (0..axis.size).flat_map(|n| planes.iter().map(move |plane| plane + n * stride)).collect()
    })
}

/// What the frames are, where there are several.
pub fn describe(axes: &[Axis]) -> Option<String> {
    let mut frames: Vec<Axis> = axes.iter().copied().filter(|a| a.role != Role::Slice && a.size > 1).collect();
    frames.sort_by_key(|axis| axis.role);
    let names = frames.iter().map(|axis| {
        let name = match axis.role {
            Role::Slice => "slices",
            Role::Channel => "channels",
            Role::Time => "times",
            Role::Other => "positions",
        };
        format!("{} {name}", axis.size)
    });
    let names: Vec<String> = names.collect();
    let text = match names.as_slice() {
        [] => return None,
        // tifffile stores the slices of an array without named axes as channels.
        [one] if frames.first().is_some_and(|axis| axis.role == Role::Channel) && size_of(axes, Role::Slice) == 1 => {
            format!("The file holds {one}; they are frames. Should they be slices, save the stack with its axes named.")
        }
        [one] => format!("The file holds {one}; they are frames."),
        _ => format!("The file holds {}; they are frames, those named first next to each other.", names.join(" and ")),
    };
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn planes_are_sorted_into_slices_then_channels_then_times() {
        let axes =
            |order: &[(Role, usize)]| order.iter().map(|&(role, size)| Axis::new(role, size)).collect::<Vec<_>>();
        // numpy: arange(12).reshape(t=2, z=3, c=2).transpose(0, 2, 1)
        let czt = axes(&[(Role::Channel, 2), (Role::Slice, 3), (Role::Time, 2)]);
        assert_eq!(planes(&czt), [0, 2, 4, 1, 3, 5, 6, 8, 10, 7, 9, 11]);
        // numpy: arange(12).reshape(c=2, t=2, z=3).transpose(1, 0, 2)
        let ztc = axes(&[(Role::Slice, 3), (Role::Time, 2), (Role::Channel, 2)]);
        assert_eq!(planes(&ztc), [0, 1, 2, 6, 7, 8, 3, 4, 5, 9, 10, 11]);
        assert_eq!((size_of(&ztc, Role::Slice), plane_count(&ztc)), (3, Some(12)));
        assert!(describe(&ztc).unwrap().contains("2 channels and 2 times"));
    }
}
