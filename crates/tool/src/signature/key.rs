use crate::{
    bounded::{self, BoundedReadError},
    words::Fingerprint,
};
use ed25519_dalek::{
    Signature, Signer, SigningKey, VerifyingKey,
    pkcs8::{
        DecodePrivateKey, DecodePublicKey, EncodePrivateKey, EncodePublicKey, KeypairBytes,
        spki::der::pem::LineEnding,
    },
};
use lokt_lock::sys;
use std::{
    fs::{self, File},
    io::{self, Read, Write},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

/// Says why a key cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum SigningKeyError {
    /// There is no key.
    #[error("there is no key at {}", .0.display())]
    Missing(PathBuf),
    /// There is one already; it is never replaced.
    #[error("there is a key already: {}", .0.display())]
    Exists(PathBuf),
    /// Others can read the private key.
    #[error("private key {} can be read by others (mode {mode:o})", path.display())]
    Readable {
        /// The file.
        path: PathBuf,
        /// Its permissions.
        mode: u32,
    },
    /// A file is no Ed25519 key in PEM form.
    #[error("{} is not an Ed25519 {what} key in PEM form", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// `public` or `private`.
        what: &'static str,
    },
    /// A file cannot be read or written.
    #[error("cannot {attempt} {}", path.display())]
    Io {
        /// What was attempted.
        attempt: &'static str,
        /// On what.
        path: PathBuf,
        /// What the kernel said.
        source: io::Error,
    },
}

impl SigningKeyError {
    pub(super) fn io(attempt: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Io { attempt, path: path.to_owned(), source }
    }
}

/// A key that verifies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicKey(VerifyingKey);

impl PublicKey {
    /// Reads a key in PEM form (`SubjectPublicKeyInfo`, RFC 8410).
    pub fn of_pem(text: &str) -> Option<Self> {
        VerifyingKey::from_public_key_pem(text).ok().filter(|key| !key.is_weak()).map(Self)
    }

    /// The key in PEM form, line feeds between lines and after the last one.
    pub fn to_pem(&self) -> String {
        // A key of 32 bytes always has a form.
        self.0.to_public_key_pem(LineEnding::LF).unwrap_or_default()
    }

    /// The key's name.
    pub fn fingerprint(&self) -> Fingerprint {
        Fingerprint::of_pem(&self.to_pem())
    }

    /// Whether a signature over `message` is this key's. Strictly: of the forms that one signature can have,
    /// one is accepted (RFC 8032, section 5.1.7, and small-order points refused).
    pub fn verifies(&self, message: &[u8], signature: &[u8; 64]) -> bool {
        self.0.verify_strict(message, &Signature::from_bytes(signature)).is_ok()
    }
}

/// A key that signs.
pub struct SecretKey(SigningKey);

impl SecretKey {
    /// The public half.
    pub fn public(&self) -> PublicKey {
        PublicKey(self.0.verifying_key())
    }

    /// Signs a message.
    pub fn sign(&self, message: &[u8]) -> [u8; 64] {
        self.0.sign(message).to_bytes()
    }

    /// Makes a new key from the kernel's random numbers (`urandom(4)`).
    fn generate() -> Result<Self, SigningKeyError> {
        let path = Path::new("/dev/urandom");
        let mut seed = [0; 32];
        let read = File::open(path).and_then(|mut random| random.read_exact(&mut seed));
        read.map_err(SigningKeyError::io("read", path))?;
        Ok(Self(SigningKey::from_bytes(&seed)))
    }

    /// The key in PEM form (PKCS#8, RFC 8410), without the public half, which some programs refuse there.
    fn to_pem(&self) -> String {
        let bytes = KeypairBytes { secret_key: self.0.to_bytes(), public_key: None };
        bytes.to_pkcs8_pem(LineEnding::LF).map(|pem| pem.to_string()).unwrap_or_default()
    }
}

/// Where a user's own key is.
#[derive(Clone, Debug)]
pub struct SigningKeyFiles {
    folder: PathBuf,
}

impl SigningKeyFiles {
    /// The key below a user's space.
    pub fn of(user_space: &Path) -> Self {
        Self { folder: user_space.join("keys") }
    }

    /// The file of the private key.
    pub fn private(&self) -> PathBuf {
        self.folder.join("private_key.pem")
    }

    /// The file of the public key.
    pub fn public(&self) -> PathBuf {
        self.folder.join("public_key.pem")
    }

