//! `config explain`: for one key, what each layer says and what comes out.

use super::load::is_secret;
use super::sources::{Origin, Settings};
use engine_state::config::suggest::nearest;
use engine_state::config::{Support, broker_keys};
use std::fmt;

const HIDDEN: &str = "[hidden]";

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Explanation {
    pub key: String,
    /// From the strongest to the weakest; the first counts. Ends with the default, if there is
    /// one.
    pub layers: Vec<Layer>,
    /// What this broker makes of the key; `None` if it does not know it.
    pub support: Option<Support>,
    /// What the key is for; empty if unknown.
    pub doc: &'static str,
    /// The nearest key, if this one is not known.
    pub suggestion: Option<&'static str>,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Layer {
    pub origin: Origin,
    /// Secrets are hidden.
    pub value: String,
}

/// Explains `name`, be it set or not.
pub fn explain(name: &str, settings: &Settings) -> Explanation {
    let shown = |value: &str| if is_secret(name) { HIDDEN } else { value }.to_owned();
    let set = settings.all(name).iter().rev();
    let mut layers: Vec<Layer> = set
        .map(|setting| Layer { origin: setting.origin.clone(), value: shown(&setting.value) })
        .collect();
    let key = broker_keys::find(name);
    let has_default = layers.iter().any(|layer| layer.origin == Origin::Default);
    if let Some(default) = key.and_then(|key| key.default).filter(|_| !has_default) {
        layers.push(Layer { origin: Origin::Default, value: shown(default) });
    }
    let suggestion = match key {
        Some(_) => None,
        None if broker_keys::is_known_elsewhere(name) => None,
        None => nearest(name, broker_keys::sorted().into_iter().map(|key| key.name)),
    };
    Explanation {
        key: name.to_owned(),
        layers,
        support: key.map(|key| key.support),
        doc: key.map_or("", |key| key.doc),
        suggestion,
    }
}

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.layers.first() {
            Some(first) => writeln!(f, "{}={}", self.key, first.value)?,
            None => writeln!(f, "{} is not set", self.key)?,
        }
        for layer in &self.layers {
            writeln!(f, "  {}: {}", layer.origin, layer.value)?;
        }
        let support = match self.support {
            Some(Support::Honoured) => "honoured",
            Some(Support::Mapped) => "served by something else",
            Some(Support::Inert) => "accepted without effect",
            None => "not a key of this broker",
        };
        write!(f, "  {support}")?;
        if !self.doc.is_empty() {
            write!(f, ": {}", self.doc)?;
        }
        if let Some(suggestion) = self.suggestion {
            write!(f, "; did you mean {suggestion}?")?;
        }
        Ok(())
    }
}
