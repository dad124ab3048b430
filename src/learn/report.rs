//! What a training came to, as tables and a picture.
#![allow(clippy::format_push_string, reason = "a report is small, and reads better so")]

use std::collections::BTreeSet;

use super::epoch::Epoch;
use super::validation::CaseDice;

/// Size of the picture.
const SIZE: [f64; 2] = [720.0, 360.0];
/// Room for the axes: left, right, top, bottom.
const ROOM: [f64; 4] = [56.0, 150.0, 24.0, 44.0];
/// Colours of the labels' lines (Okabe and Ito), that most people can tell apart.
const COLOURS: [&str; 6] = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9"];

/// A field of a table: quoted where it needs to be.
fn field(text: &str) -> String {
    if text.contains([',', '"', '\n']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text.to_string() }
}

/// Names of all labels that were measured.
fn labels<'a>(epochs: &'a [Epoch], cases: &'a [CaseDice]) -> BTreeSet<&'a str> {
    let of_epochs = epochs.iter().filter_map(|epoch| epoch.dice.as_ref());
    of_epochs.chain(cases.iter().map(|case| &case.dice)).flat_map(|dice| dice.keys()).map(String::as_str).collect()
}

/// Epoch, seconds, loss, and mean Dice of each label where it was measured, with a header.
pub fn curve_table(epochs: &[Epoch]) -> String {
    let labels = labels(epochs, &[]);
    let mut text = String::from("epoch,seconds,rate,loss");
    labels.iter().for_each(|label| text += &format!(",{}", field(&format!("Dice {label}"))));
    text += "\n";
    for epoch in epochs {
        text += &format!("{},{:.1},{:.3e},{:.5}", epoch.number, epoch.seconds, epoch.rate, epoch.loss);
        for label in &labels {
            let dice = epoch.dice.as_ref().and_then(|dice| dice.get(*label));
            text += &dice.map_or(",".to_string(), |d| format!(",{d:.4}"));
        }
        text += "\n";
    }
    text
}

/// Dice of every held-back case and label, the worst case first, with a header; beside it that of the model that training
/// started from, where there was one.
pub fn case_table(cases: &[CaseDice], before: &[CaseDice]) -> String {
    let labels = labels(&[], cases);
    let mut text = String::from("case");
    labels.iter().for_each(|label| text += &format!(",{}", field(&format!("Dice {label}"))));
    if !before.is_empty() {
        labels.iter().for_each(|label| text += &format!(",{}", field(&format!("Dice {label} before"))));
    }
    text += "\n";
    for case in worst_first(cases) {
        text += &field(&case.name);
        let mut columns = |dice: Option<&CaseDice>| {
            for label in &labels {
                let value = dice.and_then(|case| case.dice.get(*label));
                text += &value.map_or(",".to_string(), |d| format!(",{d:.4}"));
            }
        };
        columns(Some(case));
        if !before.is_empty() {
            columns(before.iter().find(|other| other.name == case.name));
        }
        text += "\n";
    }
    text
}

/// Cases by their mean Dice, the lowest first.
pub fn worst_first(cases: &[CaseDice]) -> Vec<&CaseDice> {
    let mut sorted: Vec<&CaseDice> = cases.iter().collect();
    sorted.sort_by(|a, b| a.mean().total_cmp(&b.mean()));
    sorted
}

