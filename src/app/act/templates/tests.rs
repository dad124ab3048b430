//! Templates on the sample, without a window.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::*;
use crate::app::act::following;
use crate::app::act::scans::open_sample;
use crate::app::state::request::Effect;
use crate::app::state::settings::{Settings, Task};
use crate::app::state::tiles::TileContent;

fn settle(studio: &mut Studio) {
    let start = Instant::now();
    loop {
        following::follow(studio);
        if studio.tasks.is_empty() {
            return;
        }
        assert!(start.elapsed() < Duration::from_mins(2), "jobs do not end");
        std::thread::sleep(Duration::from_millis(2));
    }
}

fn studio() -> Studio {
    Studio::new(Settings::default(), Arc::new(|| {}))
}

fn label_names(studio: &Studio) -> Vec<String> {
    studio.segmentation().unwrap().table().0.iter().map(|label| label.name.clone()).collect()
}

#[test]
fn a_template_asks_for_a_scan_waits_for_it_and_sets_everything() {
    let mut studio = studio();
    begin_common(&mut studio, 0);
    let asked = std::mem::take(&mut studio.effects);
    assert!(matches!(&asked[..], [Effect::Ask(question, _)] if question.purpose == Purpose::OpenFile), "{asked:?}");
    open_sample(&mut studio);
    settle(&mut studio);
    assert!(studio.templates.waiting.is_none());
    assert_eq!(label_names(&studio), ["Structure"]);
    assert_eq!((studio.hand.entry.id, studio.settings.task), ("touch", Task::Annotate));
    assert_eq!(studio.settings.tiles[3], TileContent::Numbers);
    assert!(!studio.is_unsaved(), "nothing was drawn, so nothing can be lost");
    let task = studio.first_task.clone().unwrap();
    assert_eq!((task.guide.title, task.next()), ("Measure a volume", Some(1)));
    // The window of CT means nothing for this MR scan, and DICOM SEG nothing for what is no DICOM.
    let window = studio.view().unwrap().window;
    begin_common(&mut studio, 2);
    assert_eq!((studio.view().unwrap().window, studio.hand.entry.id), (window, "polygon"));
    assert!(studio.notices.all().iter().any(|notice| notice.text.contains("is for CT")));
    let names = label_names(&studio);
    assert!(names.contains(&"Liver".into()) && !names.contains(&"Structure".into()), "{names:?}");
    let of = studio.active().unwrap();
    assert_eq!(ending_of(&studio, of), None);
}

#[test]
fn what_is_set_is_kept_as_a_template_used_again_and_deleted() {
    let home = tempfile::tempdir().unwrap();
    let folder = home.path().join("templates");
    let mut first = studio();
    look(&mut first, folder.clone());
    open_sample(&mut first);
    settle(&mut first);
    begin_common(&mut first, 4);
    first.settings.model = "/somewhere/of a patient.safetensors".into();
    first.view_mut().unwrap().window = crate::volume::Window { level: 77.0, width: 99.0 };
    assert_eq!(lacks(&first), Some("Give it a name first"));
    answer(&mut first, TemplateRequest::Name("  My \"own\" / job ".into()));
    answer(&mut first, TemplateRequest::Save);
    settle(&mut first);
    let files: Vec<_> = std::fs::read_dir(&folder).unwrap().flatten().map(|file| file.path()).collect();
    let [file] = &files[..] else { panic!("{files:?}") };
    let text = std::fs::read_to_string(file).unwrap();
    let scan = first.volume().unwrap().name.clone();
    assert!(!text.contains(&scan) && !text.contains("patient") && !text.contains("somewhere"), "{text}");
    // The same name again does not take the place of the first.
    answer(&mut first, TemplateRequest::Name("My \"own\" / job".into()));
    answer(&mut first, TemplateRequest::Save);
    settle(&mut first);
    assert!(first.notices.all().iter().any(|notice| notice.text.contains("is there already")));
    assert_eq!(std::fs::read_to_string(file).unwrap(), text);
    // Beside it one that a newer version wrote, and one that is cut off.
    let newer = text.replace("\"lamella_template\": 1", "\"lamella_template\": 7");
    std::fs::write(folder.join("newer.json"), newer).unwrap();
    std::fs::write(folder.join("cut.json"), &text[..text.len() / 2]).unwrap();
    let mut second = studio();
    look(&mut second, folder.clone());
    open_sample(&mut second);
    settle(&mut second);
    let read: Vec<_> = second.templates.own.iter().map(|own| own.read.clone()).collect();
    assert_eq!(read.len(), 3);
    assert_eq!(read.iter().filter(|read| read.is_ok()).count(), 1);
    assert!(read.contains(&Err("a newer version of Lamella wrote it".into())), "{read:?}");
    answer(&mut second, TemplateRequest::Use(folder.join("newer.json")));
    assert_eq!(second.hand.entry.id, "crosshair", "what cannot be read changes nothing");
    answer(&mut second, TemplateRequest::Use(file.clone()));
    assert_eq!(label_names(&second), ["Structure"]);
    assert_eq!(second.hand.entry.id, "brush");
    assert_eq!(second.view().unwrap().window, crate::volume::Window { level: 77.0, width: 99.0 });
    assert_eq!(second.settings.model, "hippocampus");
    answer(&mut second, TemplateRequest::Delete(file.clone()));
    settle(&mut second);
    assert!(!file.exists() && second.templates.own.len() == 2 && folder.join("newer.json").exists());
}

#[test]
fn labels_that_are_drawn_already_stay_and_get_what_they_lack() {
    let label = crate::volume::Label::new;
    let own = LabelTable(vec![label(1, "Liver"), label(2, "Tumour")]);
    let with = with_names(&own, &LabelTable(vec![label(1, "Spleen"), label(2, "liver"), label(7, "Colon")]));
    let found: Vec<_> = with.0.iter().map(|label| (label.value, label.name.as_str())).collect();
    assert_eq!(found, [(1, "Liver"), (2, "Tumour"), (3, "Spleen"), (7, "Colon")]);
}
