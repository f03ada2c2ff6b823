//! A directory as an argument.

use std::fs::{self, DirEntry};
use std::io;
use std::path::{Path, PathBuf};

use super::Unreadable;
use super::remembered::DIGESTS;

/// A directory that a function reads: all that is below it is in the key, its own path is not.
///
/// That is, of every entry, its name and kind, and of a file the content, of a symbolic link the text that it holds (it
/// is not followed), of a directory what is below it, whatever it may be, hidden files included. A cache of this library's below it is
/// left out, since every call changes it. Times, permissions and owners are not part of it. The order in which the system lists entries
/// does not matter.
///
/// # Cost
///
/// Every key costs a walk through the tree with a look at every file; files are read as for [`InputFile`](crate::InputFile), whose
/// rules hold for each.
///
/// # Errors
///
/// As [`InputFile`](crate::InputFile); also if there is anything but files, directories and symbolic links in the tree, such as
/// a socket.
///
/// # Examples
///
/// ```
/// # let dir = tempfile::tempdir()?;
/// # let path = dir.path().join("photos");
/// use rememo::{InputDir, Memory, memo};
///
/// #[memo]
/// fn bytes(photos: &InputDir) -> u64 {
///     let files = std::fs::read_dir(photos).into_iter().flatten().flatten();
///     files.filter_map(|file| file.metadata().ok()).map(|metadata| metadata.len()).sum()
/// }
///
/// let memory = Memory::open(dir.path().join("cache"))?;
/// let photos = InputDir::new(path);
/// std::fs::create_dir(&photos)?;
/// std::fs::write(photos.join("a"), [1; 10])?;
/// assert_eq!(memory.call(bytes::delayed(&photos)), 10);
/// assert!(memory.call_info(bytes::delayed(&photos)).is_hit());
/// std::fs::write(photos.join("b"), [1; 5])?;
/// assert_eq!(memory.call(bytes::delayed(&photos)), 15);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct InputDir(pub PathBuf);

impl InputDir {
    /// The directory at `path`, which is not touched before a key is made.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        InputDir(path.into())
    }
}

path_argument! {
    InputDir,
    |path| digest(path, &|file| DIGESTS.digest(file)),
    |path| digest(path, &|file| DIGESTS.state(file))
}

/// Domain of the digests of directories; the number is their version. What is hashed is specified in docs/format.md.
const CONTEXT: &str = "rememo input directory 1";
const FILE: u8 = 1;
const DIRECTORY: u8 = 2;
const LINK: u8 = 3;

/// The digest of what is below the directory at `path`, where `of_file` tells that of a file.
fn digest(
    path: &Path,
    of_file: &dyn Fn(&Path) -> Result<[u8; 32], Unreadable>,
) -> Result<[u8; 32], Unreadable> {
    let told = |cause| Unreadable::new(path, cause);
    let entries =
        fs::read_dir(path).and_then(Iterator::collect::<io::Result<Vec<DirEntry>>>).map_err(told)?;
    let mut entries: Vec<_> = entries.into_iter().map(|entry| (entry.file_name(), entry)).collect();
    entries.sort_unstable_by(|(one, _), (other, _)| one.as_encoded_bytes().cmp(other.as_encoded_bytes()));
    let mut hasher = blake3::Hasher::new_derive_key(CONTEXT);
    let text = |hasher: &mut blake3::Hasher, bytes: &[u8]| {
        hasher.update(&(bytes.len() as u64).to_le_bytes()).update(bytes);
    };
    for (name, entry) in entries {
        let path = entry.path();
        let kind = entry.file_type().map_err(|cause| Unreadable::new(&path, cause))?;
        if kind.is_file() {
            hasher.update(&[FILE]);
            text(&mut hasher, name.as_encoded_bytes());
            hasher.update(&of_file(&path)?);
        } else if kind.is_dir() && is_cache(&path) {
            // Every call changes it; and to close its `leases` would give up those of this process.
        } else if kind.is_dir() {
            hasher.update(&[DIRECTORY]);
            text(&mut hasher, name.as_encoded_bytes());
            hasher.update(&digest(&path, of_file)?);
        } else if kind.is_symlink() {
            let target = fs::read_link(&path).map_err(|cause| Unreadable::new(&path, cause))?;
            hasher.update(&[LINK]);
            text(&mut hasher, name.as_encoded_bytes());
            text(&mut hasher, target.as_os_str().as_encoded_bytes());
        } else {
            let cause = io::Error::other("it is neither a file, a directory nor a symbolic link");
            return Err(Unreadable::new(&path, cause));
        }
    }
    Ok(hasher.finalize().into())
}

