//! Large values and large arguments: vectors of `f64` of 1 MB, 100 MB and 1 GB.
//!
//! What is warm is stated, not hidden: files are in the page cache, as after a first look or a store in this session. Each part says
//! at its top what is inside the timing.

mod array;
mod by_hand;
mod compressed;
mod data;
mod keys;
mod lmdb;
pub(super) mod rememo;
mod stores;
mod values;

use super::Bench;
use crate::child::Measuring;
use crate::goals::Goals;
use crate::options::Large;

/// The peers in Python, ready for vectors of one size.
pub(super) struct Joblib(Measuring);

pub(crate) fn run(bench: &Bench<'_>, goals: &mut Goals) {
    for size in bench.options.large() {
        let mut python = start_python(bench, size);
        values::run(bench, size, python.as_mut(), goals);
        compressed::run(bench, size, python.as_mut());
        keys::run(bench, size, python.as_mut(), goals);
        if let Ok(python) = python {
            python.0.end();
        }
    }
}

/// A child with the same numbers; an `Err` says why there is none.
fn start_python<'a>(bench: &Bench<'a>, size: &Large) -> Result<Joblib, &'a String> {
    let python = bench.python.as_ref()?;
    let (child, sum) = Measuring::start(python.large_command(data::SEED, size.count));
    data::check_sum(&data::numbers(data::SEED, size.count), sum);
    Ok(Joblib(child))
}
