//! Another start with another kind of driver, where the window could not be opened with the first.
//!
//! A driver may be found and then fail: DirectX 12 of a virtual machine or of Wine, an old Vulkan. A process has one event loop, so the next
//! try is a process of its own.

use std::process::Command;

/// What wgpu reads to know which kind of driver to take; what the user says by it is not tried again with others.
const CHOICE: &str = "WGPU_BACKEND";
/// Set for the tries that are ours.
const OURS: &str = "LAMELLA_OTHER_DRIVER";
/// Kinds that are tried after all kinds together failed.
const KINDS: &[&str] = if cfg!(windows) { &["vulkan", "gl"] } else { &["gl"] };

/// Runs the program again, with the same arguments and the next kind of driver. True when its window opened and was closed.
pub fn try_next(why: &dyn std::fmt::Display) -> bool {
    let tried = std::env::var(CHOICE).ok();
    let is_ours = std::env::var_os(OURS).is_some();
    let Some(kind) = next(tried.as_deref(), is_ours) else { return false };
    let Ok(program) = std::env::current_exe() else { return false };
    tracing::warn!("the window cannot be opened: {why}; trying {kind}");
    let mut again = Command::new(program);
    again.args(std::env::args_os().skip(1)).env(CHOICE, kind).env(OURS, "1");
    again.status().is_ok_and(|status| status.success())
}

/// The kind after the one that failed.
fn next(tried: Option<&str>, is_ours: bool) -> Option<&'static str> {
    match tried {
        None => KINDS.first().copied(),
        Some(tried) if is_ours => KINDS.iter().skip_while(|kind| **kind != tried).nth(1).copied(),
        Some(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_is_tried_once_and_what_the_user_chose_stays() {
        let mut tried = vec![next(None, false).unwrap()];
        while let Some(kind) = next(tried.last().copied(), true) {
            assert!(!tried.contains(&kind));
            tried.push(kind);
        }
        assert_eq!(tried, KINDS);
        assert_eq!(next(Some("gl"), false), None);
    }
}
