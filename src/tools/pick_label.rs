//! Takes the label under the pointer to paint with.

use super::tool::{Button, Look, Pointer, PointerCursor, PointerKind, Reply, Slice, Tool, ToolEntry};

/// In the list of tools.
pub const ENTRY: ToolEntry = ToolEntry {
    id: "pick-label",
    name: "Pick label",
    icon: "\u{E568}",
    hint: "click a label to paint with it (with any tool: Q over the label)",
    key: "P",
    paints: false,
    options: &[],
    make: || Box::new(PickLabel),
};

struct PickLabel;

impl Tool for PickLabel {
    fn pointer(&mut self, slice: &Slice, pointer: &Pointer) -> Reply {
        if pointer.kind != PointerKind::Press(Button::Primary) {
            return Reply::default();
        }
        let segmentation = slice.document.segmentation(slice.segmentation);
        let label = slice.voxel(pointer.at).zip(segmentation).map_or(0, |(voxel, own)| own.labels().get(voxel));
        if label == 0 {
            return Reply::refusal("There is no label under the pointer");
        }
        Reply::look(Look::Label(label))
    }

    fn cursor(&self, _: &Slice) -> PointerCursor {
        PointerCursor::Crosshair
    }
}
