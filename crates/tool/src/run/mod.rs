//! Running.
use crate::words::ItemId;
/// Whether this program has a primitive.
pub fn is_known_primitive(id: &ItemId) -> bool {
    matches!(id.as_str(), "rye/core/primitives/subprocess" | "rye/core/primitives/http_client")
}
