//! What reaches the graphics device: opaque rectangles, large pictures, parts of a window that are kept.

pub mod opaque;
pub mod still;
pub mod textures;
pub mod tiled_texture;
