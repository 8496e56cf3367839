//! The configs of a broker: every key of Kafka 4.3.1 (`AbstractKafkaConfig`) with its type,
//! default and rule, what this broker makes of it, and our own keys under `tidemill.`.
//!
//! Each group is a table sorted by name; a name is in one group only.

mod coordinator;
mod elsewhere;
mod log;
mod network;
mod node;
mod own;
mod remote;
mod security;

pub use elsewhere::{ELSEWHERE, ELSEWHERE_PREFIXES};
pub use own::OWN;

use super::key::{self, Key};

/// All groups. Their names interleave: see [`sorted`].
pub static GROUPS: [&[Key]; 7] = [
    coordinator::COORDINATOR,
    log::LOG,
    network::NETWORK,
    node::NODE,
    own::OWN,
    remote::REMOTE,
    security::SECURITY,
];

/// Finds a key by its exact name.
pub fn find(name: &str) -> Option<&'static Key> {
    GROUPS.iter().find_map(|group| key::find(group, name))
}

/// All keys in order of name.
pub fn sorted() -> Vec<&'static Key> {
    let mut all: Vec<&'static Key> = GROUPS.iter().copied().flatten().collect();
    all.sort_unstable_by_key(|key| key.name);
    all
}

/// Names that Kafka, its plug-ins or its older versions know though they are in no table: accepted
/// without effect.
pub fn is_known_elsewhere(name: &str) -> bool {
    ELSEWHERE.binary_search(&name).is_ok()
        || ELSEWHERE_PREFIXES.iter().any(|prefix| name.starts_with(prefix))
}

#[cfg(test)]
mod tests {
    use super::{ELSEWHERE, GROUPS, find, is_known_elsewhere, sorted};
    use crate::config::topic_keys::TOPIC_KEYS;
    use crate::config::{Key, Value};

    #[test]
    fn tables_are_sorted_without_repeats_and_defaults_are_legal() {
        let all: Vec<&[Key]> = GROUPS.iter().copied().chain([TOPIC_KEYS]).collect();
        for table in all {
            assert!(table.windows(2).all(|pair| pair[0].name < pair[1].name));
            for key in table {
                if let Some(default) = key.default {
                    let value = Value::parse(key, default);
                    let value = value.unwrap_or_else(|error| panic!("{}: {error}", key.name));
                    assert_eq!(value.to_string(), default, "{} is in Kafka's form", key.name);
                }
                assert!(key.doc.ends_with('.'), "{}", key.name);
            }
        }
        assert!(sorted().windows(2).all(|pair| pair[0].name < pair[1].name));
        assert!(ELSEWHERE.windows(2).all(|pair| pair[0] < pair[1]));
        assert!(ELSEWHERE.iter().all(|name| find(name).is_none()));
    }

    #[test]
    fn names_of_plug_ins_and_older_versions_are_known() {
        for name in ["super.users", "zookeeper.connect", "listener.name.external.ssl.keystore.type"]
        {
            assert!(is_known_elsewhere(name), "{name}");
        }
        assert!(!is_known_elsewhere("log.retention.hour"));
    }
}
