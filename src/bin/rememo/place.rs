//! The cache that the command looks at.

use std::path::Path;

use rememo::{Memory, MemoryBuilder};

use crate::output::{Stop, chain};

/// Opens what is there; nothing is made or changed.
pub(crate) fn to_read(dir: Option<&Path>) -> Result<Memory, Stop> {
    let memory = existing(dir)?;
    memory.check_readable()?;
    Ok(memory)
}

/// Opens what is there, to change it.
pub(crate) fn to_write(dir: Option<&Path>) -> Result<Memory, Stop> {
    // Opening would make what is missing.
    existing(dir)?;
    Ok(builder(dir).open()?)
}

fn existing(dir: Option<&Path>) -> Result<Memory, Stop> {
    builder(dir).open_existing().map_err(|error| Stop::Usage(chain(&error)))
}

fn builder(dir: Option<&Path>) -> MemoryBuilder {
    let builder = Memory::builder().environment(false);
    match dir {
        Some(dir) => builder.dir(dir),
        None => builder,
    }
}
