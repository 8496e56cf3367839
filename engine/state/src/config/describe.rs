//! What DescribeConfigs shows: each config with its value, where it comes from, and the same thing
//! in weaker layers (`ConfigHelper`). Sorted by name. Passwords, and keys of which nobody knows
//! whether they are secret, are shown without a value.

use super::key::{Key, Kind};
use super::layers::{BrokerLayers, Layers, Source, broker_synonyms, synonyms};
use super::topic_keys::TOPIC_KEYS;
use super::value::Value;
use super::{broker_keys, topic_key};
use std::collections::BTreeSet;

#[derive(Clone, PartialEq, Debug)]
pub struct Entry {
    pub name: String,
    /// `None` if unset without a default, or secret.
    pub value: Option<String>,
    pub source: Source,
    pub read_only: bool,
    pub sensitive: bool,
    /// `None` for a key that is in no table.
    pub kind: Option<Kind>,
    /// From the strongest layer down.
    pub synonyms: Vec<Synonym>,
    pub doc: Option<&'static str>,
}

#[derive(Clone, PartialEq, Debug)]
pub struct Synonym {
    pub name: String,
    pub value: Option<String>,
    pub source: Source,
}

/// All configs of a topic. One that Kafka does not have is among them if the topic sets it: what
/// copies topics to a Kafka would be refused there.
pub fn topic(layers: &Layers<'_>) -> Vec<Entry> {
    let is_kafkas = |key: &Key| !key.name.starts_with("tidemill.");
    let listed = TOPIC_KEYS.iter().filter(|key| {
        !key.is_internal() && (is_kafkas(key) || layers.topic.contains_key(key.name))
    });
    listed.map(|key| topic_entry(key, layers)).collect()
}

/// One config of a topic; `None` if there is none of that name.
pub fn topic_config(name: &str, layers: &Layers<'_>) -> Option<Entry> {
    topic_key(name).map(|key| topic_entry(key, layers))
}

fn topic_entry(key: &'static Key, layers: &Layers<'_>) -> Entry {
    let value = layers.value(key).map(|value| value.to_string());
    let names: Vec<&str> = synonyms(key.name).iter().map(|(name, _)| *name).collect();
    let mut synonyms = Vec::new();
    if layers.topic.contains_key(key.name) {
        let name = key.name.to_owned();
        synonyms.push(Synonym { name, value: value.clone(), source: Source::Topic });
    }
    if let Some(first) = names.first() {
        synonyms.extend(broker_values(first, &names, &layers.broker));
    }
    entry(key, value, synonyms, Read::Write)
}

/// All configs of a broker, those set without being in a table included.
pub fn broker(layers: &BrokerLayers<'_>) -> Vec<Entry> {
    let mut names: BTreeSet<&str> = BTreeSet::new();
    let listed = broker_keys::GROUPS.iter().copied().flatten().filter(|key| !key.is_internal());
    names.extend(listed.map(|key| key.name));
    for (_, map) in layers.maps() {
        names.extend(map.keys().map(String::as_str));
    }
    names.into_iter().map(|name| broker_entry(name, layers)).collect()
}

/// The dynamic configs of all brokers, as described for the broker with the empty name.
pub fn cluster(layers: &BrokerLayers<'_>) -> Vec<Entry> {
    let mut entries = Vec::new();
    for (name, text) in layers.cluster {
        let mut entry = broker_entry(name, layers);
        entry.synonyms.retain(|synonym| synonym.source == Source::Cluster);
        entry.source = entry.synonyms.first().map_or(Source::Default, |synonym| synonym.source);
        entry.value = (!entry.sensitive).then(|| text.clone());
        entries.push(entry);
    }
    entries
}

