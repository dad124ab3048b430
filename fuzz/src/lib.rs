//! What all fuzz targets are made of. See README.md.

use std::sync::{Mutex, Once, PoisonError};

pub mod entries;
pub mod memory;
pub mod wrapped;

#[global_allocator]
static ALLOCATOR: memory::Counting = memory::Counting;

/// What the last panic said.
static SAID: Mutex<String> = Mutex::new(String::new());

/// Reads an input through the door of a name. A panic that the program catches and tells as damage is no finding, so the hook with which
/// libFuzzer ends at every panic is replaced; one that nobody catches ends it here.
pub fn run(name: &'static str, bytes: &[u8]) {
    static START: Once = Once::new();
    START.call_once(|| {
        std::panic::set_hook(Box::new(|info| {
            *SAID.lock().unwrap_or_else(PoisonError::into_inner) = info.to_string();
        }));
    });
    let reader = entries::READERS
        .iter()
        .find(|reader| reader.name == name)
        .unwrap_or_else(|| panic!("no reader is called {name}"));
    if std::panic::catch_unwind(|| memory::held(reader, bytes)).is_err() {
        eprintln!("{}", SAID.lock().unwrap_or_else(PoisonError::into_inner));
        std::process::abort();
    }
}

/// The whole of a fuzz target.
#[macro_export]
macro_rules! target {
    ($name:literal) => {
        libfuzzer_sys::fuzz_target!(|bytes: &[u8]| $crate::run($name, bytes));
    };
}
