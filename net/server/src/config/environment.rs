//! Keys from environment variables, in the dialect of Apache's image (`KafkaDockerWrapper`):
//! `KAFKA_` and the key in capitals, `_` for a dot, `__` for an underscore, `___` for a hyphen.

const PREFIX: &str = "KAFKA_";

/// Variables that start like a key and are none: of Kafka's scripts and images.
const NOT_KEYS: [&str; 13] = [
    "KAFKA_CLUSTER_ID",
    "KAFKA_GC_LOG_OPTS",
    "KAFKA_HEAP_OPTS",
    "KAFKA_HOME",
    "KAFKA_JMX_HOSTNAME",
    "KAFKA_JMX_OPTS",
    "KAFKA_JVM_PERFORMANCE_OPTS",
    "KAFKA_LOG4J_LOGGERS",
    "KAFKA_LOG4J_OPTS",
    "KAFKA_LOG4J_ROOT_LOGLEVEL",
    "KAFKA_OPTS",
    "KAFKA_TOOLS_LOG4J_LOGLEVEL",
    "KAFKA_VERSION",
];

/// The same by beginning; the last two are what Kubernetes sets for a service named `kafka`.
const NOT_KEYS_PREFIXES: [&str; 5] =
    ["KAFKA_JMX_", "KAFKA_LOG4J", "KAFKA_TOOLS_", "KAFKA_PORT", "KAFKA_SERVICE_"];

/// The key a variable sets; `None` if it sets none.
pub fn key_of(variable: &str) -> Option<String> {
    let name = variable.strip_prefix(PREFIX)?;
    let is_key = !NOT_KEYS.contains(&variable)
        && !NOT_KEYS_PREFIXES.iter().any(|prefix| variable.starts_with(prefix));
    if !is_key || name.is_empty() {
        return None;
    }
    let dotted = name.to_lowercase().replace('_', ".");
    Some(dotted.replace("...", "-").replace("..", "_"))
}

/// Whether the variable reads differently in the dialect of Confluent's image, where `__` is a
/// hyphen and `___` an underscore.
pub fn is_ambiguous(variable: &str) -> bool {
    variable.strip_prefix(PREFIX).is_some_and(|name| name.contains("__"))
}

#[cfg(test)]
mod tests {
    use super::{NOT_KEYS, is_ambiguous, key_of};

    #[test]
    fn variables_become_keys_as_in_apaches_image() {
        for (variable, expected) in [
            ("KAFKA_LOG_DIRS", Some("log.dirs")),
            ("KAFKA_TIDEMILL_SHARDS", Some("tidemill.shards")),
            ("KAFKA_A__B", Some("a_b")),
            ("KAFKA_A___B", Some("a-b")),
            ("KAFKA_A____B", Some("a-.b")),
            ("KAFKA_HEAP_OPTS", None),
            ("KAFKA_JMX_PORT", None),
            ("KAFKA_PORT_9092_TCP_ADDR", None),
            ("KAFKA_", None),
            ("CLUSTER_ID", None),
            ("HOME", None),
        ] {
            assert_eq!(key_of(variable).as_deref(), expected, "{variable}");
        }
        assert!(is_ambiguous("KAFKA_A__B") && !is_ambiguous("KAFKA_A_B"));
        assert!(NOT_KEYS.windows(2).all(|pair| pair[0] < pair[1]));
    }
}
