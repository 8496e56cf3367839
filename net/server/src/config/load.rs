//! From file, environment and command line to a configuration the broker can run with. All that is
//! wrong is collected, so that one attempt shows every mistake.

use super::broker::{BrokerConfig, Reading};
use super::listeners;
use super::machine::Machine;
use super::report::{Problem, Report};
use super::sources::{Origin, Setting, Settings};
use super::units;
use engine_state::config::suggest::nearest;
use engine_state::config::{
    BrokerLayers, ConfigError, ConfigMap, Key, Kind, Layers, Support, TopicConfig, Value,
    broker_keys,
};

/// What the caller read.
#[derive(Clone, Copy, Debug)]
pub struct Inputs<'a> {
    /// Name, for messages, and content of the properties file.
    pub file: Option<(&'a str, &'a [u8])>,
    /// All environment variables; those that are no keys are ignored.
    pub environment: &'a [(String, String)],
    /// `key=value` of each `--override`.
    pub overrides: &'a [String],
    /// See [`Machine::detect`].
    pub machine: &'a Machine,
}

/// A configuration that can be used, and what there is to say about it.
#[derive(Clone, Debug)]
pub struct Loaded {
    pub config: BrokerConfig,
    pub settings: Settings,
    pub report: Report,
}

/// What a node without `node.id` is called.
const DEFAULT_NODE_ID: &str = "1";
const SIZES: [&str; 3] =
    ["tidemill.journal.bytes", "tidemill.memory.bytes", "tidemill.request.memory.bytes"];

/// Limits where Kafka checks none and would misbehave: lowest and highest value.
const STRICTER: [(&str, i64, i64); 6] = [
    ("default.replication.factor", 1, 32_767),
    ("node.id", 0, 2_147_483_647),
    ("offset.metadata.max.bytes", 0, 2_147_483_647),
    ("offsets.topic.compression.codec", 0, 4),
    ("replica.high.watermark.checkpoint.interval.ms", 0, i64::MAX),
    // More is not read back after a crash (engine/log `replay`).
    ("tidemill.journal.bytes", 1 << 20, 4 << 30),
];

/// Merges and checks. The problems, of which there is at least one, are in order of key but for
/// those of a source as a whole, which come alone.
pub fn load(inputs: &Inputs<'_>) -> Result<Loaded, Vec<Problem>> {
    let mut report = Report::default();
    let mut settings = Settings::default();
    read_sources(inputs, &mut settings, &mut report).map_err(|problem| vec![problem])?;
    let mut problems = Vec::new();
    let fixed = fixed(&mut settings, &mut report, &mut problems);
    if problems.is_empty() {
        check_together(&settings, &fixed, &mut problems);
    }
    let listeners = match listeners::resolve(&settings, &fixed, inputs.machine, &mut report) {
        Ok(listeners) => listeners,
        Err(problem) => {
            problems.push(problem);
            Vec::new()
        }
    };
    if !problems.is_empty() {
        // A value that cannot be read is found twice if it is one of the listeners'.
        problems.dedup_by(|second, first| second.key == first.key && second.origin == first.origin);
        return Err(problems);
    }
    describe(&settings, &fixed, &mut report);
    let cluster_id = inputs.environment.iter().find(|(name, _)| name == "CLUSTER_ID");
    let cluster_id = cluster_id.map(|(_, id)| id.trim().to_owned()).filter(|id| !id.is_empty());
    let config = BrokerConfig::new(fixed, listeners, cluster_id, inputs.machine);
    warn_of_dangers(&config, &mut report);
    Ok(Loaded { config, settings, report })
}

fn read_sources(
    inputs: &Inputs<'_>,
    settings: &mut Settings,
    report: &mut Report,
) -> Result<(), Problem> {
    if let Some((name, bytes)) = inputs.file {
        settings.add_file(name, bytes, report)?;
    }
    settings.add_environment(inputs.environment, report);
    settings.add_flags(inputs.overrides)?;
    identify(settings, report)
}

