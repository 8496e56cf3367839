//! Whether the clock on the wall ran as the steady one did. All figures come from the steady
//! clock; but brokers read the other, and a step changes what they do.

use std::time::{Duration, Instant, SystemTime};

pub struct Clock {
    steady: Instant,
    wall: SystemTime,
}

impl Clock {
    pub fn start() -> Clock {
        Clock { steady: Instant::now(), wall: SystemTime::now() }
    }

    /// How far the wall's clock went ahead of the steady one since, in milliseconds.
    pub fn step_ms(&self) -> f64 {
        self.step(self.steady.elapsed(), SystemTime::now())
    }

    fn step(&self, passed: Duration, wall: SystemTime) -> f64 {
        let moved = match wall.duration_since(self.wall) {
            Ok(moved) => moved.as_secs_f64(),
            Err(back) => -back.duration().as_secs_f64(),
        };
        (moved - passed.as_secs_f64()) * 1e3
    }
}

#[cfg(test)]
mod tests {
    use super::Clock;
    use std::time::Duration;

    #[test]
    fn steps_are_seen_both_ways() {
        let clock = Clock::start();
        let second = Duration::from_secs(1);
        assert!(clock.step(second, clock.wall + second).abs() < 1e-6);
        assert!((clock.step(second, clock.wall + second * 3) - 2000.0).abs() < 1e-6);
        assert!((clock.step(second, clock.wall - second) + 2000.0).abs() < 1e-6);
    }
}
