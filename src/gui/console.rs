//! The console that Windows opens for a program of the command line, closed when it was opened for the window alone.
//!
//! One file serves both: `lamella segment …` in a prompt writes there, and a double click shows the window. From Windows 11 24H2 the manifest
//! (`packaging/windows`) keeps the console away; before, it is let go here. Source: Microsoft, "Console allocation policy" and
//! `GetConsoleProcessList`.

/// Lets go of the console if no other program uses it: it was then opened for this start, and nobody reads it.
#[cfg(windows)]
#[allow(unsafe_code, reason = "two functions of the system, without a safe crate for them")]
pub fn leave() {
    use windows_sys::Win32::System::Console::{FreeConsole, GetConsoleProcessList};

    let mut programs = [0_u32; 2];
    // SAFETY: the pointer and the count describe `programs`, which the call fills and does not keep.
    let count = unsafe { GetConsoleProcessList(programs.as_mut_ptr(), 2) };
    if count == 1 {
        // SAFETY: takes nothing, and what is written afterwards goes nowhere, which the standard library allows.
        unsafe { FreeConsole() };
    }
}

/// Elsewhere no console comes up of itself.
#[cfg(not(windows))]
pub const fn leave() {}
