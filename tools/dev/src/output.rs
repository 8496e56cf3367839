//! Writing generated files, or comparing them with what is committed. Called by `main`.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    Write,
    Check,
}

/// A file to be, by its path from the top of the repository.
pub struct File {
    pub path: PathBuf,
    pub content: String,
}

/// Brings the files into the tree, or names the ones that differ from it. A file without a
/// counterpart in a folder of generated files is left over from a removed schema: it is deleted.
pub fn settle(root: &Path, files: &[File], mode: Mode) -> Result<(), String> {
    let mut differing = Vec::new();
    for file in files {
        let path = root.join(&file.path);
        if fs::read_to_string(&path).ok().as_deref() == Some(&file.content) {
            continue;
        }
        differing.push(file.path.clone());
        if mode == Mode::Write {
            let folder = path.parent().ok_or("a file needs a folder")?;
            fs::create_dir_all(folder).map_err(|e| format!("{}: {e}", folder.display()))?;
            fs::write(&path, &file.content).map_err(|e| format!("{}: {e}", path.display()))?;
        }
    }
    for path in left_over(root, files)? {
        if mode == Mode::Write {
            let path = root.join(&path);
            fs::remove_file(&path).map_err(|e| format!("{}: {e}", path.display()))?;
        }
        differing.push(path);
    }
    if mode == Mode::Check && !differing.is_empty() {
        let names: Vec<String> = differing.iter().map(|p| format!("  {}", p.display())).collect();
        return Err(format!("these differ from what is generated:\n{}", names.join("\n")));
    }
    Ok(())
}

/// Rust files in folders named `generated` that hold files of ours, but not these.
fn left_over(root: &Path, files: &[File]) -> Result<Vec<PathBuf>, String> {
    let mut folders: Vec<&Path> = files.iter().filter_map(|f| f.path.parent()).collect();
    folders.retain(|folder| folder.ends_with("generated"));
    folders.sort();
    folders.dedup();
    let mut left = Vec::new();
    for folder in folders {
        let Ok(entries) = fs::read_dir(root.join(folder)) else { continue };
        for entry in entries {
            let entry = entry.map_err(|e| format!("{}: {e}", folder.display()))?;
            let path = folder.join(entry.file_name());
            if !files.iter().any(|file| file.path == path) {
                left.push(path);
            }
        }
    }
    left.sort();
    Ok(left)
}

/// Formats Rust source with the repository's settings.
pub fn rustfmt(root: &Path, source: &str) -> Result<String, String> {
    let mut child = Command::new("rustfmt")
        .args(["--edition", "2024", "--emit", "stdout", "--config-path"])
        .arg(root)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .map_err(|e| format!("cannot start rustfmt: {e}"))?;
    let mut input = child.stdin.take().ok_or("rustfmt takes no input")?;
    let source = source.to_owned();
    // A thread of its own, for rustfmt may answer before it has read everything.
    let feed = std::thread::spawn(move || input.write_all(source.as_bytes()));
    let output = child.wait_with_output().map_err(|e| format!("rustfmt: {e}"))?;
    let fed = feed.join().map_err(|_| "feeding rustfmt failed")?;
    fed.map_err(|e| format!("rustfmt: {e}"))?;
    if !output.status.success() {
        return Err("rustfmt refused generated code".to_owned());
    }
    String::from_utf8(output.stdout).map_err(|e| format!("rustfmt: {e}"))
}
