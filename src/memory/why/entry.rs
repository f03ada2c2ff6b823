//! Explains entries, where no program is at hand that makes their calls.

use super::{Why, changed};
use crate::error::Result;
use crate::key::Key;
use crate::memory::{Memory, MissReason};
use crate::report::{self, Recorded};
use crate::store::EntryInfo;

impl Memory {
    /// Explains an entry by its key, as [`why`](Self::why) explains a call: [`Why::Hit`] if the latest state of its function's code
    /// that is recorded has computed it, or if that is not known; otherwise what changed since. `None` if there is no entry of this
    /// key.
    ///
    /// The records know the source alone. What only a program knows is not looked at: the code that it has now, its machine code,
    /// `ttl`, `valid`, and what it [adopted](Self::adopt).
    ///
    /// # Errors
    ///
    /// Fails if the entry or the records cannot be read.
    ///
    /// # Examples
    ///
    /// ```
    /// # let dir = tempfile::tempdir()?;
    /// use rememo::{Memory, memo};
    ///
    /// #[memo(name = "area")]
    /// fn area(radius: f64) -> f64 {
    ///     3.14 * radius * radius
    /// }
    ///
    /// // The next version of the program.
    /// mod later {
    ///     #[rememo::memo(name = "area")]
    ///     pub fn area(radius: f64) -> f64 {
    ///         std::f64::consts::PI * radius * radius
    ///     }
    /// }
    ///
    /// let memory = Memory::open(dir.path())?;
    /// memory.call(area::delayed(1.0));
    /// let key = memory.entries()?[0].key();
    /// assert!(memory.why_entry(&key)?.expect("it was stored").is_hit());
    ///
    /// # std::thread::sleep(std::time::Duration::from_millis(20));
    /// memory.call(later::area::delayed(1.0));
    /// let why = memory.why_entry(&key)?.expect("it is still there");
    /// assert!(why.to_string().starts_with("the code changed since this was computed: "));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn why_entry(&self, key: &Key) -> Result<Option<Why>> {
        let (Some(inner), Some(inspected)) = (&self.inner, self.inspect(key)?) else { return Ok(None) };
        if let Some(how) = inspected.damage {
            return Ok(Some(Why::Miss(MissReason::Damaged(how))));
        }
        let Some(info) = inspected.entry else { return Ok(None) };
        let Some(was) = inspected.function else { return Ok(Some(hit(&info, Vec::new()))) };
        let states = inner.records.of_name(&was.name)?;
        let latest = states.into_iter().max_by_key(|recorded| recorded.written);
        Ok(Some(match latest {
            Some(Recorded { record: now, .. }) if !now.is_same_code(&was) => {
                changed(&was, &now, Some(true), || report::between(&was, &now))
            }
            _ => hit(&info, was.reads),
        }))
    }
}

fn hit(info: &EntryInfo, reads: Vec<(String, String)>) -> Why {
    Why::Hit { age: info.age(), took: info.compute_time(), adopted: false, reads }
}