/// Sees to it that `node.id` and `broker.id` are set and the same.
fn identify(settings: &mut Settings, report: &mut Report) -> Result<(), Problem> {
    let older = settings.get("broker.id").filter(|setting| setting.value.trim() != "-1").cloned();
    let node = settings.get("node.id").cloned();
    if let (Some(node), Some(older)) = (&node, &older)
        && node.value.trim() != older.value.trim()
    {
        return Err(Problem {
            origin: older.origin.clone(),
            key: "broker.id".to_owned(),
            text: format!(
                "You must set `node.id` to the same value as `broker.id`: it is {} at {}; remove \
                 broker.id",
                node.value.trim(),
                node.origin
            ),
        });
    }
    if let (None, Some(older)) = (&node, &older) {
        report.info(format!(
            "{}: broker.id={} is taken as node.id, its newer name",
            older.origin, older.value
        ));
    }
    let default = Setting { origin: Origin::Default, value: DEFAULT_NODE_ID.to_owned() };
    let id = node.or(older).unwrap_or(default);
    for key in ["node.id", "broker.id"] {
        let is_set = settings.get(key).is_some_and(|setting| setting.value.trim() != "-1");
        if !is_set {
            settings.add(key, Setting { origin: id.origin.clone(), value: id.value.clone() });
        }
    }
    Ok(())
}

/// The static layer: the text of each setting that counts. Checks the values one by one.
fn fixed(settings: &mut Settings, report: &mut Report, problems: &mut Vec<Problem>) -> ConfigMap {
    let mut fixed = ConfigMap::new();
    for (name, setting) in settings.iter() {
        let Some(key) = broker_keys::find(name) else {
            if !broker_keys::is_known_elsewhere(name) {
                report.unknown.push(name.to_owned());
            }
            fixed.insert(name.to_owned(), setting.value.clone());
            continue;
        };
        match check_value(key, &setting.value) {
            Ok(value) => {
                fixed.insert(name.to_owned(), value);
            }
            Err(text) => problems.push(Problem {
                origin: setting.origin.clone(),
                key: name.to_owned(),
                text,
            }),
        }
    }
    fixed
}

/// The text to keep, or what is wrong with it.
fn check_value(key: &'static Key, text: &str) -> Result<String, String> {
    let mut text = text.to_owned();
    if SIZES.contains(&key.name) {
        let bytes = units::parse_bytes(&text)
            .ok_or_else(|| format!("{text:?} is no size; write bytes, or a unit as in 64MiB"))?;
        text = bytes.to_string();
    }
    let value = Value::parse(key, &text).map_err(|error| with_default(key, &error))?;
    if key.name == "tidemill.cpus" && units::parse_cpus(&text).is_none() {
        return Err(format!("{text:?} is no list of CPUs; write numbers and ranges, as in 0-3,6"));
    }
    let stricter = STRICTER.iter().find(|(name, _, _)| *name == key.name);
    if let (Some((_, min, max)), Some(number)) = (stricter, value.as_i64())
        && !(*min..=*max).contains(&number)
    {
        return Err(format!("{number} is not between {min} and {max}"));
    }
    Ok(text)
}

fn with_default(key: &Key, error: &ConfigError) -> String {
    match key.default {
        Some(default) => format!("{error}; the default is {default:?}"),
        None => error.to_string(),
    }
}

