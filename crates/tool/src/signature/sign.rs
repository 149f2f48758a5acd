use super::{SecretKey, SignatureLine};
use crate::{
    item::{NormalizedToolItemText, NotUtf8},
    words::ToolFileExtension,
};
use lokt_lock::words::Timestamp;

/// Says why an item cannot be signed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UnsignableToolItemError {
    /// It is no text.
    #[error(transparent)]
    NotUtf8(#[from] NotUtf8),
    /// It is JSON.
    #[error("JSON has no comments, so it cannot carry a signature")]
    Json,
    /// It begins with a byte order mark, and would have it in its middle.
    #[error("it begins with a byte order mark; a signature cannot stand before it")]
    ByteOrderMark,
    /// It begins with `#!`, which must stay first, as must the signature.
    #[error("it begins with '#!', and in this language no signature can follow that")]
    Shebang,
}

/// An item's bytes with a signature, in the place of the one that it may have had. The rest stays as it is.
///
/// # Errors
/// [`UnsignableToolItemError`] says why the item cannot be signed.
pub fn signed(
    bytes: &[u8],
    extension: ToolFileExtension,
    key: &SecretKey,
    now: Timestamp,
) -> Result<Vec<u8>, UnsignableToolItemError> {
    let mut text = NormalizedToolItemText::decode(bytes, extension)?;
    let mut raw = std::str::from_utf8(bytes).unwrap_or_default().to_owned();
    let prefix = extension.comment_prefix();
    if extension == ToolFileExtension::Json {
        return Err(UnsignableToolItemError::Json);
    }
    if raw.starts_with('\u{feff}') {
        return Err(UnsignableToolItemError::ByteOrderMark);
    }
    if raw.starts_with("#!") && (prefix == "//" || !raw.starts_with("#!/")) {
        return Err(UnsignableToolItemError::Shebang);
    }
    if raw.starts_with("#!/") && !raw.contains(['\n', '\r']) {
        // A first line without an end would swallow the signature.
        raw.push('\n');
        text = NormalizedToolItemText::decode(raw.as_bytes(), extension)?;
    }
    let hash = text.integrity();
    let line = SignatureLine {
        timestamp: SignatureLine::stamp(now),
        hash,
        signature: key.sign(hash.to_string().as_bytes()),
        fingerprint: key.public().fingerprint(),
        registry: None,
    };
    let (first, rest) = if raw.starts_with("#!/") { after_line(&raw) } else { ("", raw.as_str()) };
    let rest = if text.signature_line().is_some() { after_line(rest).1 } else { rest };
    Ok(format!("{first}{prefix} {line}\n{rest}").into_bytes())
}

/// A text's first line with its end, and what follows.
fn after_line(text: &str) -> (&str, &str) {
    let end = text.find(['\n', '\r']).map_or(text.len(), |at| {
        let crlf = text.get(at..).is_some_and(|rest| rest.starts_with("\r\n"));
        at + 1 + usize::from(crlf)
    });
    text.split_at_checked(end).unwrap_or((text, ""))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::signature::{SignatureError, SigningKeyError, SigningKeyFiles, TrustStore, verify};
    use std::{fs, path::Path};

    fn with_key(test: impl FnOnce(&SecretKey, &TrustStore, &Path)) {
        let folder = tempfile::tempdir().unwrap();
        let key = SigningKeyFiles::of(folder.path())
            .generate(|_| Ok::<_, SigningKeyError>(()))
            .unwrap()
            .0;
        let trust = TrustStore::of(folder.path(), []);
        trust.add(&key.public()).unwrap();
        test(&key, &trust, folder.path());
    }

    fn sign(
        text: &str,
        extension: ToolFileExtension,
        key: &SecretKey,
    ) -> Result<String, UnsignableToolItemError> {
        let now = "2026-02-11T00:00:00.5Z".parse().unwrap();
        signed(text.as_bytes(), extension, key, now).map(|it| String::from_utf8(it).unwrap())
    }

    #[test]
    fn what_is_signed_verifies_and_signing_again_leaves_one_signature() {
        with_key(|key, trust, _| {
            for (text, extension) in [
                ("x = 1\n", ToolFileExtension::Py),
                ("", ToolFileExtension::Yaml),
                ("#!/bin/sh\necho\n", ToolFileExtension::Sh),
                ("#!/bin/sh", ToolFileExtension::Sh),
                ("a\r\nb\r\n", ToolFileExtension::Py),
                ("#!/bin/sh\r\necho\r", ToolFileExtension::Sh),
                ("const x = 1;", ToolFileExtension::Ts),
            ] {
                let once = sign(text, extension, key).unwrap();
                let read = NormalizedToolItemText::decode(once.as_bytes(), extension).unwrap();
                assert!(verify(&read, trust).is_ok(), "{once:?} verifies");
                let before =
                    NormalizedToolItemText::decode(text.as_bytes(), extension).unwrap().integrity();
                assert!(read.integrity() == before || text == "#!/bin/sh", "it stays: {once:?}");
                assert_eq!(sign(&once, extension, key).unwrap(), once, "it is signed already");
                assert_eq!(once.matches("rye:signed:").count(), 1);
            }
        });
    }

    #[test]
    fn every_way_not_to_be_vouched_for_is_its_own() {
        with_key(|key, trust, folder| {
            let good = sign("x = 1\n", ToolFileExtension::Py, key).unwrap();
            let check = |text: &str| {
                verify(
                    &NormalizedToolItemText::decode(text.as_bytes(), ToolFileExtension::Py)
                        .unwrap(),
                    trust,
                )
                .unwrap_err()
            };
            assert!(matches!(check("x = 1\n"), SignatureError::Unsigned));
            assert!(matches!(check(&format!("\n{good}")), SignatureError::Unsigned));
            let appended = good.replacen('\n', " \n", 1);
            assert!(matches!(check(&appended), SignatureError::Malformed(_)), "{appended}");
            let edited = format!("{good}import os\n");
            assert!(matches!(check(&edited), SignatureError::Changed { .. }));
            // The line of another content, with the hash of this one.
            let other = sign("x = 2\n", ToolFileExtension::Py, key).unwrap();
            let hash = |text: &str| text.split(':').nth(5).unwrap().to_owned();
            let lent = good.replace(&hash(&good), &hash(&other)).replace("x = 1", "x = 2");
            assert!(matches!(check(&lent), SignatureError::Bad(_)), "{lent}");
            fs::remove_dir_all(folder.join("trusted_keys")).unwrap();
            let fresh = TrustStore::of(folder, []);
            let read =
                NormalizedToolItemText::decode(good.as_bytes(), ToolFileExtension::Py).unwrap();
            assert!(matches!(verify(&read, &fresh), Err(SignatureError::Untrusted(_))));
        });
    }

    #[test]
    fn what_could_not_run_with_a_signature_is_not_signed() {
        with_key(|key, _, _| {
            for (text, extension, error) in [
                ("{}", ToolFileExtension::Json, UnsignableToolItemError::Json),
                ("\u{feff}x", ToolFileExtension::Py, UnsignableToolItemError::ByteOrderMark),
                ("#!/usr/bin/env node\n", ToolFileExtension::Js, UnsignableToolItemError::Shebang),
                ("#! /usr/bin/python\n", ToolFileExtension::Py, UnsignableToolItemError::Shebang),
            ] {
                assert_eq!(sign(text, extension, key), Err(error), "{text:?}");
            }
        });
    }
}
