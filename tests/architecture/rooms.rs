//! The tables: which room may import which, where crates may be named, what is only in one place, where no circles are.

/// Rooms and the rooms they may import, the lowest first. A room may be listed before it is built.
pub const ROOMS: &[(&str, &[&str])] = &[
    ("work", &[]),
    ("disk", &[]),
    ("home", &["disk", "work"]),
    ("volume", &["work"]),
    ("shape", &["volume", "work"]),
    ("measure", &["volume", "shape", "work"]),
    ("formats", &["volume", "shape", "disk", "work"]),
    ("drawing", &["formats", "volume", "work"]),
    ("remote", &["formats", "volume", "disk", "home", "work"]),
    ("graph", &["work"]),
    ("zoo", &["graph"]),
    ("engine", &["graph", "work"]),
    ("model", &["graph", "zoo", "engine", "volume", "disk", "home", "work"]),
    ("pipeline", &["volume", "shape", "model", "engine", "graph", "work"]),
    ("learn", &["volume", "formats", "graph", "zoo", "engine", "model", "pipeline", "edit", "disk", "work"]),
    ("edit", &["volume", "shape", "work"]),
    ("session", &["volume", "shape", "edit", "disk", "work"]),
    ("tools", &["volume", "shape", "edit", "session", "work"]),
    ("words", &[]),
    ("licences", &[]),
    (
        "jobs",
        &[
            "work", "disk", "volume", "shape", "formats", "graph", "zoo", "engine", "model", "pipeline", "learn",
            "edit", "session", "tools", "measure", "remote", "drawing", "home",
        ],
    ),
    (
        "app",
        &[
            "jobs", "tools", "session", "edit", "volume", "engine", "model", "pipeline", "learn", "disk", "work",
            "shape", "formats", "measure", "remote", "drawing", "words", "home",
        ],
    ),
    (
        "cli",
        &[
            "jobs", "volume", "formats", "engine", "model", "pipeline", "learn", "edit", "session", "disk", "work",
            "measure", "remote", "drawing", "home", "licences",
        ],
    ),
    (
        "gui",
        &[
            "app", "jobs", "tools", "session", "edit", "volume", "formats", "engine", "model", "pipeline", "learn",
            "disk", "work", "measure", "remote", "drawing", "words", "home", "licences",
        ],
    ),
    ("main.rs", &["cli", "gui", "home"]),
];

/// Parts that are crates of their own, so that one is built while others are, and their roots below `src`. `lib.rs` has the other rooms.
pub const PARTS: &[(&str, &str)] = &[("base", "base.rs"), ("images", "images.rs"), ("networks", "networks.rs")];

/// What unit tests of a file may import beyond the file's room, and why nothing else would do.
pub const TESTS_ALSO: &[(&str, &str)] = &[
    // Sizes of tiles fit the networks that there are, and those are built there.
    ("pipeline/tiles.rs", "zoo"),
];

/// Crates and where they may be named: folders or files below `src`.
pub const CRATES: &[(&str, &[&str])] = &[
    ("base64", &["remote/web", "zoo/foreign.rs"]),
    ("candle_core", &["engine/candle"]),
    // A reference in tests alone.
    ("candle_nn", &[]),
    ("clap", &["cli", "main.rs"]),
    (
        "crc32fast",
        &[
            "disk",
            "formats/gzip.rs",
            "formats/inflate",
            "learn/sampling.rs",
            "learn/slices",
            "licences/tests.rs",
            "volume/checksum.rs",
        ],
    ),
    ("dicom", &["formats", "remote"]),
    ("dicom_dictionary_std", &["formats/dicom", "remote"]),
    ("dicom_ul", &["remote"]),
    ("eframe", &["gui"]),
    ("egui", &["gui"]),
    ("egui_phosphor", &["gui"]),
    ("egui_plot", &["gui"]),
    ("etcetera", &["gui/dialogs", "home"]),
    ("flate2", &["disk/container.rs", "formats", "licences", "remote/web/tests"]),
    ("getrandom", &["formats/dicom/deidentify"]),
    ("half", &["engine/candle", "formats/picture", "graph/onnx", "model/checkpoint"]),
    ("hayro_jpeg2000", &["formats/dicom"]),
    ("indicatif", &["cli"]),
    ("jpeg2k", &["formats/dicom"]),
    ("jpeg_decoder", &["formats/dicom"]),
    ("keyring", &["remote/credentials.rs"]),
    ("lamella_base", &["images.rs", "lib.rs", "networks.rs"]),
    ("lamella_images", &["lib.rs"]),
    ("lamella_networks", &["lib.rs"]),
    ("libc", &["engine/cpu"]),
    ("ndarray", &["engine/cpu"]),
    // Only asked for with the features that tests want.
    ("num_complex", &[]),
    ("png", &["formats/picture"]),
    ("prost", &["graph/onnx"]),
    ("raw_cpuid", &["engine/cpu"]),
    ("rfd", &["gui"]),
    ("rustls", &["remote"]),
    ("rustls_native_certs", &["remote"]),
    ("safetensors", &["model"]),
    ("sha2", &["formats/dicom/deidentify", "jobs/batch", "model"]),
    ("signal_hook", &["cli"]),
    ("sys_locale", &["words"]),
    ("sysinfo", &["work"]),
    ("tracing", &["app", "cli", "gui", "main.rs"]),
    ("tracing_subscriber", &["main.rs"]),
    ("ureq", &["remote/web"]),
    ("windows_sys", &["gui/console.rs"]),
    ("weezl", &["formats/picture"]),
    ("wgpu", &["engine/wgpu"]),
    ("zbus", &["gui"]),
    ("zip", &["model/checkpoint"]),
    // Tests only.
    ("divan", &[]),
    ("egui_kittest", &["gui/panels/tests.rs"]),
    ("image", &[]),
    ("nifti", &["formats/nifti"]),
    ("tiff", &["formats/picture"]),
];

/// Crates that every room may name.
pub const EVERYWHERE: &[&str] = &["proptest", "rayon", "serde", "serde_json", "tempfile", "thiserror"];

/// Paths that only some places may name, however they import them. A path is known by any part of it: `BrickPatch::new`
/// is found in `crate::volume::BrickPatch::new`.
pub const ONLY_HERE: &[(&str, &[&str])] = &[
    ("BrickPatch::between", &["session/painter.rs", "volume/brick_patch.rs"]),
    ("candle_core", &["engine/candle"]),
    ("std::arch", &["engine/cpu"]),
    ("fs::rename", &["disk"]),
    ("process::exit", &["cli"]),
];

/// Where unsafe code may be: the kernels, and two calls of Windows that no crate makes safe.
pub const UNSAFE: &[&str] = &["engine/cpu", "gui/console.rs"];

/// Folders whose circles are printed.
pub const COUNTED: &[&str] = &[
    "work",
    "disk",
    "volume",
    "shape",
    "measure",
    "formats",
    "drawing",
    "remote",
    "graph",
    "zoo",
    "engine",
    "engine/cpu",
    "engine/candle",
    "engine/wgpu",
    "model",
    "pipeline",
    "learn",
    "edit",
    "session",
    "tools",
    "jobs",
    "app",
    "cli",
    "gui",
];

/// Folders that have none, and keep it so.
pub const FREE_OF_CIRCLES: &[&str] =
    &["work", "shape", "measure", "drawing", "remote", "engine", "pipeline", "edit", "session", "tools", "jobs", "gui"];

pub const MAX_LINES: usize = 600;
