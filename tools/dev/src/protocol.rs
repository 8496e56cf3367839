//! `cargo dev protocol`: docs/PROTOCOL.md, the page that tells a user which requests and versions
//! the broker speaks: the APIs of the server's dispatch table, with the versions of their schema.
//! The table is read as text, for a tool that writes code must build when that code does not.

use crate::output::File;
use crate::schema::{Kind, Schema, Versions, load};
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

/// Where the server lists what it serves, as `ApiKey::Name,` lines of this constant.
const DISPATCH: &str = "net/server/src/dispatch.rs";
const SERVED: &str = "pub const SERVED: &[ApiKey] = &[";

/// One row of the page.
struct Row {
    key: i16,
    name: String,
    advertised: Versions,
    handled: Versions,
    flexible_since: i16,
}

pub fn run(root: &Path) -> Result<Vec<File>, String> {
    let schemas = load(&root.join("net/wire/schema"))?;
    let path = root.join(DISPATCH);
    let dispatch = fs::read_to_string(&path).map_err(|e| format!("{}: {e}", path.display()))?;
    let served = served(&dispatch)?;
    let apis: Vec<&Schema> = schemas.iter().filter(|s| s.kind == Kind::Api).collect();
    if let Some(name) = served.iter().find(|name| !apis.iter().any(|api| api.name == **name)) {
        return Err(format!("{DISPATCH}: {name} has no schema"));
    }
    let served = |api: &&&Schema| served.contains(&api.name.as_str());
    let rows: Vec<Row> = apis.iter().filter(served).map(|api| row(api)).collect();
    let content = page(&rows).map_err(|e| e.to_string())?;
    Ok(vec![File { path: PathBuf::from("docs/PROTOCOL.md"), content }])
}

/// The names in the server's table.
fn served(dispatch: &str) -> Result<Vec<&str>, String> {
    let (_, list) = dispatch.split_once(SERVED).ok_or(format!("{DISPATCH}: no {SERVED}"))?;
    let (list, _) = list.split_once("];").ok_or(format!("{DISPATCH}: the list does not end"))?;
    let names = list.split(',').map(str::trim).filter(|entry| !entry.is_empty());
    names
        .map(|entry| {
            let name = entry.strip_prefix("ApiKey::");
            name.ok_or_else(|| format!("{DISPATCH}: not an API: {entry}"))
        })
        .collect()
}

fn row(schema: &Schema) -> Row {
    Row {
        key: schema.key,
        name: schema.name.clone(),
        advertised: schema.advertised,
        handled: Versions {
            start: schema.versions.start.max(schema.advertised.start),
            last: schema.versions.last.min(schema.advertised.last),
        },
        flexible_since: schema.flexible_since,
    }
}

fn page(rows: &[Row]) -> Result<String, std::fmt::Error> {
    let mut out = String::new();
    out.push_str(
        "# Protocol\n\n\
         Written by `cargo dev protocol`. Do not edit.\n\n\
         The requests of Kafka's protocol that the broker serves, with the versions of Apache Kafka\n\
         4.3. Announced is what ApiVersions answers; handled is what is accepted. They \
         differ\nonly for Produce: old librdkafka looks for version 0 and then uses a later one \
         (KAFKA-18659).\nFlexible is the first version with compact lengths and tagged fields \
         (KIP-482).\n\n\
         | Key | Name | Announced | Handled | Flexible |\n|--:|---|---|---|---|\n",
    );
    for row in rows {
        let flexible = match row.flexible_since {
            i16::MAX => "none".to_owned(),
            since => format!("{since}+"),
        };
        writeln!(
            out,
            "| {} | {} | {} | {} | {flexible} |",
            row.key,
            row.name,
            range(row.advertised),
            range(row.handled)
        )?;
    }
    Ok(out)
}

fn range(versions: Versions) -> String {
    match versions {
        Versions { start, last } if start == last => start.to_string(),
        Versions { start, last } => format!("{start}-{last}"),
    }
}

#[cfg(test)]
mod tests {
    use super::served;

    #[test]
    fn the_list_is_read_from_the_server() {
        let source = "x\npub const SERVED: &[ApiKey] = &[\n ApiKey::Fetch,\n ApiKey::Produce,\n];";
        assert_eq!(served(source), Ok(vec!["Fetch", "Produce"]));
        assert!(served("pub const SERVED: &[ApiKey] = &[ Fetch ];").is_err());
        assert!(served("fn main() {}").is_err());
    }
}
