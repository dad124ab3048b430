//! What several test files need.
#![allow(dead_code, clippy::unwrap_used, clippy::expect_used, clippy::missing_panics_doc)]

use std::path::PathBuf;

/// The folder with `golden/` and `data/`, or `None` (said on stderr) where it is not at hand.
///
/// In CI a missing folder is a failure.
pub fn test_data() -> Option<PathBuf> {
    match std::env::var_os("LAMELLA_TEST_DATA") {
        Some(folder) => {
            let folder = PathBuf::from(folder);
            assert!(folder.is_dir(), "LAMELLA_TEST_DATA is {}, which is no folder", folder.display());
            Some(folder)
        }
        None => {
            assert!(std::env::var_os("LAMELLA_CI").is_none(), "LAMELLA_TEST_DATA must be set in CI");
            eprintln!("skipped: LAMELLA_TEST_DATA is not set");
            None
        }
    }
}

/// Where networks run in tests: `LAMELLA_TEST_DEVICE` (say `cuda:0`), the CPU where it is unset.
pub fn test_device() -> lamella::engine::DeviceChoice {
    let name = std::env::var("LAMELLA_TEST_DEVICE").unwrap_or_else(|_| "cpu".into());
    name.parse().unwrap_or_else(|e| panic!("LAMELLA_TEST_DEVICE: {e}"))
}

/// A GPU that Vulkan, DirectX 12 or Metal reach, software included; `None` (said on stderr) where there is none.
///
/// In CI, which installs one of software, that is a failure.
pub fn gpu() -> Option<lamella::engine::DeviceFacts> {
    use lamella::engine::DeviceChoice;
    let found = lamella::engine::list_devices().into_iter().find(|d| matches!(d.choice, DeviceChoice::Adapter(_)));
    if found.is_none() {
        let must = std::env::var_os("LAMELLA_CI").is_some() && cfg!(feature = "gpu");
        assert!(!must, "there is no GPU for Vulkan; the package mesa-vulkan-drivers has one of software");
        eprintln!("skipped: there is no GPU for Vulkan, DirectX 12 or Metal");
    }
    found
}

/// Reads a JSON file.
pub fn json(path: &std::path::Path) -> serde_json::Value {
    let text = std::fs::read_to_string(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    serde_json::from_str(&text).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}
