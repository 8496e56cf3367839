//! Changes of configs as pure functions (`ConfigAdminManager`, `ConfigurationControlManager`,
//! `DynamicBrokerConfig`). One resource at a time: a request's resources stand and fall alone.

use super::error::{Refusal, RefusalKind};
use super::image::{ConfigResource, Image, ResourceKind};
use super::names;
use super::record::Record;
use super::rules::Rules;
use crate::config::{
    ConfigError, ConfigMap, Key, Kind, Layers, Update, Value, broker_keys, topic_key,
};
use std::collections::BTreeSet;

/// Longest value of a config in UTF-16 units, `Short.MAX_VALUE`; in bytes as well, for a string of
/// the metadata log has no more.
const VALUE_CHARS_MAX: usize = 32_767;

/// What to do with a config; the numbers are Kafka's (`AlterConfigOp.OpType`).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Operation {
    Set,
    Delete,
    /// Adds items to a list.
    Append,
    /// Takes items off a list.
    Subtract,
}

impl Operation {
    pub fn from_id(id: i8) -> Option<Operation> {
        match id {
            0 => Some(Operation::Set),
            1 => Some(Operation::Delete),
            2 => Some(Operation::Append),
            3 => Some(Operation::Subtract),
            _ => None,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Operation::Set => "SET",
            Operation::Delete => "DELETE",
            Operation::Append => "APPEND",
            Operation::Subtract => "SUBTRACT",
        }
    }
}

#[derive(Clone, Copy, Debug)]
pub struct ConfigChange<'a> {
    pub name: &'a str,
    pub operation: Operation,
    /// Only `Delete` does without.
    pub value: Option<&'a str>,
}

/// IncrementalAlterConfigs for one resource.
pub fn alter_configs(
    image: &Image,
    resource: &ConfigResource,
    changes: &[ConfigChange<'_>],
    rules: &Rules<'_>,
) -> Result<Vec<Record>, Refusal> {
    check_once(changes.iter().map(|change| change.name))?;
    let needs_value = |change: &&ConfigChange<'_>| {
        change.operation != Operation::Delete && change.value.is_none()
    };
    check_values(changes.iter().filter(needs_value).map(|change| change.name))?;
    check_resource(resource, rules)?;
    let current = image.configs(resource);
    let mut new_values = Vec::with_capacity(changes.len());
    for change in changes {
        new_values.push((change.name, new_value(current, resource, change)?));
    }
    let new_values: Vec<(&str, Option<&str>)> =
        new_values.iter().map(|(name, value)| (*name, value.as_deref())).collect();
    let records = config_records(image, resource, &new_values, rules)?;
    check_exists(image, resource)?;
    Ok(records)
}

/// The older AlterConfigs for one resource: `configs` become all there is.
pub fn replace_configs(
    image: &Image,
    resource: &ConfigResource,
    configs: &[(&str, Option<&str>)],
    rules: &Rules<'_>,
) -> Result<Vec<Record>, Refusal> {
    check_once(configs.iter().map(|(name, _)| *name))?;
    check_values(configs.iter().filter(|(_, value)| value.is_none()).map(|(name, _)| *name))?;
    check_resource(resource, rules)?;
    let mut new_values = configs.to_vec();
    let kept: BTreeSet<&str> = configs.iter().map(|(name, _)| *name).collect();
    let dropped = image.configs(resource).keys().filter(|name| !kept.contains(name.as_str()));
    new_values.extend(dropped.map(|name| (name.as_str(), None)));
    let records = config_records(image, resource, &new_values, rules)?;
    check_exists(image, resource)?;
    Ok(records)
}

/// Records that give the named configs these values, in the order of `changes`, if what comes out
/// is legal. The resource need not exist yet.
pub(super) fn config_records(
    image: &Image,
    resource: &ConfigResource,
    changes: &[(&str, Option<&str>)],
    rules: &Rules<'_>,
) -> Result<Vec<Record>, Refusal> {
    let current = image.configs(resource);
    let mut after = ConfigMap::clone(current);
    let mut records = Vec::new();
    for (name, value) in changes {
        let unchanged = current.get(*name).map(String::as_str) == *value;
        match value {
            None => {
                after.remove(*name);
            }
            Some(value) if is_too_long(value) => {
                let why = format!(
                    "The configuration value cannot be added because it exceeds the maximum value \
                     size of {VALUE_CHARS_MAX} bytes."
                );
                return Err(Refusal::new(RefusalKind::InvalidConfig, why));
            }
            Some(value) => {
                after.insert((*name).to_owned(), (*value).to_owned());
            }
        }
        // Records for a broker are written even if nothing changes: they make it read its files
        // again (KAFKA-14136).
        if !unchanged || resource.kind == ResourceKind::Broker {
            records.push(Record::Config {
                resource: resource.clone(),
                name: (*name).to_owned(),
                value: value.map(str::to_owned),
            });
        }
    }
    check_outcome(image, resource, &after, rules)?;
    Ok(records)
}

fn is_too_long(value: &str) -> bool {
    value.len() > VALUE_CHARS_MAX
}

fn check_once<'a>(names: impl Iterator<Item = &'a str>) -> Result<(), Refusal> {
    let mut seen = BTreeSet::new();
    for name in names {
        if !seen.insert(name) {
            let why = "Error due to duplicate config keys";
            return Err(Refusal::new(RefusalKind::InvalidRequest, why));
        }
    }
    Ok(())
}

