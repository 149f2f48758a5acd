//! The audit log: one JSON line for every change of a lock, and for every denial.
//!
//! [`AuditEvent`] is what stands in a line; [`LogReader`] finds and reads them; [`Timeline`] makes spans of time of
//! them. Writing is the store's part. The log is append-only, mode 0600; nothing of Lokt ever shortens it.

mod event;
mod occurrence;
mod reader;
mod reservation_timeline;
mod timeline;
mod timeline_builder;

pub use event::{AuditEvent, AuditEventKind, UnknownEventKindError};
pub use reader::{AuditLogLine, AuditLogReadError, LogReader};
pub use timeline::{
    AuditEventActor, ResolvedTimeRange, SpanEnd, Timeline, TimelineEndState, TimelineLane,
    TimelineSpan, TimelineSpanKind, TimelineSpanStartCertainty, TimelineSubject,
};
