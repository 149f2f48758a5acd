//! Operations of a `package.json`: which of its scripts calls Lokt.

use super::{call::LoktProgramVariableNames, operation::GuardedOperation, shell};
use crate::view::command_line;
use serde_json::Value;

/// Programs that run the scripts, as `packageManager` names them.
const PROGRAMS: [&str; 3] = ["pnpm", "yarn", "bun"];

/// The operations of a `package.json`; an empty list if it is not JSON, which other programs report.
pub(super) fn operations(text: &str, file: &str) -> Vec<GuardedOperation> {
    let Ok(package) = serde_json::from_str::<Value>(text) else { return Vec::new() };
    let named = package.get("packageManager").and_then(Value::as_str).unwrap_or_default();
    let named = named.split('@').next().unwrap_or_default();
    let program = PROGRAMS.into_iter().find(|it| *it == named).unwrap_or("npm");
    let scripts = package.get("scripts").and_then(Value::as_object);
    let of_script = |(name, line): (&String, &Value)| {
        let run = format!("{program} run {}", command_line(std::slice::from_ref(name)));
        let calls =
            shell::calls(line.as_str().unwrap_or_default(), &LoktProgramVariableNames::new())
                .into_iter();
        let operations =
            calls.map(move |call| GuardedOperation::new(call, &run, file).without_line());
        operations.collect::<Vec<_>>()
    };
    scripts.into_iter().flatten().flat_map(of_script).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Vec<(String, String)> {
        let all = operations(text, "package.json").into_iter();
        all.map(|it| (it.names.join(","), it.run)).collect()
    }

    #[test]
    fn scripts_are_run_by_their_name() {
        let text = r#"{"packageManager": "pnpm@9.1.0", "scripts": {
            "build": "tsc && lokt guard build -- \"vite build\"",
            "a b": "lokt guard x -- y", "plain": "tsc", "odd": 7}}"#;
        let runs = [("build", "pnpm run build"), ("x", "pnpm run 'a b'")];
        assert_eq!(found(text), runs.map(|(name, run)| (name.to_owned(), run.to_owned())));
        let npm = r#"{"scripts": {"a": "lokt guard x -- y"}}"#;
        assert_eq!(found(npm)[0].1, "npm run a");
    }

    #[test]
    fn what_is_no_package_has_no_scripts() {
        for text in ["", "[]", "{\"scripts\": []}", "// {}", &"[".repeat(100_000)] {
            assert!(found(text).is_empty());
        }
    }
}