fn broker_entry(name: &str, layers: &BrokerLayers<'_>) -> Entry {
    let names = broker_synonyms(name);
    let synonyms = broker_values(name, &names, layers);
    let Some(key) = broker_keys::find(name) else {
        return Entry {
            name: name.to_owned(),
            value: None,
            source: synonyms.first().map_or(Source::Default, |synonym| synonym.source),
            read_only: true,
            sensitive: true,
            kind: None,
            synonyms,
            doc: None,
        };
    };
    let value = layers.value(key).map(|value: Value| value.to_string());
    let read = if key.update.is_dynamic() { Read::Write } else { Read::Only };
    entry(key, value, synonyms, read)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Read {
    Only,
    Write,
}

fn entry(key: &Key, value: Option<String>, synonyms: Vec<Synonym>, read: Read) -> Entry {
    let sensitive = key.is_sensitive();
    Entry {
        name: key.name.to_owned(),
        value: value.filter(|_| !sensitive),
        source: synonyms.first().map_or(Source::Default, |synonym| synonym.source),
        read_only: read == Read::Only,
        sensitive,
        kind: Some(key.kind),
        synonyms,
        doc: Some(key.doc),
    }
}

/// The values of `names` in all layers of the broker, from the first of `name` itself on. That
/// start is Kafka's: `log.retention.hours` alone is not shown as the source of `retention.ms`, and
/// so kafka-topics does not list `retention.ms` as set for every topic.
fn broker_values(name: &str, names: &[&str], layers: &BrokerLayers<'_>) -> Vec<Synonym> {
    let is_secret = |name: &str| broker_keys::find(name).is_none_or(Key::is_sensitive);
    let mut all = Vec::new();
    for (source, map) in layers.maps() {
        for name in names {
            if let Some(text) = map.get(*name) {
                let value = (!is_secret(name)).then(|| text.clone());
                all.push(Synonym { name: (*name).to_owned(), value, source });
            }
        }
    }
    for name in names {
        if let Some(default) = broker_keys::find(name).and_then(|key| key.default) {
            let value = Some(default.to_owned());
            all.push(Synonym { name: (*name).to_owned(), value, source: Source::Default });
        }
    }
    all.into_iter().skip_while(|synonym| synonym.name != name).collect()
}

#[cfg(test)]
mod tests {
    use super::{Entry, broker, cluster, topic, topic_config};
    use crate::config::{BrokerLayers, ConfigMap, Layers};

    /// What Kafka 4.3.1 described with the configs below: what was asked, name, value, source,
    /// read-only, sensitive, type, synonyms; separated by tabs.
    const KAFKA: &str = include_str!("testdata/kafka-4.3.1-describe.tsv");

    fn map(pairs: &[(&str, &str)]) -> ConfigMap {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    fn line(asked: &str, entry: &Entry) -> String {
        let shown = |value: &Option<String>| value.clone().unwrap_or_else(|| "null".to_owned());
        let mut synonyms = String::new();
        for synonym in &entry.synonyms {
            let value = shown(&synonym.value);
            synonyms.push_str(&format!("{}:{}={value};", synonym.source.name(), synonym.name));
        }
        [
            asked,
            &entry.name,
            &shown(&entry.value),
            entry.source.name(),
            &entry.read_only.to_string(),
            &entry.sensitive.to_string(),
            entry.kind.map_or("UNKNOWN", |kind| kind.name()),
            &synonyms,
        ]
        .join("\t")
    }

    #[test]
    fn configs_are_described_as_by_kafka() {
        let fixed = map(&[
            ("process.roles", "broker,controller"),
            ("node.id", "1"),
            ("broker.id", "1"),
            ("controller.quorum.voters", "1@127.0.0.1:39093"),
            ("listeners", "PLAINTEXT://127.0.0.1:39092,CONTROLLER://127.0.0.1:39093"),
            ("controller.listener.names", "CONTROLLER"),
            ("listener.security.protocol.map", "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT"),
            ("log.dirs", "/data"),
            ("log.retention.hours", "48"),
            ("log.roll.ms", "3600000"),
            ("num.partitions", "3"),
            ("offsets.topic.replication.factor", "1"),
            ("message.max.bytes", "2000000"),
            ("unknown.key", "7"),
            ("log.cleaner.min.cleanable.ratio", "0.25"),
        ]);
        let of_broker = map(&[
            ("log.retention.ms", "5000"),
            ("message.max.bytes", "1500000"),
            ("nope", "4"),
            ("log.cleanup.policy", "delete,compact"),
        ]);
        let of_cluster = map(&[
            ("message.max.bytes", "1600000"),
            ("log.retention.ms", "7000"),
            ("log.roll.ms", "9000"),
            ("num.io.threads", "4"),
            ("log.cleaner.threads", "2"),
            ("unknown.thing", "2"),
            ("min.insync.replicas", "1"),
        ]);
        let of_topic = map(&[
            ("retention.ms", "1000"),
            ("retention.bytes", " 5 "),
            ("min.insync.replicas", "3"),
        ]);
        let layers = BrokerLayers { broker: &of_broker, cluster: &of_cluster, fixed: &fixed };
        let mut lines: Vec<String> = Vec::new();
        let all = topic(&Layers { topic: &of_topic, broker: layers });
        lines.extend(all.iter().map(|entry| line("topic", entry)));
        let all = broker(&layers);
        let kafkas = all.iter().filter(|entry| !entry.name.starts_with("tidemill."));
        lines.extend(kafkas.map(|entry| line("broker", entry)));
        lines.extend(cluster(&layers).iter().map(|entry| line("cluster", entry)));
        // Without dynamic configs, the hours of the file are not named as a source.
        let none = ConfigMap::new();
        let layers = BrokerLayers { broker: &none, cluster: &none, fixed: &fixed };
        let all = topic(&Layers { topic: &of_topic, broker: layers });
        let wanted = ["retention.ms", "segment.ms", "max.message.bytes", "flush.ms"];
        let some = all.iter().filter(|entry| wanted.contains(&entry.name.as_str()));
        lines.extend(some.map(|entry| line("static", entry)));
        for (ours, kafkas) in lines.iter().zip(KAFKA.lines()) {
            assert_eq!(ours, kafkas);
        }
        assert_eq!(lines.len(), KAFKA.lines().count());
    }

    #[test]
    fn our_own_topic_config_is_listed_where_it_is_set() {
        let (none, fixed) = (ConfigMap::new(), map(&[("tidemill.validate.compressed", "false")]));
        let broker = BrokerLayers { broker: &none, cluster: &none, fixed: &fixed };
        let value_of = |topic_map: &ConfigMap| {
            let all = topic(&Layers { topic: topic_map, broker });
            let found = all.into_iter().find(|entry| entry.name.starts_with("tidemill."));
            found.and_then(|entry| entry.value)
        };
        assert_eq!(value_of(&none), None);
        let set = map(&[("tidemill.validate.compressed", "TRUE")]);
        assert_eq!(value_of(&set), Some("true".to_owned()));
        let asked = topic_config("tidemill.validate.compressed", &Layers { topic: &none, broker });
        assert_eq!(asked.expect("known").value, Some("false".to_owned()));
    }
}
