//! The parser of the schema language. Errors name the line.

use super::{Base, Field, Kind, Message, Schema, Struct, Versions};

/// One line without its comment: number from 1, depth in steps of two spaces, words.
struct Line<'t> {
    number: usize,
    depth: usize,
    words: Vec<&'t str>,
}

/// What the fields of a block have in common.
#[derive(Clone, Copy)]
struct Scope {
    versions: Versions,
    flexible_since: i16,
    strict: bool,
}

pub fn parse(text: &str) -> Result<Schema, String> {
    let lines = lines(text)?;
    let mut rest = lines.as_slice();
    let mut schema = head(&mut rest)?;
    let mut scope =
        Scope { versions: schema.versions, flexible_since: schema.flexible_since, strict: true };
    while let Some((line, after)) = rest.split_first() {
        rest = after;
        if line.depth != 0 {
            return Err(at(line, "a field outside of any block"));
        }
        let name = match (schema.kind, line.words.as_slice()) {
            (_, ["struct", name]) => (*name).to_owned(),
            (kind, [block, settings @ ..]) => {
                let suffix = match (kind, *block) {
                    (Kind::Api, "request") => "Request",
                    (Kind::Api, "response") => "Response",
                    (Kind::Coordinator, "key") => "Key",
                    (Kind::Coordinator, "value") => "Value",
                    (Kind::Record | Kind::Control, "fields") => "",
                    _ => return Err(at(line, "unknown block")),
                };
                scope.strict = *block != "response";
                block_settings(line, settings, &mut scope)?;
                let name = format!("{}{suffix}", schema.name);
                schema.messages.push(Message {
                    name: name.clone(),
                    versions: scope.versions,
                    flexible_since: scope.flexible_since,
                });
                name
            }
            _ => return Err(at(line, "unknown block")),
        };
        fields(&mut rest, &mut schema.structs, name, scope, 1)?;
    }
    check(&schema)?;
    Ok(schema)
}

fn at(line: &Line<'_>, what: &str) -> String {
    format!("line {}: {what}", line.number)
}

fn lines(text: &str) -> Result<Vec<Line<'_>>, String> {
    let mut lines = Vec::new();
    for (index, text) in text.lines().enumerate() {
        let text = text.split('#').next().unwrap_or_default();
        let indent = text.len() - text.trim_start().len();
        let line =
            Line { number: index + 1, depth: indent / 2, words: text.split_whitespace().collect() };
        if line.words.is_empty() {
            continue;
        }
        if indent % 2 != 0 {
            return Err(at(&line, "indent by two spaces"));
        }
        lines.push(line);
    }
    Ok(lines)
}

/// The lines before the first block.
fn head<'l, 't>(rest: &mut &'l [Line<'t>]) -> Result<Schema, String> {
    let (first, after) = rest.split_first().ok_or("empty file")?;
    *rest = after;
    let [kind, key, name] = first.words.as_slice() else {
        return Err(at(first, "expected: kind key name"));
    };
    let kind = match *kind {
        "api" => Kind::Api,
        "record" => Kind::Record,
        "coordinator" => Kind::Coordinator,
        "control" => Kind::Control,
        _ => return Err(at(first, "unknown kind")),
    };
    let key = key.parse().map_err(|_| at(first, "the key is not a number"))?;
    let none = Versions { start: 0, last: 0 };
    let mut schema = Schema {
        kind,
        key,
        name: (*name).to_owned(),
        versions: none,
        advertised: none,
        stable: none,
        flexible_since: i16::MAX,
        listeners: Vec::new(),
        messages: Vec::new(),
        structs: Vec::new(),
    };
    let (mut advertised, mut stable) = (None, None);
    while let Some((line, after)) = rest.split_first() {
        match line.words.as_slice() {
            ["versions", range] => schema.versions = versions(line, range, i16::MAX)?,
            ["flexible", range] => {
                schema.flexible_since = versions(line, range, i16::MAX)?.start;
            }
            ["advertised", range] => advertised = Some(versions(line, range, i16::MAX)?),
            ["stable", range] => stable = Some(versions(line, range, i16::MAX)?),
            ["listeners", names @ ..] => {
                schema.listeners = names.iter().map(|name| (*name).to_owned()).collect();
            }
            _ => break,
        }
        *rest = after;
    }
    schema.stable = stable.unwrap_or(schema.versions);
    schema.advertised = advertised.unwrap_or(schema.stable);
    Ok(schema)
}

