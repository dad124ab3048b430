//! What reaches the graphics device: opaque rectangles, large pictures, the body, parts of a window that are kept.

pub mod body;
pub mod opaque;
pub mod still;
pub mod textures;
pub mod tiled_texture;
