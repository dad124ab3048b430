//! Rulers, angles and regions by pointer events. A pixel of the middle axial slice is 0.5 x 1.0 mm, the screen's 0.3 and 0.2 pixels a point.

use super::*;
use crate::session::Document;
use crate::volume::{Figure, Measurement};

/// The measurements of the only scan, oldest first.
fn all(document: &Document) -> Vec<Measurement> {
    let (scan, _) = document.scans().next().unwrap();
    document.measurements(scan).iter().map(|(_, own)| own.clone()).collect()
}

/// Sends events to a tool, and applies what comes of them; the texts that the user is told.
fn send(
    session: &mut Session,
    of: SegmentationId,
    tool: &mut dyn Tool,
    events: &[(PointerKind, [f64; 2])],
) -> Vec<String> {
    let rules = PaintRules::default();
    let mut told = Vec::new();
    for (kind, point) in events {
        let reply = tool.pointer(&slice(session, of, Plane::Axial, &rules), &at(*kind, *point));
        told.extend(reply.refusal.map(|refusal| format!("{refusal:?}")));
        for command in reply.commands {
            session.apply(command).unwrap();
        }
    }
    told
}

const PRESS: PointerKind = PointerKind::Press(Button::Primary);
const DRAG: PointerKind = PointerKind::Drag(Button::Primary);
const RELEASE: PointerKind = PointerKind::Release(Button::Primary);

fn dragged(from: [f64; 2], to: [f64; 2]) -> [(PointerKind, [f64; 2]); 3] {
    [(PRESS, from), (DRAG, to), (RELEASE, to)]
}

fn is_near(a: &[[f64; 2]], b: &[[f64; 2]]) -> bool {
    a.len() == b.len() && a.iter().flatten().zip(b.iter().flatten()).all(|(a, b)| (a - b).abs() < 1e-9)
}

#[test]
fn a_ruler_is_drawn_and_its_end_is_moved_by_the_crosshair() {
    let (mut session, of) = session();
    let mut tool = (find("ruler").unwrap().make)();
    let told = send(&mut session, of, &mut *tool, &dragged([4.0, 3.0], [20.0, 9.0]));
    assert!(told.is_empty(), "{told:?}");
    let geometry = labels(&session, of).geometry().clone();
    let [ruler] = &all(session.document())[..] else { panic!() };
    assert_eq!((ruler.name.as_str(), ruler.slice(&geometry)), ("Ruler 1", Some(10)));
    assert!(is_near(&ruler.pixels(&geometry), &[[4.0, 3.0], [20.0, 9.0]]));
    let Figure::Ruler([a, b]) = ruler.figure else { panic!() };
    // 16 pixels of 0.5 mm and 6 of 1.5 mm.
    let mm: f64 = a.iter().zip(b).map(|(a, b)| (a - b) * (a - b)).sum::<f64>().sqrt();
    assert!(
        (mm - 8f64.hypot(6.0 * geometry.spacing_mm()[PlaneLayout::new(&geometry, Plane::Axial).axes[1]])).abs() < 1e-9
    );

    let mut crosshair = (find("crosshair").unwrap().make)();
    // Two points of the screen beside the end, and then beside the image: it stays at its edge.
    send(&mut session, of, &mut *crosshair, &dragged([20.6, 9.0], [99.0, 2.0]));
    let [ruler] = &all(session.document())[..] else { panic!() };
    let width = PlaneLayout::new(&geometry, Plane::Axial).size[0] as f64;
    assert!(is_near(&ruler.pixels(&geometry), &[[4.0, 3.0], [width, 2.0]]), "{:?}", ruler.pixels(&geometry));
    assert_eq!(session.undo_names().collect::<Vec<_>>(), ["Change ruler", "Ruler"]);

    // Esc in the middle leaves it, and the rest of the drag does not move the cursor.
    let rules = PaintRules::default();
    send(&mut session, of, &mut *crosshair, &[(PRESS, [4.0, 3.0]), (DRAG, [9.0, 9.0])]);
    assert!(crosshair.is_busy() && crosshair.drafted().is_some() && crosshair.abort());
    let reply = crosshair.pointer(&slice(&session, of, Plane::Axial, &rules), &at(DRAG, [9.0, 6.0]));
    assert!(reply.look.is_empty() && reply.commands.is_empty());
    send(&mut session, of, &mut *crosshair, &[(RELEASE, [9.0, 6.0])]);
    assert_eq!(session.undo_names().len(), 2);
    let reply = crosshair.pointer(&slice(&session, of, Plane::Axial, &rules), &at(PRESS, [9.0, 6.0]));
    assert_eq!(reply.look.len(), 1, "elsewhere it is the crosshair");
}