fn check_values<'a>(without: impl Iterator<Item = &'a str>) -> Result<(), Refusal> {
    let without: Vec<&str> = without.collect();
    if without.is_empty() {
        return Ok(());
    }
    let why = format!("Null value not supported for : {}", without.join(", "));
    Err(Refusal::new(RefusalKind::InvalidRequest, why))
}

fn check_resource(resource: &ConfigResource, rules: &Rules<'_>) -> Result<(), Refusal> {
    let refuse = |why: String| Err(Refusal::new(RefusalKind::InvalidRequest, why));
    match resource.kind {
        ResourceKind::Topic if resource.name.is_empty() => {
            refuse("Default topic resources are not allowed.".to_owned())
        }
        ResourceKind::Topic => names::check(&resource.name),
        ResourceKind::Broker if resource.name.is_empty() => Ok(()),
        ResourceKind::Broker => match resource.name.parse::<i32>() {
            Err(_) => refuse(format!("Node id must be an integer, but it is: {}", resource.name)),
            Ok(id) if id != rules.node_id => refuse(format!(
                "Unexpected broker id, expected {}, but received {}",
                rules.node_id, resource.name
            )),
            Ok(_) => Ok(()),
        },
        kind => refuse(format!("Unknown resource type {}", kind.id())),
    }
}

fn check_exists(image: &Image, resource: &ConfigResource) -> Result<(), Refusal> {
    if resource.kind == ResourceKind::Topic && image.topic(&resource.name).is_none() {
        let why = format!("The topic '{}' does not exist.", resource.name);
        return Err(Refusal::new(RefusalKind::UnknownTopicOrPartition, why));
    }
    Ok(())
}

fn new_value(
    current: &ConfigMap,
    resource: &ConfigResource,
    change: &ConfigChange<'_>,
) -> Result<Option<String>, Refusal> {
    let value = change.value.unwrap_or_default();
    match change.operation {
        Operation::Set => return Ok(Some(value.to_owned())),
        Operation::Delete => return Ok(None),
        Operation::Append | Operation::Subtract => {}
    }
    let key = match resource.kind {
        ResourceKind::Topic => topic_key(change.name),
        _ => broker_keys::find(change.name),
    };
    let Some(key) = key.filter(|key| key.kind == Kind::List) else {
        let why = format!(
            "Can't {} to key {} because its type is not LIST.",
            change.operation.name(),
            change.name
        );
        return Err(Refusal::new(RefusalKind::InvalidConfig, why));
    };
    let before = current.get(change.name).map(String::as_str).or(key.default).unwrap_or_default();
    let mut items: Vec<&str> = before.split(',').filter(|item| !item.is_empty()).collect();
    for item in value.split(',') {
        let position = items.iter().position(|present| *present == item);
        match (change.operation, position) {
            (Operation::Append, None) => items.push(item),
            (Operation::Subtract, Some(position)) => {
                items.remove(position);
            }
            _ => {}
        }
    }
    Ok(Some(items.join(",")))
}

fn check_outcome(
    image: &Image,
    resource: &ConfigResource,
    after: &ConfigMap,
    rules: &Rules<'_>,
) -> Result<(), Refusal> {
    match resource.kind {
        ResourceKind::Topic => {
            let broker = image.broker_layers(rules.node_id, rules.fixed);
            let layers = Layers { topic: after, broker };
            let refuse =
                |error: ConfigError| Refusal::new(RefusalKind::InvalidConfig, error.to_string());
            layers.check().map_err(refuse)
        }
        _ => check_broker(resource, after),
    }
}

/// Names that this broker does not know pass: they may be a plug-in's.
fn check_broker(resource: &ConfigResource, after: &ConfigMap) -> Result<(), Refusal> {
    let refuse = |why: String| Err(Refusal::new(RefusalKind::InvalidRequest, why));
    let known: Vec<(&'static Key, &String)> = after
        .iter()
        .filter_map(|(name, text)| broker_keys::find(name).map(|key| (key, text)))
        .collect();
    let list = |wanted: &dyn Fn(&Key) -> bool| {
        let names: Vec<&str> =
            known.iter().filter(|(key, _)| wanted(key)).map(|(key, _)| key.name).collect();
        (!names.is_empty()).then(|| format!("[{}]", names.join(", ")))
    };
    if let Some(names) = list(&|key| !key.update.is_dynamic()) {
        return refuse(format!("Cannot update these configs dynamically: {names}"));
    }
    if let Some(names) = list(&|key| is_listener_secret(key.name)) {
        return refuse(format!(
            "These security configs can be dynamically updated only per-listener using the \
             listener prefix: {names}"
        ));
    }
    for (key, text) in &known {
        if let Err(error) = Value::parse(key, text) {
            return refuse(error.to_string());
        }
    }
    if resource.name.is_empty()
        && let Some(names) = list(&|key| key.update == Update::PerBroker)
    {
        return refuse(format!(
            "Cannot update these configs at default cluster level, broker id must be specified: \
             {names}"
        ));
    }
    Ok(())
}

/// Key and trust stores (`SslConfigs.RECONFIGURABLE_CONFIGS`).
fn is_listener_secret(name: &str) -> bool {
    name.starts_with("ssl.keystore.")
        || name.starts_with("ssl.truststore.")
        || name == "ssl.key.password"
}
