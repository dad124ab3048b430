//! Points of a path through the patient, from a file: a list of points, or a curve that 3D Slicer saved.

use std::io::Read;
use std::path::Path;

use serde::Deserialize;

use super::error::{FormatError, Result};
use crate::disk::open_regular_file;
use crate::volume::Vec3;

/// Most bytes of such a file.
const MOST_BYTES: u64 = 16 << 20;

/// What a file may be.
#[derive(Deserialize)]
#[serde(untagged)]
enum File {
    /// A list of points in RAS millimetres.
    Plain(Vec<Vec3>),
    /// 3D Slicer's Markups (<https://github.com/Slicer/Slicer>, Modules/Loadable/Markups/Resources/Schema).
    Markups { markups: Vec<Markup> },
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Markup {
    /// LPS, RAS, or the number that stands for it; LPS where nothing is said.
    coordinate_system: Option<String>,
    control_points: Vec<ControlPoint>,
}

#[derive(Deserialize)]
struct ControlPoint {
    position: Option<Vec3>,
}

/// Reads the points of a path in RAS millimetres, in their order.
///
/// # Errors
/// When the file cannot be read, is no such list, or holds several curves.
pub fn read_path_points(path: &Path) -> Result<Vec<Vec3>> {
    let mut text = String::new();
    let file = open_regular_file(path).map_err(|error| FormatError::read(path, error))?;
    file.take(MOST_BYTES + 1).read_to_string(&mut text).map_err(|error| FormatError::read(path, error))?;
    if text.len() as u64 > MOST_BYTES {
        return Err(FormatError::unsupported(path, "a file of points has 16 MiB at most"));
    }
    let malformed = |why: &str| {
        let problem =
            format!("no list of points: [[x, y, z], ...] in RAS mm, or a curve of 3D Slicer (.mrk.json); {why}");
        FormatError::malformed(path, problem)
    };
    let unread = |error: serde_json::Error| {
        // What a file of another form is not, in the words of the parser, helps nobody.
        if error.is_data() { malformed("it has neither form") } else { malformed(&error.to_string()) }
    };
    match serde_json::from_str(&text).map_err(unread)? {
        File::Plain(points) => Ok(points),
        File::Markups { markups } => {
            let [markup] = &markups[..] else {
                return Err(malformed(&format!("it holds {} curves, and one is wanted", markups.len())));
            };
            let signs = match markup.coordinate_system.as_deref() {
                Some("RAS" | "0") => [1.0; 3],
                None | Some("LPS" | "1") => [-1.0, -1.0, 1.0],
                Some(other) => return Err(malformed(&format!("its coordinateSystem is {other:?}"))),
            };
            let of = |place: Vec3| [0, 1, 2].map(|axis| place[axis] * signs[axis]);
            Ok(markup.control_points.iter().filter_map(|point| point.position).map(of).collect())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Vec<Vec3>> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("path.json");
        std::fs::write(&path, text).unwrap();
        read_path_points(&path)
    }

    #[test]
    fn lists_and_curves_of_slicer_are_read_in_ras() {
        assert_eq!(read("[[1, 2.5, -3], [4, 5, 6]]").unwrap(), [[1.0, 2.5, -3.0], [4.0, 5.0, 6.0]]);
        let curve = |system: &str| {
            format!(
                r#"{{"@schema": "s", "markups": [{{"type": "Curve", {system} "controlPoints":
                [{{"id": "1", "position": [1, 2, 3]}}, {{"id": "2", "position": null}}, {{"position": [4, 5, 6]}}]}}]}}"#
            )
        };
        let ras = [[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]];
        let turned = ras.map(|[x, y, z]| [-x, -y, z]);
        assert_eq!(read(&curve(r#""coordinateSystem": "LPS","#)).unwrap(), turned);
        assert_eq!(read(&curve("")).unwrap(), turned);
        assert_eq!(read(&curve(r#""coordinateSystem": "RAS","#)).unwrap(), ras);
        assert!(read(&curve(r#""coordinateSystem": "IJK","#)).is_err());
    }

    #[test]
    fn what_is_no_list_of_points_is_refused() {
        for text in ["", "{}", "[[1, 2]]", "[1, 2, 3]", r#"{"markups": []}"#, "[[1, 2, \"x\"]]", "\u{0}"] {
            let error = read(text).unwrap_err().to_string();
            assert!(error.contains("no list of points"), "{text:?}: {error}");
        }
        assert!(matches!(read_path_points(Path::new("there/is/none.json")), Err(FormatError::Read { .. })));
    }
}
