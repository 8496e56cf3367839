//! What a topic may be called (Kafka's `Topic`).

use super::error::{Refusal, RefusalKind};

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

/// Whether two names are the same once dots are written as underscores, as in names of metrics.
pub fn collide(one: &str, other: &str) -> bool {
    let unified = |byte: u8| if byte == b'.' { b'_' } else { byte };
    one.len() == other.len() && one.bytes().map(unified).eq(other.bytes().map(unified))
}

/// Whether the name has a sign that can collide.
pub fn can_collide(name: &str) -> bool {
    name.contains(['.', '_'])
}

#[cfg(test)]
mod tests {
    use super::{check, collide};

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
        assert!(collide("a.b_c", "a_b.c") && !collide("a.b", "a-b") && !collide("a.b", "a.bc"));
    }
}
