//! Checks of our own invariants. `assert!` is for constant-time checks and stays on in release;
//! [`verify!`](crate::verify) is for checks whose cost grows with the data, on in tests and fuzzing.

/// An assertion whose cost is not constant: compiled out of release builds.
#[macro_export]
macro_rules! verify {
    ($($arg:tt)*) => {
        if cfg!(debug_assertions) {
            assert!($($arg)*);
        }
    };
}
