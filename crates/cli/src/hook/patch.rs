//! The files of a patch, in the form that Codex's `apply_patch` has
//! (<https://github.com/openai/codex/blob/main/codex-rs/apply-patch/apply_patch_tool_instructions.md>): headers of
//! files begin a line, and each line of content has a `+`, `-` or blank before it.

/// What headers of files begin with.
const HEADERS: [&str; 4] =
    ["*** Add File: ", "*** Update File: ", "*** Delete File: ", "*** Move to: "];
/// The first line of a patch.
pub(super) const BEGIN: &str = "*** Begin Patch";

/// The paths of the files that a patch adds, changes, deletes, or moves to, each once.
pub(super) fn files(patch: &str) -> Vec<String> {
    let mut files: Vec<String> = Vec::new();
    for line in patch.lines() {
        let named = HEADERS.iter().find_map(|header| line.strip_prefix(header)).map(str::trim);
        if let Some(file) = named.filter(|it| !it.is_empty())
            && !files.iter().any(|it| it == file)
        {
            files.push(file.to_owned());
        }
    }
    files
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_files_of_a_patch_are_found_and_no_line_of_content() {
        let patch = "*** Begin Patch\n*** Add File: a b.txt\n+*** Add File: no\n*** Update File: src/x.rs\n\
            *** Move to: src/y.rs\n@@ fn f\n *** Update File: no\n-old\n+new\n*** Delete File: ../z\n\
            *** Update File: src/x.rs\n*** Update File: \n*** End Patch\n";
        assert_eq!(files(patch), ["a b.txt", "src/x.rs", "src/y.rs", "../z"]);
        assert!(files("").is_empty() && files("no patch").is_empty());
    }
}
