//! The items that are part of the program, so that a fresh install runs tools at once.
//!
//! They stand behind every system space that is configured. They are text like any other item, and what they say is
//! pinned in lockfiles by its hash; being part of the binary, they carry no signature.

use crate::words::ToolItemId;

/// Ids and texts; all are YAML.
const ITEMS: [(&str, &str); 6] = [
    ("rye/core/primitives/http_client", include_str!("http_client.yaml")),
    ("rye/core/primitives/subprocess", include_str!("subprocess.yaml")),
    ("rye/core/runtimes/bash/bash", include_str!("bash.yaml")),
    ("rye/core/runtimes/node/node", include_str!("node.yaml")),
    ("rye/core/runtimes/python/function", include_str!("python_function.yaml")),
    ("rye/core/runtimes/python_runtime", include_str!("python_runtime.yaml")),
];

/// The text of a built-in item.
pub fn builtin(id: &ToolItemId) -> Option<&'static str> {
    all().find(|(known, _)| *known == id.as_str()).map(|(_, text)| text)
}

/// All built-in items by their ids, sorted, with their texts.
pub fn all() -> impl Iterator<Item = (&'static str, &'static str)> {
    ITEMS.into_iter()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_built_in_id_is_an_id_and_finds_its_text() {
        let ids: Vec<&str> = all().map(|(id, _)| id).collect();
        assert!(ids.is_sorted(), "a list is read by people");
        for (id, text) in all() {
            assert_eq!(builtin(&ToolItemId::new(id).unwrap()), Some(text), "{id}");
            assert!(text.starts_with("# "), "{id} says what it is");
        }
        assert_eq!(builtin(&ToolItemId::new("web/x").unwrap()), None);
    }
}
