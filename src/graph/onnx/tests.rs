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

#[test]
fn lists_of_sizes_that_double_are_refused() {
    // 1.4 kB of file would ask for 16 times 2^40 bytes.
    let said = refused(None, |w| {
        let start = w.integers(&[1, 2, 3, 4]);
        let long = (0..40).fold(start, |list, _| w.op("Concat", "c", &[&list, &list], &[("axis", Setting::Int(0))]));
        w.op("Reshape", "r", &["x", &long], &[])
    });
    assert!(said.contains("Concat") && said.contains("too many sizes are computed"), "{said}");
    // The sum counts, not the longest one.
    let said = refused(None, |w| {
        let long = w.integers(&vec![1; 5000]);
        let last = (0..400).fold(long, |list, _| w.op("Identity", "i", &[&list], &[]));
        w.op("Reshape", "r", &["x", &last], &[])
    });
    assert!(said.contains("Identity") && said.contains("too many sizes are computed"), "{said}");
    // Constants that grow by being expanded.
    let said = refused(None, |w| {
        let (one, sizes) = (w.constant(&[1], &[1.0]), w.integers(&[1 << 30]));
        let wide = w.op("Expand", "e", &[&one, &sizes], &[]);
        w.op("Add", "a", &["x", &wide], &[])
    });
    assert!(said.contains("Expand"), "{said}");
}

#[test]
fn a_list_that_is_read_too_often_is_refused() {
    let said = refused(None, |w| {
        let long = w.integers(&vec![0; 30_000]);
        let zero = w.integers(&[0]);
        (0..2_500).for_each(|_| {
            w.op("Gather", "g", &[&long, &zero], &[("axis", Setting::Int(0))]);
        });
        w.op("Relu", "r", &["x"], &[])
    });
    assert!(said.contains("Gather") && said.contains("too often"), "{said}");
}

#[test]
fn what_is_not_supported_is_named() {
    for (op, words) in [
        ("If", "branches and loops"),
        ("Loop", "branches and loops"),
        ("Einsum", "do not have this operation"),
        ("DequantizeLinear", "quantised networks"),
    ] {
        let said = refused(None, |w| w.op(op, "node", &["x"], &[]));
        assert!(said.contains(&format!("the operation {op} (node/{op}_1)")) && said.contains(words), "{said}");
    }
    let border = refused(None, |w| {
        let sides = w.integers(&[0, 0, 1, 1, 0, 0, 1, 1]);
        w.op("Pad", "p", &["x", &sides], &[("mode", Setting::Text("reflect"))])
    });
    assert!(border.contains("Pad (p/Pad_2)") && border.contains("\"reflect\""), "{border}");
    let slopes = refused(None, |w| {
        let slopes = w.constant(&[3, 1, 1], &[0.1, 0.2, 0.3]);
        w.op("PRelu", "p", &["x", &slopes], &[])
    });
    assert!(slopes.contains("slopes of [3, 1, 1]"), "{slopes}");
}

#[test]
fn equal_weights_that_were_merged_are_parameters_of_their_own() {
    let imported = network(None, |w| {
        let (kernel, ones) = (w.constant(&[4, 1, 1, 1], &[0.1, 0.2, 0.3, 0.4]), w.constant(&[4], &[1.0; 4]));
        let zeros = w.constant(&[4], &[0.0; 4]);
        let slope = w.constant(&[1], &[0.25]);
        let mut x = w.op("Conv", "c", &["x", &kernel], &[]);
        for _ in 0..3 {
            x = w.op("InstanceNormalization", "n", &[&x, &ones, &zeros], &[]);
            x = w.op("PRelu", "p", &[&x, &slope], &[]);
        }
        x
    });
    let imported = imported.unwrap();
    let lens: Vec<usize> = imported.graph.parameters.iter().map(crate::graph::Parameter::len).collect();
    assert_eq!(lens, [4, 4, 4, 1, 4, 4, 1, 4, 4, 1]);
    let slopes: Vec<&f32> = imported.weights.values().filter(|t| t.values.len() == 1).map(|t| &t.values[0]).collect();
    assert_eq!(slopes, [&0.25; 3]);
    // The kept structure makes the same parameters.
    assert_eq!(super::import_structure(&imported.structure).unwrap().parameters, imported.graph.parameters);
    // A layer that is applied twice has learned its weights.
    let shared = network(None, |w| {
        let kernel = w.constant(&[1, 1, 1, 2], &[0.1, 0.2]);
        let x = w.op("Conv", "a", &["x", &kernel], &[]);
        w.op("Conv", "b", &[&x, &kernel], &[])
    });
    assert_eq!(shared.unwrap().graph.parameters.len(), 1);
}

#[test]
fn sizes_are_followed_through_halves_that_are_cut_off() {
    // As exporters write (3 - 1) / 2 and 3 / 2 of a border; [0, 1, 0, 1] is what must come out.
    let imported = network(Some([8, 8]), |w| {
        let cast = |w: &mut Writer, x: &str, to: i64| w.op("Cast", "cast", &[x], &[("to", Setting::Int(to))]);
        let (one, two) = (w.integers(&[1]), w.integers(&[2]));
        let float = cast(w, &one, 1);
        let half = w.op("Div", "d", &[&float, &two], &[]);
        let before = cast(w, &half, 7);
        let after = w.op("Sub", "s", &[&one, &before], &[]);
        let zero = w.integers(&[0]);
        let all = [&zero, &zero, &before, &before, &zero, &zero, &after, &after].map(String::as_str);
        let sides = w.op("Concat", "c", &all, &[("axis", Setting::Int(0))]);
        w.op("Pad", "p", &["x", &sides], &[])
    });
    assert_eq!(imported.unwrap().graph.output_size([8, 8]).unwrap(), [9, 9]);
}

#[test]
fn constants_of_64_bits_beside_maps_of_32_are_refused() {
    // What onnxslim 0.1.98 makes of `value_floats`; ONNX Runtime refuses it too.
    let said = refused(None, |w| {
        let y = scaled(w, "x", 2.0);
        let scales = w.file.initializer.last_mut().unwrap();
        (scales.data_type, scales.raw_data) = (Some(11), None);
        scales.double_data = vec![1.0, 1.0, 2.0, 2.0];
        y
    });
    assert!(said.contains("Resize (r/Resize_2)") && said.contains("constant_1 has 64-bit floats"), "{said}");
    // Where they are cast first the file is valid.
    let imported = network(None, |w| {
        let factor = w.constant(&[], &[0.0]);
        let tensor = w.file.initializer.last_mut().unwrap();
        (tensor.data_type, tensor.raw_data) = (Some(11), None);
        tensor.double_data = vec![0.5];
        let factor = w.op("Cast", "cast", &[&factor], &[("to", Setting::Int(1))]);
        w.op("Mul", "m", &["x", &factor], &[])
    });
    assert_eq!(imported.unwrap().weights.values().next().unwrap().values, [0.5]);
}
