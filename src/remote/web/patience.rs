//! Time limits.

use std::time::Duration;

/// How long the network is waited for.
#[derive(Debug, Clone, Copy)]
pub struct Patience {
    /// Until a connection stands, secure where it is to be.
    pub connect: Duration,
    /// While nothing comes or goes: searches of large archives take their time.
    pub quiet: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self { connect: Duration::from_secs(15), quiet: Duration::from_secs(90) }
    }
}