    /// Makes a new key; one that is there is never replaced.
    ///
    /// `trust` gets its public half first, and returns the outcome: a process that finds the private key, which
    /// comes last but one, finds it trusted, wherever this is cut off. What is cut off before that leaves
    /// nothing that signs.
    ///
    /// # Errors
    /// [`SigningKeyError::Exists`], or what went wrong with the files, or with `trust`.
    pub fn generate<T, E: From<SigningKeyError>>(
        &self,
        trust: impl FnOnce(&PublicKey) -> Result<T, E>,
    ) -> Result<(SecretKey, T), E> {
        let made = sys::make_folder(&self.folder, 0o700);
        made.map_err(SigningKeyError::io("make the folder", &self.folder))?;
        let private = self.private();
        if private.symlink_metadata().is_ok() {
            return Err(SigningKeyError::Exists(private).into());
        }
        let key = SecretKey::generate()?;
        let trusted = trust(&key.public())?;
        create(&private, &key.to_pem(), 0o600)?;
        let public = self.public();
        // The public half of a key that is gone has no use.
        match fs::remove_file(&public) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(SigningKeyError::io("replace", &public)(error).into());
            }
            _ => {}
        }
        create(&public, &key.public().to_pem(), 0o644)?;
        Ok((key, trusted))
    }

    /// The key to sign with.
    ///
    /// # Errors
    /// [`SigningKeyError`] if there is no key, or others can read it.
    pub fn secret(&self) -> Result<SecretKey, SigningKeyError> {
        let path = self.private();
        let file = open(&path)?;
        let metadata = file.metadata().map_err(SigningKeyError::io("examine", &path))?;
        let mode = metadata.permissions().mode() & 0o777;
        if mode & 0o077 != 0 {
            return Err(SigningKeyError::Readable { path, mode });
        }
        let text = text_of(&path, &file, "private")?;
        let key = SigningKey::from_pkcs8_pem(&text).map(SecretKey);
        key.map_err(|_| SigningKeyError::Malformed { path, what: "private" })
    }
}

/// Reads a public key's file.
///
/// # Errors
/// [`SigningKeyError`] where it cannot be read or is no key.
pub(super) fn read_public(path: &Path) -> Result<PublicKey, SigningKeyError> {
    PublicKey::of_pem(&text_of(path, &open(path)?, "public")?)
        .ok_or_else(|| SigningKeyError::Malformed { path: path.to_owned(), what: "public" })
}

/// The text of a key's file.
pub(super) fn text_of(
    path: &Path,
    file: &File,
    what: &'static str,
) -> Result<String, SigningKeyError> {
    let malformed = || SigningKeyError::Malformed { path: path.to_owned(), what };
    let bytes = bounded::read(file, MOST_BYTES).map_err(|why| match why {
        BoundedReadError::Io(source) => SigningKeyError::io("read", path)(source),
        BoundedReadError::NotFile | BoundedReadError::TooLarge(_) => malformed(),
    })?;
    String::from_utf8(bytes).map_err(|_| malformed())
}

/// No key's file is larger.
const MOST_BYTES: u64 = 64 * 1024;

pub(super) fn open(path: &Path) -> Result<File, SigningKeyError> {
    let opened = bounded::open(path).map_err(SigningKeyError::io("open", path))?;
    opened.ok_or_else(|| SigningKeyError::Missing(path.to_owned()))
}

/// Makes a new file; the name appears with the whole content or not at all.
pub(super) fn create(path: &Path, content: &str, mode: u32) -> Result<(), SigningKeyError> {
    let folder = path.parent().unwrap_or(Path::new("."));
    let mut draft =
        tempfile::NamedTempFile::new_in(folder).map_err(SigningKeyError::io("write in", folder))?;
    let permissions = fs::Permissions::from_mode(mode);
    draft.as_file().set_permissions(permissions).map_err(SigningKeyError::io("write", path))?;
    let written = draft.write_all(content.as_bytes()).and_then(|()| draft.as_file().sync_all());
    written.map_err(SigningKeyError::io("write", path))?;
    match draft.persist_noclobber(path) {
        Ok(_) => Ok(()),
        Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists => {
            Err(SigningKeyError::Exists(path.to_owned()))
        }
        Err(error) => Err(SigningKeyError::io("write", path)(error.error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_made_once_kept_from_others_and_read_again() {
        let folder = tempfile::tempdir().unwrap();
        let files = SigningKeyFiles::of(folder.path());
        assert!(matches!(files.secret(), Err(SigningKeyError::Missing(_))), "no key is there yet");
        let (key, ()) = files.generate(|_| Ok::<_, SigningKeyError>(())).unwrap();
        let again = files.generate(|_| Ok::<_, SigningKeyError>(()));
        assert!(matches!(again, Err(SigningKeyError::Exists(_))), "a key is never replaced");
        assert_eq!(files.secret().unwrap().public(), key.public());
        assert_eq!(read_public(&files.public()).unwrap(), key.public());
        let text = fs::read_to_string(files.public()).unwrap();
        assert_eq!(Fingerprint::of_pem(&text), key.public().fingerprint(), "the file's own hash");
        fs::set_permissions(files.private(), fs::Permissions::from_mode(0o640)).unwrap();
        assert!(
            matches!(files.secret(), Err(SigningKeyError::Readable { .. })),
            "others can read it"
        );
    }

    #[test]
    fn only_the_key_s_own_signature_of_that_message_verifies() {
        let key = SecretKey::generate().unwrap();
        let mut signature = key.sign(b"message");
        assert!(key.public().verifies(b"message", &signature), "it is the key's");
        assert!(!key.public().verifies(b"massage", &signature), "another message");
        let other = SecretKey::generate().unwrap();
        assert!(!other.public().verifies(b"message", &signature), "another key");
        signature[63] |= 0x10;
        assert!(!key.public().verifies(b"message", &signature), "another form of it");
    }
}
