//! The system's file dialogs, and how to tell that it has none.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use super::{Mode, Question};
use crate::words::{self, say};

/// Nobody sees a dialog and cancels it within this time: it was never there.
const SOONEST_CANCEL: Duration = Duration::from_millis(400);

/// Asks with the system's dialog; none where the user chose nothing.
///
/// # Errors
/// Why the system has no dialog, as a sentence for the user.
pub fn ask(question: &Question) -> Result<Option<PathBuf>, String> {
    let service = find_service()?;
    let started = Instant::now();
    let mut dialog = rfd::FileDialog::new().set_title(words::text(question.title));
    if let Some(folder) = &question.folder {
        dialog = dialog.set_directory(folder);
    }
    let path = match &question.mode {
        Mode::Open => dialog.pick_file(),
        Mode::Folder => dialog.pick_folder(),
        Mode::Save(kind, endings) => {
            // It knows endings without their first dot.
            let endings: Vec<&str> = endings.iter().map(|ending| ending.trim_start_matches('.')).collect();
            // zenity begins in the folder of the name that it is given.
            let name = match (&service, &question.folder) {
                (Service::Zenity, Some(folder)) => folder.join(&question.name).display().to_string(),
                _ => question.name.clone(),
            };
            dialog.add_filter(words::text(kind), &endings).set_file_name(name).save_file()
        }
    };
    // It gives nothing too where it fails.
    if path.is_none() && started.elapsed() < SOONEST_CANCEL {
        return Err(say!("The system's file dialog did not open; this is Lamella's own.").into());
    }
    Ok(path)
}

/// What shows the dialogs.
enum Service {
    /// The system itself, or the desktop's portal.
    Native,
    /// The program `zenity`.
    #[cfg_attr(not(target_os = "linux"), allow(dead_code))]
    Zenity,
}

#[cfg(not(target_os = "linux"))]
#[allow(clippy::unnecessary_wraps)]
fn find_service() -> Result<Service, String> {
    Ok(Service::Native)
}

#[cfg(target_os = "linux")]
fn find_service() -> Result<Service, String> {
    match () {
        () if has_portal() => Ok(Service::Native),
        () if is_on_path("zenity") => Ok(Service::Zenity),
        () => {
            Err(say!("This system offers no file dialog (neither a desktop portal nor zenity); this is Lamella's own.")
                .into())
        }
    }
}

/// Whether the desktop's portal answers that it can choose files.
#[cfg(target_os = "linux")]
fn has_portal() -> bool {
    /// How long it may take to answer; it may have to be started first.
    const PATIENCE: Duration = Duration::from_secs(3);
    async fn version() -> zbus::Result<()> {
        let bus = zbus::Connection::session().await?;
        let portal = Some("org.freedesktop.portal.Desktop");
        let properties = Some("org.freedesktop.DBus.Properties");
        let which = ("org.freedesktop.portal.FileChooser", "version");
        bus.call_method(portal, "/org/freedesktop/portal/desktop", properties, "Get", &which).await?;
        Ok(())
    }
    let (sender, answer) = std::sync::mpsc::channel();
    std::thread::spawn(move || sender.send(zbus::block_on(version()).is_ok()));
    answer.recv_timeout(PATIENCE).unwrap_or(false)
}

#[cfg(target_os = "linux")]
fn is_on_path(program: &str) -> bool {
    let folders = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&folders).any(|folder| folder.join(program).is_file())
}
