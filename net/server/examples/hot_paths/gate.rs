//! Has callgrind count the paths, each in processes of its own, and holds the counts against the
//! table.

use crate::table::{TOLERANCE_PERCENT, Table, Verdict};
use crate::{Failure, HotPath};
use std::path::PathBuf;
use std::process::Command;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Operations of the two runs of a path.
const FEW: u32 = 200;
const MANY: u32 = 1200;

/// True if no path takes more than it may.
pub fn check(paths: &[&HotPath]) -> Result<bool, Failure> {
    let file = table_path();
    let text = std::fs::read_to_string(&file)
        .map_err(|error| format!("{}: {error}; `hot_paths renew` writes it", file.display()))?;
    let table = Table::parse(&text).map_err(|error| format!("{}, {error}", file.display()))?;
    let mut verdicts = Vec::new();
    println!("{:<14}{:>12}{:>12}{:>9}", "path", "expected", "found", "");
    for (path, found) in paths.iter().zip(count_all(paths)?) {
        let verdict = table.judge(path.name, found);
        let expected = table.counts.get(path.name).copied();
        show(path, expected, found, verdict);
        verdicts.push(verdict);
    }
    let fails = |verdict: &Verdict| matches!(verdict, Verdict::More | Verdict::New);
    if verdicts.iter().any(fails) {
        println!(
            "\nA path takes over {TOLERANCE_PERCENT} % more instructions than the table says. Where \
             they go:\n  valgrind --tool=callgrind --callgrind-out-file=target/hot_paths.out \\\n    \
             target/release/examples/hot_paths run PATH {MANY}\n  callgrind_annotate \
             target/hot_paths.out\nIf it is meant, say why in the commit that renews the table:\n  \
             target/release/examples/hot_paths renew\nThe table was counted with {}, this with {}.",
            table.counted_with,
            tools()?
        );
        return Ok(false);
    }
    if verdicts.contains(&Verdict::Less) {
        println!("\nBetter than the table: renew it, so that it stays so.");
    }
    Ok(true)
}

fn show(path: &HotPath, expected: Option<u64>, found: u64, verdict: Verdict) {
    let (text, change) = match expected {
        Some(expected) => (expected.to_string(), change_text(expected, found)),
        None => ("-".to_owned(), String::new()),
    };
    let mark = match verdict {
        Verdict::Same => "",
        Verdict::More => "  MORE",
        Verdict::Less => "  less",
        Verdict::New => "  NOT IN THE TABLE",
    };
    println!("{:<14}{text:>12}{found:>12}{change:>9}  {}{mark}", path.name, path.what);
}

/// The change in tenths of a percent.
fn change_text(expected: u64, found: u64) -> String {
    let (sign, apart) =
        if found < expected { ('-', expected - found) } else { ('+', found - expected) };
    let tenths = apart * 1000 / expected.max(1);
    format!("{sign}{}.{} %", tenths / 10, tenths % 10)
}

/// Counts all and writes the table.
pub fn renew(paths: &[HotPath]) -> Result<(), Failure> {
    let paths: Vec<&HotPath> = paths.iter().collect();
    let counts = paths.iter().map(|path| path.name.to_owned()).zip(count_all(&paths)?).collect();
    let table = Table { counted_with: tools()?, counts };
    std::fs::write(table_path(), table.text())?;
    print!("{}", table.text());
    Ok(())
}

fn table_path() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("examples/hot_paths/counts.txt")
}

fn tools() -> Result<String, Failure> {
    let version = |tool: &str| -> Result<String, Failure> {
        let output = Command::new(tool).arg("--version").output()?;
        Ok(String::from_utf8(output.stdout)?.trim().to_owned())
    };
    let valgrind = version("valgrind").unwrap_or_else(|_| "no valgrind".to_owned());
    Ok(format!("{}, {valgrind}", version("rustc").unwrap_or_else(|_| "no rustc".to_owned())))
}

/// Instructions of one operation of each path, several paths at once.
fn count_all(paths: &[&HotPath]) -> Result<Vec<u64>, Failure> {
    let next = AtomicUsize::new(0);
    let results: Vec<Mutex<Option<Result<u64, String>>>> =
        paths.iter().map(|_| Mutex::new(None)).collect();
    let workers = std::thread::available_parallelism()?.get().min(paths.len());
    std::thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| {
                loop {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    let Some(path) = paths.get(index) else { return };
                    let counted = count(path).map_err(|failure| failure.to_string());
                    *results[index].lock().expect("nobody panics here") = Some(counted);
                }
            });
        }
    });
    let mut counts = Vec::new();
    for result in results {
        let result = result.into_inner().expect("nobody panicked");
        counts.push(result.ok_or("a path was not counted")??);
    }
    Ok(counts)
}

fn count(path: &HotPath) -> Result<u64, Failure> {
    let (few, many) = (collect(path, FEW)?, collect(path, MANY)?);
    let apart = many.checked_sub(few).ok_or_else(|| {
        format!("{}: {many} instructions for {MANY} operations, {few} for {FEW}", path.name)
    })?;
    Ok(apart / u64::from(MANY - FEW))
}

/// All instructions of a process that does a path `count` times.
fn collect(path: &HotPath, count: u32) -> Result<u64, Failure> {
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg(std::env::current_exe()?)
        .args(["run", path.name, &count.to_string()])
        // Otherwise the allocator looks at the clock, which runs differently under valgrind.
        .env("MIMALLOC_PURGE_DELAY", "-1")
        .output()
        .map_err(|error| format!("valgrind: {error}; scripts/setup installs it"))?;
    let told = String::from_utf8_lossy(&output.stderr);
    if !output.status.success() {
        return Err(format!("{} under valgrind: {}\n{told}", path.name, output.status).into());
    }
    collected(&told).ok_or_else(|| format!("no count in what valgrind said:\n{told}").into())
}

/// The number in callgrind's last words: `==7== Collected : 123456`.
fn collected(told: &str) -> Option<u64> {
    told.lines().find_map(|line| line.split_once("Collected : ")?.1.trim().parse().ok())
}

#[cfg(test)]
mod tests {
    use super::{change_text, collected};

    #[test]
    fn the_count_is_found() {
        let told = "==7== Events    : Ir\n==7== Collected : 123456\n==7==\n";
        assert_eq!(collected(told), Some(123_456));
        assert_eq!(collected("==7== I   refs:      123,456"), None);
    }

    #[test]
    fn changes_are_told_in_percent() {
        assert_eq!(change_text(1000, 1061), "+6.1 %");
        assert_eq!(change_text(1000, 995), "-0.5 %");
    }
}
