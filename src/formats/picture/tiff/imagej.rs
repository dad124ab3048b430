//! What `ImageJ` says about a stack in the first page's description.
//!
//! Source: behaviour of `ImageJ` (`FileSaver`, `TiffDecoder`), read in its public texts; planes follow as channels, slices, times.

use super::axes::{Axis, Role, plane_count};
use super::units::unescaped;
use crate::work::numbers::{natural, whole};

/// Lines of the description.
#[derive(Debug, Clone)]
pub struct ImageJ {
    lines: Vec<(String, String)>,
}

impl ImageJ {
    /// Understands a description, if it is `ImageJ`'s.
    pub fn parse(description: &str) -> Option<Self> {
        let text = description.trim_start_matches(|c: char| c.is_whitespace() || c == '\u{feff}');
        if !text.starts_with("ImageJ") {
            return None;
        }
        let pairs = text.lines().filter_map(|line| line.split_once('='));
        Some(Self { lines: pairs.map(|(key, value)| (key.trim().to_string(), unescaped(value.trim()))).collect() })
    }

    /// The value of a line.
    pub fn get(&self, key: &str) -> Option<&str> {
        self.lines.iter().find(|(name, _)| name == key).map(|(_, value)| value.as_str())
    }

    /// A number; an error where the line is there and is none.
    pub fn number(&self, key: &str) -> Result<Option<f64>, String> {
        let Some(text) = self.get(key) else { return Ok(None) };
        match text.parse::<f64>() {
            Ok(value) if value.is_finite() => Ok(Some(value)),
            _ => Err(format!("ImageJ's description says {key}={text}, which is no number")),
        }
    }

    /// A number of planes; 1 where nothing is said.
    fn count(&self, key: &str) -> Result<usize, String> {
        let Some(value) = self.number(key)? else { return Ok(1) };
        if !(0.0..1e9).contains(&value) || value.fract() != 0.0 {
            return Err(format!("ImageJ's description says {key}={value}, which is no number of planes"));
        }
        Ok(natural(whole(value)).max(1))
    }

    /// The number of planes that the description speaks of.
    pub fn images(&self) -> Result<usize, String> {
        self.count("images")
    }

    /// Axes of so many planes, the fastest first; `None` where the description does not fit them.
    pub fn axes(&self, planes: usize) -> Result<Option<Vec<Axis>>, String> {
        let [channels, slices, times] = [self.count("channels")?, self.count("slices")?, self.count("frames")?];
        let axes = |slices| {
            vec![Axis::new(Role::Channel, channels), Axis::new(Role::Slice, slices), Axis::new(Role::Time, times)]
        };
        if plane_count(&axes(slices)) == Some(planes) {
            return Ok(Some(axes(slices)));
        }
        // A stack without a word about what its planes are has slices.
        let others = channels.saturating_mul(times);
        if self.get("slices").is_none() && times == 1 && planes.is_multiple_of(others) {
            return Ok(Some(axes(planes / others)));
        }
        Ok(None)
    }

    /// Whether the description speaks of channels or times.
    pub fn speaks_of_frames(&self) -> bool {
        ["channels", "frames"].iter().any(|key| self.count(key).is_ok_and(|count| count > 1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn axes(text: &str, planes: usize) -> Option<[usize; 3]> {
        let axes = ImageJ::parse(text).unwrap().axes(planes).unwrap()?;
        Some([axes[0].size, axes[1].size, axes[2].size])
    }

    #[test]
    fn planes_are_channels_slices_and_times() {
        assert_eq!(
            axes("ImageJ=1.54f\nimages=30\nchannels=2\nslices=5\nframes=3\nhyperstack=true\n", 30),
            Some([2, 5, 3])
        );
        assert_eq!(axes("ImageJ=1.11a\r\nimages=10\r\n", 10), Some([1, 10, 1]));
        assert_eq!(axes("ImageJ=\nimages=7\nframes=7\n", 7), Some([1, 1, 7]));
        assert_eq!(axes("ImageJ=\nimages=10\nchannels=2\n", 10), Some([2, 5, 1]));
        assert_eq!(axes("ImageJ=\nimages=10\nchannels=3\nslices=4\n", 10), None);
        assert!(ImageJ::parse("images=10").is_none());
        assert!(ImageJ::parse("ImageJ=\nslices=x").unwrap().axes(1).unwrap_err().contains("slices=x"));
        assert!(ImageJ::parse("ImageJ=\nimages=-3").unwrap().images().is_err());
    }
}
