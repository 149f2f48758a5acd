use super::key::{self, PublicKey, SigningKeyError};
use crate::words::Fingerprint;
use lokt_lock::sys;
use serde::Deserialize;
use std::{
    collections::HashMap,
    fs, io,
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard, PoisonError},
};

/// Says why it is unknown whether a key is trusted, or why that cannot be changed.
#[derive(Debug, thiserror::Error)]
pub enum TrustStoreError {
    /// A file in a folder of trusted keys is not named after its key.
    #[error("{} holds the key {found}; its name, or the fingerprint in it, is of another", path.display())]
    Name {
        /// The file.
        path: PathBuf,
        /// The key's fingerprint.
        found: Fingerprint,
    },
    /// A `.toml` file does not say what it must.
    #[error("{} is not the file of a trusted key: {}", path.display(), flaw.message())]
    Toml {
        /// The file.
        path: PathBuf,
        /// What is wrong with it. Its own text has several lines.
        flaw: toml::de::Error,
    },
    /// No such key is trusted in the user's space.
    #[error("key {0} is not among the trusted keys of this user")]
    NotFound(Fingerprint),
    /// A key's file cannot be read or written.
    #[error(transparent)]
    Key(#[from] SigningKeyError),
}

/// A trusted key.
#[derive(Clone, Debug)]
pub struct TrustedKey {
    /// The key.
    pub key: PublicKey,
    /// The key's owner, where the file says so.
    pub owner: Option<String>,
    /// The file that says that it is trusted.
    pub path: PathBuf,
}

/// The keys that are trusted: those of the user, then those of the system. A project's never are.
#[derive(Debug)]
pub struct TrustStore {
    user: PathBuf,
    folders: Vec<PathBuf>,
    known: Mutex<HashMap<Fingerprint, Option<TrustedKey>>>,
}

/// A trusted key in a file with a name for it.
#[derive(Deserialize)]
struct TrustedKeyFileContent {
    fingerprint: String,
    owner: Option<String>,
    public_key: PublicKeyPem,
}

#[derive(Deserialize)]
struct PublicKeyPem {
    pem: String,
}

impl TrustStore {
    /// The keys below a user's space, and below those of the system.
    pub fn of<'a>(user_space: &Path, system_spaces: impl IntoIterator<Item = &'a Path>) -> Self {
        let folder = |space: &Path| space.join("trusted_keys");
        let user = folder(user_space);
        let folders =
            std::iter::once(user.clone()).chain(system_spaces.into_iter().map(folder)).collect();
        Self { user, folders, known: Mutex::default() }
    }

    /// The key of that name, if it is trusted. Each file is read once.
    ///
    /// # Errors
    /// [`TrustStoreError`] where a file of that name is there and is not what it should be: that is no "no".
    pub fn find(&self, fingerprint: &Fingerprint) -> Result<Option<TrustedKey>, TrustStoreError> {
        // Kept until it is known, so that no other thread reads it at the same time.
        let mut known = self.known();
        if let Some(known) = known.get(fingerprint) {
            return Ok(known.clone());
        }
        let mut found = None;
        for folder in &self.folders {
            found = find_in(folder, fingerprint)?;
            if found.is_some() {
                break;
            }
        }
        known.insert(fingerprint.clone(), found.clone());
        Ok(found)
    }

