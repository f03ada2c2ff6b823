//! The digest of a value, for programs that want one of their own.

use serde::Serialize;

use super::{Identity, Key, key};

/// Domain of blake3's key derivation; the number is the version of what is derived.
const DIGEST_CONTEXT: &str = "rememo digest 1: a value";

/// The digest of a value: equal values have equal ones, on every machine and in every run.
///
/// It is blake3 over the bytes that the value has as an argument of a memoized function: by its content, whether it is
/// borrowed or owned, maps of the standard library in any order, numbers with their types, and [`InputFile`](crate::InputFile)
/// by what is in the file. `docs/format.md` specifies them. It is no key of an entry; those also contain the function:
/// [`FunctionCall::key`](crate::FunctionCall::key). It costs what a key does, some 100 ns for a few small fields.
///
/// # Panics
///
/// Panics if the value has no such bytes: its `Serialize` fails, or a file cannot be read.
///
/// # Examples
///
/// ```
/// let digest = rememo::digest(&("wine", 7_u64));
/// assert_eq!(digest, rememo::digest(&(String::from("wine"), 7_u64)));
/// assert_ne!(digest, rememo::digest(&("wine", 7_u32)));
/// assert_eq!(digest.to_string().len(), 64);
/// ```
#[track_caller]
pub fn digest(value: &(impl Serialize + ?Sized)) -> Key {
    let identity = Identity(blake3::derive_key(DIGEST_CONTEXT, b""));
    match key(&identity, |sink| sink.argument("value", value)) {
        Ok(key) => key,
        Err(error) => panic!("no digest can be made of the value: {}", crate::error::chain(&error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The vector of `docs/format.md`.
    #[test]
    fn a_digest_stays_what_it_is() {
        let digest = digest(&("wine", 7_u64)).to_string();
        assert_eq!(digest, "94dc695cecb08f1191893a88cd47b48bd6082a3fea18b552d3de2443ee0a1994");
    }
}
