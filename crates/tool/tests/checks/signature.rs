//! Signatures: which texts are valid, and that only signed content verifies.

use lokt_tool::{
    item::NormalizedToolItemText,
    signature::{
        SecretKey, SignatureLine, SigningKeyError, SigningKeyFiles, TrustStore, signed, verify,
    },
    words::ToolFileExtension,
};
use std::sync::LazyLock;
use tempfile::TempDir;

static FOLDER: LazyLock<TempDir> = LazyLock::new(|| tempfile::tempdir().expect("a folder"));
static KEY: LazyLock<SecretKey> = LazyLock::new(|| {
    let key = SigningKeyFiles::of(FOLDER.path())
        .generate(|_| Ok::<_, SigningKeyError>(()))
        .expect("a key")
        .0;
    TrustStore::of(FOLDER.path(), []).add(&key.public()).expect("the key is trusted");
    key
});

/// Checks a text as an item and as a signature line; the first byte chooses the language.
pub fn check(bytes: &[u8]) {
    let Some((first, rest)) = bytes.split_first() else { return };
    let extension = if first % 2 == 0 { ToolFileExtension::Py } else { ToolFileExtension::Ts };
    let Ok(text) = NormalizedToolItemText::decode(rest, extension) else { return };
    if let Ok(line) = SignatureLine::parse(text.as_str()) {
        let written = line.to_string();
        assert_eq!(SignatureLine::parse(&written), Ok(line), "what is written is read: {written}");
    }
    let key = &*KEY;
    let trust = TrustStore::of(FOLDER.path(), []);
    verify(&text, &trust).expect_err("this has no valid signature");
    let now = "2026-02-11T00:00:00Z".parse().expect("a time");
    let Ok(once) = signed(rest, extension, key, now) else { return };
    let read = NormalizedToolItemText::decode(&once, extension).expect("a text stays a text");
    let line = verify(&read, &trust).expect("what is signed is vouched for");
    assert_eq!(line.hash, read.integrity(), "the hash is of the content");
    let twice = signed(&once, extension, key, now).expect("it can be signed again");
    assert_eq!(twice, once, "signing again changes nothing");
    let edited = [&once[..], b"x"].concat();
    let edited = NormalizedToolItemText::decode(&edited, extension).expect("a text stays a text");
    verify(&edited, &trust).expect_err("what changes afterwards is not vouched for");
}
