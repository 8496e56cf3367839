//! `host:port` as it stands on command lines and in metadata.

use std::fmt;
use std::str::FromStr;

const DEFAULT_PORT: u16 = 9092;

#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Address {
    pub host: String,
    pub port: u16,
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(f, "[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{}:{}", self.host, self.port)
        }
    }
}

impl FromStr for Address {
    type Err = String;

    /// A host without a port gets Kafka's usual one. IPv6 addresses stand in brackets.
    fn from_str(text: &str) -> Result<Address, String> {
        let text = text.trim();
        let (host, port) = match text.strip_prefix('[') {
            Some(rest) => {
                let (host, rest) = rest.split_once(']').ok_or("a ']' is missing")?;
                (host, rest.strip_prefix(':'))
            }
            None => match text.split_once(':') {
                Some((_, port)) if port.contains(':') => {
                    return Err("an IPv6 address stands in brackets, such as [::1]:9092".into());
                }
                Some((host, port)) => (host, Some(port)),
                None => (text, None),
            },
        };
        if host.is_empty() {
            return Err("expected host:port".into());
        }
        let port = match port {
            None => DEFAULT_PORT,
            Some(port) => port.parse().map_err(|_| format!("'{port}' is not a port"))?,
        };
        Ok(Address { host: host.to_owned(), port })
    }
}

#[cfg(test)]
mod tests {
    use super::Address;

    #[test]
    fn parses_and_prints() {
        let check = |text: &str, expected: &str| {
            let parsed: Address = text.parse().unwrap_or_else(|error| panic!("{text}: {error}"));
            assert_eq!(parsed.to_string(), expected);
        };
        check("a:1", "a:1");
        check(" a ", "a:9092");
        check("[::1]:7", "[::1]:7");
        check("[::1]", "[::1]:9092");
        for bad in ["", ":9092", "a:b", "a:70000", "::1", "[::1"] {
            assert!(bad.parse::<Address>().is_err(), "{bad}");
        }
    }
}
