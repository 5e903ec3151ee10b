//! The mapping at an address: by PROCMAP_QUERY on /proc/self/maps, or, before Linux 6.11, from its text.

use super::super::unix;
use super::super::unix::{check, last_errno};
use super::huge::addresses;
use crate::error::Errno;
use std::ffi::c_int;
use std::ops::Range;
use std::os::fd::{AsRawFd, OwnedFd};

/// A virtual memory area, as in proc_pid_maps(5).
pub struct Vma {
    pub range: Range<usize>,
    pub readable: bool,
    pub writable: bool,
    pub executable: bool,
    pub shared: bool,
    /// Bytes in a page; `None` if the kernel does not report it.
    pub page: Option<usize>,
    /// The file offset of the first byte.
    pub offset: u64,
    /// The device of the file system, major and minor, and the inode in it. All zero without a file.
    pub device: (u32, u32),
    pub inode: u64,
    /// The path of the file, or a name that the kernel gives. Empty if there is none, or if it is too long.
    pub path: Vec<u8>,
}

/// The longest path that the kernel reports, with its NUL.
const LONGEST_PATH: usize = 4096;

/// The area that contains an address; `Ok(None)` if nothing is mapped. The descriptor is closed after each call: after a fork
/// it would refer to the memory of the parent.
pub fn at(address: usize) -> Result<Option<Vma>, Errno> {
    let maps = unix::open(c"/proc/self/maps", libc::O_RDONLY, 0)?;
    match query(&maps, address) {
        Err(Errno(libc::ENOTTY)) => search(&maps, address),
        found => found,
    }
}

/// The protection at an address (PROT_READ, PROT_WRITE and PROT_EXEC), and the end of the area.
pub fn protection(address: usize) -> Option<(c_int, usize)> {
    let vma = at(address).ok()??;
    let allowed = [(vma.readable, libc::PROT_READ), (vma.writable, libc::PROT_WRITE), (vma.executable, libc::PROT_EXEC)];
    let prot = allowed.iter().filter(|(has, _)| *has).fold(libc::PROT_NONE, |prot, (_, bit)| prot | bit);
    Some((prot, vma.range.end))
}

/// `struct procmap_query` of <linux/fs.h>.
#[repr(C)]
#[derive(Default)]
struct Query {
    size: u64,
    flags: u64,
    address: u64,
    start: u64,
    end: u64,
    vma_flags: u64,
    page: u64,
    offset: u64,
    inode: u64,
    major: u32,
    minor: u32,
    name_size: u32,
    build_id_size: u32,
    name: u64,
    build_id: u64,
}

fn query(maps: &OwnedFd, address: usize) -> Result<Option<Vma>, Errno> {
    const PROCMAP_QUERY: libc::Ioctl = libc::_IOWR::<Query>(b'f' as u32, 17);
    const READABLE: u64 = 1;
    const WRITABLE: u64 = 1 << 1;
    const EXECUTABLE: u64 = 1 << 2;
    const SHARED: u64 = 1 << 3;
    let mut path = room(LONGEST_PATH)?;
    let mut query = Query {
        size: size_of::<Query>() as u64,
        address: address as u64,
        name_size: u32::try_from(path.len()).unwrap_or(0),
        name: path.as_mut_ptr().expose_provenance() as u64,
        ..Query::default()
    };
    // SAFETY: the kernel reads and writes one procmap_query, and no more of the path than there is room for.
    let send = |query: &mut Query| check(unsafe { libc::ioctl(maps.as_raw_fd(), PROCMAP_QUERY, query) });
    let mut outcome = send(&mut query);
    if outcome == Err(Errno(libc::ENAMETOOLONG)) {
        (query.name_size, query.name) = (0, 0);
        outcome = send(&mut query);
    }
    match outcome {
        Ok(()) => {}
        Err(Errno(libc::ENOENT)) => return Ok(None),
        Err(errno) => return Err(errno),
    }
    // The size counts the NUL.
    path.truncate((query.name_size as usize).saturating_sub(1));
    let has = |flag| query.vma_flags & flag != 0;
    Ok(Some(Vma {
        range: here(query.start)?..here(query.end)?,
        readable: has(READABLE),
        writable: has(WRITABLE),
        executable: has(EXECUTABLE),
        shared: has(SHARED),
        page: Some(here(query.page)?),
        offset: query.offset,
        device: (query.major, query.minor),
        inode: query.inode,
        path,
    }))
}

/// Converts an address or size of this process.
fn here(value: u64) -> Result<usize, Errno> {
    usize::try_from(value).map_err(|_| Errno(libc::EOVERFLOW))
}

/// Searches the text, which is read in parts.
fn search(maps: &OwnedFd, address: usize) -> Result<Option<Vma>, Errno> {
    // A newline in a path is written as four characters: the buffer has room for any line.
    let mut text = room(8 * LONGEST_PATH)?;
    let mut held = 0;
    loop {
        let more = read(maps, &mut text[held..])?;
        held += more;
        let mut start = 0;
        while let Some(length) = text[start..held].iter().position(|byte| *byte == b'\n') {
            if let Some(vma) = parse(&text[start..start + length], address) {
                return Ok(Some(vma));
            }
            start += length + 1;
        }
        match more {
            0 if held == 0 => return Ok(None),
            // A line without a newline, or longer than any that the kernel writes.
            0 => return Err(Errno(libc::EIO)),
            _ => text.copy_within(start..held, 0),
        }
        held -= start;
    }
}

