//! Opening, saving, closing.

use super::{CommandEntry, Group, no_scan};
use crate::app::act::{body_pictures, deidentifying, documents, figures, leaving, numbers, saving, scans, servers};
use crate::app::state::leaving::Leaving;
use crate::app::state::paths::Purpose;
use crate::app::state::studio::Studio;
use crate::volume::Plane;

fn save_picture(studio: &mut Studio, plane: Plane) {
    if let Some(scan) = studio.shown {
        saving::ask(studio, Purpose::SavePicture(scan, plane));
    }
}

fn with_active(studio: &mut Studio, deed: fn(&mut Studio, crate::session::SegmentationId)) {
    if let Some(of) = studio.active() {
        deed(studio, of);
    }
}

/// Why nothing can be written into the study of the scan on screen, or `None` when it can.
fn not_of_dicom(studio: &Studio) -> Option<&'static str> {
    let is_dicom = studio.volume().is_some_and(|volume| volume.source.is_some());
    no_scan(studio).or((!is_dicom).then_some("The scan is not of DICOM images"))
}

const fn file(id: &'static str, name: &'static str, deed: fn(&mut Studio)) -> CommandEntry {
    CommandEntry::new(id, name, Group::File, deed).in_menu()
}

/// In the order of the menu.
pub const FILE: &[CommandEntry] = &[
    file("file.open-folder", "Open folder...", |studio| saving::ask(studio, Purpose::OpenFolder))
        .hint("Open a folder of DICOM files, or of volumes")
        .keys(&["Ctrl+Shift+O"]),
    file("file.open", "Open file...", |studio| saving::ask(studio, Purpose::OpenFile))
        .hint("Open a scan")
        .keys(&["Ctrl+O", "Ctrl+G"]),
    file("file.sample", "Open the sample", scans::open_sample).hint("Open a synthetic hippocampus MR volume"),
    file("file.open-labels", "Open segmentation...", |studio| {
        with_active(studio, |studio, of| saving::ask(studio, Purpose::OpenLabels(of)));
    })
    .hint("Read a mask for the scan on screen")
    .keys(&["Ctrl+M"])
    .unless(no_scan),
    file("file.save", "Save segmentation", |studio| with_active(studio, saving::save))
        .hint("Write the labels to their file; one is asked for where they have none")
        .keys(&["Ctrl+S"])
        .unless(no_scan),
    file("file.save-as", "Save segmentation as...", |studio| {
        with_active(studio, |studio, of| saving::ask(studio, Purpose::SaveLabels(of)));
    })
    .hint("Write the labels to another file")
    .keys(&["Ctrl+Shift+S"])
    .unless(no_scan),
    file("file.save-seg", "Save as DICOM segmentation...", |studio| {
        with_active(studio, |studio, of| saving::ask_for_form(studio, of, ".dcm"));
    })
    .hint("Write the labels as a DICOM SEG of the scan's own study, as archives keep it")
    .unless(not_of_dicom),
    file("file.save-rtstruct", "Save as DICOM contours...", |studio| {
        with_active(studio, |studio, of| saving::ask_for_form(studio, of, ".rtstruct.dcm"));
    })
    .hint("Write the labels as an RTSTRUCT of the scan's own study, as systems that plan radiotherapy read it")
    .unless(not_of_dicom),
    file("file.open-document", "Open document...", |studio| saving::ask(studio, Purpose::OpenDocument))
        .hint("Open a .lamella document: its scans with all their segmentations and measurements"),
    file("file.save-document", "Save document", documents::save)
        .hint("Write all segmentations and measurements of all open scans into one .lamella file")
        .keys(&["Ctrl+Alt+S"])
        .unless(no_scan),
    file("file.save-document-as", "Save document as...", |studio| saving::ask(studio, Purpose::SaveDocument))
        .hint("Write all that is open into another .lamella file")
        .unless(no_scan),
    file("file.keep-scans", "Keep the scans in the document", |studio| {
        let keeps = studio.session.document().keeps_scans();
        documents::keep_scans(studio, !keeps);
    })
    .hint("On or off: the .lamella file holds the scans too, and opens where they are not")
    .unless(no_scan),
    file("file.recover", "Restore unsaved work...", |studio| studio.recovery.is_open = true)
        .hint("Bring back what a crash or a power cut left unsaved")
        .unless(|studio| studio.recovery.offers.is_empty().then_some("There is no unsaved work of before")),
    file("file.save-image", "Save image...", |studio| {
        if let Some(scan) = studio.shown {
            saving::ask(studio, Purpose::SaveImage(scan));
        }
    })
    .hint("Write the scan, in any format that can hold it")
    .unless(no_scan),
    file("file.save-series", "Save as DICOM series...", |studio| {
        if let Some(scan) = studio.shown {
            saving::ask(studio, Purpose::SaveSeries(scan));
        }
    })
    .hint("Write the scan as a derived DICOM series, one image a slice, into an empty folder or a new one")
    .unless(no_scan),
    file("file.export-surfaces", "Export surfaces...", |studio| {
        with_active(studio, |studio, of| saving::ask(studio, Purpose::SaveSurfaces(of)));
    })
    .hint("Write the surfaces of all labels as STL, PLY or OBJ, in patient millimetres")
    .unless(no_scan),
    file("file.picture-axial", "Save axial picture...", |studio| save_picture(studio, Plane::Axial))
        .hint("Write the axial view's slice with its labels as PNG")
        .unless(no_scan),
    file("file.picture-coronal", "Save coronal picture...", |studio| save_picture(studio, Plane::Coronal))
        .hint("Write the coronal view's slice with its labels as PNG")
        .unless(no_scan),
    file("file.picture-sagittal", "Save sagittal picture...", |studio| save_picture(studio, Plane::Sagittal))
        .hint("Write the sagittal view's slice with its labels as PNG")
        .unless(no_scan),
    file("file.body-pictures", "Save 3-D pictures...", body_pictures::open)
        .hint("Write the 3-D tile as PNG: one picture, or those of a full turn")
        .unless(body_pictures::lacks),
    file("file.figures", "Slices as pictures...", figures::open)
        .hint("Draw a sheet of slices for a paper, or write slices as PNG, TIFF or a stack")
        .unless(no_scan),
    file("file.save-numbers", "Save numbers of labels...", |studio| {
        with_active(studio, |studio, of| saving::ask(studio, Purpose::SaveNumbers(of)));
    })
    .hint("Write the numbers of all labels as CSV")
    .unless(numbers::lacks),
    file("file.servers", "Servers...", servers::open)
        .hint("Fetch scans from a server of images (PACS), and send results to it")
        .keys(&["Ctrl+Shift+R"]),
    file("file.deidentify", "De-identify...", deidentifying::open)
        .hint("Take the patients out of DICOM files; every change is listed before anything is written"),
    file("file.close", "Close scan", |studio| {
        if let Some(scan) = studio.shown {
            leaving::ask(studio, Leaving::Scan(scan));
        }
    })
    .hint("Close the scan on screen with its segmentations")
    .keys(&["Ctrl+W"])
    .unless(no_scan),
    file("file.quit", "Quit", |studio| leaving::ask(studio, Leaving::Window)).keys(&["Ctrl+Q"]),
];
