//! Templates of common jobs that come with the program, each with the steps that the user is led through.

use super::comparing;
use super::first_task::{CORRECT_SLICE, FirstStep, Guide, MARK_DONE, SAVE_MASK, has_voxels};
use super::settings::Task;
use super::template::{Template, WindowOfKind};
use super::tiles::{Layout, TileContent};
use crate::volume::{ANATOMY, Label, LabelTable, Plane, with_structures};

/// A common job.
pub struct CommonJob {
    /// The id of its command.
    pub id: &'static str,
    /// On the start page: what is done.
    pub name: &'static str,
    /// Its command, in the palette.
    pub command: &'static str,
    /// What is set for it, in a sentence.
    pub hint: &'static str,
    /// Whether it is done on a folder, rather than on a file.
    pub is_of_folder: bool,
    /// The section of its task that is unfolded.
    pub section: Option<&'static str>,
    /// What is set.
    pub template: fn() -> Template,
    /// What is done then.
    pub guide: Guide,
}

const OPEN_SCAN: FirstStep = FirstStep {
    name: "Open a scan",
    how: "A file; for DICOM its folder: File > Open folder, or drop it on the window.",
    command: "file.open",
    button: "Open file",
    is_reached: |studio| studio.volume().is_some(),
};

/// All of them, in the order of the start page.
pub const COMMON_JOBS: [CommonJob; 5] = [
    CommonJob {
        id: "template.measure",
        name: "Measure a volume",
        command: "Template: measure a volume",
        hint: "One structure: a label, the Touch tool, and its volume and diameters in the fourth tile",
        is_of_folder: false,
        section: None,
        template: || Template {
            labels: LabelTable(vec![Label::new(1, "Structure")]),
            tool: Some("touch".into()),
            tiles: Some((Layout::Grid, three_planes_and(TileContent::Numbers))),
            save_as: Some(".nii.gz".into()),
            ..Template::new("Measure a volume", Task::Annotate)
        },
        guide: Guide {
            title: "Measure a volume",
            steps: &[
                OPEN_SCAN,
                FirstStep {
                    name: "Draw the structure",
                    how: "Touch: a stroke on the structure, and Enter takes the answer. The fourth tile shows the volume at once.",
                    command: "touch",
                    button: "Take the Touch tool",
                    is_reached: has_voxels,
                },
                SAVE_MASK,
            ],
            end: "The fourth tile has the numbers. File > Save numbers of labels writes them as a table.",
        },
    },
    CommonJob {
        id: "template.correct",
        name: "Correct a model's mask",
        command: "Template: correct a model's mask",
        hint: "The brush over the mask of a model or a file, slice by slice, each marked done",
        is_of_folder: false,
        section: None,
        template: || Template { tool: Some("brush".into()), ..Template::new("Correct a model's mask", Task::Annotate) },
        guide: Guide {
            title: "Correct a model's mask",
            steps: &[
                OPEN_SCAN,
                FirstStep {
                    name: "Open the mask",
                    how: "The file of the mask; or run a model, at the foot of the Segment task.",
                    command: "file.open-labels",
                    button: "Open segmentation",
                    is_reached: has_voxels,
                },
                CORRECT_SLICE,
                MARK_DONE,
                SAVE_MASK,
            ],
            end: "With some slices done, Refine (Segment task) corrects the others alike.",
        },
    },
    CommonJob {
        id: "template.organs",
        name: "Outline organs on CT",
        command: "Template: outline organs on CT",
        hint: "Labels of the abdomen with their SNOMED CT codes, CT's abdominal window, the polygon, and DICOM SEG where the scan is DICOM",
        is_of_folder: true,
        section: None,
        template: || Template {
            labels: with_structures(&LabelTable::default(), ANATOMY[0].structures),
            window: Some(WindowOfKind { modality: "CT".into(), level: 40.0, width: 400.0, inverted: false }),
            tool: Some("polygon".into()),
            save_as: Some(".dcm".into()),
            ..Template::new("Outline organs on CT", Task::Annotate)
        },
        guide: Guide {
            title: "Outline organs on CT",
            steps: &[
                FirstStep { command: "file.open-folder", button: "Open folder", ..OPEN_SCAN },
                FirstStep {
                    name: "Outline an organ",
                    how: "Choose its label in the list, click corners around it, and fill with Enter. Draw every fifth slice or so: the operation \"Fill between slices\" does the others.",
                    command: "polygon",
                    button: "Take the polygon",
                    is_reached: has_voxels,
                },
                SAVE_MASK,
            ],
            end: "The next organ is the next label of the list. What a label is called and coded goes into the file.",
        },
    },
    CommonJob {
        id: "template.readers",
        name: "Compare two readers",
        command: "Template: compare two readers",
        hint: "Two masks of one scan: Dice and distances of each label, and the slices where they differ most",
        is_of_folder: false,
        section: Some(comparing::SECTION),
        template: || Template { tool: Some("crosshair".into()), ..Template::new("Compare two readers", Task::Look) },
        guide: Guide {
            title: "Compare two readers",
            steps: &[
                OPEN_SCAN,
                FirstStep {
                    name: "Open the first reader's mask",
                    how: "It becomes the segmentation in hand.",
                    command: "file.open-labels",
                    button: "Open segmentation",
                    is_reached: has_voxels,
                },
                FirstStep {
                    name: "Open the second reader's mask",
                    how: "It becomes a further segmentation, and the two are compared.",
                    command: "labels.compare-file",
                    button: "Open a mask to compare with",
                    is_reached: |studio| studio.comparing.form.with.is_some(),
                },
            ],
            end: "The Look task has the scores, and leads to the slices that differ most.",
        },
    },
    CommonJob {
        id: "template.training",
        name: "Prepare a training set",
        command: "Template: prepare a training set",
        hint: "A folder of scans, a few slices of each labelled and marked done: what the Teach task learns from",
        is_of_folder: true,
        section: None,
        template: || Template {
            labels: LabelTable(vec![Label::new(1, "Structure")]),
            tool: Some("brush".into()),
            save_as: Some(".nii.gz".into()),
            ..Template::new("Prepare a training set", Task::Annotate)
        },
        guide: Guide {
            title: "Prepare a training set",
            steps: &[
                FirstStep {
                    name: "Open a folder of scans",
                    how: "Its scans are the cases; labels and window go along from one to the next.",
                    command: "file.open-folder",
                    button: "Open folder",
                    ..OPEN_SCAN
                },
                FirstStep {
                    name: "Draw in a few slices",
                    how: "All of the structure in each of these slices; other slices may stay empty.",
                    command: "brush",
                    button: "Take the brush",
                    is_reached: has_voxels,
                },
                MARK_DONE,
                SAVE_MASK,
            ],
            end: "Do the same with the next case (File > Next case). With a few of them, the Teach task makes a model.",
        },
    },
];

const fn three_planes_and(last: TileContent) -> [TileContent; 4] {
    let plane = TileContent::Plane;
    [plane(Plane::Axial), plane(Plane::Sagittal), plane(Plane::Coronal), last]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn common_jobs_are_templates_as_files_are_and_their_commands_are_there() {
        for job in &COMMON_JOBS {
            let template = (job.template)();
            assert_eq!(Template::read(&template.text()), Ok(template.clone()), "{}", job.id);
            assert_eq!((template.name.as_str(), job.guide.title), (job.name, job.name));
            assert!(crate::app::commands::find(job.id).is_some(), "{}", job.id);
        }
        let organs = (COMMON_JOBS[2].template)().labels;
        assert!(organs.0.len() > 10 && organs.0.iter().all(|label| label.term.is_some()));
    }
}
