//! Waiting for what wgpu answers at once, and for what a device works on.

use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

/// How long a thread sleeps between two looks at a device.
pub const NAP: Duration = Duration::from_micros(300);

/// The answer of a question to wgpu, which answers at once but for a browser.
pub fn answer<T>(question: impl Future<Output = T>) -> T {
    let mut question = pin!(question);
    let mut context = Context::from_waker(Waker::noop());
    loop {
        if let Poll::Ready(answer) = question.as_mut().poll(&mut context) {
            return answer;
        }
        std::thread::sleep(NAP);
    }
}
