//! `listeners`, `advertised.listeners` and `listener.security.protocol.map`
//! (`SocketServerConfigs.listenerListToEndPoints`). Only PLAINTEXT can be served so far; listeners
//! of the controller role, which a combined node's file has, are left out with a word.

use super::machine::Machine;
use super::report::{Problem, Report};
use super::sources::Settings;
use engine_state::config::{BrokerLayers, ConfigMap, Value, broker_keys};
use std::collections::BTreeMap;
use std::net::SocketAddr;

pub(super) const LISTENERS: &str = "listeners";
pub(super) const ADVERTISED: &str = "advertised.listeners";
const PROTOCOLS: &str = "listener.security.protocol.map";
const CONTROLLERS: &str = "controller.listener.names";

/// One address to listen on.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Listener {
    /// In capitals.
    pub name: String,
    /// What to bind.
    pub address: SocketAddr,
    /// What clients are told.
    pub advertised_host: String,
    pub advertised_port: u16,
}

impl Listener {
    /// `NAME://host:port` as clients are told.
    pub fn advertised(&self) -> String {
        let host = &self.advertised_host;
        let (open, close) = if host.contains(':') { ("[", "]") } else { ("", "") };
        format!("{}://{open}{host}{close}:{}", self.name, self.advertised_port)
    }
}

#[derive(Clone, PartialEq, Eq, Debug)]
struct Address {
    name: String,
    host: String,
    port: u16,
}

/// The listeners to serve. The machine's name is told to clients where nothing else is.
pub(super) fn resolve(
    settings: &Settings,
    fixed: &ConfigMap,
    machine: &Machine,
    report: &mut Report,
) -> Result<Vec<Listener>, Problem> {
    let controllers: Vec<String> =
        list(fixed, CONTROLLERS).iter().map(|name| name.to_uppercase()).collect();
    let protocols = protocols(settings, fixed, &controllers)?;
    let problem = |key: &str, text: String| Problem {
        origin: settings.origin(key),
        key: key.to_owned(),
        text,
    };

    let mut served = Vec::new();
    for address in addresses(settings, fixed, LISTENERS)? {
        if controllers.contains(&address.name) {
            report.info(format!(
                "{}: listener {} belongs to the controller role and is not served: this node is \
                 its own controller",
                settings.origin(LISTENERS),
                address.name
            ));
            continue;
        }
        check_protocol(&address, &protocols).map_err(|text| problem(LISTENERS, text))?;
        served.push(address);
    }
    if served.is_empty() {
        let text = "There must be at least one broker listener. Perhaps all listeners appear in \
                    controller.listener.names?";
        return Err(problem(LISTENERS, text.to_owned()));
    }
    check_distinct(&served).map_err(|text| problem(LISTENERS, text))?;

    let mut advertised = BTreeMap::new();
    for address in addresses(settings, fixed, ADVERTISED)? {
        if controllers.contains(&address.name) {
            continue;
        }
        if !served.iter().any(|listener| listener.name == address.name) {
            let names: Vec<&str> = served.iter().map(|listener| listener.name.as_str()).collect();
            let text = format!(
                "listener {} is advertised but not among the listeners; valid are {}",
                address.name,
                names.join(",")
            );
            return Err(problem(ADVERTISED, text));
        }
        advertised.insert(address.name.clone(), address);
    }
    served
        .into_iter()
        .map(|listener| advertise(listener, &advertised, machine))
        .map(|listener| listener.map_err(|(key, text)| problem(key, text)))
        .collect()
}

fn advertise(
    listener: Address,
    advertised: &BTreeMap<String, Address>,
    machine: &Machine,
) -> Result<Listener, (&'static str, String)> {
    let (key, told) = match advertised.get(&listener.name) {
        Some(address) => (ADVERTISED, address),
        None => (LISTENERS, &listener),
    };
    if matches!(told.host.as_str(), "0.0.0.0" | "::") {
        let text = format!(
            "clients cannot connect to {}; set advertised.listeners={}://<name or address that \
             clients reach>:{}",
            told.host, listener.name, told.port
        );
        return Err((key, text));
    }
    for (key, port) in [(LISTENERS, listener.port), (key, told.port)] {
        if port == 0 {
            let text = "port 0 would differ from shard to shard; name a port".to_owned();
            return Err((key, text));
        }
    }
    let host = if told.host.is_empty() { &machine.hostname } else { &told.host };
    let address = (machine.resolve)(&listener.host, listener.port).map_err(|error| {
        let text = format!("cannot find the address of {}: {error}", listener.host);
        (LISTENERS, text)
    })?;
    Ok(Listener {
        advertised_host: host.clone(),
        advertised_port: told.port,
        name: listener.name,
        address,
    })
}

fn list(fixed: &ConfigMap, key: &str) -> Vec<String> {
    match value(fixed, key) {
        Some(Value::List(items)) => items,
        _ => Vec::new(),
    }
}