#[test]
fn a_click_draws_nothing_and_says_what_to_do() {
    let (mut session, of) = session();
    for id in ["ruler", "roi"] {
        let mut tool = (find(id).unwrap().make)();
        let told = send(&mut session, of, &mut *tool, &dragged([4.0, 3.0], [4.1, 3.1]));
        assert!(told[0].contains("Drag from one"), "{told:?}");
        assert!(!tool.is_busy() && all(session.document()).is_empty());
    }
}

#[test]
fn an_angle_takes_three_clicks_and_a_click_back() {
    let (mut session, of) = session();
    let mut tool = (find("angle").unwrap().make)();
    let click = |place| [(PRESS, place), (RELEASE, place)];
    let rules = PaintRules::default();
    send(&mut session, of, &mut *tool, &click([4.0, 3.0]));
    send(&mut session, of, &mut *tool, &[(PointerKind::Hover, [9.0, 9.0])]);
    send(&mut session, of, &mut *tool, &click([1.0, 1.0]));
    let reply = tool.key(&slice(&session, of, Plane::Axial, &rules), ToolKey::Back);
    assert!(reply.is_taken && tool.is_busy());
    let told = send(&mut session, of, &mut *tool, &click([4.1, 3.0]));
    assert!(told[0].contains("no length"), "the corner is not set on the first end: {told:?}");
    send(&mut session, of, &mut *tool, &click([12.0, 3.0]));
    // In another slice it is not gone on with.
    let other = Slice { number: 3, ..slice(&session, of, Plane::Axial, &rules) };
    assert!(tool.pointer(&other, &at(PRESS, [12.0, 9.0])).refusal.is_some());
    assert!(tool.pointer(&other, &at(RELEASE, [12.0, 9.0])).commands.is_empty());
    assert!(all(session.document()).is_empty());
    let told = send(&mut session, of, &mut *tool, &click([12.1, 3.0]));
    assert!(told[0].contains("no length"), "{told:?}");
    send(&mut session, of, &mut *tool, &click([12.0, 9.0]));
    let geometry = labels(&session, of).geometry().clone();
    let [angle] = &all(session.document())[..] else { panic!() };
    assert!(matches!(angle.figure, Figure::Angle(_)) && !tool.is_busy());
    assert!(is_near(&angle.pixels(&geometry), &[[4.0, 3.0], [12.0, 3.0], [12.0, 9.0]]));
}

#[test]
fn a_region_has_the_chosen_shape_and_each_corner_can_be_dragged() {
    let (mut session, of) = session();
    let mut options = ToolOptions::default();
    let rectangle = find("roi").unwrap().options[0];
    options.set(&rectangle, OptionValue::Choice("rectangle"));
    let mut tool = (find("roi").unwrap().make)();
    send(&mut session, of, &mut *tool, &dragged([4.0, 3.0], [12.0, 9.0]));
    // The corner above right; the tool in hand is the one that drew it.
    send(&mut session, of, &mut *tool, &dragged([12.0, 3.0], [15.0, 1.0]));
    let geometry = labels(&session, of).geometry().clone();
    let [ellipse] = &all(session.document())[..] else { panic!() };
    assert!(matches!(ellipse.figure, Figure::Ellipse(_)));
    assert!(is_near(&ellipse.handles(&geometry), &[[4.0, 1.0], [15.0, 1.0], [15.0, 9.0], [4.0, 9.0]]));
    let way = Way { plane: Plane::Axial, options: &options, label: 1, points: &[[6.0, 12.0], [9.0, 15.0]] };
    drag(&mut session, of, &mut *tool, Button::Primary, way);
    let [_, second] = &all(session.document())[..] else { panic!() };
    assert!(matches!(second.figure, Figure::Rectangle(_)) && second.name == "ROI 2");
}
