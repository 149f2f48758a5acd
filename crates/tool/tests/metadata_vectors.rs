//! Snippets of tools with the metadata that other implementations read from them.

use lokt_tool::{metadata, words::ToolFileExtension};
use serde_json::Value;

#[test]
fn every_snippet_has_the_metadata_of_other_programs() {
    let vectors: Vec<Value> = serde_json::from_str(include_str!("vectors/metadata.json")).unwrap();
    assert!(vectors.len() > 20, "there are snippets");
    for vector in vectors {
        let file = vector["file"].as_str().unwrap();
        let extension = ToolFileExtension::of_file_name(file).unwrap();
        let read = metadata::read(vector["text"].as_str().unwrap(), extension);
        if vector["error"] == true {
            let error = read.expect_err(file).to_string();
            assert!(error.starts_with("line "), "{file} is refused with its line: {error}");
        } else {
            let metadata = Value::Object(read.expect(file).to_json());
            assert_eq!(metadata, vector["metadata"], "{file} says what others read");
        }
    }
}
