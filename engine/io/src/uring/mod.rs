//! Production backend.
