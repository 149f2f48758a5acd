//! The example in the documentation works as described.

use crate::sandbox;
use std::{fs, path::Path};

/// The lines of the page that show that a server answers.
fn example() -> String {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/mcp.md");
    let page = fs::read_to_string(page).unwrap();
    let (_, example) = page.split_once("```sh\n").expect("an example");
    example.split_once("```").expect("its end").0.to_owned()
}

#[test]
fn the_example_shows_that_a_server_answers() {
    let it = sandbox();
    for _ in 0..5 {
        let done = it.shell(&format!("set -o pipefail; {}", example())).in_time().ok();
        assert!(done.out.contains(r#""stdout":"alone in here"#), "as the page says: {done:#?}");
        assert!(done.err.is_empty(), "{done:#?}");
    }
}
