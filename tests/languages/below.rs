//! Messages of the rooms below the window: each has its translation, or a reason why no window shows it.

use std::collections::BTreeSet;
use std::path::Path;

use super::sources::{Literal, is_text, literals, messages, sources};
use super::{UNREAD, assert_none, has, keys};
use lamella::words::SAID_BY_SYSTEM;

/// Rooms whose messages the window shows, with those of their files that only the command line runs, or that say nothing to people.
const BELOW: &[(&str, &[&str])] = &[
    ("disk", &[]),
    ("drawing", &[]),
    ("edit", &[]),
    // Programs of a graphics card, and what steps are called where the command line measures them.
    ("engine", &["wgpu/shader.rs", "wgpu/training/shaders.rs", "wgpu/training/plan.rs", "cpu/compiled/"]),
    ("formats", &[]),
    // Networks of other programs are taken over by the command line alone; a model that was has a checksum.
    ("graph", &["graph/onnx/"]),
    (
        "jobs",
        &[
            "jobs/batch",
            "jobs/bench",
            "jobs/cross_validate.rs",
            "jobs/draw_sample.rs",
            "jobs/evaluate.rs",
            "jobs/remote_receive.rs",
            "jobs/structures.rs",
            "jobs/touch.rs",
        ],
    ),
    ("learn", &["learn/touch/"]),
    ("measure", &[]),
    ("model", &["model/foreign/", "model/checkpoint/", "model/ensemble.rs"]),
    ("pipeline", &[]),
    ("remote", &[]),
    ("session", &[]),
    ("shape", &[]),
    ("volume", &["volume/anatomy.rs"]),
    ("work", &[]),
    ("zoo", &[]),
];

/// What reads as a text there and is shown by no window, by the reason.
const NOT_SHOWN: &[(&str, &[&str])] = &[
    (
        "names of servers, and lists of names, which have no other words",
        &[
            "{} at {}",
            "{} at {from}",
            "{called} at {host}:{port}",
            "not listed {}",
            "server {}: {}",
            "{}: {}, and {} more",
        ],
    ),
    ("parameters that no choice of the window makes", &["additional results", "{:.0} cm"]),
    ("columns of a report, which is a file", &["Dice {label} before", "loss ({low:.2} to {high:.2})"]),
    (
        "written into files, which are the same in every language",
        &[
            "# Lamella surface OBJ",
            "{START}\n# {SPACE}\n# unit=mm\nmtllib {name}",
            "g {}\nusemtl label_{}",
            "{START}, colours",
            "# {}\nnewmtl label_{}\nKd {r:.6} {g:.6} {b:.6}",
            "ply\nformat binary_little_endian 1.0\ncomment Lamella surface",
            "{START}\ncomment {SPACE}\ncomment unit=mm\n",
            "comment label {}",
            "Lamella surface STL",
            "Segmentation category and type - 3D Slicer General Anatomy list",
            "Anatomic codes - DICOM master list",
            "Binary labelmap",
            "element vertex {corners}\nproperty float x\nproperty float y\nproperty float z\nproperty uchar red\nproperty uchar green\nproperty uchar blue\nelement face {triangles}\nproperty list uchar int vertex_indices\nend_header\n",
            "NRRD0005\n# Complete NRRD file format specification at:\n# http://teem.sourceforge.net/nrrd/format.html\ntype: {}\ndimension: {}\nspace: left-posterior-superior\nsizes: {}\nspace directions: {i} {j} {k}{none}\nkinds: domain domain domain{list}\nendian: little\nspace origin: {origin}\n",
            "encoding: raw\ndata file: {name}\n",
            "encoding: gzip\n",
            "Lamella series",
            "Written by Lamella. Research use only, not for diagnosis",
            "Source image for image processing operation",
            "Lamella: DICOM PS3.15 Annex E, basic profile",
            "Research use only, not for diagnosis",
            "Contours, for research use only",
            "Lamella research",
            "Contours of a mask, for research use only",
            "For research use only. Outlines of voxels along their edges.",
            "Labels and finished slices of the mask of this name (Lamella)",
            "index\tname\tabbreviation\tcolor\tmapping\n",
            "lamella refine -m {}",
        ],
    ),
    (
        "words of the formats themselves: fields and types of NRRD and NIfTI, units, attributes of DICOM",
        &[
            "space directions",
            "axis mins",
            "axis maxs",
            "block size",
            "old min",
            "old max",
            "data file",
            "line skip",
            "byte skip",
            "sample units",
            "space dimension",
            "space units",
            "space origin",
            "measurement frame",
            "signed char",
            "unsigned char",
            "short int",
            "signed short",
            "signed short int",
            "unsigned short",
            "unsigned short int",
            "signed int",
            "unsigned int",
            "long long",
            "long long int",
            "signed long long",
            "signed long long int",
            "unsigned long long",
            "unsigned long long int",
            "Segment{number}_Color is {:?}",
            "Samples per Pixel",
            "Number of Frames",
            "Frames in the File",
            "LUT Descriptor of the Modality LUT",
            "Sequence of Ultrasound Regions",
            "Frame of Reference UID",
            "Energy Window and Detector",
            "Rows and Columns",
            "Number of Contour Points",
            "qform code",
            "sform code",
            "reference frame",
            "{:.1} ms",
        ],
    ),
    (
        "compared with, and not said: what drivers and the system write",
        &["out of memory", "failed to create resource", "Max address space", "Max data size"],
    ),
    (
        "names of devices and of bundled models",
        &[
            "{}, software",
            "CUDA device {number}",
            "{model} (CUDA device {number})",
            "bundled model touch",
            "bundled model {name}",
        ],
    ),
    ("documentation that a macro makes", &["A number of the type ", " at a place; 0 behind the end."]),
];

