//! Everyone who changes labels: tools, operations, networks, files, Pixels, the label list, the marks of slices.

use std::collections::BTreeMap;
use std::sync::Arc;

use lamella::edit::operations::{End, Kind, Mask, OPERATIONS, Order, Parameter, Scope, Value, Values, WorksOn};
use lamella::jobs::{EraseLabelJob, JoinJob, Names, OperateJob, run_here};
use lamella::session::{Command, DrawOver, Edit, PaintRules, Painter, SegmentationId, Session, SliceState, key};
use lamella::tools::{
    self, AnswerStrokes, Button, NoAnswer, ON, OptionKind, OptionValue, Pointer, PointerKind, Reply, Slice,
    StrokeAnswer, StrokeQuestion, Tool, ToolKey, ToolOptions,
};
use lamella::volume::{
    Affine, Geometry, Label, LabelMap, LabelTable, LabelValue, Plane, PlaneLayout, Rescale, Volume, Voxels, Window,
};
use lamella::work::{Signal, Watch};
use proptest::prelude::*;

/// A grid in another storage order than the patient's, larger than a brick along one axis.
pub const SHAPE: [usize; 3] = [37, 12, 9];

pub fn voxel_of(n: usize) -> [usize; 3] {
    [n % SHAPE[0], n / SHAPE[0] % SHAPE[1], n / (SHAPE[0] * SHAPE[1])]
}

fn geometry() -> Geometry {
    let affine = Affine::from_columns([[0.0, 0.0, 1.0], [-2.0, 0.0, 0.0], [0.0, 1.5, 0.0]], [5.0, -3.0, 2.0]);
    Geometry::new(SHAPE, affine).unwrap()
}

fn session() -> (Session, SegmentationId) {
    let count = SHAPE.iter().product::<usize>();
    let voxels = Voxels::I16(Arc::new((0..count).map(|n| (n % 100) as i16).collect()));
    let mut session = Session::default();
    session.keep_entries();
    let volume = Volume::new(geometry(), voxels, vec![], Rescale::IDENTITY, "scan".into());
    let (_, of) = session.add_scan(Arc::new(volume));
    (session, of)
}

/// Answers strokes with the columns that they cross, and goes on through the slices with the same.
struct Columns;

impl AnswerStrokes for Columns {
    fn answer(&self, question: &StrokeQuestion, _: Watch) -> Result<StrokeAnswer, NoAnswer> {
        let [rows, columns] = question.values.size;
        let is_crossed = |column: usize| (0..rows).any(|row| question.strokes[row * columns + column] == ON);
        let inside = question
            .previous
            .map_or_else(|| (0..rows * columns).map(|at| u8::from(is_crossed(at % columns))).collect(), <[u8]>::to_vec);
        Ok(StrokeAnswer { inside, doubt: 0.0 })
    }
}

/// Someone who changes labels, a lock, or what is finished.
#[derive(Debug, Clone)]
pub enum Act {
    /// A tool of the list, in a plane, on a slice, with corners as shares of the slice.
    Tool {
        tool: usize,
        plane: usize,
        slice: f64,
        corners: Vec<[f64; 2]>,
        label: LabelValue,
        erases: bool,
    },
    /// A whole segmentation that comes in: a network's, a refined one, an opened mask.
    Arrival {
        seed: u64,
        names: bool,
    },
    /// The classifier's: labels of the document.
    Pixels {
        seed: u64,
        known: [LabelValue; 2],
    },
    /// An operation of the list, on some labels, in the volume or in a slice, with choices by chance.
    Operation {
        operation: usize,
        labels: Vec<LabelValue>,
        slice: Option<(usize, f64)>,
        seed: u64,
    },
    /// A label is deleted.
    Erase(LabelValue),
    /// A label is locked, or not any more.
    Lock(LabelValue),
    /// A label is hidden, or not any more.
    Hide(LabelValue),
    /// A slice is finished, or not any more.
    Finish {
        plane: usize,
        slice: f64,
    },
    /// What may be painted over.
    Over(u8),
    Undo,
    Redo,
}

