//! The machine fingerprints of this program's functions, and what is kept of them for later processes.
//!
//! They are made anew for each build, which takes 10 to 20 ms for each MB of machine code, or 60 to
//! 200 ms where this library is not optimized. So they are kept below the user's cache directory, a small
//! file for each build, by the number that the linker gave it. Specified in `docs/format.md`,
//! "Machine fingerprints of programs".
//!
//! They are not in a cache directory, since they say something of a program and not of a cache.
//! Tests open a new cache each time, and each would follow the same machine code again.

#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
mod linux;

use super::record::Digest;
use crate::error::chain;
use crate::events;
use crate::key::Identity;

/// Domain of blake3's key derivation; the number is the version of what is derived, and of what a machine fingerprint is made of:
/// those of two versions are not comparable, and the source carries over from one to the other.
const PLATFORM_CONTEXT: &str = "rememo fingerprint 9: platform";

/// What is known of the machine code of a function.
#[derive(Clone, Debug)]
pub(crate) struct Machine {
    /// What tells the function, but for its code.
    function: Identity,
    /// What must be equal for fingerprints to be comparable: compilers, target, settings.
    pub(crate) platform: Digest,
    /// The fingerprint; where the code cannot be followed, why.
    pub(crate) digest: Result<Digest, String>,
}

impl Machine {
    /// That of a function whose code begins at `roots`, and was compiled with `settings`.
    pub(super) fn of(function: &Identity, roots: &[usize], settings: &str) -> Self {
        let found = fingerprint(function, roots).inspect_err(|obstacle| {
            events::debug!(error = &obstacle, "a function has no machine fingerprint");
        });
        let (compilers, digest) = match found {
            Ok((compilers, digest)) => (Some(compilers), Ok(digest)),
            Err(obstacle) => (None, Err(chain(&obstacle).to_string())),
        };
        let mut hasher = blake3::Hasher::new_derive_key(PLATFORM_CONTEXT);
        hasher.update(&compilers.unwrap_or_default());
        for text in [std::env::consts::ARCH, std::env::consts::OS, settings] {
            hasher.update(&(text.len() as u64).to_le_bytes());
            hasher.update(text.as_bytes());
        }
        Machine { function: *function, platform: *hasher.finalize().as_bytes(), digest }
    }

    /// Functions of the C library that read or change the outside world and that the code can come to, each with the way there;
    /// nothing if that is not known.
    pub(crate) fn reads(&self) -> Vec<(String, String)> {
        let pieces = self.digest.as_ref().ok().and_then(|digest| pieces(&self.function, digest));
        pieces.map(|pieces| pieces.reads).unwrap_or_default()
    }
}

#[cfg(not(all(target_os = "linux", target_arch = "x86_64")))]
fn fingerprint(_function: &Identity, _roots: &[usize]) -> std::io::Result<(Digest, Digest)> {
    Err(std::io::Error::other("there are none on this system"))
}

#[cfg(not(all(target_os = "linux", target_arch = "x86_64")))]
pub(super) fn pieces(_function: &Identity, _fingerprint: &Digest) -> Option<super::pieces::Pieces> {
    None
}

#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
use self::linux::fingerprint;
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
pub(super) use self::linux::pieces;
