//! Java's properties format (`java.util.Properties.load`), with the line each entry starts on.
//! Called once at start, for Kafka's `server.properties`. The text is UTF-8, or else Latin-1 as in
//! Java. Checked against Java by the table in the tests.

/// One `key=value` as it was written.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Property {
    /// Line of the file on which the entry starts, from 1.
    pub line: usize,
    pub key: String,
    pub value: String,
}

/// An escape that is none; the only thing that can be wrong with a properties file.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct BadEscape {
    pub line: usize,
}

/// The entries in the order of the file, repeated ones included.
pub fn parse(bytes: &[u8]) -> Result<Vec<Property>, BadEscape> {
    let latin = || bytes.iter().map(|byte| char::from(*byte)).collect();
    let text = std::str::from_utf8(bytes).map_or_else(|_| latin(), str::to_owned);
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
    let mut properties = Vec::new();
    for (line, logical) in logical_lines(text) {
        let (key, value) = split(&logical);
        let unescaped = |text: &[char]| unescape(text).ok_or(BadEscape { line });
        properties.push(Property { line, key: unescaped(key)?, value: unescaped(value)? });
    }
    Ok(properties)
}

fn is_blank(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\u{c}')
}

/// The lines that hold an entry, continuations joined, escapes as they are.
fn logical_lines(text: &str) -> Vec<(usize, Vec<char>)> {
    let mut lines = Vec::new();
    let mut current: Vec<char> = Vec::new();
    let mut start = 0;
    let mut continues = false;
    for (index, natural) in natural_lines(text).into_iter().enumerate() {
        let content = natural.trim_start_matches(is_blank);
        if !continues {
            start = index + 1;
            current.clear();
        }
        // A continuation of nothing is a line of its own for comments, but not for blanks.
        let is_comment = current.is_empty() && content.starts_with(['#', '!']);
        if is_comment || (!continues && content.is_empty()) {
            continues = false;
            continue;
        }
        current.extend(content.chars());
        let backslashes = current.iter().rev().take_while(|c| **c == '\\').count();
        continues = backslashes % 2 == 1;
        if continues {
            current.pop();
        } else {
            lines.push((start, std::mem::take(&mut current)));
        }
    }
    if continues {
        lines.push((start, current));
    }
    lines
}

/// Split at `\n`, `\r` and `\r\n`.
fn natural_lines(text: &str) -> Vec<&str> {
    let mut lines = Vec::new();
    let mut rest = text;
    while let Some(end) = rest.find(['\n', '\r']) {
        let (line, tail) = rest.split_at(end);
        lines.push(line);
        rest = tail.strip_prefix("\r\n").unwrap_or_else(|| tail.get(1..).unwrap_or_default());
    }
    if !rest.is_empty() {
        lines.push(rest);
    }
    lines
}

/// Key and value: the key ends at the first `=`, `:` or blank that is not escaped; around one `=`
/// or `:` blanks do not count.
fn split(line: &[char]) -> (&[char], &[char]) {
    let mut escaped = false;
    let ends_key = |c: &char| {
        let ends = !escaped && (is_blank(*c) || matches!(c, '=' | ':'));
        escaped = *c == '\\' && !escaped;
        ends
    };
    let end = line.iter().position(ends_key).unwrap_or(line.len());
    let (key, rest) = line.split_at(end);
    let skip_blanks = |text: &mut &'_ [char]| {
        let blanks = text.iter().take_while(|c| is_blank(**c)).count();
        *text = text.get(blanks..).unwrap_or_default();
    };
    let mut value = rest;
    skip_blanks(&mut value);
    if let Some(('=' | ':', tail)) = value.split_first() {
        value = tail;
        skip_blanks(&mut value);
    }
    (key, value)
}

/// `None` for a `\u` without four hexadecimal digits. Pairs of escapes make one sign, as in Java.
fn unescape(text: &[char]) -> Option<String> {
    let mut units: Vec<u16> = Vec::with_capacity(text.len());
    let mut chars = text.iter().copied();
    while let Some(c) = chars.next() {
        let plain = match c {
            '\\' => match chars.next() {
                None => break,
                Some('t') => '\t',
                Some('n') => '\n',
                Some('r') => '\r',
                Some('f') => '\u{c}',
                Some('u') => {
                    let digits: String = chars.by_ref().take(4).collect();
                    if digits.len() != 4 || !digits.bytes().all(|b| b.is_ascii_hexdigit()) {
                        return None;
                    }
                    units.push(u16::from_str_radix(&digits, 16).ok()?);
                    continue;
                }
                Some(other) => other,
            },
            other => other,
        };
        units.extend_from_slice(plain.encode_utf16(&mut [0; 2]));
    }
    Some(String::from_utf16_lossy(&units))
}

