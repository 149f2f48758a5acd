use crate::words::ToolItemId;

/// What the end of a chain does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum PrimitiveKind {
    /// Starts a process.
    Subprocess,
    /// Sends an HTTP request.
    HttpClient,
}

impl PrimitiveKind {
    /// The primitive that an id names.
    pub(super) fn of(id: &ToolItemId) -> Option<Self> {
        match id.as_str() {
            "rye/core/primitives/subprocess" => Some(Self::Subprocess),
            "rye/core/primitives/http_client" => Some(Self::HttpClient),
            _ => None,
        }
    }
}

/// Whether this build can run what ends in this primitive.
pub fn is_known_primitive(id: &ToolItemId) -> bool {
    PrimitiveKind::of(id).is_some()
}
