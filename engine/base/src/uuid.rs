//! Kafka's `Uuid`: 16 bytes, printed as 22 characters of unpadded URL-safe base64.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use std::fmt;

/// A topic id, directory id or cluster id. All zero means "none" on the wire.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Uuid([u8; 16]);

impl Uuid {
    /// Stands for "no id" wherever Kafka's protocol has an optional id.
    pub const ZERO: Uuid = Uuid([0; 16]);
    /// Kafka's reserved id of `__cluster_metadata`.
    pub const METADATA_TOPIC: Uuid = Uuid([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]);

    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Uuid(bytes)
    }

    /// A version 4 id from 16 random bytes, never one whose text starts with `-`: such an id is
    /// taken for an option by command line tools, so Kafka avoids them too. The caller draws again
    /// on `None`.
    pub fn from_random(mut bytes: [u8; 16]) -> Option<Self> {
        bytes[6] = (bytes[6] & 0x0F) | 0x40;
        bytes[8] = (bytes[8] & 0x3F) | 0x80;
        let id = Uuid(bytes);
        let reserved = id == Self::ZERO || id == Self::METADATA_TOPIC;
        (!reserved && !id.to_string().starts_with('-')).then_some(id)
    }

    pub const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }

    pub fn is_zero(&self) -> bool {
        *self == Self::ZERO
    }

    /// Parses the 22-character text form.
    pub fn parse(text: &str) -> Option<Self> {
        let bytes = URL_SAFE_NO_PAD.decode(text.trim_end_matches('=')).ok()?;
        Some(Uuid(bytes.try_into().ok()?))
    }
}

impl fmt::Display for Uuid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&URL_SAFE_NO_PAD.encode(self.0))
    }
}

impl fmt::Debug for Uuid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::Uuid;

    #[test]
    fn text_form_is_kafkas() {
        assert_eq!(Uuid::ZERO.to_string(), "AAAAAAAAAAAAAAAAAAAAAA");
        assert_eq!(Uuid::METADATA_TOPIC.to_string(), "AAAAAAAAAAAAAAAAAAAAAQ");
        let id = Uuid::from_bytes(*b"0123456789abcdef");
        assert_eq!(Uuid::parse(&id.to_string()), Some(id));
        assert_eq!(Uuid::parse("short"), None);
        assert_eq!(Uuid::parse("!!!!!!!!!!!!!!!!!!!!!!"), None);
    }

    #[test]
    fn random_ids_never_look_like_an_option() {
        // 0xF8 as first byte gives '-' or '_' territory: 62 is '-'.
        assert_eq!(Uuid::from_random([0xF8; 16]), None);
        let id = Uuid::from_random([0x11; 16]).expect("an ordinary id");
        assert_eq!(id.as_bytes()[6] >> 4, 4);
    }
}
