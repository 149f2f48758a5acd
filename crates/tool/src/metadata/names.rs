//! The names that source files give to the keys of the metadata.

use super::ToolMetadata;

/// The names, in the order of [`ToolMetadata::KEYS`].
const NAMES: [&str; 8] = [
    "__version__",
    "__tool_type__",
    "__executor_id__",
    "__category__",
    "__tool_description__",
    "CONFIG",
    "CONFIG_SCHEMA",
    "ENV_CONFIG",
];

/// The key that a name stands for; `None` for a name that is not metadata.
pub(super) fn key_of_name(name: &str) -> Option<&'static str> {
    NAMES.iter().zip(ToolMetadata::KEYS).find_map(|(known, key)| (*known == name).then_some(key))
}

/// The key with this text, as data files write it.
pub(super) fn key_of_text(text: &str) -> Option<&'static str> {
    ToolMetadata::KEYS.into_iter().find(|key| *key == text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_has_its_name() {
        assert_eq!(key_of_name("__executor_id__"), Some("executor_id"), "the names are ordered");
        assert_eq!(key_of_name("ENV_CONFIG"), Some("env_config"), "the names are ordered");
        assert_eq!(key_of_name("version"), None, "a key is not its name");
        assert_eq!(key_of_text("config_schema"), Some("config_schema"), "a key is a key");
    }
}
