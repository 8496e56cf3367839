//! Characters that are hard to type, written as in C: `\n \t \r \0 \\ \xFF`. For delimiters and
//! format strings.

/// The bytes that `text` stands for. The error is for the user.
pub fn unescape(text: &str) -> Result<Vec<u8>, String> {
    let mut out = Vec::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        if c != '\\' {
            out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
            continue;
        }
        match chars.next() {
            Some('n') => out.push(b'\n'),
            Some('t') => out.push(b'\t'),
            Some('r') => out.push(b'\r'),
            Some('0') => out.push(0),
            Some('\\') => out.push(b'\\'),
            Some('x') => {
                let digits: String = chars.by_ref().take(2).collect();
                let byte = u8::from_str_radix(&digits, 16).ok().filter(|_| digits.len() == 2);
                out.push(
                    byte.ok_or(format!("\\x{digits} is no byte, expected \\x and two digits"))?,
                );
            }
            Some(other) => {
                return Err(format!("unknown escape \\{other}, use \\n \\t \\r \\0 \\\\ \\x00"));
            }
            None => return Err("ends in a lone \\, write \\\\ for one".to_owned()),
        }
    }
    Ok(out)
}

/// A delimiter: at least one byte.
pub fn delimiter(text: &str) -> Result<Vec<u8>, String> {
    let bytes = unescape(text)?;
    if bytes.is_empty() { Err("must not be empty".to_owned()) } else { Ok(bytes) }
}

#[cfg(test)]
mod tests {
    use super::{delimiter, unescape};

    #[test]
    fn escapes() {
        assert_eq!(unescape(r"a\tb\n\x00\\é"), Ok("a\tb\n\0\\é".as_bytes().to_vec()));
        assert_eq!(delimiter(":"), Ok(b":".to_vec()));
        for bad in [r"\", r"\q", r"\x1", r"\xzz"] {
            assert!(unescape(bad).is_err(), "{bad}");
        }
        assert!(delimiter("").is_err());
    }
}
