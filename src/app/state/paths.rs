//! Paths that the user is asked for: what for, and what came of it.

use std::path::PathBuf;

use super::body_pictures::PicturesKind;
use super::figures::FigureKind;
use super::reslicing::ResliceTile;
use crate::session::{ScanId, SegmentationId};
use crate::volume::Plane;

/// What a chosen path is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// Open an image file.
    OpenFile,
    /// Open a folder.
    OpenFolder,
    /// Labelled scans to learn from.
    Dataset,
    /// A data set that the shown scan is added to.
    AddToDataset(SegmentationId),
    /// Write the report of a training.
    Report,
    /// Open a mask on a scan.
    OpenLabels(SegmentationId),
    /// Open a mask as a further segmentation, to compare this one with.
    CompareWith(SegmentationId),
    /// Write a segmentation.
    SaveLabels(SegmentationId),
    /// Read names and colours of labels.
    OpenNames(SegmentationId),
    /// Write names and colours of labels.
    SaveNames(SegmentationId),
    /// Write all that is open as a document.
    SaveDocument,
    /// Open a document.
    OpenDocument,
    /// Find a scan that labels were made on.
    FindScan {
        /// Which of those that are being brought back.
        id: u64,
        /// Whether it lies in a folder.
        is_folder: bool,
    },
    /// Write the numbers of the labels in hand.
    SaveNumbers(SegmentationId),
    /// A file of a segmentation's surfaces.
    SaveSurfaces(SegmentationId),
    /// The folder that is fetched into from servers, and whether the fetch begins then.
    FetchInto {
        /// Whether it begins.
        starts: bool,
    },
    /// A file that is sent to a server.
    SendFile,
    /// DICOM files that patients are taken out of.
    Deidentify {
        /// Whether a folder of them is chosen.
        is_folder: bool,
    },
    /// The secret that new names are made from.
    DeidentifyKey,
    /// The folder for files without their patients.
    DeidentifyInto,
    /// Write the rulers, angles and regions of a scan.
    SaveMeasurements(ScanId),
    /// Write a scan.
    SaveImage(ScanId),
    /// Write a scan as a DICOM series.
    SaveSeries(ScanId),
    /// Write slices for papers.
    SaveFigure(ScanId, FigureKind),
    /// Write a picture of a view.
    SavePicture(ScanId, Plane),
    /// Write pictures of the 3-D tile.
    SaveBody(ScanId, PicturesKind),
    /// Write the picture of the oblique or the curved tile.
    SaveReslice(ScanId, ResliceTile),
}

/// What a dialog chooses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mode {
    /// A file that is there.
    Open,
    /// A folder.
    Folder,
    /// A file to be written, of a kind with this name, whose name ends in one of these, the preferred one first.
    Save(String, Vec<&'static str>),
}

/// What a dialog is to ask.
#[derive(Debug, Clone)]
pub struct Question {
    /// What the path is for.
    pub purpose: Purpose,
    /// What is chosen.
    pub mode: Mode,
    /// The dialog's title.
    pub title: &'static str,
    /// Where it begins.
    pub folder: Option<PathBuf>,
    /// The suggested file name.
    pub name: String,
}

/// What came of a dialog.
#[derive(Debug)]
pub struct Answer {
    /// What the path is for.
    pub purpose: Purpose,
    /// What was chosen.
    pub mode: Mode,
    /// The path; none where the user chose none.
    pub path: Option<PathBuf>,
}