pub fn acts() -> impl Strategy<Value = Vec<Act>> {
    let share = 0.0f64..1.0;
    let corners = prop::collection::vec([0.0f64..1.0, 0.0f64..1.0], 3..6);
    let tool = (0..tools::TOOLS.len(), 0usize..3, share.clone(), corners, 1u16..5, any::<bool>()).prop_map(
        |(tool, plane, slice, corners, label, erases)| Act::Tool { tool, plane, slice, corners, label, erases },
    );
    let labels = prop::collection::vec(1u16..5, 1..3);
    let slice = prop::option::weighted(0.4, (0usize..3, 0.0f64..1.0));
    let operation = (0..OPERATIONS.len(), labels, slice, any::<u64>())
        .prop_map(|(operation, labels, slice, seed)| Act::Operation { operation, labels, slice, seed });
    prop::collection::vec(
        prop_oneof![
            6 => tool,
            5 => operation,
            2 => (any::<u64>(), any::<bool>()).prop_map(|(seed, names)| Act::Arrival { seed, names }),
            1 => (any::<u64>(), [1u16..5, 1u16..5]).prop_map(|(seed, known)| Act::Pixels { seed, known }),
            1 => (1u16..5).prop_map(Act::Erase),
            2 => (1u16..5).prop_map(Act::Lock),
            1 => (1u16..5).prop_map(Act::Hide),
            3 => (0usize..3, share).prop_map(|(plane, slice)| Act::Finish { plane, slice }),
            1 => (0u8..4).prop_map(Act::Over),
            3 => Just(Act::Undo),
            2 => Just(Act::Redo),
        ],
        4..30,
    )
}

/// A label for every voxel, by chance, in runs; or a box with a wall of one voxel, hollow.
fn by_chance(seed: u64) -> LabelMap {
    let edge = |axis: usize| [2, SHAPE[axis] - 3];
    let is_in = |voxel: [usize; 3], by: usize| {
        (0..3).all(|axis| (edge(axis)[0] + by..=edge(axis)[1] - by).contains(&voxel[axis]))
    };
    LabelMap::from_fn(geometry(), |voxel| {
        if seed.is_multiple_of(3) {
            let is_wall = is_in(voxel, 0) && !is_in(voxel, 1);
            return if is_wall { 1 + (seed % 4) as LabelValue } else { 0 };
        }
        let n = (voxel[0] / 5 + 7 * voxel[1] + 31 * (voxel[2] / 2)) as u64;
        let mixed = (n ^ seed).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 59;
        if mixed < 4 { mixed as LabelValue + 1 } else { 0 }
    })
}

/// A value that a parameter may have.
fn choice(parameter: &Parameter, seed: u64, at: [usize; 3]) -> Value {
    let among = |count: usize| (seed as usize) % count.max(1);
    match parameter.kind {
        Kind::Number { min, default, .. } => Value::Number(min + (default - min) * (seed % 5) as f64 / 2.0),
        Kind::Count { min, max, .. } => Value::Count((min + among(4)).min(max)),
        Kind::Choice(choices) => Value::Choice(choices[among(choices.len())].id),
        Kind::Flag { .. } => Value::Flag(seed.is_multiple_of(2)),
        Kind::Label => Value::Label(1 + (seed % 4) as LabelValue),
        Kind::Intensity(End::Low) => Value::Number((seed % 40) as f64),
        Kind::Intensity(End::High) => Value::Number((50 + seed % 40) as f64),
        Kind::Voxel => Value::Voxel(at),
        Kind::Mask => {
            Value::Mask(Box::new(Mask { name: "Other".into(), labels: by_chance(seed), label: 1 + (seed % 3) as u16 }))
        }
    }
}

/// A document that is edited by everyone.
pub struct Studio {
    pub session: Session,
    pub of: SegmentationId,
    pub rules: PaintRules,
    /// How often each tool and operation changed something.
    pub changes: BTreeMap<&'static str, usize>,
}

impl Studio {
    pub fn new() -> Self {
        let (session, of) = session();
        Self { session, of, rules: PaintRules::default(), changes: BTreeMap::new() }
    }

    pub fn labels(&self) -> LabelMap {
        self.session.document().segmentation(self.of).unwrap().labels().clone()
    }

    pub fn table(&self) -> LabelTable {
        self.session.document().segmentation(self.of).unwrap().table().clone()
    }

