//! A broker's refusal, told by Kafka's name for it.

use crate::Failure;
use net_wire::ErrorCode;
use std::fmt;

/// The broker answered with an error code.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Refused {
    /// What was asked for, such as `partition 3`.
    pub what: String,
    pub code: i16,
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Refused { what, code } = self;
        match ErrorCode::from_code(*code) {
            Some(error) => write!(f, "{what} answered {error} ({code})"),
            None => write!(f, "{what} answered the unknown error {code}"),
        }
    }
}

impl std::error::Error for Refused {}

/// An error unless the code is none.
pub fn check(code: i16, what: impl FnOnce() -> String) -> Result<(), Failure> {
    if code == 0 { Ok(()) } else { Err(Refused { what: what(), code }.into()) }
}

/// The code behind a failure, if a broker gave one.
pub fn code_of(failure: &Failure) -> Option<i16> {
    failure.downcast_ref::<Refused>().map(|refused| refused.code)
}

#[cfg(test)]
mod tests {
    use super::{check, code_of};

    #[test]
    fn codes_are_named() {
        assert!(check(0, || unreachable!("no error, no text")).is_ok());
        let error = check(29, || "partition 3".to_owned()).expect_err("an error");
        assert_eq!(error.to_string(), "partition 3 answered TOPIC_AUTHORIZATION_FAILED (29)");
        assert_eq!(code_of(&error), Some(29));
        let later = check(9999, || "fetch".to_owned()).expect_err("an error");
        assert_eq!(later.to_string(), "fetch answered the unknown error 9999");
        assert_eq!(code_of(&"text".into()), None);
    }
}
