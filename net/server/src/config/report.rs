//! What is said about a configuration: messages for the log when it can be used, problems for the
//! terminal when it cannot.

use super::sources::Origin;
use std::fmt;

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Level {
    Info,
    Warn,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Message {
    pub level: Level,
    pub text: String,
}

/// Messages in the order they came up.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Report {
    pub messages: Vec<Message>,
    /// Keys that nobody knows; an error for those who want it to be one.
    pub unknown: Vec<String>,
}

impl Report {
    pub fn info(&mut self, text: impl Into<String>) {
        self.messages.push(Message { level: Level::Info, text: text.into() });
    }

    pub fn warn(&mut self, text: impl Into<String>) {
        self.messages.push(Message { level: Level::Warn, text: text.into() });
    }
}

/// Why the broker cannot start: where, what, and what to do.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Problem {
    pub origin: Origin,
    pub key: String,
    pub text: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.key.is_empty() {
            write!(f, "{}: {}", self.origin, self.text)
        } else {
            write!(f, "{}: {}: {}", self.origin, self.key, self.text)
        }
    }
}

impl std::error::Error for Problem {}