/// What must hold between values (`KafkaConfig.validateValues`).
fn check_together(settings: &Settings, fixed: &ConfigMap, problems: &mut Vec<Problem>) {
    let read = Reading { fixed };
    let mut refuse = |key: &str, text: String| {
        problems.push(Problem { origin: settings.origin(key), key: key.to_owned(), text });
    };
    let roles = read.list("process.roles");
    let joins = "this node would join a cluster of others, which this version cannot do";
    if !roles.is_empty() && !roles.iter().any(|role| role == "broker") {
        let text = "a node without the broker role does not serve; use broker,controller";
        refuse("process.roles", text.to_owned());
    } else if roles == ["broker"] {
        refuse("process.roles", format!("{joins}; use broker,controller for a node of its own"));
    }
    let voters = read.list("controller.quorum.voters");
    if voters.len() > 1 {
        refuse("controller.quorum.voters", format!("{joins}; name this node only"));
    }
    for key in ["log.dirs", "log.dir"] {
        let dirs = read.list(key);
        if dirs.len() > 1 {
            let text = format!(
                "{} directories, but this version keeps its data in one; name one of them, or join \
                 the disks below it",
                dirs.len()
            );
            refuse(key, text);
        }
    }
    let none = ConfigMap::new();
    let broker = BrokerLayers { broker: &none, cluster: &none, fixed };
    let topics = TopicConfig::resolve(&Layers { topic: &none, broker });
    if topics.retention_ms == 0 {
        let keys = ["log.retention.ms", "log.retention.minutes", "log.retention.hours"];
        let key = keys.into_iter().find(|key| fixed.contains_key(*key)).unwrap_or(keys[0]);
        refuse(key, ConfigError::RetentionBelowOne.to_string());
    }
    for (key, value, least) in
        [("log.roll.ms", topics.segment_ms, 1), ("log.roll.jitter.ms", topics.segment_jitter_ms, 0)]
    {
        if value < least {
            refuse(key, format!("{key} must be greater than or equal to {least}"));
        }
    }
    if topics.min_compaction_lag_ms > topics.max_compaction_lag_ms {
        let text = "is above log.cleaner.max.compaction.lag.ms".to_owned();
        refuse("log.cleaner.min.compaction.lag.ms", text);
    }
    let [min, max] = ["group.min.session.timeout.ms", "group.max.session.timeout.ms"];
    if read.int(min) > read.int(max) {
        refuse(min, format!("is above {max}, so that no member could join"));
    }
}

/// What is said of the keys that were set, beyond their values.
fn describe(settings: &Settings, fixed: &ConfigMap, report: &mut Report) {
    let names: Vec<&str> = broker_keys::sorted().iter().map(|key| key.name).collect();
    for name in report.unknown.clone() {
        let origin = settings.origin(&name);
        let hint = match nearest(&name, names.iter().copied()) {
            Some(known) => format!("did you mean {known}?"),
            None => "it is ignored".to_owned(),
        };
        report.warn(format!("{origin}: unknown key {name}; {hint}"));
    }
    let set = |support: Support| {
        let is_set = move |name: &&str| match broker_keys::find(name) {
            Some(key) => key.support == support,
            None => support == Support::Inert && broker_keys::is_known_elsewhere(name),
        };
        fixed.keys().map(String::as_str).filter(is_set).collect::<Vec<&str>>()
    };
    for name in set(Support::Mapped) {
        let (Some(key), Some(setting)) = (broker_keys::find(name), settings.get(name)) else {
            continue;
        };
        // It is always there, and said before if it was written.
        if name == "broker.id" {
            continue;
        }
        report.info(format!("{}: {name}={}: {}", setting.origin, setting.value, key.doc));
    }
    let inert = set(Support::Inert);
    if !inert.is_empty() {
        report.info(format!("accepted without effect: {}", inert.join(", ")));
    }
}

/// What an operator must know before trusting this broker with data.
fn warn_of_dangers(config: &BrokerConfig, report: &mut Report) {
    if config.acks_all_relaxed {
        report.warn(
            "tidemill.acks.all.relaxed: acks=all is answered before data is on stable media; a \
             power failure may lose acknowledged records",
        );
    }
    let read = Reading { fixed: &config.fixed };
    if read.text("authorizer.class.name").is_some() {
        report.warn(
            "authorizer.class.name: access control is not built yet; whoever reaches a listener \
             may read and write everything",
        );
    }
    if config.default_replication_factor > 1 {
        report.warn(format!(
            "default.replication.factor={}: a single node holds one replica, so that topics which \
             name no factor cannot be created; set it to 1",
            config.default_replication_factor
        ));
    }
    if read.int("min.insync.replicas") > 1 {
        report.warn(format!(
            "min.insync.replicas={}: not checked; acks=all is answered with the one replica that a \
             single node has",
            read.int("min.insync.replicas")
        ));
    }
    if read.list("log.cleanup.policy").iter().any(|policy| policy == "compact") {
        report.warn(
            "log.cleanup.policy: compaction is not built yet; topics with compact alone keep \
             everything",
        );
    }
}

/// Whether a key's value must not be shown.
pub(super) fn is_secret(name: &str) -> bool {
    match broker_keys::find(name) {
        Some(key) => key.kind == Kind::Password,
        None => name.contains("password") || name.contains("secret") || name.contains("jaas"),
    }
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
