//! The table of APIs as Rust: key, name, versions, listeners. What ApiVersions answers, the
//! request headers and docs/PROTOCOL.md follow from it.

use super::header;
use crate::schema::{Kind, Schema, Versions};
use std::fmt::Write;

pub fn emit(schemas: &[Schema]) -> Result<String, String> {
    let mut out = String::new();
    let apis: Vec<&Schema> = schemas.iter().filter(|s| s.kind == Kind::Api).collect();
    write(&mut out, &apis).map_err(|e| e.to_string())?;
    Ok(out)
}

fn write(out: &mut String, apis: &[&Schema]) -> std::fmt::Result {
    header(out, "The table of APIs whose messages exist here.")?;
    writeln!(out, "use std::fmt;\n")?;
    writeln!(out, "/// An API whose messages exist here, by Kafka's number.")?;
    writeln!(out, "#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]")?;
    writeln!(out, "#[repr(i16)]\npub enum ApiKey {{")?;
    for api in apis {
        writeln!(out, "{} = {},", api.name, api.key)?;
    }
    writeln!(out, "}}\n")?;
    writeln!(out, "{API}")?;
    writeln!(out, "/// All of them, in order of key.\npub const APIS: &[Api] = &[")?;
    for api in apis {
        entry(out, api)?;
    }
    writeln!(out, "];\n")?;
    writeln!(out, "impl ApiKey {{")?;
    writeln!(out, "pub fn from_code(code: i16) -> Option<Self> {{\nSome(match code {{")?;
    for api in apis {
        writeln!(out, "{} => ApiKey::{},", api.key, api.name)?;
    }
    writeln!(out, "_ => return None,\n}})\n}}\n")?;
    writeln!(out, "/// Kafka's number.\npub const fn code(self) -> i16 {{\nmatch self {{")?;
    for api in apis {
        writeln!(out, "ApiKey::{} => {},", api.name, api.key)?;
    }
    writeln!(out, "}}\n}}\n")?;
    writeln!(out, "/// The row of [`APIS`].\npub const fn api(self) -> &'static Api {{")?;
    writeln!(out, "match self {{")?;
    for (index, api) in apis.iter().enumerate() {
        writeln!(out, "ApiKey::{} => &APIS[{index}],", api.name)?;
    }
    writeln!(out, "}}\n}}\n}}\n")?;
    writeln!(
        out,
        "impl fmt::Display for ApiKey {{
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {{
                f.write_str(self.api().name)
            }}
        }}"
    )
}

const API: &str = "\
/// What is known of one API without its messages.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Api {
    pub key: ApiKey,
    /// Kafka's name, such as `Fetch`.
    pub name: &'static str,
    /// First version that can be read and written.
    pub version_min: i16,
    /// Last version that can be read and written.
    pub version_max: i16,
    /// First version to announce: Produce is announced from 0, for librdkafka (KAFKA-18659).
    pub advertised_min: i16,
    /// Last version to announce: Kafka keeps unstable ones back.
    pub advertised_max: i16,
    /// First flexible version, `i16::MAX` if there is none.
    pub flexible_since: i16,
    pub broker: bool,
    pub controller: bool,
}

impl Api {
    /// Whether requests of this version are served: it can be read and is announced.
    pub const fn serves(&self, version: i16) -> bool {
        version >= self.version_min && version <= self.version_max
            && version <= self.advertised_max
    }

    /// Version of the request header: 1 plain, 2 with tagged fields.
    pub const fn request_header_version(&self, version: i16) -> i16 {
        if version >= self.flexible_since { 2 } else { 1 }
    }

    /// Version of the response header: 0 plain, 1 with tagged fields. That of ApiVersions is
    /// always 0, for its reader doesn't know yet what it talks to.
    pub const fn response_header_version(&self, version: i16) -> i16 {
        if version >= self.flexible_since && !matches!(self.key, ApiKey::ApiVersions) {
            1
        } else {
            0
        }
    }
}
";

fn entry(out: &mut String, api: &Schema) -> std::fmt::Result {
    let Versions { start: min, last: max } = api.versions;
    let Versions { start: advertised_min, last: advertised_max } = api.advertised;
    let name = &api.name;
    let flexible = match api.flexible_since {
        i16::MAX => "i16::MAX".to_owned(),
        since => since.to_string(),
    };
    let listener = |name: &str| api.listeners.iter().any(|listener| listener == name);
    writeln!(out, "Api {{ key: ApiKey::{name}, name: \"{name}\",")?;
    writeln!(out, "version_min: {min}, version_max: {max},")?;
    writeln!(out, "advertised_min: {advertised_min}, advertised_max: {advertised_max},")?;
    writeln!(out, "flexible_since: {flexible},")?;
    writeln!(out, "broker: {}, controller: {} }},", listener("broker"), listener("controller"))
}