    /// A panic leaves nothing half-known there.
    fn known(&self) -> MutexGuard<'_, HashMap<Fingerprint, Option<TrustedKey>>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// All trusted keys, or what is wrong with their files.
    pub fn list(&self) -> Vec<Result<TrustedKey, TrustStoreError>> {
        let files = self.folders.iter().flat_map(|folder| match fs::read_dir(folder) {
            Ok(entries) => entries.flatten().map(|entry| Ok(entry.path())).collect(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
            Err(error) => {
                vec![Err(TrustStoreError::from(SigningKeyError::io("list", folder)(error)))]
            }
        });
        let is_key =
            |path: &PathBuf| path.extension().is_some_and(|it| it == "pem" || it == "toml");
        let mut files: Vec<_> = files.filter(|file| file.as_ref().map_or(true, is_key)).collect();
        files.sort_by_key(|file| file.as_ref().ok().cloned());
        files.into_iter().map(|file| file.and_then(|path| read(&path))).collect()
    }

    /// Trusts a key from now on. Doing so again changes nothing.
    ///
    /// # Errors
    /// [`TrustStoreError`] where that cannot be written, or another key is there under this one's name.
    pub fn add(&self, key: &PublicKey) -> Result<PathBuf, TrustStoreError> {
        let made = sys::make_folder(&self.user, 0o700);
        made.map_err(SigningKeyError::io("make the folder", &self.user))?;
        self.known().clear();
        let path = self.user.join(format!("{}.pem", key.fingerprint()));
        match key::create(&path, &key.to_pem(), 0o644) {
            Ok(()) => Ok(path),
            Err(SigningKeyError::Exists(_)) => read(&path).map(|_| path),
            Err(error) => Err(error.into()),
        }
    }

    /// Trusts the key in a file from now on.
    ///
    /// # Errors
    /// [`TrustStoreError`] where the file holds no key, or that cannot be written.
    pub fn add_file(&self, path: &Path) -> Result<(PublicKey, PathBuf), TrustStoreError> {
        let key = key::read_public(path)?;
        let trusted = self.add(&key)?;
        Ok((key, trusted))
    }

    /// Trusts a key of the user's no more. Those of the system are the administrator's.
    ///
    /// # Errors
    /// [`TrustStoreError::NotFound`] where it was not trusted; else what went wrong.
    pub fn remove(&self, fingerprint: &Fingerprint) -> Result<Vec<PathBuf>, TrustStoreError> {
        self.known().clear();
        let mut removed = Vec::new();
        for ending in ["pem", "toml"] {
            let path = self.user.join(format!("{fingerprint}.{ending}"));
            match fs::remove_file(&path) {
                Ok(()) => removed.push(path),
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(SigningKeyError::io("remove", &path)(error).into()),
            }
        }
        if removed.is_empty() {
            return Err(TrustStoreError::NotFound(fingerprint.clone()));
        }
        Ok(removed)
    }
}

fn find_in(
    folder: &Path,
    fingerprint: &Fingerprint,
) -> Result<Option<TrustedKey>, TrustStoreError> {
    for ending in ["pem", "toml"] {
        match read(&folder.join(format!("{fingerprint}.{ending}"))) {
            Err(TrustStoreError::Key(SigningKeyError::Missing(_))) => {}
            result => return result.map(Some),
        }
    }
    Ok(None)
}

/// Reads a file of a trusted key, whose name must be the key's fingerprint.
fn read(path: &Path) -> Result<TrustedKey, TrustStoreError> {
    let toml = path.extension().is_some_and(|ending| ending == "toml");
    let (key, owner) = if toml { read_toml(path)? } else { (key::read_public(path)?, None) };
    let found = key.fingerprint();
    if path.file_stem().and_then(|name| name.to_str()) != Some(found.as_str()) {
        return Err(TrustStoreError::Name { path: path.to_owned(), found });
    }
    Ok(TrustedKey { key, owner, path: path.to_owned() })
}

fn read_toml(path: &Path) -> Result<(PublicKey, Option<String>), TrustStoreError> {
    let text = key::text_of(path, &key::open(path)?, "public")?;
    let entry: TrustedKeyFileContent = toml::from_str(&text)
        .map_err(|flaw| TrustStoreError::Toml { path: path.to_owned(), flaw })?;
    let key = PublicKey::of_pem(&entry.public_key.pem);
    let malformed = || SigningKeyError::Malformed { path: path.to_owned(), what: "public" };
    let key = key.ok_or_else(malformed)?;
    if entry.fingerprint != key.fingerprint().as_str() {
        return Err(TrustStoreError::Name { path: path.to_owned(), found: key.fingerprint() });
    }
    Ok((key, entry.owner))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::signature::SigningKeyFiles;

    fn key() -> PublicKey {
        let folder = tempfile::tempdir().unwrap();
        SigningKeyFiles::of(folder.path())
            .generate(|_| Ok::<_, SigningKeyError>(()))
            .unwrap()
            .0
            .public()
    }

    #[test]
    fn a_key_is_trusted_from_being_added_to_being_removed() {
        let (user, key) = (tempfile::tempdir().unwrap(), key());
        let trust = || TrustStore::of(user.path(), []);
        assert!(trust().find(&key.fingerprint()).unwrap().is_none(), "no key is trusted by itself");
        trust().add(&key).unwrap();
        trust().add(&key).unwrap();
        let found = trust().find(&key.fingerprint()).unwrap().unwrap();
        assert_eq!(found.key, key);
        assert_eq!(trust().list().len(), 1, "twice added is once trusted");
        trust().remove(&key.fingerprint()).unwrap();
        assert!(trust().find(&key.fingerprint()).unwrap().is_none(), "it is trusted no more");
        assert!(matches!(trust().remove(&key.fingerprint()), Err(TrustStoreError::NotFound(_))));
    }

    #[test]
    fn a_key_in_toml_says_whose_it_is_and_the_system_s_keys_count() {
        let (user, system, key) =
            (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap(), key());
        let (name, pem) = (key.fingerprint(), key.to_pem());
        let folder = system.path().join("trusted_keys");
        fs::create_dir(&folder).unwrap();
        let entry = format!(
            "fingerprint = \"{name}\"\nowner = \"ada\"\n[public_key]\npem = \"\"\"\n{pem}\"\"\"\n"
        );
        fs::write(folder.join(format!("{name}.toml")), entry).unwrap();
        let found = TrustStore::of(user.path(), [system.path()]).find(&name).unwrap().unwrap();
        assert_eq!((found.owner.as_deref(), found.key), (Some("ada"), key));
    }

    #[test]
    fn a_file_under_another_key_s_name_is_refused_and_not_passed_over() {
        let (user, key) = (tempfile::tempdir().unwrap(), key());
        let other: Fingerprint = "0123456789abcdef".parse().unwrap();
        let folder = user.path().join("trusted_keys");
        fs::create_dir(&folder).unwrap();
        fs::write(folder.join(format!("{other}.pem")), key.to_pem()).unwrap();
        let found = TrustStore::of(user.path(), []).find(&other);
        assert!(matches!(found, Err(TrustStoreError::Name { .. })), "{found:?}");
    }
}