    fn gesture(&mut self, act: &Act) -> Vec<Command> {
        let Act::Tool { tool, plane, slice, corners, label, erases } = act else { return Vec::new() };
        let plane = Plane::ALL[*plane];
        let layout = PlaneLayout::new(self.labels().geometry(), plane);
        let number = (slice * layout.size[2] as f64) as usize;
        let mut options = ToolOptions::default();
        // Every choice of every option has its turn.
        for (n, option) in tools::all_options().into_iter().enumerate() {
            if let OptionKind::Choice(choices) = option.kind {
                options
                    .set(&option, OptionValue::Choice(choices[(number + n + usize::from(*label)) % choices.len()].id));
            }
        }
        let answers: Arc<dyn AnswerStrokes> = Arc::new(Columns);
        let slice = Slice {
            document: self.session.document(),
            segmentation: self.of,
            plane,
            layout,
            number,
            cursor: layout.voxel([0, 0, number]),
            frame: 0,
            window: Window { level: 50.0, width: 60.0 },
            value_span: 100.0,
            label: *label,
            options: &options,
            rules: &self.rules,
            answers: &answers,
        };
        let mut tool: Box<dyn Tool> = (tools::TOOLS[*tool].make)();
        let button = if *erases { Button::Secondary } else { Button::Primary };
        let mut commands = Vec::new();
        let mut take = |reply: Reply| {
            let errand = reply.errand.map(|errand| (errand.run)(Watch::unwatched()).unwrap());
            commands.extend(reply.commands.into_iter().chain(errand.into_iter().flat_map(|reply| reply.commands)));
        };
        let event = |kind, at: &[f64; 2]| Pointer {
            kind,
            at: [at[0] * layout.size[0] as f64, at[1] * layout.size[1] as f64],
            is_alt: false,
            moved_points: [1.0, 1.0],
            mm_per_point: 0.1,
            pixels_per_point: [0.01, 0.01],
        };
        take(tool.pointer(&slice, &event(PointerKind::Press(button), &corners[0])));
        for corner in &corners[1..] {
            take(tool.pointer(&slice, &event(PointerKind::Drag(button), corner)));
        }
        take(tool.pointer(&slice, &event(PointerKind::Release(button), &corners[corners.len() - 1])));
        for corner in corners {
            // For tools that take corner by corner; the others make short strokes of it.
            take(tool.pointer(&slice, &event(PointerKind::Press(Button::Primary), corner)));
            take(tool.pointer(&slice, &event(PointerKind::Release(Button::Primary), corner)));
        }
        take(tool.key(&slice, if *erases { ToolKey::ConfirmErasing } else { ToolKey::Confirm }));
        commands
    }

    /// What the operation asks for that the window would ask for; nothing where it says why it cannot.
    fn operate(&mut self, act: &Act) {
        let Act::Operation { operation, labels, slice, seed } = act else { return };
        let operation = &OPERATIONS[*operation];
        let before = self.labels();
        let there: Vec<LabelValue> = before.counts().into_keys().collect();
        // Mostly labels that are there, sometimes one that is not.
        let chosen = |label: &LabelValue| there.get(usize::from(*label) - 1).copied().unwrap_or(*label);
        let mut selected: Vec<LabelValue> = labels.iter().map(chosen).collect();
        // The cursor lies on what is worked on, where there is any.
        let all = (0..SHAPE.iter().product()).map(voxel_of);
        let on: Vec<[usize; 3]> = all.filter(|voxel| before.get(*voxel) == selected[0]).collect();
        let at = on.get(*seed as usize % on.len().max(1)).copied().unwrap_or(voxel_of(*seed as usize % 999));
        let said = operation.parameters.iter().enumerate().filter_map(|(n, parameter)| {
            // Some are left as they are.
            let seed = seed.rotate_right(7 * n as u32);
            let must = parameter.default().is_none();
            (must || seed.is_multiple_of(3)).then(|| (parameter.id.to_string(), choice(parameter, seed / 3, at)))
        });
        let values = Values::new(operation.parameters, said, SHAPE).unwrap();
        let scope = slice.map_or(Scope::Volume, |(plane, share)| {
            let plane = Plane::ALL[plane];
            Scope::Slice(plane, (share * PlaneLayout::new(&geometry(), plane).size[2] as f64) as usize)
        });
        selected.dedup();
        if operation.works_on == WorksOn::One {
            selected.truncate(1);
        }
        let painter = Painter::new(self.session.document(), self.of, &self.rules).unwrap();
        let order = Order { operation, values, selected, scope, frame: 0 };
        let job = OperateJob { painter, order, has_image: true };
        let Ok(operated) = run_here(job, &Signal::default(), &|_| {}) else { return };
        let mut table = self.table();
        table.0.extend(operated.added.into_iter().filter(|label| self.table().get(label.value).is_none()));
        *self.changes.entry(operation.id).or_default() += usize::from(!operated.painted.is_empty());
        let edits = vec![Edit::Labels(operated.painted), Edit::Table(self.of, table)];
        self.session.apply(Command::by_hand(operation.name, edits)).unwrap();
    }

