//! Whether a directory can hold our data: a trial write and read with O_DIRECT.

use super::error::StartError;
use crate::buffer::{DMA_ALIGN, DmaBuf};
use std::fs::{File, OpenOptions};
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::Path;

/// Tries direct I/O in `directory`, which must exist, on a file that is removed again. Blocks.
/// Returns the kind of its file system, for the log.
pub fn probe_directory(directory: &Path) -> Result<String, StartError> {
    let path = directory.join(format!(".tidemill-probe-{}", std::process::id()));
    let failed = |step, source| {
        let path = directory.to_owned();
        StartError::DataDirectory { path, step, source }
    };
    // The directory is looked at through a file made without O_DIRECT, so that a failure is told
    // apart from missing permission.
    let plain = File::create(&path).map_err(|source| failed("making a file in it", source))?;
    let kind = file_system(&plain);
    let result = OpenOptions::new()
        .read(true)
        .write(true)
        .custom_flags(libc::O_DIRECT)
        .open(&path)
        .and_then(|file| trial(&file));
    // What matters is the trial; a file that stays behind is empty or one block.
    let _ = std::fs::remove_file(&path);
    match result {
        Ok(()) => Ok(kind),
        Err(error) => Err(explain(directory, kind, error)),
    }
}

fn explain(directory: &Path, kind: String, error: io::Error) -> StartError {
    let path = directory.to_owned();
    match error.raw_os_error() {
        Some(libc::EINVAL | libc::EOPNOTSUPP) => StartError::NoDirectIo { path, kind },
        _ => StartError::DataDirectory { path, step: "a trial write to it", source: error },
    }
}

fn trial(file: &File) -> io::Result<()> {
    let mut block = DmaBuf::unpooled(DMA_ALIGN);
    block.bytes_mut()[..DMA_ALIGN].fill(0x5A);
    file.write_all_at(&block.bytes()[..DMA_ALIGN], 0)?;
    block.bytes_mut()[..DMA_ALIGN].fill(0);
    file.read_exact_at(&mut block.bytes_mut()[..DMA_ALIGN], 0)?;
    if block.bytes()[..DMA_ALIGN].iter().all(|byte| *byte == 0x5A) {
        Ok(())
    } else {
        Err(io::Error::other("the bytes read are not those written"))
    }
}

/// The kind of file system a file lies on; by its number if it is none of the usual ones.
fn file_system(file: &File) -> String {
    // SAFETY: zeros are a valid `statfs`.
    let mut status: libc::statfs = unsafe { std::mem::zeroed() };
    // SAFETY: `status` is writable.
    let result = unsafe { libc::fstatfs(file.as_raw_fd(), &raw mut status) };
    if result != 0 {
        return "of unknown kind".to_owned();
    }
    name_of(status.f_type)
}

fn name_of(magic: libc::__fsword_t) -> String {
    let name = match magic {
        0xEF53 => "ext4",
        0x5846_5342 => "XFS",
        0x9123_683E => "btrfs",
        0x0102_1994 => "tmpfs",
        0x8584_58F6 => "ramfs",
        0x794C_7630 => "overlayfs",
        0x6969 => "NFS",
        0x2FC1_2FC1 => "ZFS",
        0x0102_1997 => "9p",
        0x6573_5546 => "FUSE",
        0xF2F5_2010 => "f2fs",
        other => return format!("with magic {other:#x}"),
    };
    name.to_owned()
}

#[cfg(test)]
mod tests {
    use super::{explain, name_of, probe_directory};
    use std::io;
    use std::path::Path;

    #[test]
    fn the_file_system_and_the_fix_are_named() {
        let error = io::Error::from_raw_os_error(libc::EINVAL);
        let text = explain(Path::new("/data"), name_of(0x8584_58F6), error).to_string();
        assert!(text.starts_with("the file system ramfs of /data has no direct I/O"), "{text}");
        assert!(text.contains("ext4 or XFS"), "{text}");
        let error = io::Error::from_raw_os_error(libc::ENOSPC);
        let text = explain(Path::new("/data"), name_of(0xEF53), error).to_string();
        assert!(text.contains("No space left"), "{text}");
    }

    #[test]
    fn a_directory_on_the_build_disk_will_do() {
        let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target");
        let kind = probe_directory(&directory).expect("a disk with direct I/O");
        assert!(!kind.is_empty());
        let missing = probe_directory(&directory.join("not-there")).expect_err("no directory");
        assert!(missing.to_string().contains("No such file"), "{missing}");
    }
}
