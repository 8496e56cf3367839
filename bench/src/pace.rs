//! When requests of an open loop should be sent: on a grid that the broker cannot push back. A
//! request that goes out late, because the broker was slow or we were, keeps the time it was
//! meant for, so that a stall counts for all that it delayed.

use std::time::{Duration, Instant};

#[derive(Clone, Copy, Debug)]
pub struct Pace {
    start: Instant,
    gap: Duration,
    /// Requests since the start.
    count: u32,
}

/// The grid starts anew after this many, so that its arithmetic stays within its types.
const COUNT_MAX: u32 = 1 << 30;

impl Pace {
    /// `rate` is in requests for each second.
    pub fn new(rate: f64, start: Instant) -> Pace {
        assert!(rate > 0.0);
        Pace { start, gap: Duration::from_secs_f64(1.0 / rate), count: 0 }
    }

    /// The time of the next request.
    pub fn next(&self) -> Instant {
        // Multiplied and not added up, so that a gap's rounding error does not grow.
        self.start + self.gap * self.count
    }

    /// The intended time of a request that is due by now; each is given once.
    pub fn take(&mut self, now: Instant) -> Option<Instant> {
        let next = self.next();
        if next > now {
            return None;
        }
        self.count += 1;
        if self.count == COUNT_MAX {
            *self = Pace { start: self.next(), gap: self.gap, count: 0 };
        }
        Some(next)
    }
}

#[cfg(test)]
mod tests {
    use super::{COUNT_MAX, Pace};
    use std::time::{Duration, Instant};

    #[test]
    fn a_stall_moves_no_intended_time() {
        let start = Instant::now();
        let mut pace = Pace::new(1000.0, start);
        let at = |ms| start + Duration::from_millis(ms);
        assert_eq!(pace.take(at(0)), Some(at(0)));
        assert_eq!(pace.take(at(0)), None);
        // Nobody asked for 5 ms: all that was due comes, each with its own time.
        for ms in 1..=5 {
            assert_eq!(pace.take(at(5)), Some(at(ms)));
        }
        assert_eq!(pace.take(at(5)), None);
        assert_eq!(pace.next(), at(6));
    }

    #[test]
    fn the_grid_goes_on_after_its_count_is_full() {
        let start = Instant::now();
        let mut pace = Pace { start, gap: Duration::from_nanos(3), count: COUNT_MAX - 1 };
        let last = pace.next();
        assert_eq!(pace.take(last), Some(last));
        assert_eq!((pace.count, pace.next()), (0, last + Duration::from_nanos(3)));
    }
}