    fn join(&mut self, incoming: LabelMap, names: Names) {
        let painter = Painter::new(self.session.document(), self.of, &self.rules).unwrap();
        let job = JoinJob { painter, incoming, names, corrected: Vec::new() };
        let joined = run_here(job, &Signal::default(), &|_| {}).unwrap();
        let edits = vec![Edit::Labels(joined.painted), Edit::Table(self.of, joined.join.table)];
        self.session.apply(Command::by_hand("Join", edits)).unwrap();
    }

    fn set_table(&mut self, change: impl FnOnce(&mut LabelTable)) {
        let mut table = self.table();
        change(&mut table);
        self.session.apply(Command::by_hand("Table", vec![Edit::Table(self.of, table)])).unwrap();
    }

    /// Does it. Whether it is an undo or a redo.
    pub fn act(&mut self, act: &Act) -> bool {
        match act {
            Act::Tool { tool, .. } => {
                let before = self.labels();
                for command in self.gesture(act) {
                    // A second command of one gesture was made on labels that the first one changed.
                    let _ = self.session.apply(command);
                }
                *self.changes.entry(tools::TOOLS[*tool].id).or_default() +=
                    usize::from(!self.labels().is_same_snapshot(&before));
            }
            Act::Operation { .. } => self.operate(act),
            Act::Arrival { seed, names } => {
                let names = if *names { vec![Label::new(1, "Liver"), Label::new(3, "Spleen")] } else { Vec::new() };
                self.join(by_chance(*seed), Names::Own(LabelTable(names)));
            }
            Act::Pixels { seed, known } => self.join(by_chance(*seed), Names::Documents(known.to_vec())),
            Act::Erase(label) => {
                let painter = Painter::new(self.session.document(), self.of, &PaintRules::default()).unwrap();
                let erased = run_here(EraseLabelJob { painter, value: *label }, &Signal::default(), &|_| {}).unwrap();
                self.session.apply(Command::by_hand("Delete", vec![Edit::Labels(erased.painted)])).unwrap();
            }
            Act::Lock(value) => self.set_table(|table| {
                table.cover([*value]);
                table.get_mut(*value).into_iter().for_each(|label| label.locked = !label.locked);
            }),
            Act::Hide(value) => self.set_table(|table| {
                table.cover([*value]);
                table.get_mut(*value).into_iter().for_each(|label| label.visible = !label.visible);
            }),
            Act::Finish { plane, slice } => {
                let plane = Plane::ALL[*plane];
                let count = PlaneLayout::new(self.labels().geometry(), plane).size[2];
                let slice = (slice * count as f64) as usize;
                let segmentation = self.session.document().segmentation(self.of).unwrap();
                let is_done = segmentation.state(plane, slice) == SliceState::Done;
                let state = if is_done { SliceState::Corrected } else { SliceState::Done };
                let edits = vec![Edit::States(self.of, vec![(key(plane, slice), state)])];
                self.session.apply(Command::by_hand("Finish", edits)).unwrap();
            }
            Act::Over(over) => {
                self.rules.over = match over {
                    0 => DrawOver::Everything,
                    1 => DrawOver::Background,
                    2 => DrawOver::Label(2),
                    _ => DrawOver::Visible,
                }
            }
            Act::Undo => drop(self.session.undo()),
            Act::Redo => drop(self.session.redo()),
        }
        matches!(act, Act::Undo | Act::Redo)
    }
}
