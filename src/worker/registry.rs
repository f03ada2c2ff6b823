//! The memoized functions of this program, as it was linked.

use std::collections::HashMap;
use std::sync::OnceLock;

use super::{Request, Served};
use crate::function::Function;
use crate::key::FunctionId;

/// A function that jobs can name. No API: written by the macro of this very version.
#[derive(Debug)]
pub struct Registered {
    function: fn() -> &'static Function,
    pub(super) serve: fn(Request<'_>) -> Served,
}

inventory::collect!(Registered);

impl Registered {
    /// For the code that `#[memo]` writes.
    pub const fn new(function: fn() -> &'static Function, serve: fn(Request<'_>) -> Served) -> Self {
        Registered { function, serve }
    }

    pub(crate) fn name(&self) -> &'static str {
        (self.function)().name()
    }
}

/// The function of an id.
pub(crate) fn find(id: FunctionId) -> Option<&'static Registered> {
    by_id().get(&id).copied()
}

/// A digest of all functions that can be found, with their code: two processes with the same are of the same program, as far
/// as jobs are concerned.
#[cfg(target_os = "linux")]
pub(crate) fn code_digest() -> [u8; 32] {
    static DIGEST: OnceLock<[u8; 32]> = OnceLock::new();
    *DIGEST.get_or_init(|| {
        let mut ids: Vec<[u8; 8]> = by_id().keys().map(|id| id.0).collect();
        ids.sort_unstable();
        let mut hasher = blake3::Hasher::new_derive_key("rememo worker 1: functions of a program");
        for id in ids {
            hasher.update(&id);
        }
        *hasher.finalize().as_bytes()
    })
}

fn by_id() -> &'static HashMap<FunctionId, &'static Registered> {
    static BY_ID: OnceLock<HashMap<FunctionId, &'static Registered>> = OnceLock::new();
    BY_ID.get_or_init(|| {
        inventory::iter::<Registered>().map(|registered| ((registered.function)().id(), registered)).collect()
    })
}
