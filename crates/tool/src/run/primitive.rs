use crate::words::ItemId;

/// What the end of a chain does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Primitive {
    /// Starts a process.
    Subprocess,
    /// Sends an HTTP request.
    HttpClient,
}

impl Primitive {
    /// The primitive that an id names.
    pub(super) fn of(id: &ItemId) -> Option<Self> {
        match id.as_str() {
            "rye/core/primitives/subprocess" => Some(Self::Subprocess),
            "rye/core/primitives/http_client" => Some(Self::HttpClient),
            _ => None,
        }
    }
}

/// Whether this build can run what ends in this primitive.
pub fn is_known_primitive(id: &ItemId) -> bool {
    Primitive::of(id).is_some()
}