/// Zeroed bytes, or ENOMEM: callers may be out of memory.
fn room(size: usize) -> Result<Vec<u8>, Errno> {
    let mut bytes = Vec::new();
    bytes.try_reserve_exact(size).map_err(|_| Errno(libc::ENOMEM))?;
    bytes.resize(size, 0);
    Ok(bytes)
}

fn read(file: &OwnedFd, to: &mut [u8]) -> Result<usize, Errno> {
    loop {
        // SAFETY: the kernel writes no more bytes than `to` has.
        match usize::try_from(unsafe { libc::read(file.as_raw_fd(), to.as_mut_ptr().cast(), to.len()) }) {
            Ok(count) => return Ok(count),
            Err(_) if last_errno() == Errno(libc::EINTR) => {}
            Err(_) => return Err(last_errno()),
        }
    }
}

/// Parses a line; `None` if its area does not contain the address.
fn parse(line: &[u8], address: usize) -> Option<Vma> {
    let mut fields = line.splitn(6, |byte| *byte == b' ');
    let mut field = || std::str::from_utf8(fields.next()?).ok();
    let range = addresses(field()?)?;
    if !range.contains(&address) {
        return None;
    }
    let permissions = field()?;
    let has = |letter| permissions.contains(letter);
    let offset = u64::from_str_radix(field()?, 16).ok()?;
    let (major, minor) = field()?.split_once(':')?;
    let device = (u32::from_str_radix(major, 16).ok()?, u32::from_str_radix(minor, 16).ok()?);
    let inode = field()?.parse().ok()?;
    let text = fields.next().unwrap_or_default().trim_ascii_start();
    let mut path = room(text.len()).ok()?;
    path.copy_from_slice(text);
    let (readable, writable, executable) = (has('r'), has('w'), has('x'));
    Some(Vma { range, readable, writable, executable, shared: has('s'), page: None, offset, device, inode, path })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;
    use std::os::fd::AsRawFd;

    /// The results of both ways; `None` if the kernel lacks the query.
    fn both(address: usize) -> Option<(Option<Vma>, Option<Vma>)> {
        let maps = unix::open(c"/proc/self/maps", libc::O_RDONLY, 0).unwrap();
        match query(&maps, address) {
            Err(Errno(libc::ENOTTY)) => {
                println!("skipped: no PROCMAP_QUERY on this kernel");
                None
            }
            found => Some((found.unwrap(), search(&maps, address).unwrap())),
        }
    }

    #[test]
    fn the_text_reports_the_same_as_the_query() {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(&[1; 100]).unwrap();
        let page = super::super::super::page_size();
        for (prot, flags, fd, offset) in [
            (libc::PROT_READ, libc::MAP_SHARED, file.as_raw_fd(), 0),
            (libc::PROT_READ | libc::PROT_WRITE, libc::MAP_PRIVATE, file.as_raw_fd(), page as u64),
            (libc::PROT_NONE, libc::MAP_PRIVATE | libc::MAP_ANONYMOUS, -1, 0),
            (libc::PROT_READ | libc::PROT_EXEC, libc::MAP_PRIVATE | libc::MAP_ANONYMOUS, -1, 0),
            (libc::PROT_WRITE, libc::MAP_SHARED | libc::MAP_ANONYMOUS, -1, 0),
        ] {
            let pages = super::super::super::Pages::map(0, 3 * page, prot, flags, fd, offset).unwrap();
            let address = pages.base().addr().get() + 2 * page + 1;
            let Some((Some(query), Some(text))) = both(address) else { return };
            for vma in [&query, &text] {
                assert!(vma.range.contains(&address));
                assert_eq!(vma.writable, prot & libc::PROT_WRITE != 0);
                assert_eq!(vma.readable, prot & libc::PROT_READ != 0);
                assert_eq!(vma.executable, prot & libc::PROT_EXEC != 0);
                assert_eq!(vma.shared, flags & libc::MAP_SHARED != 0);
                assert_eq!(vma.path.ends_with(file.path().as_os_str().as_encoded_bytes()), fd >= 0);
            }
            assert_eq!((query.page, text.page), (Some(page), None));
            assert_eq!((query.offset, query.device, query.inode), (text.offset, text.device, text.inode));
            if fd >= 0 {
                assert_eq!(query.offset + (address - query.range.start) as u64, offset + 2 * page as u64 + 1);
            }
        }
    }

    #[test]
    fn nothing_is_mapped_at_the_lowest_and_the_highest_address() {
        for address in [0, usize::MAX & !4095] {
            let Some(found) = both(address) else { return };
            assert!(matches!(found, (None, None)), "{address:#x}");
        }
    }
}
