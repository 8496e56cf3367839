//! Tests across the files of this crate: against bytes that Kafka made, rule by rule, and against
//! damage.

mod build_tests;
mod damage_tests;
pub mod golden;
mod validate_tests;
