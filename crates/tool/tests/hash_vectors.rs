//! Content hashes as other programs compute them: `vectors/hash.json`.

use base64::{Engine, engine::general_purpose::STANDARD};
use lokt_tool::{item::NormalizedToolItemText, words::ToolFileExtension};
use serde::Deserialize;

#[derive(Deserialize)]
struct Vector {
    name: String,
    ext: String,
    content_base64: String,
    integrity: String,
}

#[test]
fn every_item_has_the_hash_of_other_programs() {
    let vectors: Vec<Vector> = serde_json::from_str(include_str!("vectors/hash.json")).unwrap();
    assert!(vectors.len() >= 24, "all vectors are there");
    for vector in vectors {
        let extension = ToolFileExtension::of_file_name(&format!("x{}", vector.ext)).unwrap();
        let bytes = STANDARD.decode(vector.content_base64).unwrap();
        let text = NormalizedToolItemText::decode(&bytes, extension).unwrap();
        assert_eq!(text.integrity().to_string(), vector.integrity, "{}", vector.name);
    }
}
