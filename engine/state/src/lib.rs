//! Pure state machines of the engine: state, input and `now` go in, results and effects come out.
//! No I/O, no clock, no randomness; each lives on the shard that owns its partition.

pub mod config;
pub mod generated;
pub mod groups;
pub mod metadata;
pub mod offsets;
pub mod producers;
