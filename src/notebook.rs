//! Cells of a notebook that evcxr runs. Each is compiled to a library of its own, with a copy of this one in it: what is set here
//! without a variable of the user's to hold it ends with the cell.

use std::env;
use std::path::Path;
use std::sync::{Once, OnceLock};

use crate::tell;

/// Whether this runs in a cell: the program is one of evcxr's.
pub(crate) fn is_cell() -> bool {
    static IS_CELL: OnceLock<bool> = OnceLock::new();
    *IS_CELL.get_or_init(|| {
        let program = env::current_exe().unwrap_or_default();
        program.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"evcxr"))
    })
}

/// Tells once, in a cell, that a current memory ends with it; `root` is where that keeps its entries.
pub(crate) fn tell_of_current_memory(root: Option<&Path>) {
    static TOLD: Once = Once::new();
    if is_cell() {
        let root = root.map_or("cells-cache".into(), |root| root.display().to_string());
        TOLD.call_once(|| {
            tell::user(&format!(
                "in a notebook a memory is entered, or made the default, for the current cell alone; for plain calls in all \
                 cells, put `unsafe {{ std::env::set_var(\"REMEMO_DIR\", {root:?}) }};` in the first"
            ));
        });
    }
}
