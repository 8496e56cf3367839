//! placeholder

pub mod generated;
