//! Deterministic backend.
