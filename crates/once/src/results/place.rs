use serde::{Deserialize, Serialize};
use std::{
    collections::BTreeSet,
    ffi::OsStr,
    fs::{self, Metadata},
    os::unix::{
        ffi::{OsStrExt, OsStringExt},
        fs::MetadataExt,
    },
    path::{Path, PathBuf},
};

/// How many links are followed, as the kernel does (`path_resolution(7)`).
const MOST_LINKS: usize = 40;

/// A file as the kernel tells it from others: device and inode.
type FileId = (u64, u64);

/// Where an artifact is, so that two artifacts can be compared, however each of them is named.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct ArtifactPathIdentity {
    /// The absolute path, as bytes.
    path: Vec<u8>,
    /// The steps of the path as it is named, and where its links lead.
    routes: Vec<Vec<ArtifactPathIdentitySegment>>,
}

/// One folder of a path, or the artifact itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct ArtifactPathIdentitySegment {
    /// In small letters: some file systems do not tell `Out` from `out`.
    name: String,
    /// What is there; another mount or another name may lead to the same.
    file: Option<FileId>,
}

impl ArtifactPathIdentity {
    /// Examines an absolute path.
    pub(super) fn of(path: &Path) -> Self {
        let mut routes = vec![route(path)];
        let real = real(path);
        if real != path {
            routes.push(route(&real));
        }
        Self { path: path.as_os_str().as_bytes().to_vec(), routes }
    }

    /// The same path, examined at this moment.
    pub(super) fn now(&self) -> Self {
        Self::of(&self.path())
    }

    pub(super) fn path(&self) -> PathBuf {
        std::ffi::OsString::from_vec(self.path.clone()).into()
    }

    /// Whether both are the same place, or one is inside the other.
    pub(super) fn overlaps(&self, other: &Self) -> bool {
        self.routes.iter().any(|mine| other.routes.iter().any(|theirs| meet(mine, theirs)))
    }

    /// The files in it that have another name somewhere: what is written to one name is read under the other.
    pub(super) fn hard_links(&self) -> BTreeSet<FileId> {
        let mut found = BTreeSet::new();
        let mut left = vec![real(&self.path())];
        while let Some(path) = left.pop() {
            let Ok(metadata) = fs::symlink_metadata(&path) else { continue };
            if metadata.is_dir() {
                left.extend(
                    fs::read_dir(&path).into_iter().flatten().flatten().map(|it| it.path()),
                );
            } else if metadata.is_file() && metadata.nlink() > 1 {
                found.insert(id(&metadata));
            }
        }
        found
    }
}

/// Whether two routes lead to the same place, or one leads into the other: from a folder that both pass, the names of
/// one are the first names of the other.
fn meet(one: &[ArtifactPathIdentitySegment], other: &[ArtifactPathIdentitySegment]) -> bool {
    let is_same = |(step, rest): (&ArtifactPathIdentitySegment, &[ArtifactPathIdentitySegment])| {
        let there = tails(other).filter(|(it, _)| step.file.is_some() && it.file == step.file);
        there.into_iter().any(|(_, theirs)| {
            rest.iter().zip(theirs).all(|(mine, theirs)| mine.name == theirs.name)
        })
    };
    tails(one).any(is_same)
}

/// Each step with those behind it.
fn tails(
    route: &[ArtifactPathIdentitySegment],
) -> impl Iterator<Item = (&ArtifactPathIdentitySegment, &[ArtifactPathIdentitySegment])> {
    (0..route.len()).filter_map(|at| route.get(at..)?.split_first())
}

fn route(path: &Path) -> Vec<ArtifactPathIdentitySegment> {
    let mut above: Vec<&Path> = path.ancestors().collect();
    above.reverse();
    let step = |path: &Path| ArtifactPathIdentitySegment {
        name: path.file_name().map(OsStr::to_string_lossy).unwrap_or_default().to_lowercase(),
        file: fs::symlink_metadata(path).ok().map(|it| id(&it)),
    };
    above.into_iter().map(step).collect()
}

