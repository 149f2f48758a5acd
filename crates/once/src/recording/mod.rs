//! What a command prints, recorded while it runs, for any number of followers in other processes.
//!
//! A recording is three files in the folder of its key, named by the fence of the run, so that the newest is
//! the one with the highest number:
//!
//! ```text
//! <fence>.out      what came on the standard output
//! <fence>.err      what came on the standard error output
//! <fence>.order    frames: in which order, and in the end what became of the run
//! ```
//!
//! The bytes come before the frame that tells of them, so a process that has read a frame finds them. The one
//! writer holds the lock of the key; followers only read, and nothing that they do or fail to do reaches the
//! writer. A recording without a last frame whose writer is gone was broken off.

mod digest_thread;
mod display;
mod follower;
mod frame;
mod output_streams;
mod output_tail;
mod progress_signal;
mod recorder;
mod stream_file;
mod transcript;
mod verdict;
mod watch;

pub use display::RecordingDisplayThread;
pub use follower::{RecordingProgress, RecordingReader};
pub use frame::{RecordingOrderEntry, Stream};
pub use output_streams::RecordingDisplayStreams;
pub use output_tail::{OutputTail, OutputTails};
use recorder::OutputReadOutcome;
pub use recorder::{BlobReference, OutputRecorder, OutputRecordingSnapshot};
pub use transcript::{
    OutputSources, RecordingDisplayCompletion, RecordingOrDirectSink, RecordingOutcome,
    UnrecordedOutput, transcribe,
};
pub use verdict::OnceRunOutcome;
pub use watch::RecordingFolderWatch;

use lokt_lock::sys::nofollow;
use std::path::{Path, PathBuf};

/// The file of a recording.
fn path(folder: &Path, fence: u64, part: &str) -> PathBuf {
    folder.join(format!("{fence}.{part}"))
}

/// Removes the files of all recordings of a folder that are older than a fence. Their readers can read on.
pub fn remove_before(folder: &Path, fence: u64) {
    for name in nofollow::names(folder).unwrap_or_default() {
        if name.to_str().and_then(number).is_some_and(|number| number < fence) {
            // What stays is removed by the next run.
            let _ = nofollow::remove_file(&folder.join(name));
        }
    }
}

/// Removes the recordings of a folder that no process writes any more, and the folder if nothing is left in it.
pub fn remove_abandoned(folder: &Path) {
    let is_written = RecordingReader::newest(folder).is_some_and(|fence| {
        let order = nofollow::open_to_read(&path(folder, fence, "order"));
        // Its writer has it locked. In doubt, there is one.
        order.is_ok_and(|order| order.try_lock_shared().is_err())
    });
    if !is_written {
        remove_before(folder, u64::MAX);
        // A process that is about to record here makes it again.
        let _ = nofollow::remove_folder(folder);
    }
}

fn number(file_name: &str) -> Option<u64> {
    file_name.split_once('.')?.0.parse().ok()
}