/// The value of a key, or its default.
fn value(fixed: &ConfigMap, key: &str) -> Option<Value> {
    let none = ConfigMap::new();
    let layers = BrokerLayers { broker: &none, cluster: &none, fixed };
    layers.value(broker_keys::find(key)?)
}

/// Security protocol by listener name, both in capitals.
fn protocols(
    settings: &Settings,
    fixed: &ConfigMap,
    controllers: &[String],
) -> Result<BTreeMap<String, String>, Problem> {
    let text = match value(fixed, PROTOCOLS) {
        Some(Value::Text(text)) => text,
        _ => String::new(),
    };
    let mut protocols = BTreeMap::new();
    for pair in text.split(',').map(str::trim).filter(|pair| !pair.is_empty()) {
        let Some((name, protocol)) = pair.split_once(':') else {
            return Err(Problem {
                origin: settings.origin(PROTOCOLS),
                key: PROTOCOLS.to_owned(),
                text: format!("{pair:?} is not of the form NAME:PROTOCOL"),
            });
        };
        protocols.insert(name.trim().to_uppercase(), protocol.trim().to_uppercase());
    }
    if settings.get(PROTOCOLS).is_none() {
        for name in controllers {
            protocols.entry(name.clone()).or_insert_with(|| "PLAINTEXT".to_owned());
        }
    }
    Ok(protocols)
}

fn check_protocol(address: &Address, protocols: &BTreeMap<String, String>) -> Result<(), String> {
    let name = &address.name;
    match protocols.get(name).map(String::as_str) {
        Some("PLAINTEXT") => Ok(()),
        Some(protocol @ ("SSL" | "SASL_PLAINTEXT" | "SASL_SSL")) => Err(format!(
            "listener {name} uses {protocol}, which this version cannot serve; use PLAINTEXT, or \
             end TLS in a proxy before the broker"
        )),
        Some(protocol) => Err(format!("listener {name} uses {protocol}, no security protocol")),
        None => Err(format!(
            "No security protocol defined for listener {name}; add {name}:PLAINTEXT to \
             {PROTOCOLS}, or the name to {CONTROLLERS} if it is the controller's"
        )),
    }
}

fn check_distinct(listeners: &[Address]) -> Result<(), String> {
    for (index, one) in listeners.iter().enumerate() {
        for other in &listeners[..index] {
            if one.name == other.name {
                return Err(format!(
                    "Each listener must have a different name, {} is twice",
                    one.name
                ));
            }
            if one.port == other.port && one.port != 0 && one.host == other.host {
                return Err(format!(
                    "Each listener must have a different port, {} is used by {} and {}",
                    one.port, other.name, one.name
                ));
            }
        }
    }
    Ok(())
}

fn addresses(settings: &Settings, fixed: &ConfigMap, key: &str) -> Result<Vec<Address>, Problem> {
    let parse = |text: &String| {
        parse_address(text).ok_or_else(|| Problem {
            origin: settings.origin(key),
            key: key.to_owned(),
            text: format!(
                "Unable to parse {text} to a broker endpoint: it must be NAME://host:port, as in \
                 PLAINTEXT://localhost:9092"
            ),
        })
    };
    list(fixed, key).iter().map(parse).collect()
}

/// `NAME://host:port`; the host may be empty, or an IPv6 address in brackets.
fn parse_address(text: &str) -> Option<Address> {
    let (name, rest) = text.split_once("://")?;
    let (host, port) = rest.rsplit_once(':')?;
    let host = match host.strip_prefix('[') {
        Some(bracketed) => bracketed.strip_suffix(']')?,
        None => host,
    };
    let is_legal = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_' | ':' | '%');
    if name.is_empty() || !host.chars().all(is_legal) {
        return None;
    }
    let port = port.parse().ok()?;
    Some(Address { name: name.to_uppercase(), host: host.to_owned(), port })
}

#[cfg(test)]
mod tests {
    use super::{Address, parse_address};

    #[test]
    fn addresses_are_read_as_by_kafka() {
        let address = |name: &str, host: &str, port| {
            Some(Address { name: name.to_owned(), host: host.to_owned(), port })
        };
        for (text, expected) in [
            ("PLAINTEXT://:9092", address("PLAINTEXT", "", 9092)),
            ("plaintext://localhost:0", address("PLAINTEXT", "localhost", 0)),
            ("A-b_c.d://10.0.0.1:1", address("A-B_C.D", "10.0.0.1", 1)),
            ("X://[::1]:9092", address("X", "::1", 9092)),
            ("X://[fe80::1%eth0]:9092", address("X", "fe80::1%eth0", 9092)),
            ("X://host", None),
            ("X:/host:1", None),
            ("://host:1", None),
            ("X://ho st:1", None),
            ("X://host:99999", None),
            ("X://host:-1", None),
            ("X://[::1:9092", None),
        ] {
            assert_eq!(parse_address(text), expected, "{text}");
        }
    }
}
