//! The broker's configuration: a Java properties file, environment variables and command line
//! flags, merged into typed values, with messages that say what was made of them. Read once at
//! start, before any shard runs; what comes out is shared by all cores and never changes.
//!
//! Pure but for [`Machine`]: the caller reads the file and the environment. Precedence: flag,
//! environment, file, default. Which keys there are, and what they mean, is in
//! `engine_state::config`.

mod broker;
mod environment;
mod explain;
mod listeners;
mod load;
mod machine;
mod properties;
mod report;
mod sources;
mod units;

pub use broker::BrokerConfig;
pub use explain::{Explanation, Layer, explain};
pub use listeners::Listener;
pub use load::{Inputs, Loaded, load};
pub use machine::{Machine, Resolve};
pub use report::{Level, Message, Problem, Report};
pub use sources::{Origin, Setting, Settings};