#[cfg(test)]
mod tests {
    use super::{BadEscape, parse};

    /// Input and what Java makes of it.
    const JAVA: &[(&str, &[(&str, &str)])] = &[
        ("a=b", &[("a", "b")]),
        ("a = b", &[("a", "b")]),
        ("a:b", &[("a", "b")]),
        ("a b", &[("a", "b")]),
        ("a", &[("a", "")]),
        ("a=", &[("a", "")]),
        ("=b", &[("", "b")]),
        (" \t a\t=\tb  ", &[("a", "b  ")]),
        ("# a=b\n! c=d\n\n  # e\nx=y", &[("x", "y")]),
        ("a=b\\\n   c", &[("a", "bc")]),
        ("a=b\\\\\nc=d", &[("a", "b\\"), ("c", "d")]),
        ("a=b\\\\\\\n c", &[("a", "b\\c")]),
        ("a\\ b=c", &[("a b", "c")]),
        ("a\\=b=c", &[("a=b", "c")]),
        ("a\\:b:c", &[("a:b", "c")]),
        ("a==b", &[("a", "=b")]),
        ("a=:b", &[("a", ":b")]),
        ("a =  = b", &[("a", "= b")]),
        ("a=b\\", &[("a", "b")]),
        ("a=\\u0041\\u00e9", &[("a", "A\u{e9}")]),
        ("a=\\t\\n\\r\\f\\z", &[("a", "\t\n\r\u{c}z")]),
        ("a=b\\\n\nc=d", &[("a", "b"), ("c", "d")]),
        ("a=b\\\n#c=d", &[("a", "b#c=d")]),
        ("\\\n#c=d\ne=f", &[("e", "f")]),
        ("a=b\r\nc=d\re=f", &[("a", "b"), ("c", "d"), ("e", "f")]),
        ("a=b\\\r\n  c", &[("a", "bc")]),
        ("a=1\na=2", &[("a", "1"), ("a", "2")]),
        ("key\\\n  more = v", &[("keymore", "v")]),
        ("a=b # not a comment", &[("a", "b # not a comment")]),
        ("a\u{c}b", &[("a", "b")]),
        ("\\u006bey=v", &[("key", "v")]),
        ("a=\\ud83d\\ude00", &[("a", "\u{1f600}")]),
        ("a=C:\\\\dir", &[("a", "C:\\dir")]),
        ("=", &[("", "")]),
        ("   ", &[]),
        ("\\", &[("", "")]),
        ("a=\\", &[("a", "")]),
        ("a\\\\=b", &[("a\\", "b")]),
    ];

    #[test]
    fn files_are_read_as_by_java() {
        for (text, expected) in JAVA {
            let parsed = parse(text.as_bytes()).expect("escapes are whole");
            let pairs: Vec<(&str, &str)> =
                parsed.iter().map(|p| (p.key.as_str(), p.value.as_str())).collect();
            assert_eq!(pairs, *expected, "{text:?}");
        }
    }

    #[test]
    fn lines_are_those_an_entry_starts_on() {
        let text = "# comment\n\na=b\\\n  c\n\nd=e\r\nf=g";
        let lines: Vec<usize> =
            parse(text.as_bytes()).expect("no escapes").iter().map(|p| p.line).collect();
        assert_eq!(lines, [3, 6, 7]);
        assert_eq!(parse(b"a=b\nc=\\u12"), Err(BadEscape { line: 2 }));
        assert_eq!(parse(b"\\uzzzz=1"), Err(BadEscape { line: 1 }));
    }

    #[test]
    fn text_that_is_not_utf8_is_latin() {
        let parsed = parse(b"a=\xe9").expect("no escapes");
        assert_eq!(parsed[0].value, "\u{e9}");
        let parsed = parse("\u{feff}a=\u{20ac}".as_bytes()).expect("no escapes");
        assert_eq!((parsed[0].key.as_str(), parsed[0].value.as_str()), ("a", "\u{20ac}"));
    }
}
