//! How much a store may hold.

use std::time::Duration;

/// What a store may hold at most, for [`Memory::reduce`](crate::Memory::reduce); without any limit nothing goes.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
///
/// let day = Duration::from_hours(24);
/// let limits = rememo::Limits::new().bytes(10 << 30).age(30 * day);
/// # let _ = limits;
/// ```
#[must_use = "limits do nothing until a memory is reduced to them"]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    pub(crate) bytes: Option<u64>,
    pub(crate) items: Option<u64>,
    pub(crate) age: Option<Duration>,
}

impl Limits {
    /// No limits.
    pub fn new() -> Self {
        Limits::default()
    }

    /// At most so many bytes of entries.
    pub fn bytes(mut self, bytes: u64) -> Self {
        self.bytes = Some(bytes);
        self
    }

    /// At most so many entries.
    pub fn items(mut self, items: u64) -> Self {
        self.items = Some(items);
        self
    }

    /// No entry that was not used (or, if never used, stored) for so long; in whole seconds.
    pub fn age(mut self, age: Duration) -> Self {
        self.age = Some(age);
        self
    }
}

/// What a reduction removed and left.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Reduced {
    /// Entries removed.
    pub entries: u64,
    /// Bytes of the entries removed.
    pub bytes: u64,
    /// Entries left.
    pub kept_entries: u64,
    /// Bytes of the entries left.
    pub kept_bytes: u64,
}
