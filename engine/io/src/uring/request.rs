//! Requests to the kernel, each built together with the memory it refers to. The fields of a
//! [`Request`] are made only here, so that this holds for every one of them: all memory that
//! `entry` points to is on the heap and owned by `payload`, and the descriptor in it is kept open by
//! `descriptor`. The ring keeps both until the last completion.

use super::address::SocketAddress;
use crate::buffer::{DMA_ALIGN, DmaBuf};
use crate::env::Durability;
use bytes::{Bytes, BytesMut};
use io_uring::{opcode, squeue, types};
use std::ffi::CString;
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::rc::Rc;

/// Pieces in one vectored call (`IOV_MAX` of Linux). More pieces make more calls.
pub(super) const VECTORS_MAX: usize = 1024;
/// Bytes in one send or receive; the kernel counts them in 32 bits. More bytes make more calls.
const TRANSFER_BYTES_MAX: usize = 1 << 30;
/// `IORING_RECVSEND_POLL_FIRST`: wait for data instead of trying first.
const POLL_FIRST: u16 = 1;

/// Permissions of new files and directories, before the umask.
const FILE_MODE: libc::mode_t = 0o644;
const DIRECTORY_MODE: libc::mode_t = 0o755;

/// A message header and the vectors it points to; reused by the sends of a shard.
pub(super) struct Message {
    header: libc::msghdr,
    vectors: Vec<libc::iovec>,
}

impl Message {
    pub(super) fn new() -> Box<Message> {
        // SAFETY: a `msghdr` of zeros is a valid empty one.
        let header = unsafe { std::mem::zeroed() };
        Box::new(Message { header, vectors: Vec::new() })
    }
}

