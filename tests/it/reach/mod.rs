//! What a memoized function reaches by name: an edit of any of it is a miss, and an edit of anything else is not.

mod dependencies;
mod explained;
mod files;
mod functions;
mod generics;
mod harmless;
mod implied;
mod macros;
mod names;
mod namesakes;
mod outside;
mod settings;
mod targets;
mod traits;
mod traps;
mod types;
