//! What holds for every operation in the list, and for what is chosen of them.

use super::*;
use crate::volume::{Affine, Geometry, Label, Rescale, Voxels};
use crate::work::{Signal, Stopped};
use std::collections::BTreeSet;
use std::sync::Arc;

const SHAPE: [usize; 3] = [40, 9, 7];

fn grid() -> Geometry {
    Geometry::new(SHAPE, Affine::from_columns([[0.8, 0.0, 0.0], [0.0, 0.8, 0.0], [0.0, 0.0, 3.0]], [0.0; 3])).unwrap()
}

fn image() -> Volume {
    let voxels = Voxels::I16(Arc::new((0..2520).map(|n| (n % 97) as i16).collect()));
    Volume::new(grid(), voxels, vec![], Rescale::IDENTITY, String::new())
}

fn table() -> LabelTable {
    LabelTable((1..=4).map(|value| Label::new(value, format!("L{value}"))).collect())
}

/// Choices for a run in tests: defaults, and something for what has none.
fn values(operation: &Operation) -> Values {
    let said = operation.parameters.iter().filter(|parameter| parameter.default().is_none()).map(|parameter| {
        let value = match parameter.kind {
            Kind::Label => Value::Label(2),
            Kind::Intensity(End::Low) => Value::Number(10.0),
            Kind::Intensity(End::High) => Value::Number(60.0),
            _ => Value::Voxel([3, 4, 3]),
        };
        (parameter.id.to_string(), value)
    });
    Values::new(operation.parameters, said, SHAPE).unwrap()
}

fn order(operation: &'static Operation, scope: Scope) -> Order {
    Order { operation, values: values(operation), selected: vec![1], scope, frame: 0 }
}

/// Empty; one voxel at the place of the seed; one voxel in a corner; blocks of four labels that touch.
fn maps() -> Vec<LabelMap> {
    let mut maps = vec![LabelMap::empty(grid()); 3];
    maps[1].set([3, 4, 3], 1);
    maps[2].set([39, 8, 6], 1);
    maps.push(LabelMap::from_fn(grid(), |[i, j, k]| match (i, j, k) {
        (2..9, 2..7, 1..6) | (20, 1, 3) => 1,
        (9..15, 2..7, 1..6) => 2,
        (15..33, 3..5, 0..2) => 3,
        (36.., 6.., _) => 4,
        _ => 0,
    }));
    maps
}

#[test]
fn entries_are_complete_and_their_defaults_allowed() {
    let ids: BTreeSet<&str> = OPERATIONS.iter().map(|operation| operation.id).collect();
    let names: BTreeSet<&str> = OPERATIONS.iter().map(|operation| operation.name).collect();
    assert_eq!((ids.len(), names.len()), (OPERATIONS.len(), OPERATIONS.len()));
    let is_plain =
        |id: &str| !id.is_empty() && id.chars().all(|c| c.is_ascii_lowercase() || c == '-' || c.is_ascii_digit());
    for operation in OPERATIONS {
        assert!(is_plain(operation.id) && operation.hint.ends_with('.'), "{}", operation.id);
        let parameters: BTreeSet<&str> = operation.parameters.iter().map(|parameter| parameter.id).collect();
        assert_eq!(parameters.len(), operation.parameters.len(), "{}", operation.id);
        for parameter in operation.parameters {
            assert!(
                is_plain(parameter.id) && !parameter.name.is_empty() && !parameter.hint.is_empty(),
                "{parameter:?}"
            );
            if let Some(default) = parameter.default() {
                let said = [(parameter.id.to_string(), default.clone())];
                let others = values(operation)
                    .all()
                    .filter(|(id, _)| *id != parameter.id)
                    .map(|(id, value)| (id.to_string(), value.clone()))
                    .collect::<Vec<_>>();
                assert!(
                    Values::new(operation.parameters, said.into_iter().chain(others), SHAPE).is_ok(),
                    "{parameter:?}"
                );
                assert_eq!(parameter.read(&default.to_string(), &table()), Ok(default), "{parameter:?}");
            }
        }
    }
}

