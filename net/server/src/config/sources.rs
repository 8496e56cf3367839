//! Where settings come from, all of them kept: the strongest counts, the others are for
//! explanations.

use super::environment;
use super::properties;
use super::report::{Problem, Report};
use std::collections::BTreeMap;
use std::fmt;

/// Where a value was written. The order is that of strength, weakest first.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Origin {
    /// Nowhere.
    Default,
    /// A line of the file; 0 for the file as a whole.
    File {
        name: String,
        line: usize,
    },
    Environment {
        variable: String,
    },
    Flag,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Origin::Default => f.write_str("default"),
            Origin::File { name, line: 0 } => f.write_str(name),
            Origin::File { name, line } => write!(f, "{name}:{line}"),
            Origin::Environment { variable } => write!(f, "environment variable {variable}"),
            Origin::Flag => f.write_str("--override"),
        }
    }
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Setting {
    pub origin: Origin,
    pub value: String,
}

/// All settings by key; those of one key from the weakest to the strongest.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Settings {
    by_key: BTreeMap<String, Vec<Setting>>,
}

impl Settings {
    pub fn add(&mut self, key: &str, setting: Setting) {
        let all = self.by_key.entry(key.to_owned()).or_default();
        all.push(setting);
        // Stable: of two in one layer the later counts. Lines and names of variables do not.
        all.sort_by_key(|setting| layer(&setting.origin));
    }

    /// The setting that counts.
    pub fn get(&self, key: &str) -> Option<&Setting> {
        self.by_key.get(key)?.last()
    }

    /// All settings of a key, from the weakest to the strongest.
    pub fn all(&self, key: &str) -> &[Setting] {
        self.by_key.get(key).map_or(&[], Vec::as_slice)
    }

    /// The settings that count, in order of key.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Setting)> {
        self.by_key.iter().filter_map(|(key, all)| all.last().map(|last| (key.as_str(), last)))
    }

    /// Where the key was written, for messages.
    pub fn origin(&self, key: &str) -> Origin {
        self.get(key).map_or(Origin::Default, |setting| setting.origin.clone())
    }

    /// Settings of the file.
    pub(super) fn add_file(
        &mut self,
        name: &str,
        bytes: &[u8],
        report: &mut Report,
    ) -> Result<(), Problem> {
        let at = |line| Origin::File { name: name.to_owned(), line };
        let parsed = properties::parse(bytes).map_err(|error| Problem {
            origin: at(error.line),
            key: String::new(),
            text: "\\u needs four hexadecimal digits; write \\\\ for a backslash".to_owned(),
        })?;
        for property in parsed {
            let origin = at(property.line);
            if property.key.is_empty() {
                report.warn(format!("{origin}: line without a key, ignored"));
                continue;
            }
            if let Some(before) = self.get(&property.key) {
                let before = &before.origin;
                report.warn(format!(
                    "{origin}: {} is set twice, first at {before}; the last counts",
                    property.key
                ));
            }
            self.add(&property.key, Setting { origin, value: property.value });
        }
        Ok(())
    }

    /// Settings of environment variables, whatever else is among them.
    pub(super) fn add_environment(&mut self, variables: &[(String, String)], report: &mut Report) {
        let mut variables: Vec<&(String, String)> = variables.iter().collect();
        variables.sort();
        for (variable, value) in variables {
            let Some(key) = environment::key_of(variable) else { continue };
            let origin = Origin::Environment { variable: variable.clone() };
            if environment::is_ambiguous(variable) {
                report.warn(format!(
                    "{origin} sets {key}: two underscores stand for an underscore and three for a \
                     hyphen, as in Apache's image; Confluent's image has it the other way round"
                ));
            }
            self.add(&key, Setting { origin, value: value.clone() });
        }
    }

    /// Settings of the command line, as `key=value`.
    pub(super) fn add_flags(&mut self, flags: &[String]) -> Result<(), Problem> {
        for flag in flags {
            let pair = flag.split_once('=').filter(|(key, _)| !key.trim().is_empty());
            let (key, value) = pair.ok_or_else(|| Problem {
                origin: Origin::Flag,
                key: String::new(),
                text: format!("{flag:?} is not of the form key=value"),
            })?;
            let setting = Setting { origin: Origin::Flag, value: value.to_owned() };
            self.add(key.trim(), setting);
        }
        Ok(())
    }
}

fn layer(origin: &Origin) -> u8 {
    match origin {
        Origin::Default => 0,
        Origin::File { .. } => 1,
        Origin::Environment { .. } => 2,
        Origin::Flag => 3,
    }
}
