//! Lists of common structures with their SNOMED CT concepts, for new labels.
//!
//! Codes and meanings are those of DICOM PS3.16 (context groups 7150 to 7199 and others that use SNOMED CT).

use super::label_table::{Label, LabelTable};
use super::term::{Code, Term};

/// The side of the body that a structure lies on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Side {
    Right,
    Left,
}

/// What kind of thing a structure is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Category {
    Anatomy,
    Abnormal,
}

/// A structure of a list.
#[derive(Debug, Clone, Copy)]
pub struct Structure {
    /// The label's name.
    pub name: &'static str,
    category: Category,
    /// Concept and meaning in SNOMED CT.
    concept: (&'static str, &'static str),
    side: Option<Side>,
}

impl Structure {
    const fn organ(name: &'static str, code: &'static str, meaning: &'static str) -> Self {
        Self { name, category: Category::Anatomy, concept: (code, meaning), side: None }
    }

    const fn abnormal(name: &'static str, code: &'static str, meaning: &'static str) -> Self {
        Self { name, category: Category::Abnormal, concept: (code, meaning), side: None }
    }

    const fn on(self, side: Side) -> Self {
        Self { side: Some(side), ..self }
    }

    /// What a label of it means.
    pub fn term(&self) -> Term {
        let category = match self.category {
            Category::Anatomy => Code::snomed("123037004", "Anatomical Structure"),
            Category::Abnormal => Code::snomed("49755003", "Morphologically Abnormal Structure"),
        };
        let side = self.side.map(|side| match side {
            Side::Right => Code::snomed("24028007", "Right"),
            Side::Left => Code::snomed("7771000", "Left"),
        });
        Term { category, kind: Code::snomed(self.concept.0, self.concept.1), side }
    }
}

/// A list of structures.
#[derive(Debug, Clone, Copy)]
pub struct AnatomyPreset {
    /// Unique and stable.
    pub id: &'static str,
    /// For the menu.
    pub name: &'static str,
    /// In the order in which they become labels.
    pub structures: &'static [Structure],
}

use Side::{Left, Right};
use Structure as S;

/// The lists.
pub const ANATOMY: &[AnatomyPreset] = &[
    AnatomyPreset {
        id: "abdomen",
        name: "Abdomen",
        structures: &[
            S::organ("Spleen", "78961009", "Spleen"),
            S::organ("Right kidney", "64033007", "Kidney").on(Right),
            S::organ("Left kidney", "64033007", "Kidney").on(Left),
            S::organ("Gallbladder", "28231008", "Gallbladder"),
            S::organ("Oesophagus", "32849002", "Esophagus"),
            S::organ("Liver", "10200004", "Liver"),
            S::organ("Stomach", "69695003", "Stomach"),
            S::organ("Aorta", "15825003", "Aorta"),
            S::organ("Inferior vena cava", "64131007", "Inferior vena cava"),
            S::organ("Portal vein", "32764006", "Portal vein"),
            S::organ("Pancreas", "15776009", "Pancreas"),
            S::organ("Right adrenal gland", "23451007", "Adrenal gland").on(Right),
            S::organ("Left adrenal gland", "23451007", "Adrenal gland").on(Left),
            S::organ("Duodenum", "38848004", "Duodenum"),
            S::organ("Small intestine", "30315005", "Small intestine"),
            S::organ("Colon", "71854001", "Colon"),
            S::organ("Urinary bladder", "89837001", "Bladder"),
        ],
    },
    AnatomyPreset {
        id: "brain",
        name: "Brain",
        structures: &[
            S::organ("Brain", "12738006", "Brain"),
            S::organ("White matter", "68523003", "Cerebral White Matter"),
            S::organ("Grey matter", "389081007", "Gray Matter"),
            S::organ("Cerebrospinal fluid", "65216001", "Cerebrospinal Fluid"),
            S::organ("Right hippocampus", "5366008", "Hippocampus").on(Right),
            S::organ("Left hippocampus", "5366008", "Hippocampus").on(Left),
            S::organ("Right amygdala", "4958002", "Amygdala").on(Right),
            S::organ("Left amygdala", "4958002", "Amygdala").on(Left),
            S::organ("Right thalamus", "42695009", "Thalamus").on(Right),
            S::organ("Left thalamus", "42695009", "Thalamus").on(Left),
            S::organ("Right caudate nucleus", "11000004", "Caudate Nucleus").on(Right),
            S::organ("Left caudate nucleus", "11000004", "Caudate Nucleus").on(Left),
            S::organ("Right putamen", "89278009", "Putamen").on(Right),
            S::organ("Left putamen", "89278009", "Putamen").on(Left),
            S::organ("Right globus pallidus", "14738005", "Globus Pallidus").on(Right),
            S::organ("Left globus pallidus", "14738005", "Globus Pallidus").on(Left),
            S::organ("Right lateral ventricle", "66720007", "Lateral Ventricle").on(Right),
            S::organ("Left lateral ventricle", "66720007", "Lateral Ventricle").on(Left),
            S::organ("Brain stem", "119238007", "Brain Stem"),
            S::organ("Cerebellum", "113305005", "Cerebellum"),
            S::organ("Corpus callosum", "88442005", "Corpus Callosum"),
        ],
    },
    AnatomyPreset {
        id: "thorax",
        name: "Thorax",
        structures: &[
            S::organ("Right lung", "39607008", "Lung").on(Right),
            S::organ("Left lung", "39607008", "Lung").on(Left),
            S::organ("Heart", "80891009", "Heart"),
            S::organ("Aorta", "15825003", "Aorta"),
            S::organ("Pulmonary artery", "81040000", "Pulmonary artery"),
            S::organ("Superior vena cava", "48345005", "Superior vena cava"),
            S::organ("Trachea", "44567001", "Trachea"),
            S::organ("Oesophagus", "32849002", "Esophagus"),
            S::organ("Thyroid gland", "69748006", "Thyroid"),
            S::organ("Spinal cord", "2748008", "Spinal cord"),
            S::organ("Sternum", "56873002", "Sternum"),
        ],
    },
    AnatomyPreset {
        id: "heart",
        name: "Heart",
        structures: &[
            S::organ("Left ventricle", "87878005", "Left ventricle"),
            S::organ("Right ventricle", "53085002", "Right ventricle"),
            S::organ("Left atrium", "82471001", "Left atrium"),
            S::organ("Right atrium", "73829009", "Right atrium"),
            S::organ("Pericardium", "76848001", "Pericardium"),
            S::organ("Coronary artery", "41801008", "Coronary artery"),
        ],
    },
    AnatomyPreset {
        id: "tumour",
        name: "Tumour",
        structures: &[
            S::abnormal("Tumour", "108369006", "Neoplasm"),
            S::abnormal("Necrosis", "6574001", "Necrosis"),
            S::abnormal("Oedema", "79654002", "Edema"),
            S::abnormal("Cyst", "367643001", "Cyst"),
            S::abnormal("Haemorrhage", "50960005", "Hemorrhage"),
            S::abnormal("Nodule", "27925004", "Nodule"),
            S::abnormal("Lesion", "52988006", "Lesion"),
        ],
    },
];