#[test]
fn every_operation_runs_anywhere_and_leaves_other_labels_alone() {
    let image = image();
    for operation in OPERATIONS {
        for scope in [Scope::Volume, Scope::Slice(Plane::Axial, 3)] {
            for map in maps() {
                let order = order(operation, scope);
                let outcome = match operate(&order, &map, &table(), Some(&image), Watch::unwatched()) {
                    Ok(outcome) => outcome,
                    Err(error) => panic!("{} {scope:?}: {error}", operation.id),
                };
                let said = |label: LabelValue| order.values.all().any(|(_, value)| *value == Value::Label(label));
                let may_change = |label: LabelValue| match operation.changes {
                    Changes::Any => true,
                    Changes::Selected => label == 0 || label == 1,
                    Changes::Named => label == 0 || label == 1 || said(label),
                };
                for k in 0..SHAPE[2] {
                    for j in 0..SHAPE[1] {
                        for i in 0..SHAPE[0] {
                            let voxel = [i, j, k];
                            let (old, new) = (map.get(voxel), outcome.labels.get(voxel));
                            assert!(old == new || may_change(old), "{} {voxel:?} {old} {new}", operation.id);
                            assert!(scope == Scope::Volume || k == 3 || old == new, "{} {voxel:?}", operation.id);
                        }
                    }
                }
                assert!(outcome.added.iter().all(|label| table().get(label.value).is_none()), "{}", operation.id);
                assert_eq!(outcome.labels.geometry().shape(), SHAPE);
            }
        }
    }
}

#[test]
fn every_operation_hears_a_stop_and_needs_a_label() {
    let (image, signal) = (image(), Signal::default());
    signal.stop();
    for operation in OPERATIONS {
        let order = order(operation, Scope::Volume);
        let map = &maps()[3];
        let stopped = operate(&order, map, &table(), Some(&image), Watch::new(&signal)).unwrap_err();
        assert_eq!(stopped, OperationError::Stopped(Stopped), "{}", operation.id);
        let inputs = Inputs { labels: map, table: &table(), image: None, selected: &[1], values: &order.values };
        let inputs = Inputs { image: Some(Image { volume: &image, frame: 0, origin: [0; 3] }), ..inputs };
        assert_eq!(
            (operation.run)(&inputs, Watch::new(&signal)).unwrap_err(),
            OperationError::Stopped(Stopped),
            "{}",
            operation.id
        );
        let none = Order { selected: vec![], ..order };
        let refused = operate(&none, map, &table(), Some(&image), Watch::unwatched()).unwrap_err();
        assert_eq!(refused, OperationError::NoLabel, "{}", operation.id);
        if operation.needs_image {
            let order = Order { selected: vec![1], ..none };
            let refused = operate(&order, map, &table(), None, Watch::unwatched()).unwrap_err();
            assert_eq!(refused, OperationError::NoImage, "{}", operation.id);
        }
    }
}

const SOME: &[Parameter] = &[
    Parameter {
        id: "radius",
        name: "Radius",
        hint: "Radius",
        kind: Kind::Number { unit: "mm", min: 0.1, max: 50.0, step: 0.1, default: 3.0 },
    },
    Parameter {
        id: "keep",
        name: "Keep",
        hint: "Keep",
        kind: Kind::Count { unit: "islands", min: 1, max: 9, default: 1 },
    },
    Parameter { id: "over", name: "Over", hint: "Over", kind: Kind::Flag { default: false } },
    Parameter { id: "label", name: "Label", hint: "Label", kind: Kind::Label },
    Parameter { id: "seed", name: "Seed", hint: "Seed", kind: Kind::Voxel },
    Parameter {
        id: "plane",
        name: "Plane",
        hint: "Plane",
        kind: Kind::Choice(&[Choice { id: "axial", name: "Axial" }, Choice { id: "coronal", name: "Coronal" }]),
    },
];

