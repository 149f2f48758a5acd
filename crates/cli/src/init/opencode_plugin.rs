//! The plugin that asks `lokt hook` for opencode, whose hooks are plugins.

use super::hooks_file::HookStrictness;

/// Where it is, relative to the project.
pub(super) const PATH: &str = ".opencode/plugins/lokt.js";

const LENIENT: &str = include_str!("opencode_plugin.js");

/// All of it.
pub(super) fn text(strictness: HookStrictness) -> String {
    match strictness {
        HookStrictness::Lenient => LENIENT.to_owned(),
        HookStrictness::Strict => LENIENT.replacen("STRICT = false", "STRICT = true", 1),
    }
}

/// How strict a plugin of `init` is; none of one that a user has changed.
pub(super) fn strictness_of(plugin: &str) -> Option<HookStrictness> {
    [HookStrictness::Lenient, HookStrictness::Strict].into_iter().find(|it| text(*it) == plugin)
}