/// Whether a directory is a cache of this library's.
fn is_cache(dir: &Path) -> bool {
    let is_tagged = dir.join("CACHEDIR.TAG").is_file();
    is_tagged && fs::read(dir.join("format")).is_ok_and(|format| format.starts_with(b"rememo "))
}

#[cfg(test)]
mod tests {
    use super::super::remembered::Digests;
    use super::*;

    fn content_digest(path: &Path) -> Result<[u8; 32], Unreadable> {
        digest(path, &|file| Digests::new(None).digest(file))
    }

    /// Builds the same tree with another history, then a part of it another way.
    fn tree(change: impl FnOnce(&Path)) -> [u8; 32] {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().join("tree");
        fs::create_dir_all(root.join("sub/empty")).unwrap();
        fs::write(root.join("b"), "beta").unwrap();
        fs::write(root.join("a"), "alpha").unwrap();
        fs::write(root.join("sub/c"), "gamma").unwrap();
        #[cfg(unix)]
        std::os::unix::fs::symlink("../a", root.join("sub/link")).unwrap();
        change(&root);
        content_digest(&root).unwrap()
    }

    #[test]
    fn trees_with_equal_entries_are_equal_and_every_entry_counts() {
        let same = tree(|_| {});
        assert_eq!(tree(|root| fs::write(root.join("a"), "alpha").unwrap()), same);
        let mut seen = vec![same];
        let mut expect_new = |what: &str, change: fn(&Path)| {
            let digest = tree(change);
            assert!(!seen.contains(&digest), "{what}");
            seen.push(digest);
        };
        expect_new("content", |root| fs::write(root.join("sub/c"), "delta").unwrap());
        expect_new("name", |root| fs::rename(root.join("a"), root.join("A")).unwrap());
        expect_new("place", |root| fs::rename(root.join("a"), root.join("sub/a")).unwrap());
        expect_new("exchange", |root| {
            fs::write(root.join("a"), "beta").unwrap();
            fs::write(root.join("b"), "alpha").unwrap();
        });
        expect_new("removed file", |root| fs::remove_file(root.join("b")).unwrap());
        expect_new("removed directory", |root| fs::remove_dir(root.join("sub/empty")).unwrap());
        expect_new("hidden file", |root| fs::write(root.join(".hidden"), "").unwrap());
        expect_new("directory for file", |root| {
            fs::remove_file(root.join("b")).unwrap();
            fs::create_dir(root.join("b")).unwrap();
        });
        expect_new("empty file for directory", |root| {
            fs::remove_dir(root.join("sub/empty")).unwrap();
            fs::write(root.join("sub/empty"), "").unwrap();
        });
    }

    #[test]
    #[cfg(unix)]
    fn links_are_not_followed_and_other_kinds_are_refused() {
        use std::os::unix::fs::symlink;
        use std::os::unix::net::UnixListener;

        let same = tree(|_| {});
        let link = |target: &'static str| {
            move |root: &Path| {
                fs::remove_file(root.join("sub/link")).unwrap();
                symlink(target, root.join("sub/link")).unwrap();
            }
        };
        assert_eq!(tree(link("../a")), same);
        assert_ne!(tree(link("../b")), same, "another text");
        assert_ne!(tree(link("nowhere")), tree(|root| fs::write(root.join("sub/link2"), "").unwrap()));
        let dir = tempfile::tempdir().unwrap();
        let socket = dir.path().join("socket");
        let _listener = UnixListener::bind(&socket).unwrap();
        let error = content_digest(dir.path()).unwrap_err().to_string();
        assert!(error.contains(socket.to_str().unwrap()), "{error}");
    }

    /// The vector of docs/format.md.
    #[test]
    fn the_digest_of_a_tree_is_pinned() {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("sub")).unwrap();
        fs::write(dir.path().join("a"), "alpha").unwrap();
        let name = |kind: u8, name: &[u8]| [&[kind][..], &(name.len() as u64).to_le_bytes(), name].concat();
        let empty = blake3::derive_key(CONTEXT, &[]);
        let content = *blake3::hash(b"alpha").as_bytes();
        let listing = [&name(1, b"a")[..], &content, &name(2, b"sub"), &empty].concat();
        let digest = content_digest(dir.path()).unwrap();
        assert_eq!(digest, blake3::derive_key(CONTEXT, &listing));
        assert_eq!(
            blake3::Hash::from_bytes(digest).to_hex().as_str(),
            "fa5e42c877b5e9290ae0c35eae11521406d506d1b8986a514437b343058d307e"
        );
    }
}
