//! Our schema language for Kafka's messages, as data. One text file describes one API (request
//! and response) or one record; `parse.rs` reads it, `generate` turns it into Rust. The language
//! is described in `net/wire/schema/README.md`.

mod parse;

pub use parse::parse;

use std::fs;
use std::path::Path;

/// Versions from `start` to `last`, both included.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Versions {
    pub start: i16,
    pub last: i16,
}

impl Versions {
    pub fn covers(self, other: Versions) -> bool {
        self.start <= other.start && self.last >= other.last
    }
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Kind {
    /// A request and its response.
    Api,
    /// A record of the metadata log.
    Record,
    /// Key and value of a record in `__consumer_offsets`.
    Coordinator,
    /// The value of a control record.
    Control,
}

#[derive(Debug)]
pub struct Schema {
    pub kind: Kind,
    pub key: i16,
    /// Kafka's name: `Fetch`, `TopicRecord`, `OffsetCommit`.
    pub name: String,
    pub versions: Versions,
    /// What ApiVersions answers, where it differs from what can be decoded.
    pub advertised: Versions,
    /// Versions Kafka serves without `unstable.api.versions.enable`.
    pub stable: Versions,
    pub flexible_since: i16,
    pub listeners: Vec<String>,
    pub messages: Vec<Message>,
    pub structs: Vec<Struct>,
}

/// A top-level message; its fields are those of the structure of the same name.
#[derive(Debug)]
pub struct Message {
    pub name: String,
    pub versions: Versions,
    pub flexible_since: i16,
}

#[derive(Debug)]
pub struct Struct {
    pub name: String,
    /// The versions in which it occurs.
    pub versions: Versions,
    pub flexible_since: i16,
    /// Whether a field that a version cannot carry is an error: in all but responses.
    pub strict: bool,
    pub fields: Vec<Field>,
}

#[derive(Debug)]
pub struct Field {
    pub name: String,
    pub base: Base,
    pub array: bool,
    pub nullable: Option<Versions>,
    pub versions: Versions,
    pub tag: Option<u32>,
    pub default: Option<String>,
    pub ignorable: bool,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Base {
    Bool,
    I8,
    I16,
    U16,
    I32,
    U32,
    I64,
    F64,
    Uuid,
    Text,
    Blob,
    Records,
    Struct(String),
}

impl Schema {
    pub fn structure(&self, name: &str) -> &Struct {
        let found = self.structs.iter().find(|s| s.name == name);
        found.expect("the parser checked that every name is defined")
    }

    /// Whether values of the structure borrow from the bytes they were read from.
    pub fn borrows(&self, name: &str) -> bool {
        self.structure(name).fields.iter().any(|field| {
            field.array
                || match &field.base {
                    Base::Text | Base::Blob | Base::Records => true,
                    Base::Struct(inner) => self.borrows(inner),
                    _ => false,
                }
        })
    }
}

/// All schema files of a folder, in order of key.
pub fn load(folder: &Path) -> Result<Vec<Schema>, String> {
    let entries = fs::read_dir(folder).map_err(|e| format!("{}: {e}", folder.display()))?;
    let mut schemas = Vec::new();
    for entry in entries {
        let path = entry.map_err(|e| format!("{}: {e}", folder.display()))?.path();
        if path.extension().is_none_or(|extension| extension != "txt") {
            continue;
        }
        let text = fs::read_to_string(&path).map_err(|e| format!("{}: {e}", path.display()))?;
        schemas.push(parse(&text).map_err(|e| format!("{}: {e}", path.display()))?);
    }
    if schemas.is_empty() {
        return Err(format!("{}: no schema files", folder.display()));
    }
    schemas.sort_by_key(|schema| (schema.kind, schema.key));
    Ok(schemas)
}