/// Loss and Dice over minutes, as SVG. Dice runs from 0 to 1, the loss over its own range.
pub fn curve_picture(title: &str, epochs: &[Epoch]) -> String {
    let [left, right, top, bottom] = ROOM;
    let (width, height) = (SIZE[0] - left - right, SIZE[1] - top - bottom);
    let minutes = epochs.last().map_or(1.0, |epoch| (epoch.seconds / 60.0).max(1e-3));
    let losses = || epochs.iter().map(|epoch| epoch.loss).filter(|loss| loss.is_finite());
    let (low, high) = (losses().fold(f64::INFINITY, f64::min), losses().fold(f64::NEG_INFINITY, f64::max));
    let x = |epoch: &Epoch| left + width * epoch.seconds / 60.0 / minutes;
    let y = |share: f64| top + height * (1.0 - share.clamp(0.0, 1.0));
    let mut lines: Vec<(String, &str, Vec<[f64; 2]>)> = Vec::new();
    let of_loss = |epoch: &Epoch| [x(epoch), y((epoch.loss - low) / (high - low).max(1e-12))];
    if low.is_finite() {
        let points = epochs.iter().filter(|epoch| epoch.loss.is_finite()).map(of_loss).collect();
        lines.push((format!("loss ({low:.2} to {high:.2})"), "#999999", points));
    }
    for (n, label) in labels(epochs, &[]).into_iter().enumerate() {
        let points = epochs.iter().filter_map(|e| e.dice.as_ref()?.get(label).map(|&d| [x(e), y(d)])).collect();
        lines.push((format!("Dice {label}"), COLOURS[n % COLOURS.len()], points));
    }
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{0}\" height=\"{1}\" viewBox=\"0 0 {0} {1}\" \
         font-family=\"sans-serif\" font-size=\"12\">\n<rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n\
         <text x=\"{left}\" y=\"16\">{2}</text>\n",
        SIZE[0],
        SIZE[1],
        escaped(title)
    );
    for step in 0..=5 {
        let share = f64::from(step) / 5.0;
        let (at, along) = (y(share), left + width * share);
        svg += &format!(
            "<path d=\"M{left} {at:.1}H{:.1}\" stroke=\"#dddddd\"/>\n<text x=\"{:.1}\" y=\"{:.1}\" \
             text-anchor=\"end\">{share:.1}</text>\n<text x=\"{along:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{:.1}</text>\n",
            left + width,
            left - 8.0,
            at + 4.0,
            top + height + 18.0,
            minutes * share
        );
    }
    svg += &format!(
        "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"middle\">minutes</text>\n",
        left + width / 2.0,
        SIZE[1] - 8.0
    );
    for (n, (name, colour, points)) in lines.iter().enumerate() {
        let path: Vec<String> = points.iter().map(|[x, y]| format!("{x:.1},{y:.1}")).collect();
        let at = top + 12.0 + 18.0 * n as f64;
        if let [[x, y]] = points[..] {
            svg += &format!("<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"3\" fill=\"{colour}\"/>\n");
        }
        svg += &format!(
            "<polyline points=\"{}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"2\"/>\n\
             <text x=\"{:.1}\" y=\"{at:.1}\" fill=\"{colour}\">{}</text>\n",
            path.join(" "),
            left + width + 10.0,
            escaped(name)
        );
    }
    svg + "</svg>\n"
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    fn dice(values: &[(&str, f64)]) -> BTreeMap<String, f64> {
        values.iter().map(|(name, d)| ((*name).to_string(), *d)).collect()
    }

    fn epochs() -> Vec<Epoch> {
        let epoch = |number: usize, dice| Epoch {
            number,
            done: 0.5,
            loss: 1.0 / number as f64,
            dice,
            best: false,
            seconds: 30.0,
            rate: 1e-3,
        };
        vec![epoch(1, None), epoch(2, Some(dice(&[("a, b", 0.5), ("c", 0.25)])))]
    }

    #[test]
    fn tables_have_a_column_for_each_label_and_the_worst_case_first() {
        assert_eq!(
            curve_table(&epochs()),
            "epoch,seconds,rate,loss,\"Dice a, b\",Dice c\n1,30.0,1.000e-3,1.00000,,\n2,30.0,1.000e-3,0.50000,0.5000,0.2500\n"
        );
        let case = |name: &str, values| CaseDice { name: name.into(), dice: dice(values) };
        let cases = [case("good", &[("a", 0.9), ("b", 0.8)]), case("poor", &[("b", 0.1)])];
        assert_eq!(case_table(&cases, &[]), "case,Dice a,Dice b\npoor,,0.1000\ngood,0.9000,0.8000\n");
        assert_eq!(
            case_table(&cases, &[case("good", &[("a", 0.5)])]),
            "case,Dice a,Dice b,Dice a before,Dice b before\npoor,,0.1000,,\ngood,0.9000,0.8000,0.5000,\n"
        );
    }

    #[test]
    fn the_picture_has_a_line_for_the_loss_and_each_label() {
        let svg = curve_picture("a < b", &epochs());
        assert_eq!(svg.matches("<polyline").count(), 3);
        assert!(svg.contains("a &lt; b") && !svg.contains("NaN"), "{svg}");
        // One measurement is a point; of a training that was stopped at once there is no line.
        assert_eq!(svg.matches("<circle").count(), 2);
        let nothing = curve_picture("", &[]);
        assert!(!nothing.contains("inf") && !nothing.contains("<polyline"), "{nothing}");
    }
}
