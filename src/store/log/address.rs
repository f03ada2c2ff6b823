//! Places in the log: one logical address space over all segments.

use super::record::ALIGN;

/// The bytes of a segment: a step of the reduction, which copies what survives of one, takes a millisecond or two.
pub(super) const SEGMENT: u64 = 1 << 20;

/// A place in the log, in bytes from the beginning of segment 0; a multiple of 8.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Address(pub(super) u64);

impl Address {
    /// No record is at 0, so that no slot of a record is zero.
    pub(super) const FIRST: Address = Address(ALIGN as u64);

    /// Addresses stay below this, so that they fit their field in a slot.
    pub(super) const LIMIT: Address = Address(((1 << 44) - 1) * ALIGN as u64);

    /// The beginning of a segment.
    pub(super) fn of_segment(number: u64) -> Self {
        Address(number.saturating_mul(SEGMENT))
    }

    /// The segment that it is in.
    pub(super) fn segment(self) -> u64 {
        self.0 / SEGMENT
    }

    /// Where it is in its segment.
    pub(super) fn offset(self) -> u64 {
        self.0 % SEGMENT
    }

    /// The place `bytes` further on.
    pub(super) fn after(self, bytes: usize) -> Self {
        Address(self.0 + bytes as u64)
    }
}
