//! The times in the head of a record.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// In a second.
const NANOS: u64 = 1_000_000_000;

/// When an entry was made and how long its function ran, as the head has them.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Times {
    /// Since 1970.
    pub(super) seconds: u32,
    /// In units of 2⁻¹⁶ s.
    pub(super) fraction: u16,
    /// In nanoseconds. Seven digits are enough of how long a function ran.
    pub(super) took: f32,
}

impl Times {
    #[expect(clippy::cast_precision_loss, reason = "see `took`")]
    pub(super) fn of(created: SystemTime, compute_time: Duration) -> Self {
        let created = created.duration_since(UNIX_EPOCH).unwrap_or_default();
        // Rounded down, so that no entry is from the future.
        let fraction = (u64::from(created.subsec_nanos()) << 16) / NANOS;
        Times {
            seconds: u32::try_from(created.as_secs()).unwrap_or(u32::MAX),
            fraction: u16::try_from(fraction).unwrap_or(u16::MAX),
            took: u64::try_from(compute_time.as_nanos()).unwrap_or(u64::MAX) as f32,
        }
    }

    /// Since 1970, up to the year 2106.
    pub(super) fn created(self) -> Duration {
        let (seconds, nanos) = self.created_parts();
        Duration::new(seconds.into(), nanos)
    }

    /// The same in seconds and nanoseconds.
    #[inline]
    pub(super) fn created_parts(self) -> (u32, u32) {
        // Rounded up, so that the time that comes back, stored again, is the same.
        let nanos = (u64::from(self.fraction) * NANOS + 0xFFFF) >> 16;
        (self.seconds, u32::try_from(nanos).unwrap_or(0))
    }

    #[inline]
    pub(super) fn compute_time(self) -> Duration {
        Duration::from_nanos(self.took_nanos())
    }

    #[inline]
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it ends at what fits")]
    pub(super) fn took_nanos(self) -> u64 {
        self.took as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_that_is_stored_again_is_the_same_and_never_later() {
        for nanos in (0..1_000_000_000).step_by(777_777).chain([1, 1_000_000, 999_999_999]) {
            let created = Duration::new(1_800_000_000, nanos);
            let times = Times::of(UNIX_EPOCH + created, Duration::from_nanos(nanos.into()));
            let read = times.created();
            let early = created.checked_sub(read).expect("it is not from the future");
            assert!(early < Duration::from_micros(16), "{nanos}: {read:?}");
            assert_eq!(Times::of(UNIX_EPOCH + read, times.compute_time()), times, "{nanos}");
            assert!(times.compute_time().as_nanos().abs_diff(nanos.into()) <= 32, "{nanos}");
        }
    }

    #[test]
    fn times_out_of_range_are_the_nearest_there_are() {
        let times = Times::of(UNIX_EPOCH + Duration::from_secs(1 << 40), Duration::MAX);
        assert_eq!(
            (times.created().as_secs(), times.compute_time()),
            (u32::MAX.into(), Duration::from_nanos(u64::MAX))
        );
        assert_eq!(Times::of(UNIX_EPOCH - Duration::from_secs(1), Duration::ZERO), Times::default());
        for took in [f32::NAN, f32::NEG_INFINITY, -1.0] {
            assert_eq!(Times { took, ..times }.compute_time(), Duration::ZERO);
        }
    }
}
