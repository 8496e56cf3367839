//! What a topic may be called (Kafka's `Topic`).

use super::error::{Refusal, RefusalKind};
use std::cmp::Ordering;

const NAME_CHARS_MAX: usize = 249;

/// Whether `name` is legal, with Kafka's words if not.
pub fn check(name: &str) -> Result<(), Refusal> {
    let flaw = if name.is_empty() {
        "the empty string is not allowed".to_owned()
    } else if name == "." || name == ".." {
        format!("'{name}' is not allowed")
    } else if name.encode_utf16().count() > NAME_CHARS_MAX {
        format!("the length of '{name}' is longer than the max allowed length {NAME_CHARS_MAX}")
    } else if !name.bytes().all(is_legal) {
        let legal = "ASCII alphanumerics, '.', '_' and '-'";
        format!("'{name}' contains one or more characters other than {legal}")
    } else {
        return Ok(());
    };
    Err(Refusal::new(RefusalKind::InvalidTopic, format!("Topic name is invalid: {flaw}")))
}

fn is_legal(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-')
}

/// A name that equals others by its unified form: names whose unified forms are the same collide.
/// Dots count as underscores, as in names of metrics.
#[derive(Clone, Copy, Debug)]
pub struct Unified<'a>(&'a str);

impl<'a> Unified<'a> {
    /// `None` if the name has no sign that can collide.
    pub fn of(name: &'a str) -> Option<Self> {
        name.contains(['.', '_']).then_some(Unified(name))
    }

    fn bytes(self) -> impl Iterator<Item = u8> {
        self.0.bytes().map(|byte| if byte == b'.' { b'_' } else { byte })
    }
}

impl PartialEq for Unified<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Unified<'_> {}

impl PartialOrd for Unified<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Unified<'_> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.bytes().cmp(other.bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::{Unified, check};

    #[test]
    fn names_are_judged_as_by_kafka() {
        let flaw = |name: &str| check(name).err().and_then(|refusal| refusal.message);
        for legal in ["a", "A-b_c.9", "...", &"y".repeat(249)] {
            assert_eq!(flaw(legal), None, "{legal}");
        }
        for (name, expected) in [
            ("", "the empty string is not allowed"),
            (".", "'.' is not allowed"),
            ("..", "'..' is not allowed"),
            (
                "a b",
                "'a b' contains one or more characters other than ASCII alphanumerics, '.', '_' \
                 and '-'",
            ),
        ] {
            assert_eq!(flaw(name), Some(format!("Topic name is invalid: {expected}")));
        }
        let long = "x".repeat(250);
        let expected = format!(
            "Topic name is invalid: the length of '{long}' is longer than the max allowed length \
             249"
        );
        assert_eq!(flaw(&long), Some(expected));
        assert_eq!(Unified::of("a.b_c"), Unified::of("a_b.c"));
        for (one, other) in [("a.b", "a-b"), ("a.b", "a.bc"), ("a_b", "a_c"), ("a", "a_")] {
            assert_ne!(Unified::of(one), Unified::of(other));
        }
    }
}
