//! What an edit did to each function, and the sums.

use std::fmt::{self, Display, Formatter};
use std::ops::AddAssign;

/// What became of one function's entries after one edit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// A value that the function does not return.
    Stale,
    /// Found, and right.
    Kept,
    /// Computed anew, and another value.
    Changed,
    /// Computed anew with the same value; the function's own program has lines of what was edited.
    Justified,
    /// Computed anew with the same value, for no reason that the lines show. `otherwise`: but the compiler made
    /// other code of the function's own program.
    Needless { otherwise: bool },
}

#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Sums {
    pub(crate) edits: usize,
    pub(crate) stale: usize,
    kept: usize,
    changed: usize,
    justified: usize,
    pub(crate) needless: usize,
    otherwise: usize,
}

impl Sums {
    pub(crate) fn add(&mut self, verdict: Verdict) {
        match verdict {
            Verdict::Stale => self.stale += 1,
            Verdict::Kept => self.kept += 1,
            Verdict::Changed => self.changed += 1,
            Verdict::Justified => self.justified += 1,
            Verdict::Needless { otherwise } => {
                self.needless += 1;
                self.otherwise += usize::from(otherwise);
            }
        }
    }
}

impl AddAssign for Sums {
    fn add_assign(&mut self, other: Self) {
        self.edits += other.edits;
        self.stale += other.stale;
        self.kept += other.kept;
        self.changed += other.changed;
        self.justified += other.justified;
        self.needless += other.needless;
        self.otherwise += other.otherwise;
    }
}

pub(crate) const HEAD: &str = "| package, build | edits | stale | right: kept | right: changed | justified | needless | of these compiled otherwise | needless, of what could be kept |
| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |";

impl Display for Sums {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Sums { edits, stale, kept, changed, justified, needless, otherwise } = self;
        let of = (kept + needless).max(1);
        let tenths = (needless * 1000 + of / 2) / of;
        write!(f, "{edits} | {stale} | {kept} | {changed} | {justified} | {needless} | {otherwise} | ")?;
        write!(f, "{}.{} % |", tenths / 10, tenths % 10)
    }
}