/// Memory that a request refers to.
pub(super) enum Payload {
    Nothing,
    /// Direct write: the pieces and the vectors made of them.
    Pieces(Vec<Bytes>, #[expect(dead_code, reason = "kept for the kernel")] Vec<libc::iovec>),
    /// Direct read.
    Block(DmaBuf),
    Receive(BytesMut),
    /// One segment, sent without a message header.
    SendOne(Vec<Bytes>),
    Send(Vec<Bytes>, Box<Message>),
    /// The result is a new descriptor, to be closed if nobody takes it.
    Open(#[expect(dead_code, reason = "kept for the kernel")] CString),
    /// The result of each completion is a new descriptor.
    Accept,
    Path(#[expect(dead_code, reason = "kept for the kernel")] CString),
    Paths(#[expect(dead_code, reason = "kept for the kernel")] [CString; 2]),
    Address(#[expect(dead_code, reason = "kept for the kernel")] Box<SocketAddress>),
}

impl Payload {
    /// Whether a result that is not an error is a descriptor that somebody must close.
    pub(super) fn makes_descriptor(&self) -> bool {
        matches!(self, Payload::Open(_) | Payload::Accept)
    }
}

/// See the head of the file for what always holds.
pub(super) struct Request {
    pub(super) entry: squeue::Entry,
    pub(super) payload: Payload,
    pub(super) descriptor: Option<Rc<OwnedFd>>,
}

/// What `write` may be asked: the pieces to write are at most [`VECTORS_MAX`] of `data`, from its
/// start. Panics if something is not aligned.
pub(super) fn write(
    descriptor: &Rc<OwnedFd>,
    data: Vec<Bytes>,
    position: u64,
    durability: Durability,
) -> Request {
    assert!(!data.is_empty());
    assert!(position.is_multiple_of(DMA_ALIGN as u64), "position {position} is not aligned");
    for piece in &data {
        assert!(piece.as_ptr().addr().is_multiple_of(DMA_ALIGN), "a piece is not aligned");
        assert!(piece.len().is_multiple_of(DMA_ALIGN), "a piece of {} bytes", piece.len());
    }
    let flags = match durability {
        Durability::Written => 0,
        Durability::Flushed => libc::RWF_DSYNC,
    };
    let fd = types::Fd(descriptor.as_raw_fd());
    let (entry, vectors) = if let [piece] = data.as_slice() {
        let entry = opcode::Write::new(fd, piece.as_ptr(), length(piece.len()));
        (entry.offset(position).rw_flags(flags).build(), Vec::new())
    } else {
        let vectors = vectors_of(&data);
        let count = length(vectors.len());
        let entry = opcode::Writev::new(fd, vectors.as_ptr(), count);
        (entry.offset(position).rw_flags(flags).build(), vectors)
    };
    let payload = Payload::Pieces(data, vectors);
    Request { entry, payload, descriptor: Some(descriptor.clone()) }
}

/// Reads from `position` into `buffer` from `start` on.
pub(super) fn read(
    descriptor: &Rc<OwnedFd>,
    mut buffer: DmaBuf,
    start: usize,
    position: u64,
) -> Request {
    assert!(position.is_multiple_of(DMA_ALIGN as u64), "position {position} is not aligned");
    assert!(start.is_multiple_of(DMA_ALIGN), "start {start} is not aligned");
    let target = &mut buffer.bytes_mut()[start..];
    let fd = types::Fd(descriptor.as_raw_fd());
    let entry = opcode::Read::new(fd, target.as_mut_ptr(), length(target.len()));
    let entry = entry.offset(position).build();
    Request { entry, payload: Payload::Block(buffer), descriptor: Some(descriptor.clone()) }
}

/// Receives into the spare capacity of `buffer`. The caller sets the length from the result.
pub(super) fn receive(
    descriptor: &Rc<OwnedFd>,
    mut buffer: BytesMut,
    data_waits: DataWaits,
) -> Request {
    let target = buffer.spare_capacity_mut();
    assert!(!target.is_empty(), "no room to receive into");
    let fd = types::Fd(descriptor.as_raw_fd());
    let len = length(target.len().min(TRANSFER_BYTES_MAX));
    let mut entry = opcode::Recv::new(fd, target.as_mut_ptr().cast(), len);
    if data_waits == DataWaits::Unlikely {
        entry = entry.ioprio(POLL_FIRST);
    }
    let payload = Payload::Receive(buffer);
    Request { entry: entry.build(), payload, descriptor: Some(descriptor.clone()) }
}

/// Whether the last receive left bytes in the socket.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum DataWaits {
    Unlikely,
    Likely,
}

/// Sends at most [`VECTORS_MAX`] of `segments`, from the first on. The result says how many bytes.
pub(super) fn send(
    descriptor: &Rc<OwnedFd>,
    segments: Vec<Bytes>,
    message: impl FnOnce() -> Box<Message>,
) -> Request {
    assert!(!segments.is_empty());
    let fd = types::Fd(descriptor.as_raw_fd());
    let flags = libc::MSG_WAITALL | libc::MSG_NOSIGNAL;
    let (entry, payload) = if let [segment] = segments.as_slice() {
        let len = length(segment.len().min(TRANSFER_BYTES_MAX));
        let entry = opcode::Send::new(fd, segment.as_ptr(), len).flags(flags).build();
        (entry, Payload::SendOne(segments))
    } else {
        let mut message = message();
        message.vectors.clear();
        message.vectors.extend(segments.iter().take(VECTORS_MAX).map(vector_of));
        message.header.msg_iov = message.vectors.as_mut_ptr();
        message.header.msg_iovlen = message.vectors.len();
        let header: *const libc::msghdr = &raw const message.header;
        let entry = opcode::SendMsg::new(fd, header).flags(flags.cast_unsigned()).build();
        (entry, Payload::Send(segments, message))
    };
    Request { entry, payload, descriptor: Some(descriptor.clone()) }
}

/// Segments that are sent on the spot, at most: more go through the ring, as one send.
pub(super) const SEGMENTS_AT_ONCE_MAX: usize = 16;

/// Sends as much of `segments` as the socket takes without waiting, by a system call on the spot:
/// less than a request costs, and without a completion to come back for. Returns how many bytes,
/// perhaps none.
pub(super) fn send_at_once(socket: &OwnedFd, segments: &[Bytes]) -> io::Result<usize> {
    assert!(segments.len() <= SEGMENTS_AT_ONCE_MAX, "more would be cut");
    let mut vectors =
        [libc::iovec { iov_base: std::ptr::null_mut(), iov_len: 0 }; SEGMENTS_AT_ONCE_MAX];
    for (vector, segment) in vectors.iter_mut().zip(segments) {
        *vector = vector_of(segment);
    }
    // SAFETY: a `msghdr` of zeros is a valid empty one.
    let mut header: libc::msghdr = unsafe { std::mem::zeroed() };
    header.msg_iov = vectors.as_mut_ptr();
    header.msg_iovlen = segments.len();
    let flags = libc::MSG_DONTWAIT | libc::MSG_NOSIGNAL;
    loop {
        // SAFETY: header and vectors are readable and name readable bytes of `segments`.
        let sent = unsafe { libc::sendmsg(socket.as_raw_fd(), &raw const header, flags) };
        if let Ok(sent) = usize::try_from(sent) {
            return Ok(sent);
        }
        let error = io::Error::last_os_error();
        match error.kind() {
            io::ErrorKind::Interrupted => {}
            io::ErrorKind::WouldBlock => return Ok(0),
            _ => return Err(error),
        }
    }
}

/// Accepts connections until it is cancelled or fails.
pub(super) fn accept(listener: &Rc<OwnedFd>) -> Request {
    let fd = types::Fd(listener.as_raw_fd());
    let entry = opcode::AcceptMulti::new(fd).flags(libc::SOCK_CLOEXEC).build();
    Request { entry, payload: Payload::Accept, descriptor: Some(listener.clone()) }
}

pub(super) fn connect(socket: &Rc<OwnedFd>, address: SocketAddress) -> Request {
    let address = Box::new(address);
    let fd = types::Fd(socket.as_raw_fd());
    let entry = opcode::Connect::new(fd, address.pointer(), address.len()).build();
    Request { entry, payload: Payload::Address(address), descriptor: Some(socket.clone()) }
}

pub(super) fn sync_data(descriptor: &Rc<OwnedFd>) -> Request {
    let fd = types::Fd(descriptor.as_raw_fd());
    let entry = opcode::Fsync::new(fd).flags(types::FsyncFlags::DATASYNC).build();
    Request { entry, payload: Payload::Nothing, descriptor: Some(descriptor.clone()) }
}

/// Everything of a directory: `fdatasync` promises nothing about entries.
pub(super) fn sync_all(descriptor: &Rc<OwnedFd>) -> Request {
    let fd = types::Fd(descriptor.as_raw_fd());
    let entry = opcode::Fsync::new(fd).build();
    Request { entry, payload: Payload::Nothing, descriptor: Some(descriptor.clone()) }
}

/// Reserves a range and extends the size over it (mode 0): a direct write beyond the size would be
/// handed to a kernel worker.
pub(super) fn allocate(descriptor: &Rc<OwnedFd>, start: u64, len: u64) -> Request {
    let fd = types::Fd(descriptor.as_raw_fd());
    let entry = opcode::Fallocate::new(fd, len).offset(start).mode(0).build();
    Request { entry, payload: Payload::Nothing, descriptor: Some(descriptor.clone()) }
}

/// Linux 6.9.
pub(super) fn truncate(descriptor: &Rc<OwnedFd>, len: u64) -> Request {
    let fd = types::Fd(descriptor.as_raw_fd());
    let entry = opcode::Ftruncate::new(fd, len).build();
    Request { entry, payload: Payload::Nothing, descriptor: Some(descriptor.clone()) }
}

pub(super) fn open(path: CString, flags: i32) -> Request {
    let here = types::Fd(libc::AT_FDCWD);
    let entry = opcode::OpenAt::new(here, path.as_ptr());
    let entry = entry.flags(flags | libc::O_CLOEXEC).mode(FILE_MODE).build();
    Request { entry, payload: Payload::Open(path), descriptor: None }
}

pub(super) fn rename(from: CString, to: CString) -> Request {
    let here = types::Fd(libc::AT_FDCWD);
    let entry = opcode::RenameAt::new(here, from.as_ptr(), here, to.as_ptr()).build();
    Request { entry, payload: Payload::Paths([from, to]), descriptor: None }
}

pub(super) fn remove_file(path: CString) -> Request {
    let entry = opcode::UnlinkAt::new(types::Fd(libc::AT_FDCWD), path.as_ptr()).build();
    Request { entry, payload: Payload::Path(path), descriptor: None }
}

pub(super) fn remove_dir(path: CString) -> Request {
    let entry = opcode::UnlinkAt::new(types::Fd(libc::AT_FDCWD), path.as_ptr());
    let entry = entry.flags(libc::AT_REMOVEDIR).build();
    Request { entry, payload: Payload::Path(path), descriptor: None }
}

pub(super) fn create_dir(path: CString) -> Request {
    let entry = opcode::MkDirAt::new(types::Fd(libc::AT_FDCWD), path.as_ptr());
    let entry = entry.mode(DIRECTORY_MODE).build();
    Request { entry, payload: Payload::Path(path), descriptor: None }
}

fn length(bytes: usize) -> u32 {
    u32::try_from(bytes).expect("one request moves less than 4 GiB")
}

fn vector_of(piece: &Bytes) -> libc::iovec {
    libc::iovec { iov_base: piece.as_ptr().cast_mut().cast(), iov_len: piece.len() }
}

fn vectors_of(data: &[Bytes]) -> Vec<libc::iovec> {
    data.iter().take(VECTORS_MAX).map(vector_of).collect()
}
