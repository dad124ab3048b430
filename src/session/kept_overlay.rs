//! What lies over a scan, as documents and journals keep it.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::reference::ScanReference;
use crate::volume::Window;

/// A scan that is laid over another one: how this is looked at, and no step of the history.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct KeptOverlay {
    /// The scan above.
    pub over: ScanReference,
    /// How it is shown.
    pub look: KeptLook,
}

/// How a scan is laid over another one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct KeptLook {
    /// Whether it is shown.
    pub is_on: bool,
    /// Its frame.
    pub frame: usize,
    /// Its display window.
    #[serde(with = "bits")]
    pub window: Window,
    /// Whether it is shown although its file states another frame of reference.
    pub in_other_space: bool,
    /// How much of the scan below it covers.
    pub opacity: f32,
    /// The name of its colours in settings.
    pub colours: String,
    /// Whether its values below the window are clear.
    pub hides_low: bool,
}

/// A window by the bits of its level and width: text would round them, and has no word for what is not finite.
mod bits {
    use super::{Deserialize, Deserializer, Serialize, Serializer, Window};

    pub fn serialize<S: Serializer>(window: &Window, to: S) -> Result<S::Ok, S::Error> {
        [window.level, window.width].map(f64::to_bits).serialize(to)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Window, D::Error> {
        let [level, width] = <[u64; 2]>::deserialize(from)?.map(f64::from_bits);
        Ok(Window { level, width })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_window_comes_back_to_the_last_bit() {
        for [level, width] in [[0.1 + 0.2, 1.0 / 3.0], [f64::NEG_INFINITY, f64::INFINITY], [f64::NAN, -0.0]] {
            let look = KeptLook {
                is_on: true,
                frame: 0,
                window: Window { level, width },
                in_other_space: false,
                opacity: 0.5,
                colours: "hot".into(),
                hides_low: false,
            };
            let text = serde_json::to_string(&look).unwrap();
            let Window { level: again, width: wide } = serde_json::from_str::<KeptLook>(&text).unwrap().window;
            assert_eq!([again, wide].map(f64::to_bits), [level, width].map(f64::to_bits), "{text}");
        }
    }
}