#[test]
fn what_is_written_is_read_and_what_cannot_be_is_refused_by_name_and_bounds() {
    let read = |said: &[(&str, &str)]| {
        let read = said.iter().map(|(id, text)| {
            let parameter = SOME.iter().find(|parameter| parameter.id == *id);
            Ok((id.to_string(), parameter.map_or(Ok(Value::Flag(true)), |parameter| parameter.read(text, &table()))?))
        });
        Values::new(SOME, read.collect::<Result<Vec<_>, OperationError>>()?, SHAPE)
    };
    let good = read(&[("label", "l3"), ("seed", "39, 8,6"), ("radius", "50")]).unwrap();
    assert_eq!((good.label("label"), good.voxel("seed"), good.number("radius")), (Ok(3), Ok([39, 8, 6]), Ok(50.0)));
    assert_eq!((good.count("keep"), good.flag("over"), good.choice("plane")), (Ok(1), Ok(false), Ok("axial")));
    assert_eq!(good.number("keep"), Err(OperationError::NoSuchParameter("keep")));
    for (said, told) in [
        (vec![("seed", "1,1,1")], "label is missing"),
        (vec![("label", "2")], "seed is missing"),
        (vec![("label", "liver")], "label cannot be liver: it is the number or the name of another label"),
        (vec![("label", "0")], "label cannot be 0"),
        (vec![("label", "2"), ("seed", "40,0,0")], "seed cannot be 40,0,0"),
        (vec![("label", "2"), ("seed", "1,1")], "seed cannot be 1,1"),
        (vec![("radius", "50.1")], "radius cannot be 50.1: it is a number from 0.1 to 50 mm"),
        (vec![("radius", "NaN")], "radius cannot be NaN"),
        (vec![("keep", "0")], "keep cannot be 0: it is a whole number from 1 to 9 islands"),
        (vec![("keep", "1.5")], "keep cannot be 1.5"),
        (vec![("over", "maybe")], "over cannot be maybe: it is yes or no"),
        (vec![("plane", "Axial")], "plane cannot be Axial: it is one of axial, coronal"),
        (vec![("keep", "1"), ("keep", "2")], "keep is given twice"),
        (vec![("size", "1")], "no parameter size; there are radius, keep"),
    ] {
        let error = read(&said).unwrap_err().to_string();
        assert!(error.contains(told), "{error}");
    }
}

#[test]
fn a_name_like_a_number_is_found_where_no_label_has_that_number() {
    let table = LabelTable(vec![Label::new(1, "7"), Label::new(2, "1")]);
    assert_eq!(["1", "7", "9", "x"].map(|text| label_of(text, &table)), [Some(1), Some(1), Some(9), None]);
}

#[test]
fn labels_are_added_exchanged_moved_inverted_and_cleared() {
    let map = &maps()[3];
    let before = map.voxel_counts();
    let [a, b] = [before[&1], before[&2]];
    let all: usize = SHAPE.iter().product();
    let rest = all - before.values().sum::<usize>();
    for (id, own, other, told) in [
        ("add-label", a + b, 0, b),
        ("exchange", b, a, a + b),
        ("move-to-label", 0, a + b, a),
        ("clear", 0, b, a),
        ("invert", rest, b, a + rest),
    ] {
        let outcome =
            operate(&order(find(id).unwrap(), Scope::Volume), map, &table(), None, Watch::unwatched()).unwrap();
        let counts = outcome.labels.voxel_counts();
        let count = |label: LabelValue| counts.get(&label).copied().unwrap_or(0);
        assert_eq!((count(1), count(2), count(3), outcome.tallies[0].count), (own, other, before[&3], told), "{id}");
    }
    let same = Order { selected: vec![2], ..order(find("exchange").unwrap(), Scope::Volume) };
    assert_eq!(operate(&same, map, &table(), None, Watch::unwatched()).unwrap_err(), OperationError::SameLabel(2));
    let several = Order { selected: vec![1, 3], ..order(find("exchange").unwrap(), Scope::Volume) };
    assert_eq!(operate(&several, map, &table(), None, Watch::unwatched()).unwrap_err(), OperationError::OneLabel(2));
}
