//! What a memoized function reaches by name, as far as cargo and the compiler decide it: an edit of any of it is a miss, and
//! an edit of anything else is not.
//!
//! What sources and manifests alone decide is tested in the crate of the macro, without a build:
//! `macros/src/reach/tests/scenarios.rs`.

mod dependencies;
mod explained;
mod generated;
mod harmless;
mod macros;
mod outside;
mod settings;
mod targets;
