//! A model package: one `.safetensors` file with weights and, in its metadata, everything needed to use them.
//!
//! **Invariant:** a model file needs nothing beside it; its weights are checked against their digest before use.
//! **Invariant:** a foreign or damaged file is refused with the first tensor that does not fit.
//!
//! Deliberately absent: running networks, images, training.

pub mod checkpoint;
mod device_times;
mod ensemble;
pub mod foreign;
mod library;
mod package;
mod spec;
pub mod tensor_file;

pub use device_times::{keep_device_times, known_device_times};
pub use ensemble::ensemble;
pub use library::{
    LibraryError, ListedModel, Origin, file_of, find, find_by_checksum, is_bundled, is_id, list, touch, user_folder,
};
pub use package::{Model, ModelError, is_model_file};
pub use spec::{
    ArchitectureSpec, ClassSpec, IntensityNormalisation, ModelSpec, PLAIN_VERSION, Provenance, SPEC_VERSION, SeenScans,
    SliceAxis, Windows,
};
