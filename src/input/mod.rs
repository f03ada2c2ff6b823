//! Files and directories as arguments: in the key by their content.
//!
//! The one module that reads the disk to make a key. It reads files that are not ours, so it maps none (one that is cut off while
//! it is mapped would end the program by a signal) and believes nothing about them for longer than their stamps tell.

/// What a path that stands for content has in common: it is used as a path, and in a key it is the digest of the content.
macro_rules! path_argument {
    ($type:ident, $digest:expr, $state:expr) => {
        impl std::ops::Deref for $type {
            type Target = Path;

            fn deref(&self) -> &Path {
                &self.0
            }
        }

        impl AsRef<Path> for $type {
            fn as_ref(&self) -> &Path {
                &self.0
            }
        }

        /// In a key the content; anywhere else the path.
        impl serde::Serialize for $type {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                use $crate::key::known::{self, StandIn};

                let digest: fn(&Path) -> Result<[u8; 32], $crate::input::Unreadable> = $digest;
                known::stand_in(
                    serializer,
                    StandIn::$type,
                    || {
                        // Before the digest, so that whatever changes after it is seen.
                        $crate::input::watch::meet(&self.0, $state);
                        digest(&self.0).map_err(serde::ser::Error::custom)
                    },
                    |serializer| self.0.serialize(serializer),
                )
            }
        }

        /// The path.
        impl<'de> serde::Deserialize<'de> for $type {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                PathBuf::deserialize(deserializer).map($type)
            }
        }
    };
}

mod dir;
mod file;
mod kept;
mod remembered;
mod watch;

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

pub use dir::InputDir;
pub use file::InputFile;
pub(crate) use watch::{Inputs, were_met};

/// An input that could not be read.
#[derive(Debug)]
struct Unreadable {
    path: PathBuf,
    cause: io::Error,
}

impl Unreadable {
    fn new(path: &Path, cause: io::Error) -> Self {
        Unreadable { path: path.to_owned(), cause }
    }
}

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cannot read the input `{}`: {}", self.path.display(), self.cause)
    }
}
