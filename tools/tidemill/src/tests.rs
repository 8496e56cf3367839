//! What the command line says: help, refusals, suggestions.

use super::Cli;
use clap::{CommandFactory, Parser};

/// What clap says to these words after the program's name.
fn told(words: &[&str]) -> String {
    let words = std::iter::once("tidemill").chain(words.iter().copied());
    Cli::try_parse_from(words).expect_err("no command was complete").to_string()
}

#[test]
fn the_command_line_is_consistent() {
    Cli::command().debug_assert();
}

#[test]
fn every_command_is_listed_with_a_line() {
    let help = told(&["--help"]);
    for line in [
        "topic    Create, list, describe and delete topics",
        "group    List and describe consumer groups",
        "produce  Send records from files, pipes or the keyboard",
        "consume  Print the records of a topic",
        "inspect  Explain files and directories that a broker wrote",
        "bench    Measure a broker under load, and compare what was measured",
    ] {
        assert!(help.contains(line), "{line} in\n{help}");
    }
}

#[test]
fn examples_and_formats_are_in_the_help() {
    let check = |command: &str, expected: &[&str]| {
        let help = told(&[command, "--help"]);
        for text in expected {
            assert!(help.contains(text), "{text} in\n{help}");
        }
    };
    check(
        "produce",
        &[
            "echo hello | tidemill produce greetings",
            "[default: 127.0.0.1:9092]",
            "bootstrap-server",
            "--batch-bytes <BYTES>",
        ],
    );
    check(
        "consume",
        &["Format strings: %t topic, %p partition", "@MILLISECONDS", "--group <NAME>"],
    );
    check("bench", &["TLS and SASL are not there yet", "end-to-end", "compare"]);
    check("inspect", &["journals and recovery points", "makes the exit code 1"]);
}

#[test]
fn mistakes_get_a_suggestion() {
    let check = |words: &[&str], expected: &str| {
        let text = told(words);
        assert!(text.contains(expected), "{expected} in\n{text}");
    };
    check(&["tpic"], "a similar subcommand exists: 'topic'");
    check(&["topic", "creat", "a"], "a similar subcommand exists: 'create'");
    check(&["produce", "a", "--key-delimeter", ":"], "--key-delimiter");
    check(&["produce", "a", "-z", "lzo"], "use none, gzip, snappy, lz4 or zstd");
    check(&["produce", "a", "--linger", "5 parsecs"], "unknown unit 'parsecs', use ms, s, m or h");
    check(&["produce", "a", "-d", ""], "must not be empty");
    check(&["produce", "a", "-H", "h"], "expected key=value");
    check(&["produce", "a", "--acks", "2"], "[possible values: 0, 1, all]");
    check(&["consume", "a", "-o", "first"], "use start, end, an offset, -N for the last N");
    check(&["consume", "a", "-b", "host:port"], "'port' is not a port");
    check(&["consume", "a", "--group", "g", "--partition", "1"], "cannot be used with");
    check(&["topic", "create", "a", "-p", "0"], "0 is not in 1..");
    check(&["inspect"], "<PATHS>...");
    check(&["bench", "produce"], "<TOPIC>");
    check(&["bench", "produce", "a", "-n", "1", "-d", "1s"], "cannot be used with");
    check(&["bench", "produce", "a", "-d", "0"], "must be longer than 0");
    check(&["bench", "produce", "a", "-d", "25h"], "at most 24h");
    check(&["bench", "produce", "a", "--rate", "0"], "expected records a second");
    check(&["bench", "produce", "a", "--batch-records", "0"], "0 is not in 1..");
    check(&["bench", "produce", "a", "--in-flight", "0"], "0 is not in 1..");
    check(&["bench", "produce", "a", "-z", "lzo"], "none, gzip, snappy, lz4, zstd");
    check(&["bench", "consume", "a", "--partitions", "3"], "unexpected argument");
    check(&["bench", "compare", "a"], "<B>");
}

#[test]
fn ordinary_lines_are_understood() {
    for line in [
        "produce a --bootstrap-server h:1,h:2 --acks -1 -k \\t -z zstd --level -5 -p 0",
        "consume a --offset -5 -n 1 -e -q -f %s",
        "consume a --from-beginning --print-key --format text",
        "topic create a b -p 3 -r 1 -c a=b -c c=d --if-not-exists --dry-run --format json",
        "topic delete a -y --if-exists",
        "topic describe a --all-configs",
        "group describe a b --format json",
        "inspect a b -r --deep --format json",
        "bench produce a -p 3 -r 1 -s 100 -z gzip -a -1 -n 1000000 -o a.json --html a.html -q",
        "bench produce a --record-size 100 --throughput 5000 --num-records 9 --batch-size 16384",
        "bench end-to-end a --rate 50.5 -d 1m --consumers 2 --warm-up 0 --pid 1 --format json",
        "bench consume a --fetch-bytes 65536 --connections 4 --duration 90",
        "bench compare a.json b.json --format json",
        "bench report a.json --html a.html",
    ] {
        let words = std::iter::once("tidemill").chain(line.split(' '));
        if let Err(error) = Cli::try_parse_from(words) {
            panic!("{line}: {error}");
        }
    }
}