/// Labels of structures for a table, each with the next free value. Structures whose name is there already are left out; a label of
/// that name that says nothing about its meaning gets it.
pub fn with_structures(table: &LabelTable, structures: &[Structure]) -> LabelTable {
    let mut table = table.clone();
    for structure in structures {
        let namesake =
            table.0.iter_mut().find(|label| label.name.trim().to_lowercase() == structure.name.to_lowercase());
        if let Some(label) = namesake {
            label.term.get_or_insert_with(|| Box::new(structure.term()));
        } else if let Some(value) = table.next_value() {
            table.0.push(Label { term: Some(Box::new(structure.term())), ..Label::new(value, structure.name) });
        }
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    /// Whether the last digit of a concept is right: Verhoeff's check over all digits, as SNOMED CT's identifiers have it.
    fn is_concept(digits: &str) -> bool {
        const TIMES: [[usize; 10]; 10] = [
            [0, 1, 2, 3, 4, 5, 6, 7, 8, 9],
            [1, 2, 3, 4, 0, 6, 7, 8, 9, 5],
            [2, 3, 4, 0, 1, 7, 8, 9, 5, 6],
            [3, 4, 0, 1, 2, 8, 9, 5, 6, 7],
            [4, 0, 1, 2, 3, 9, 5, 6, 7, 8],
            [5, 9, 8, 7, 6, 0, 4, 3, 2, 1],
            [6, 5, 9, 8, 7, 1, 0, 4, 3, 2],
            [7, 6, 5, 9, 8, 2, 1, 0, 4, 3],
            [8, 7, 6, 5, 9, 3, 2, 1, 0, 4],
            [9, 8, 7, 6, 5, 4, 3, 2, 1, 0],
        ];
        const TURN: [usize; 10] = [1, 5, 7, 6, 2, 8, 3, 0, 9, 4];
        let turned = |digit: usize, times: usize| (0..times).fold(digit, |digit, _| TURN[digit]);
        let digits = digits.bytes().rev().map(|b| usize::from(b - b'0'));
        digits.enumerate().fold(0, |sum, (place, digit)| TIMES[sum][turned(digit, place % 8)]) == 0
    }

    #[test]
    fn every_concept_has_its_check_digit_and_every_name_comes_once() {
        assert!(is_concept("10200004") && !is_concept("10200014") && !is_concept("10200040"));
        let mut ids = BTreeSet::new();
        for preset in ANATOMY {
            assert!(ids.insert(preset.id), "{}", preset.id);
            let mut seen = BTreeSet::new();
            for structure in preset.structures {
                let Term { category, kind, side } = structure.term();
                for code in [Some(category), Some(kind), side].into_iter().flatten() {
                    assert!(is_concept(&code.value), "{}: {}", structure.name, code.value);
                }
                assert!(seen.insert(structure.name), "{}", structure.name);
            }
        }
    }

    #[test]
    fn structures_take_free_values_and_give_namesakes_their_meaning() {
        let table = LabelTable(vec![Label::new(4, "liver"), Label::new(9, "Mine")]);
        let structures = &ANATOMY[0].structures[..6];
        let after = with_structures(&table, structures);
        let names: Vec<(u16, &str)> = after.0.iter().map(|label| (label.value, label.name.as_str())).collect();
        assert_eq!(
            names,
            [
                (4, "liver"),
                (9, "Mine"),
                (10, "Spleen"),
                (11, "Right kidney"),
                (12, "Left kidney"),
                (13, "Gallbladder"),
                (14, "Oesophagus")
            ]
        );
        assert_eq!(after.0[0].term.as_ref().unwrap().kind.value, "10200004");
        assert_eq!(after.0[1].term, None);
        assert_eq!(after.0[3].term.as_ref().unwrap().described(), "SNOMED CT 64033007, Kidney (Right)");
        assert_eq!(with_structures(&after, structures), after, "a second time adds nothing");
    }
}