/// What of some sources is neither in the catalogue nor among what no window shows, and how many messages there are.
fn outside(of: impl Iterator<Item = Literal>) -> (BTreeSet<String>, usize) {
    let keys = keys();
    let mut missing = BTreeSet::new();
    let mut count = 0;
    for literal in of {
        count += 1;
        let is_unread = UNREAD.iter().any(|start| literal.before.contains(start));
        if !is_unread && !has(&keys, &literal.text) && not_shown().all(|text| text != literal.text) {
            missing.insert(format!("{}: {:?}", literal.place, literal.text));
        }
    }
    (missing, count)
}

fn not_shown() -> impl Iterator<Item = &'static str> {
    NOT_SHOWN.iter().flat_map(|(_, texts)| texts.iter().copied())
}

fn is_run_by_window(path: &Path, others: &[&str]) -> bool {
    !others.iter().any(|part| path.to_string_lossy().replace('\\', "/").contains(part))
}

fn below() -> impl Iterator<Item = Literal> {
    BELOW.iter().flat_map(|(room, others)| {
        sources(room)
            .into_iter()
            .filter(|(path, _)| is_run_by_window(path, others))
            .flat_map(|(path, source)| messages(&path, &source))
    })
}

#[test]
fn no_message_from_below_the_window_is_outside_the_catalogue() {
    let (missing, count) = outside(below());
    assert!(count > 1900, "only {count} messages were found");
    let errors = below().filter(Literal::is_of_error).count();
    assert!(errors > 90, "only {errors} templates of errors were found");
    assert_none(&missing, "neither in the catalogue nor among what no window shows");
}

#[test]
fn a_message_that_is_missing_is_found() {
    let planted = r#"
        #[error("the moon of {planet} is missing")]
        Moon { planet: String },
        #[error(
            "{what}: {}"
        )]
        #[allow(clippy::unwrap_used, reason = "nobody reads this reason")]
        let reason = "a planted reason";
        JobError::Other(format!(
            "{} was planted, and {what} is why",
        ));
        assert!(true, "nobody reads what a test says");
        warnings.push("Planted: One More.".to_string());
    "#;
    let (missing, count) = outside(messages(Path::new("planted.rs"), planted).into_iter());
    let wanted = [
        "planted.rs:10: \"{} was planted, and {what} is why\"",
        "planted.rs:2: \"the moon of {planet} is missing\"",
        "planted.rs:5: \"{what}: {}\"",
        "planted.rs:8: \"a planted reason\"",
    ];
    assert_eq!(missing.into_iter().collect::<Vec<_>>(), wanted);
    assert_eq!(count, wanted.len());
}

#[test]
fn nothing_is_excepted_that_is_said_nowhere() {
    let said: BTreeSet<String> = below().map(|literal| literal.text).collect();
    let gone: BTreeSet<String> = not_shown().filter(|text| !said.contains(*text)).map(str::to_string).collect();
    assert_none(&gone, "among what no window shows, and said nowhere");
    for (room, others) in BELOW {
        let all = sources(room);
        for part in *others {
            assert!(all.iter().any(|(path, _)| !is_run_by_window(path, &[part])), "src/{room} has no {part}");
        }
    }
}

#[test]
fn what_the_system_says_is_in_the_catalogue() {
    let keys = keys();
    let missing: BTreeSet<String> =
        SAID_BY_SYSTEM.iter().filter(|text| !has(&keys, text)).map(ToString::to_string).collect();
    assert!(SAID_BY_SYSTEM.len() > 20);
    assert_none(&missing, "said by the system, and not in the catalogue");
}

/// What a reader says is a whole sentence: a warning, which the window shows beside the scan. The first is written into a file.
#[test]
fn every_warning_of_a_reader_is_in_the_catalogue() {
    let keys = keys();
    let mut missing = BTreeSet::new();
    let mut count = 0;
    for (path, source) in sources("formats") {
        for literal in literals(&path, &source) {
            let text = literal.text.trim_start();
            let is_sentence = text.starts_with(|letter: char| letter.is_ascii_uppercase() || letter == '{');
            if is_sentence && text.ends_with('.') && is_text(text) && !text.starts_with("For research use only.") {
                count += 1;
                if !has(&keys, &literal.text) {
                    missing.insert(format!("{}: {:?}", literal.place, literal.text));
                }
            }
        }
    }
    assert!(count > 130, "only {count} warnings were found");
    assert_none(&missing, "warnings that are not in the catalogue");
}
