//! `lamella remote receive`

use std::net::IpAddr;
use std::path::PathBuf;

use clap::Args;

use crate::cli::Result;
use crate::cli::terminal::Terminal;
use crate::jobs::{JobError, ReceiveNews, RemoteReceiveJob};
use crate::remote::{AeTitle, Heard};
use crate::work::Stopped;

/// Take what others send, until Ctrl-C.
#[derive(Args)]
pub struct Receive {
    /// The port to listen on; 0 is any that is free
    #[arg(long)]
    port: u16,
    /// Our AE title: who calls another one is turned away
    #[arg(long, value_name = "TITLE", value_parser = AeTitle::new, default_value = "LAMELLA")]
    aet: AeTitle,
    /// Listen on this address of ours only; everybody who can reach the port may send where all are listened on
    #[arg(long, default_value = "0.0.0.0")]
    address: IpAddr,
    /// The folder that series come into, each in a folder of its own
    #[arg(short, long)]
    output: PathBuf,
}

impl Receive {
    pub(super) fn run(self) -> Result {
        let terminal = Terminal::new("Receiving");
        terminal.finish();
        let Self { port, aet, address, output } = self;
        let title = aet.clone();
        let job = RemoteReceiveJob { address, port, title: aet, folder: output };
        let received = terminal.run(job, &|news| match news {
            ReceiveNews::Listening(port) => tell!("{title} listens on {address}, port {port}; Ctrl-C ends it"),
            ReceiveNews::Heard(Heard::Kept) => {}
            ReceiveNews::Heard(Heard::Refused(refused)) => tell!("refused: {}: {}", refused.uid, refused.why),
            ReceiveNews::Heard(Heard::Finished { folder, from }) => say!("{} from {from}", folder.display()),
            ReceiveNews::Heard(Heard::Broken(error)) => tell!("note: {error}"),
            ReceiveNews::Heard(Heard::Unfinished { series, earlier }) => tell!(
                "note: the series {series} is not in place: {earlier} of its instances came over a connection that broke, and not again \
                 since; have the whole series sent again"
            ),
        })?;
        tell!("{} instances received, {} refused", received.kept, received.refused);
        if received.unfinished > 0 {
            tell!(
                "note: {} series are not in place, for a connection broke or an instance was refused; have them sent again",
                received.unfinished
            );
        }
        // It ends only so.
        Err(JobError::Stopped(Stopped))
    }
}
