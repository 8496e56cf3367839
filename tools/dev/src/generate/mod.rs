//! `cargo dev generate`: Rust from the schema folders. Each schema file becomes one module; the
//! crate's `generated/mod.rs` lists them with an enum over all messages, and a file of random
//! samples goes to the crate's tests. The output is formatted, committed and never edited.

mod any;
mod expression;
mod sample;
mod structure;
mod table;

use crate::output::{File, rustfmt};
use crate::schema::{Kind, Schema, load};
use std::fmt::Write;
use std::path::{Path, PathBuf};

/// A crate that holds generated messages.
struct Target {
    folder: &'static str,
    /// Name of the crate in its tests.
    krate: &'static str,
    /// File of the crate's tests that random samples go to.
    sample: &'static str,
    /// What the module is, for its header.
    header: &'static str,
}

const TARGETS: [Target; 2] = [
    Target {
        folder: "net/wire",
        krate: "net_wire",
        sample: "tests/wire/sample.rs",
        header: "Kafka's requests and responses, one module per API.",
    },
    Target {
        folder: "engine/state",
        krate: "engine_state",
        sample: "tests/messages/sample.rs",
        header: "Records of Kafka's internal topics: metadata log, group coordinator, control \
                 records.",
    },
];

/// All generated files.
pub fn run(root: &Path) -> Result<Vec<File>, String> {
    let mut files = Vec::new();
    for target in &TARGETS {
        let schemas = load(&root.join(target.folder).join("schema"))?;
        let source = Path::new(target.folder).join("src/generated");
        let mut add = |path: PathBuf, content: String| -> Result<(), String> {
            files.push(File { path, content: rustfmt(root, &content)? });
            Ok(())
        };
        for schema in &schemas {
            add(source.join(format!("{}.rs", module(schema))), messages(schema)?)?;
        }
        add(source.join("mod.rs"), contents(target, &schemas)?)?;
        if target.folder == "net/wire" {
            add(source.join("table.rs"), table::emit(&schemas)?)?;
        }
        let tests = Path::new(target.folder).join(target.sample);
        add(tests, sample::emit(target.krate, &schemas)?)?;
    }
    Ok(files)
}

/// Name of the Rust module of a schema.
fn module(schema: &Schema) -> String {
    let mut name = snake(&schema.name);
    for suffix in ["_record", "_message"] {
        if let Some(short) = name.strip_suffix(suffix) {
            name = short.to_owned();
        }
    }
    name
}

/// `CamelCase` to `snake_case`.
fn snake(name: &str) -> String {
    let mut out = String::new();
    for letter in name.chars() {
        if letter.is_ascii_uppercase() && !out.is_empty() {
            out.push('_');
        }
        out.push(letter.to_ascii_lowercase());
    }
    out
}

fn header(out: &mut String, text: &str) -> std::fmt::Result {
    writeln!(out, "//! {text}")?;
    writeln!(out, "//!")?;
    writeln!(out, "//! Written by `cargo dev generate` from the schema folder. Do not edit.")?;
    writeln!(out)
}

fn messages(schema: &Schema) -> Result<String, String> {
    let mut out = String::new();
    let text = match schema.kind {
        Kind::Api => format!("API {}, {}.", schema.key, schema.name),
        Kind::Record => format!("Metadata record {}, {}.", schema.key, schema.name),
        Kind::Coordinator => format!("Coordinator record {}, {}.", schema.key, schema.name),
        Kind::Control => format!("Control record {}, {}.", schema.key, schema.name),
    };
    write_messages(&mut out, schema, &text).map_err(|e| e.to_string())?;
    Ok(out)
}

fn write_messages(out: &mut String, schema: &Schema, text: &str) -> std::fmt::Result {
    header(out, text)?;
    let mut body = String::new();
    for message in &schema.messages {
        let structure = schema.structure(&message.name);
        structure::emit(&mut body, schema, structure)?;
        structure::emit_message(&mut body, schema, message)?;
    }
    for structure in &schema.structs {
        if !schema.messages.iter().any(|message| message.name == structure.name) {
            structure::emit(&mut body, schema, structure)?;
        }
    }
    // Only what the body names is imported.
    let imports = [
        ("engine_base", "Uuid", "Uuid"),
        ("engine_base::codec", "Reader", "Reader"),
        ("engine_base::codec", "Result", "Result<"),
        ("engine_base::codec", "Write as _", "out.put_i"),
        ("engine_base::codec", "Write as _", "out.put_u"),
        ("engine_base::codec", "Write as _", "out.put_bool"),
        ("engine_base::encoder", "Encoder", "Encoder"),
        ("engine_base::message", "Array", "Array"),
        ("engine_base::message", "Element", "Element<"),
        ("engine_base::message", "Message", "Message<"),
        ("engine_base::message", "Version", ": Version"),
        ("engine_base::message", "read_blob", " read_blob("),
        ("engine_base::message", "read_nullable_blob", " read_nullable_blob("),
        ("engine_base::message", "read_nullable_element", " read_nullable_element("),
        ("engine_base::message", "read_nullable_text", " read_nullable_text("),
        ("engine_base::message", "read_text", " read_text("),
        ("engine_base::message", "write_nullable_element", " write_nullable_element("),
        ("crate::records", "Records", "Records<'a>"),
        ("crate::generated", "ApiKey", "ApiKey"),
        ("crate::message", "Request", "impl<'a> Request<"),
        ("crate::message", "Response", "impl<'a> Response<"),
    ];
    let mut used: Vec<(&str, Vec<&str>)> = Vec::new();
    for (path, item, _) in imports.iter().filter(|(_, _, sign)| body.contains(sign)) {
        match used.last_mut().filter(|(last, _)| last == path) {
            Some((_, items)) if items.contains(item) => {}
            Some((_, items)) => items.push(item),
            None => used.push((path, vec![item])),
        }
    }
    for (path, items) in used {
        writeln!(out, "use {path}::{{{}}};", items.join(", "))?;
    }
    writeln!(out, "\n{body}")
}

/// `generated/mod.rs`: the modules and the enums over all messages.
fn contents(target: &Target, schemas: &[Schema]) -> Result<String, String> {
    let mut out = String::new();
    write_contents(&mut out, target, schemas).map_err(|e| e.to_string())?;
    Ok(out)
}

fn write_contents(out: &mut String, target: &Target, schemas: &[Schema]) -> std::fmt::Result {
    header(out, target.header)?;
    for schema in schemas {
        writeln!(out, "pub mod {};", module(schema))?;
    }
    let apis: Vec<&Schema> = schemas.iter().filter(|s| s.kind == Kind::Api).collect();
    if apis.is_empty() {
        return any::emit_records(out, schemas);
    }
    writeln!(out, "mod table;\n\npub use table::{{APIS, Api, ApiKey}};\n")?;
    any::emit_apis(out, schemas)
}
