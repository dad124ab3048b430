//! Strokes on and off a structure, answered by rules instead of a network.

use std::sync::OnceLock;

use super::*;
use crate::work::Signal;

/// What is within two pixels of a stroke on the structure, and under none off it. Beside a mask it is that mask, in doubt where
/// the slice is bright.
struct Near;

impl AnswerStrokes for Near {
    fn answer(&self, question: &StrokeQuestion, watch: Watch) -> Result<StrokeAnswer, NoAnswer> {
        watch.check()?;
        let [rows, columns] = question.values.size;
        assert_eq!([question.values.values.len(), question.strokes.len()], [rows * columns; 2]);
        let is_near = |at: usize| {
            (0..rows * columns).any(|other| {
                let off = [(at / columns).abs_diff(other / columns), (at % columns).abs_diff(other % columns)];
                question.strokes[other] == ON && off.iter().all(|off| *off <= 2)
            })
        };
        let inside = match question.previous {
            Some(mask) => mask.to_vec(),
            None => (0..rows * columns).map(|at| u8::from(is_near(at) && question.strokes[at] != OFF)).collect(),
        };
        Ok(StrokeAnswer { inside, doubt: if is_bright(&question.values.values) { 0.9 } else { 0.1 } })
    }
}

/// Of axial slices some are, by their first value.
fn is_bright(values: &[f32]) -> bool {
    values[0] % 480.0 > 300.0
}

pub(super) fn near() -> &'static Arc<dyn AnswerStrokes> {
    static NEAR: OnceLock<Arc<dyn AnswerStrokes>> = OnceLock::new();
    NEAR.get_or_init(|| Arc::new(Near))
}

fn touch() -> Box<dyn Tool> {
    (find("touch").unwrap().make)()
}

/// A stroke of one button; the reply to its end.
fn stroke(tool: &mut dyn Tool, slice: &Slice, button: Button, points: [[f64; 2]; 2]) -> Reply {
    tool.pointer(slice, &at(PointerKind::Press(button), points[0]));
    tool.pointer(slice, &at(PointerKind::Drag(button), points[1]));
    tool.pointer(slice, &at(PointerKind::Release(button), points[1]))
}

#[test]
fn strokes_are_answered_at_once_corrected_and_taken_as_one_step() {
    let ((mut session, of), rules) = (session(), PaintRules::default());
    let mut tool = touch();
    let (command, count) = {
        let slice = slice(&session, of, Plane::Axial, &rules);
        let shown = |tool: &dyn Tool| tool.labels().map_or(0, |(_, labels)| labelled(labels).len());
        // Off alone asks nothing, and nothing can be taken.
        assert!(stroke(&mut *tool, &slice, Button::Secondary, [[3.5, 3.5], [4.5, 3.5]]).errand.is_none());
        assert!(tool.is_busy() && tool.labels().is_none());
        assert!(
            matches!(tool.key(&slice, ToolKey::Confirm).refusal, Some(Refusal::Other(text)) if text.contains("first"))
        );
        let asked = stroke(&mut *tool, &slice, Button::Primary, [[6.5, 5.5], [9.5, 5.5]]);
        assert!(tool.key(&slice, ToolKey::Confirm).commands.is_empty(), "the answer is not there yet");
        done(asked);
        let first = shown(&*tool);
        assert!(first > 20);
        // A correction off it, and one that is taken back.
        done(stroke(&mut *tool, &slice, Button::Secondary, [[8.5, 5.5], [9.5, 5.5]]));
        let corrected = shown(&*tool);
        assert!(corrected < first, "{corrected}");
        done(stroke(&mut *tool, &slice, Button::Primary, [[15.5, 12.5], [17.5, 12.5]]));
        assert!(shown(&*tool) > first);
        assert!(tool.key(&slice, ToolKey::Back).is_taken);
        assert_eq!(tool.scribbles().unwrap().lines.len(), 3);
        // Its question was asked without an answer yet: the one before shows.
        let mut reply = tool.key(&slice, ToolKey::Confirm);
        assert!(reply.commands.is_empty());
        tool.abort();
        for (button, points) in
            [(Button::Primary, [[6.5, 5.5], [9.5, 5.5]]), (Button::Secondary, [[8.5, 5.5], [9.5, 5.5]])]
        {
            done(stroke(&mut *tool, &slice, button, points));
        }
        let corrected = shown(&*tool);
        assert!(corrected > 20, "{corrected}");
        reply = tool.key(&slice, ToolKey::Confirm);
        assert!(reply.is_taken && !tool.is_busy() && tool.labels().is_none() && tool.scribbles().is_none());
        assert_eq!(reply.commands.len(), 1);
        (reply.commands.pop().unwrap(), corrected)
    };
    assert_eq!(command.name, "Touch");
    session.apply(command).unwrap();
    let painted = labelled(&labels(&session, of));
    assert_eq!(painted.len(), count);
    assert!(painted.values().all(|label| *label == 3));
    let number = slice(&session, of, Plane::Axial, &rules).number;
    assert_eq!(session.document().segmentation(of).unwrap().state(Plane::Axial, number), SliceState::Corrected);
    // Shift+Enter takes the answer away from its label.
    let command = {
        let slice = slice(&session, of, Plane::Axial, &rules);
        done(stroke(&mut *tool, &slice, Button::Primary, [[6.5, 5.5], [9.5, 5.5]]));
        tool.key(&slice, ToolKey::ConfirmErasing).commands.pop().unwrap()
    };
    session.apply(command).unwrap();
    assert!(labelled(&labels(&session, of)).is_empty());
}

