//! What the window knows: data and small questions about it, a subject a file. Whoever changes more than one subject is in `act`.

pub mod attention;
pub mod comparing;
pub mod joining;
pub mod keymap;
pub mod leaving;
pub mod models;
pub mod notices;
pub mod numbers;
pub mod paths;
pub mod picture;
pub mod pixels;
pub mod recent;
pub mod request;
pub mod saving;
pub mod scan_choices;
pub mod scans;
pub mod segmenting;
pub mod settings;
pub mod studio;
pub mod tasks;
pub mod teach;
pub mod tiles;
pub mod views;
