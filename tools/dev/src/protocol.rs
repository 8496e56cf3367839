//! `cargo dev protocol`: docs/PROTOCOL.md, the page that tells a user which requests and versions
//! the broker speaks. For now the rows are the APIs of the schema folder.

use crate::output::File;
use crate::schema::{Kind, Schema, Versions, load};
use std::fmt::Write;
use std::path::{Path, PathBuf};

/// One row of the page. When the server's dispatch table is at hand, rows come from it.
struct Row {
    key: i16,
    name: String,
    advertised: Versions,
    handled: Versions,
    flexible_since: i16,
}

pub fn run(root: &Path) -> Result<Vec<File>, String> {
    let schemas = load(&root.join("net/wire/schema"))?;
    let rows: Vec<Row> = schemas.iter().filter(|s| s.kind == Kind::Api).map(row).collect();
    let content = page(&rows).map_err(|e| e.to_string())?;
    Ok(vec![File { path: PathBuf::from("docs/PROTOCOL.md"), content }])
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
         The requests of Kafka's protocol whose messages exist here, with the versions of Apache\n\
         Kafka 4.3. Announced is what ApiVersions answers; handled is what is accepted. They \
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