#[test]
fn strokes_that_come_while_an_answer_is_on_its_way_are_answered_by_the_same_errand() {
    let ((session, of), rules) = (session(), PaintRules::default());
    let slice = slice(&session, of, Plane::Coronal, &rules);
    let mut tool = touch();
    let first = stroke(&mut *tool, &slice, Button::Primary, [[4.5, 4.5], [5.5, 4.5]]);
    assert!(stroke(&mut *tool, &slice, Button::Primary, [[10.5, 9.5], [12.5, 9.5]]).errand.is_none());
    assert!(tool.labels().is_none());
    done(first);
    let both = labelled(tool.labels().unwrap().1).len();
    assert!(!tool.key(&slice, ToolKey::Confirm).commands.is_empty());
    let mut alone = touch();
    done(stroke(&mut *alone, &slice, Button::Primary, [[4.5, 4.5], [5.5, 4.5]]));
    assert!(labelled(alone.labels().unwrap().1).len() < both);
    // Dropped strokes are answered no more, and leave nothing.
    let asked = stroke(&mut *alone, &slice, Button::Primary, [[10.5, 9.5], [12.5, 9.5]]);
    assert!(alone.abort() && alone.labels().is_none() && !alone.is_busy());
    assert!((asked.errand.unwrap().run)(Watch::unwatched()).is_err());
    // One that is never begun makes room for the next, as one that is stopped does.
    drop(stroke(&mut *alone, &slice, Button::Primary, [[10.5, 9.5], [12.5, 9.5]]));
    assert!(alone.labels().is_none());
    assert!(alone.key(&slice, ToolKey::Confirm).errand.is_some(), "it is asked for again");
    let asked = stroke(&mut *alone, &slice, Button::Primary, [[10.5, 9.5], [12.5, 9.5]]);
    let signal = Signal::default();
    signal.stop();
    assert!((asked.errand.unwrap().run)(Watch::new(&signal)).is_err() && alone.is_busy());
    assert!(stroke(&mut *alone, &slice, Button::Primary, [[2.5, 9.5], [3.5, 9.5]]).errand.is_some());
}

#[test]
fn an_answer_goes_on_through_the_slices_until_it_is_in_doubt() {
    let ((mut session, of), rules) = (session(), PaintRules::default());
    let mut options = ToolOptions::default();
    options.set(&crate::tools::touch::TOUCH_REACH, OptionValue::Choice("volume"));
    let mut tool = touch();
    let (mut reply, depth) = {
        let slice = Slice { options: &options, ..slice(&session, of, Plane::Axial, &rules) };
        done(stroke(&mut *tool, &slice, Button::Primary, [[6.5, 5.5], [9.5, 5.5]]));
        let reply = tool.key(&slice, ToolKey::Confirm);
        assert!(reply.commands.is_empty() && tool.is_busy());
        let reply = done(reply);
        assert!(!tool.is_busy());
        let mut values = Vec::new();
        let is_sure = |number: &usize| {
            slice.layout.read_slice(slice.volume().unwrap(), 0, *number, &mut values);
            !is_bright(&values)
        };
        (reply, (0..slice.layout.size[2]).filter(is_sure).count())
    };
    session.apply(reply.commands.pop().unwrap()).unwrap();
    let painted = labelled(&labels(&session, of));
    let slices: BTreeSet<usize> = painted.keys().map(|voxel| voxel[1]).collect();
    assert!(depth > 2 && slices.len() == depth, "{} of {depth} slices", slices.len());
    assert_eq!(painted.len() % depth, 0);
    // While it goes on nothing can be drawn or taken, and what is stopped leaves the strokes as they were.
    let slice = Slice { options: &options, ..slice(&session, of, Plane::Axial, &rules) };
    done(stroke(&mut *tool, &slice, Button::Primary, [[6.5, 5.5], [9.5, 5.5]]));
    let going = tool.key(&slice, ToolKey::Confirm).errand.unwrap();
    let says = |reply: Reply| matches!(reply.refusal, Some(Refusal::Other(text)) if text.contains("goes on"));
    assert!(says(tool.pointer(&slice, &at(PointerKind::Press(Button::Primary), [3.5, 3.5]))));
    assert!(says(tool.key(&slice, ToolKey::Confirm)) && says(tool.key(&slice, ToolKey::Back)));
    let signal = Signal::default();
    signal.stop();
    assert!((going.run)(Watch::new(&signal)).is_err());
    assert!(tool.is_busy() && tool.labels().is_some() && tool.key(&slice, ToolKey::Confirm).errand.is_some());
    session.undo().unwrap();
    assert!(labelled(&labels(&session, of)).is_empty());
}