fn block_settings(line: &Line<'_>, settings: &[&str], scope: &mut Scope) -> Result<(), String> {
    if !settings.is_empty() {
        scope.flexible_since = i16::MAX;
    }
    for pair in settings.chunks(2) {
        match pair {
            ["versions", range] => scope.versions = versions(line, range, i16::MAX)?,
            ["flexible", range] => scope.flexible_since = versions(line, range, i16::MAX)?.start,
            _ => return Err(at(line, "unknown setting of a block")),
        }
    }
    Ok(())
}

/// `3`, `3-7` or `3+`, the last up to `last`.
fn versions(line: &Line<'_>, text: &str, last: i16) -> Result<Versions, String> {
    let number =
        |text: &str| text.parse::<i16>().map_err(|_| at(line, &format!("not a version: {text}")));
    let range = if let Some(start) = text.strip_suffix('+') {
        Versions { start: number(start)?, last }
    } else if let Some((start, last)) = text.split_once('-') {
        Versions { start: number(start)?, last: number(last)? }
    } else {
        Versions { start: number(text)?, last: number(text)? }
    };
    if range.start > range.last { Err(at(line, "versions run backwards")) } else { Ok(range) }
}

/// Reads the fields of one structure, and below them the structures they introduce.
fn fields(
    rest: &mut &[Line<'_>],
    structs: &mut Vec<Struct>,
    name: String,
    scope: Scope,
    depth: usize,
) -> Result<(), String> {
    let Scope { versions, flexible_since, strict } = scope;
    let index = structs.len();
    structs.push(Struct { name, versions, flexible_since, strict, fields: Vec::new() });
    while let Some((line, after)) = rest.split_first() {
        if line.depth < depth {
            break;
        }
        if line.depth > depth {
            return Err(at(line, "too deep"));
        }
        *rest = after;
        let field = field(line, versions)?;
        let introduces = rest.first().is_some_and(|next| next.depth == depth + 1);
        match (&field.base, introduces) {
            (Base::Struct(name), true) => {
                let scope = Scope { versions: field.versions, ..scope };
                fields(rest, structs, name.clone(), scope, depth + 1)?;
            }
            (_, true) => return Err(at(line, "only a structure has fields")),
            (_, false) => {}
        }
        structs[index].fields.push(field);
    }
    Ok(())
}

/// `name type [versions] [@tag] [= default] [ignorable]`
fn field(line: &Line<'_>, scope: Versions) -> Result<Field, String> {
    let [name, shape, words @ ..] = line.words.as_slice() else {
        return Err(at(line, "expected: name type"));
    };
    let mut field = Field {
        name: (*name).to_owned(),
        base: Base::Bool,
        array: false,
        nullable: None,
        versions: scope,
        tag: None,
        default: None,
        ignorable: false,
    };
    let mut words = words.iter();
    while let Some(word) = words.next() {
        if let Some(tag) = word.strip_prefix('@') {
            field.tag = Some(tag.parse().map_err(|_| at(line, "the tag is not a number"))?);
        } else if *word == "=" {
            let default = words.next().ok_or_else(|| at(line, "a default is missing"))?;
            field.default = Some((*default).to_owned());
        } else if *word == "ignorable" {
            field.ignorable = true;
        } else {
            field.versions = versions(line, word, scope.last)?;
        }
    }
    if !scope.covers(field.versions) {
        return Err(at(line, "versions outside of those of the structure"));
    }
    let (shape, nullable) = match shape.split_once('?') {
        None => (*shape, None),
        Some((shape, "")) => (shape, Some(field.versions)),
        Some((shape, range)) => (shape, Some(versions(line, range, field.versions.last)?)),
    };
    field.nullable = nullable;
    let inner = shape.strip_prefix('[').and_then(|shape| shape.strip_suffix(']'));
    field.array = inner.is_some();
    field.base = base(inner.unwrap_or(shape));
    Ok(field)
}

fn base(name: &str) -> Base {
    match name {
        "bool" => Base::Bool,
        "i8" => Base::I8,
        "i16" => Base::I16,
        "u16" => Base::U16,
        "i32" => Base::I32,
        "u32" => Base::U32,
        "i64" => Base::I64,
        "f64" => Base::F64,
        "uuid" => Base::Uuid,
        "string" => Base::Text,
        "bytes" => Base::Blob,
        "records" => Base::Records,
        name => Base::Struct(name.to_owned()),
    }
}

/// What one line alone does not show: names defined once, tags only in flexible versions.
fn check(schema: &Schema) -> Result<(), String> {
    for (index, structure) in schema.structs.iter().enumerate() {
        let name = &structure.name;
        if schema.structs[..index].iter().any(|earlier| earlier.name == *name) {
            return Err(format!("{name} is defined twice"));
        }
        for field in &structure.fields {
            let label = format!("{name}.{}", field.name);
            if let Base::Struct(inner) = &field.base
                && !schema.structs.iter().any(|s| s.name == *inner)
            {
                return Err(format!("{label}: {inner} is not defined"));
            }
            if field.tag.is_some() && field.versions.start < structure.flexible_since {
                return Err(format!("{label}: a tag needs a flexible version"));
            }
            let twice = structure.fields.iter().filter(|f| f.name == field.name).count() > 1;
            let tags = structure.fields.iter().filter(|f| f.tag == field.tag).count();
            if twice || (field.tag.is_some() && tags > 1) {
                return Err(format!("{label}: name or tag is used twice"));
            }
            if field.default.as_deref() == Some("null") && field.nullable.is_none() {
                return Err(format!("{label}: null as default of what is not nullable"));
            }
        }
    }
    if schema.messages.is_empty() {
        return Err("no message".to_owned());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::parse;
    use crate::schema::{Base, Versions};

    const SAMPLE: &str = "\
api 1 Sample  # a comment
listeners broker
versions 2-7
flexible 5+

request
  name    string?4+
  items   [Item]     3+
    id    i32        4-6  = -1 ignorable
  extra   uuid       5+   @0

response
  item    Item?      = null
";

    #[test]
    fn ranges_are_inherited_and_structures_shared() {
        let schema = parse(SAMPLE).expect("well formed");
        let names: Vec<&str> = schema.structs.iter().map(|s| s.name.as_str()).collect();
        assert_eq!(names, ["SampleRequest", "Item", "SampleResponse"]);
        let request = schema.structure("SampleRequest");
        assert_eq!(request.fields[0].nullable, Some(Versions { start: 4, last: 7 }));
        assert_eq!(schema.structure("Item").versions, Versions { start: 3, last: 7 });
        let id = &schema.structure("Item").fields[0];
        assert_eq!(id.versions, Versions { start: 4, last: 6 });
        assert_eq!((id.default.as_deref(), id.ignorable), (Some("-1"), true));
        assert_eq!(request.fields[2].tag, Some(0));
        assert!(!schema.structure("SampleResponse").strict);
        assert_eq!(schema.structure("SampleResponse").fields[0].base, Base::Struct("Item".into()));
        assert!(schema.borrows("SampleRequest"));
        assert!(!schema.borrows("Item"));
    }

    #[test]
    fn mistakes_are_named() {
        fn check(from: &str, to: &str, expected: &str) {
            assert!(SAMPLE.contains(from));
            let error = parse(&SAMPLE.replace(from, to)).expect_err("a mistake");
            assert!(error.contains(expected), "{error}");
        }
        check("string?4+", "Text", "Text is not defined");
        check("4-6", "1-6", "line 9: versions outside");
        check("4-6", "6-4", "line 9: versions run backwards");
        check("5+   @0", "4+   @0", "a tag needs a flexible version");
        check("Item?  ", "Item   ", "null as default");
        check("  extra", "  name ", "used twice");
        check("    id", "      id", "too deep");
        check("    id", "   id", "indent by two spaces");
        check("response", "answer", "line 12: unknown block");
    }
}
