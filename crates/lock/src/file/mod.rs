//! The store of one machine: a folder, with the kernel's file locks as the only authority.
//!
//! ```text
//! <root>/locks/<name>.json       lock records     } public: docs/formats.md
//! <root>/freezes/<name>.json     freezes          }
//! <root>/reservations/<id>.json  reservations     }
//! <root>/audit.log               the audit log    }
//! <root>/latches/<00-3f>         one latch for every 64th of the names, with their fence
//! <root>/queue/<name>/<ticket>   the line for a name
//! <root>/latches/reservations    the latch of all reservations
//! <root>/reservation-waiters/    the requests that wait for reservations, each with a flock(2) of its process
//! <root>/sessions/               what hooks note of sessions of harnesses
//! <root>/tmp/                    records that are being written
//! ```
//!
//! # What rests on what
//! * A **latch** is a file with an exclusive flock(2). The process that has it may change anything of its
//!   names. It is never unlinked: two files of one name would be two latches.
//! * A **ticket** is a file with an exclusive flock(2) too, held by the process that wants or has the lock and
//!   by everything that inherits it. The kernel drops it with the last of them; this, and nothing else, says
//!   that a guard is gone.
//! * A **record** is written under `tmp/` and then linked into place. link(2) never replaces, so programs that
//!   create records exclusively and know nothing of latches are excluded, and exclude Lokt.
//!
//! # Limits
//! Linux; a local file system with hard links. Network file systems are refused.

mod audit_log;
mod checkup;
mod earlier;
mod exposure;
mod file_changes;
mod file_store;
mod file_system;
mod folder_latch;
mod git;
mod io;
mod latch;
mod layout;
mod loss_watcher;
mod name_reader;
mod obstacle_watch;
mod ownership;
mod project_file;
mod record_content;
mod reservation_section;
mod reservation_slot;
mod reservation_waiters;
mod reservation_watch;
mod root;
mod root_watch;
mod safe_directory;
mod section;
mod session_notes;
mod slot;
mod sweep;
mod ticket;

pub use checkup::{CheckStatus, RootCheckOutcome, checkup};
pub use earlier::PreRepositoryRoot;
pub use file_store::FileLockStore;
pub use file_system::{FileSystemKind, file_system_of};
pub use folder_latch::FolderLatch;
pub use git::{WorktreeGitDirectories, work_tree, worktree_place};
pub use latch::{LATCH_TIMEOUT, Latch};
pub use layout::LockRootLayout;
pub use loss_watcher::FileLockLossWatcher;
pub use name_reader::{FileLockListing, FileNameReader};
pub use obstacle_watch::FileObstacleWatch;
pub use ownership::{ForeignOwnedPath, ProcessUser};
pub use project_file::{GUARD_KEY, PROJECT_FILE, ProjectFileText, ROOT_KEY};
pub use reservation_section::{FileReservationReader, LatchedReservationSection};
pub use reservation_waiters::ReservationTicket;
pub use reservation_watch::FileReservationWatch;
pub use root::{LockRoot, LockRootError, RootMethod, RootSearchInputs, RootSuccessor};
pub use root_watch::LockRootChangeWatch;
pub use section::LatchedSection;
pub use session_notes::{HarnessProcess, SessionChange};
pub use slot::read_slot;
pub use ticket::FileTicket;
