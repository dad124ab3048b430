//! What is done: functions over the studio, a subject a file. Commands and requests end here.

pub mod attention;
pub mod comparing;
pub mod following;
pub mod joining;
pub mod labels;
pub mod leaving;
pub mod models;
pub mod numbers;
pub mod painting;
pub mod picture;
pub mod pixels;
pub mod recent;
pub mod refining;
pub mod saving;
pub mod scans;
pub mod segmenting;
pub mod teach;
pub mod told;
pub mod traveling;