fn id(metadata: &Metadata) -> FileId {
    (metadata.dev(), metadata.ino())
}

/// Where a path leads when all links are followed, as far as there is anything. A last link that leads to nothing is
/// followed too: a file would be made there.
fn real(path: &Path) -> PathBuf {
    let mut path = path.to_owned();
    for _ in 0..MOST_LINKS {
        let known = path.ancestors().find_map(|above| Some((above, fs::canonicalize(above).ok()?)));
        let Some((above, known)) = known else { break };
        let rest = path.strip_prefix(above).unwrap_or(Path::new("")).to_owned();
        let mut names = rest.components();
        let Some(next) = names.next() else { return known };
        match fs::read_link(known.join(next)) {
            Ok(target) => path = known.join(target).join(names.as_path()),
            Err(_) => return known.join(rest),
        }
    }
    path
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    fn overlap(one: &Path, other: &Path) -> bool {
        let (one, other) = (ArtifactPathIdentity::of(one), ArtifactPathIdentity::of(other));
        assert_eq!(one.overlaps(&other), other.overlaps(&one), "it is the same from both sides");
        one.overlaps(&other)
    }

    #[test]
    fn a_place_is_known_under_every_name() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::create_dir_all(at("a/b")).unwrap();
        symlink("a", at("link")).unwrap();
        symlink("a/new", at("dangling")).unwrap();
        symlink("loop", at("loop")).unwrap();
        fs::write(at("file"), "").unwrap();
        fs::hard_link(at("file"), at("hard")).unwrap();
        let same = [
            ("a", "a"),
            ("a", "a/b"),
            ("a", "a/x/y"),
            ("x", "x/y"),
            ("X", "x/y"),
            ("link/b", "a/b"),
            ("link/b/c", "a"),
            ("link/x", "a/x"),
            ("dangling", "a/new"),
            ("dangling", "a"),
            ("file", "hard"),
            ("loop", "loop"),
        ];
        for (one, other) in same {
            assert!(overlap(&at(one), &at(other)), "{one} and {other}");
        }
        for (one, other) in [("a", "x"), ("a/b", "a/c"), ("ab", "a"), ("file", "a"), ("link", "x")]
        {
            assert!(!overlap(&at(one), &at(other)), "{one} and {other}");
        }
    }

    #[test]
    fn a_place_that_another_mount_shows_is_known_by_its_folders() {
        let step = |name: &str, file| ArtifactPathIdentitySegment { name: name.to_owned(), file };
        let place = |routes| ArtifactPathIdentity { path: Vec::new(), routes };
        // The project (1, 7) is `/work` here and `/home/ada/p` there, with another root.
        let here = vec![step("", Some((1, 2))), step("work", Some((1, 7))), step("out", None)];
        let there = vec![
            step("", Some((9, 2))),
            step("home", Some((9, 3))),
            step("p", Some((1, 7))),
            step("out", None),
            step("app", None),
        ];
        let other = vec![step("", Some((9, 2))), step("p", Some((1, 7))), step("log", None)];
        assert!(place(vec![here.clone()]).overlaps(&place(vec![there])));
        assert!(!place(vec![here]).overlaps(&place(vec![other])));
    }

    #[test]
    fn files_with_more_names_are_found_in_folders() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        for name in ["a/deep", "b", "c"] {
            fs::create_dir_all(at(name)).unwrap();
        }
        fs::write(at("a/deep/file"), "").unwrap();
        fs::hard_link(at("a/deep/file"), at("b/other")).unwrap();
        fs::write(at("c/single"), "").unwrap();
        let links = |name: &str| ArtifactPathIdentity::of(&at(name)).hard_links();
        assert_eq!((links("a").len(), links("c").len()), (1, 0));
        assert_eq!(links("a"), links("b"));
    }
}
