//! How a command ends when it does not succeed: what happened, what to do about it, and the exit
//! code. Printed by `main` and nowhere else.

use crate::output;
use std::fmt;
use std::process::ExitCode;

/// Groups failures by what a script would do about them.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// The operation was tried and failed.
    Failed,
    /// The command line makes no sense. Clap's own refusals end with the same code.
    Usage,
    /// No broker could be reached.
    Unreachable,
    /// The user broke off; the number is the signal's.
    Signal(u8),
}

/// Why a command failed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Failure {
    pub kind: Kind,
    message: String,
    hint: Option<String>,
}

impl Failure {
    pub fn new(message: impl Into<String>) -> Failure {
        Failure { kind: Kind::Failed, message: message.into(), hint: None }
    }

    pub fn usage(message: impl Into<String>) -> Failure {
        Failure { kind: Kind::Usage, ..Failure::new(message) }
    }

    pub fn unreachable(message: impl Into<String>) -> Failure {
        Failure { kind: Kind::Unreachable, ..Failure::new(message) }
    }

    /// Broken off by a signal; nothing is left to say.
    pub fn signal(number: u8) -> Failure {
        Failure { kind: Kind::Signal(number), ..Failure::new("") }
    }

    /// Changes the kind, and with it the exit code.
    #[must_use]
    pub fn kind(self, kind: Kind) -> Failure {
        Failure { kind, ..self }
    }

    /// Adds what the user can do.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Failure {
        self.hint = Some(hint.into());
        self
    }

    pub fn exit_code(&self) -> ExitCode {
        ExitCode::from(match self.kind {
            Kind::Failed => 1,
            Kind::Usage => 2,
            Kind::Unreachable => 4,
            Kind::Signal(number) => 128u8.saturating_add(number),
        })
    }

    /// Says it on stderr.
    pub fn print(&self) {
        if self.message.is_empty() {
            return;
        }
        let paint = output::stderr_paint();
        eprintln!("{} {}", paint.red("error:"), self.message);
        for line in self.hint.iter().flat_map(|hint| hint.lines()) {
            eprintln!("  {}", line);
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        if let Some(hint) = &self.hint {
            write!(f, "\n{hint}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Failure {}

#[cfg(test)]
mod tests {
    use super::Failure;
    use std::process::ExitCode;

    #[test]
    fn codes_are_the_documented_ones() {
        let check = |failure: Failure, code: u8| {
            let expected = format!("{:?}", ExitCode::from(code));
            assert_eq!(format!("{:?}", failure.exit_code()), expected);
        };
        check(Failure::new("x"), 1);
        check(Failure::usage("x"), 2);
        check(Failure::unreachable("x"), 4);
        check(Failure::signal(2), 130);
        check(Failure::signal(15), 143);
    }

    #[test]
    fn hints_follow_the_message() {
        let failure = Failure::new("no topic a").hint("create it");
        assert_eq!(failure.to_string(), "no topic a\ncreate it");
    }
}
