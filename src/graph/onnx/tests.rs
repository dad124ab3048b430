//! Files that must be refused, with a sentence and without harm.

use prost::Message;

use super::proto::{ModelProto, OperatorSetId};
use super::write::{Setting, Writer, float_tensor};
use super::{Imported, OnnxError, import};

/// A network of one operation after the other, from an image `x` of one channel and this size.
fn network(size: Option<[usize; 2]>, write: impl FnOnce(&mut Writer) -> String) -> Result<Imported, OnnxError> {
    let mut writer = Writer::default();
    let result = write(&mut writer);
    let dims = match size {
        Some([h, w]) => [Ok(1), Ok(1), Ok(h), Ok(w)],
        None => [Err("n"), Ok(1), Err("h"), Err("w")],
    };
    writer.file.input.push(float_tensor("x", &dims));
    writer.file.output.push(float_tensor(&result, &[]));
    let opset_import = vec![OperatorSetId { domain: String::new(), version: Some(17) }];
    let file = ModelProto { graph: Some(writer.file), opset_import, ..ModelProto::default() };
    import(&file.encode_to_vec(), &|name, _, _| Err(name.to_string()))
}

fn refused(size: Option<[usize; 2]>, write: impl FnOnce(&mut Writer) -> String) -> String {
    match network(size, write) {
        Ok(imported) => imported.graph.into_logits().err().unwrap_or_else(|| "taken over".into()),
        Err(error) => error.to_string(),
    }
}

fn scaled(writer: &mut Writer, x: &str, factor: f32) -> String {
    let scales = writer.constant(&[4], &[1.0, 1.0, factor, factor]);
    let settings = [
        ("mode", Setting::Text("nearest")),
        ("coordinate_transformation_mode", Setting::Text("asymmetric")),
        ("nearest_mode", Setting::Text("floor")),
    ];
    writer.op("Resize", "r", &[x, "", &scales], &settings)
}

#[test]
fn channels_without_measure_are_refused() {
    let said = refused(None, |w| {
        (0..64).fold("x".into(), |x, _| w.op("Concat", "c", &[&x, &x], &[("axis", Setting::Int(1))]))
    });
    assert!(said.contains("131072 channels"), "{said}");
}

#[test]
fn sizes_beyond_all_numbers_are_refused() {
    let said = refused(Some([8192, 8192]), |w| {
        let x = (0..12).fold("x".to_string(), |x, _| scaled(w, &x, 64.0));
        let sizes = w.integers(&[1, 1, 64, 64]);
        w.op("Resize", "r", &[&x, "", "", &sizes], &[("mode", Setting::Text("nearest"))])
    });
    assert_ne!(said, "taken over");
}

#[test]
fn constants_without_values_are_refused() {
    let said = refused(None, |w| {
        let (a, b) = (w.constant(&[0], &[]), w.constant(&[1], &[1.0]));
        let c = w.op("Add", "a", &[&a, &b], &[]);
        w.op("Add", "b", &["x", &c], &[])
    });
    assert!(said.contains("constants of [0]"), "{said}");
}

#[test]
fn probabilities_that_are_resampled_are_refused() {
    let said = refused(None, |w| {
        let p = w.op("Sigmoid", "s", &["x"], &[]);
        scaled(w, &p, 2.0)
    });
    assert!(said.contains("last activation"), "{said}");
}

#[test]
fn images_that_are_mixed_are_refused() {
    let said = refused(Some([8, 8]), |w| {
        let sizes = w.integers(&[2, -1, 8, 8]);
        w.op("Reshape", "r", &["x", &sizes], &[])
    });
    assert!(said.contains("Reshape"), "{said}");
}

#[test]
fn rounded_values_and_fractional_factors_are_refused() {
    let rounded = refused(None, |w| w.op("Floor", "f", &["x"], &[]));
    assert!(rounded.contains("rounded"), "{rounded}");
    let factor = refused(Some([5, 5]), |w| scaled(w, "x", 1.5));
    assert!(factor.contains("whole factors"), "{factor}");
}

#[test]
fn two_values_of_one_name_are_refused() {
    let said = refused(None, |w| {
        let a = w.op("Relu", "a", &["x"], &[]);
        let b = w.op("Relu", "b", &[&a], &[]);
        w.file.node[1].output = vec![a.clone()];
        let _ = b;
        a
    });
    assert!(said.contains("two results"), "{said}");
}

#[test]
fn what_is_understood_is_taken_over() {
    let imported = network(None, |w| {
        let y = scaled(w, "x", 2.0);
        w.op("Relu", "a", &[&y], &[])
    });
    let graph = imported.unwrap().graph;
    assert_eq!(graph.output_size([10, 12]).unwrap(), [20, 24]);
}
