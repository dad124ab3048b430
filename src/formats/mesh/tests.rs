//! What stands in the files. That others read them the same is checked in `tests/python/check_meshes.py`.

use super::*;

fn tetrahedron(at: f64, name: &str) -> Surface {
    let vertices = vec![[at, 0.0, 0.0], [at + 2.0, 0.0, 0.0], [at, 3.0, 0.0], [at, 0.0, 4.0]];
    let triangles = vec![[0, 2, 1], [0, 1, 3], [0, 3, 2], [1, 2, 3]];
    Surface { name: name.into(), colour: [255, 128, 0], mesh: Mesh { vertices, triangles } }
}

fn written(write: fn(&Path, &[Surface], Watch) -> Result<()>, name: &str, surfaces: &[Surface]) -> (Vec<u8>, String) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    write(&path, surfaces, Watch::unwatched()).unwrap();
    let materials = std::fs::read_to_string(path.with_extension("mtl")).unwrap_or_default();
    (std::fs::read(path).unwrap(), materials)
}

#[test]
fn stl_has_fifty_bytes_a_triangle_in_lps() {
    let (bytes, _) = written(stl::write, "a.stl", &[tetrahedron(1.0, "a")]);
    assert_eq!(bytes.len(), 80 + 4 + 4 * 50);
    let header = String::from_utf8_lossy(&bytes[..80]).into_owned();
    assert!(header.contains("SPACE=LPS") && !header.starts_with("solid"), "{header}");
    assert_eq!(bytes[80..84], 4u32.to_le_bytes());
    let number = |at: usize| f32::from_le_bytes(bytes[at..at + 4].try_into().unwrap());
    let first: Vec<f32> = (0..12).map(|n| number(84 + 4 * n)).collect();
    // Down, and the corners (1, 0, 0), (1, 3, 0), (3, 0, 0) with the first two axes turned round.
    assert_eq!(first, [0.0, 0.0, -1.0, -1.0, 0.0, 0.0, -1.0, -3.0, 0.0, -3.0, 0.0, 0.0]);
}

#[test]
fn ply_and_obj_count_the_corners_of_all_labels() {
    let two = [tetrahedron(1.0, "left\nlobe"), tetrahedron(9.0, "second")];
    let (bytes, _) = written(ply::write, "a.ply", &two);
    let text = String::from_utf8_lossy(&bytes).into_owned();
    for line in ["comment SPACE=LPS", "comment label left lobe", "element vertex 8", "element face 8"] {
        assert!(text.contains(&format!("{line}\n")), "{line}");
    }
    assert_eq!(bytes.len(), text.find("end_header\n").unwrap() + "end_header\n".len() + 8 * 15 + 8 * 13);
    assert_eq!(bytes[bytes.len() - 13..], [3, 5, 0, 0, 0, 6, 0, 0, 0, 7, 0, 0, 0]);
    let (bytes, materials) = written(obj::write, "a.obj", &two);
    let text = String::from_utf8(bytes).unwrap();
    for line in ["# SPACE=LPS", "mtllib a.mtl", "g left_lobe", "v -1 0 0", "f 1 3 2", "f 6 7 8", "usemtl label_2"] {
        assert!(text.lines().any(|other| other == line), "{line}: {text}");
    }
    assert!(materials.contains("newmtl label_1\nKd 1.000000 0.501961 0.000000\n"), "{materials}");
}

#[test]
fn every_file_begins_as_surfaces_do_and_an_empty_one_is_whole() {
    for (write, name) in [
        (stl::write as fn(&Path, &[Surface], Watch) -> Result<()>, "a.stl"),
        (ply::write, "a.ply"),
        (obj::write, "a.obj"),
    ] {
        let (bytes, _) = written(write, name, &[]);
        assert!(SURFACE_STARTS.iter().any(|start| bytes.starts_with(start.as_bytes())), "{name}");
    }
}
