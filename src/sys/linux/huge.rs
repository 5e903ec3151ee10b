//! Huge pages: their sizes, and which memory is in huge pages.

use crate::error::Errno;
use crate::sys::Pages;
use std::fs::File;
use std::io::Error;
use std::ops::Range;
use std::os::fd::AsRawFd;

/// The size of a transparent huge page, in bytes; `None` on a kernel without them.
pub fn transparent_huge_page_size() -> Option<usize> {
    let text = std::fs::read_to_string("/sys/kernel/mm/transparent_hugepage/hpage_pmd_size").ok()?;
    text.trim().parse().ok()
}

/// The sizes of the huge pages for which the kernel has pools, in bytes, ascending.
pub fn huge_page_sizes() -> Vec<usize> {
    let kilobytes = |name: &str| name.strip_prefix("hugepages-")?.strip_suffix("kB")?.parse::<usize>().ok();
    let pools = std::fs::read_dir("/sys/kernel/mm/hugepages").into_iter().flatten().flatten();
    let mut sizes: Vec<_> = pools.filter_map(|pool| kilobytes(pool.file_name().to_str()?)?.checked_mul(1024)).collect();
    sizes.sort_unstable();
    sizes
}

/// Calls `each` with every part of the range that is in huge pages now, transparent or from the pool.
/// ENOTTY before Linux 6.7.
pub fn each_huge_part(pages: &Pages, range: Range<usize>, mut each: impl FnMut(Range<usize>)) -> Result<(), Errno> {
    let pagemap = File::open("/proc/self/pagemap").map_err(errno)?;
    let base = pages.at(0, 0).addr();
    let mut at = range.start;
    while at < range.end {
        let mut found = [Region::default(); 64];
        let (count, end) = scan(&pagemap, base + at..base + range.end, &mut found)?;
        for region in &found[..count] {
            // u64 to usize and back: addresses of this process.
            each(address(region.start) - base..address(region.end) - base);
        }
        at = address(end) - base;
    }
    Ok(())
}

/// `struct page_region` of <linux/fs.h>.
#[repr(C)]
#[derive(Default, Clone, Copy)]
struct Region {
    start: u64,
    end: u64,
    categories: u64,
}

/// `struct pm_scan_arg` of <linux/fs.h>.
#[repr(C)]
#[derive(Default)]
struct Scan {
    size: u64,
    flags: u64,
    start: u64,
    end: u64,
    walk_end: u64,
    found: u64,
    room: u64,
    max_pages: u64,
    category_inverted: u64,
    category_mask: u64,
    category_anyof_mask: u64,
    return_mask: u64,
}

/// Finds huge pages from the start of a range on. Returns the number of regions found, and the address where it stopped.
fn scan(pagemap: &File, range: Range<usize>, found: &mut [Region]) -> Result<(usize, u64), Errno> {
    // In a mapping of the pool, an address without a page can be reported as huge.
    const PRESENT_AND_HUGE: u64 = 1 << 3 | 1 << 6;
    const PAGEMAP_SCAN: libc::Ioctl = libc::_IOWR::<Scan>(b'f' as u32, 16);
    let mut scan = Scan {
        size: size_of::<Scan>() as u64,
        start: range.start as u64,
        end: range.end as u64,
        found: found.as_mut_ptr().expose_provenance() as u64,
        room: found.len() as u64,
        category_mask: PRESENT_AND_HUGE,
        return_mask: PRESENT_AND_HUGE,
        ..Scan::default()
    };
    // SAFETY: the kernel reads and writes one pm_scan_arg, and writes no more regions than there is room for.
    let count = unsafe { libc::ioctl(pagemap.as_raw_fd(), PAGEMAP_SCAN, &raw mut scan) };
    match usize::try_from(count) {
        // Without progress the loop would never end.
        Ok(_) if scan.walk_end <= scan.start => Err(Errno(libc::EIO)),
        Ok(count) => Ok((count.min(found.len()), scan.walk_end)),
        Err(_) => Err(errno(Error::last_os_error())),
    }
}

/// Bytes of the range in huge pages, from /proc/self/smaps, proc_pid_smaps(5), which has a sum per mapping: `None` if a mapping
/// with some huge pages extends beyond the range.
pub fn huge_bytes_by_smaps(pages: &Pages, range: Range<usize>) -> Result<Option<usize>, Errno> {
    let smaps = std::fs::read_to_string("/proc/self/smaps").map_err(errno)?;
    let range = pages.start_of(&range).addr()..pages.start_of(&range).addr() + range.len();
    let mut sum = 0;
    let mut line = 0..0;
    for row in smaps.lines() {
        let mut words = row.split_ascii_whitespace();
        let Some(word) = words.next() else { continue };
        match word {
            "AnonHugePages:" | "ShmemPmdMapped:" | "FilePmdMapped:" | "Shared_Hugetlb:" | "Private_Hugetlb:" => {
                let kibibytes: usize = words.next().and_then(|number| number.parse().ok()).unwrap_or(0);
                let inside = line.start.max(range.start)..line.end.min(range.end);
                match kibibytes * 1024 {
                    0 => {}
                    _ if inside.is_empty() => {}
                    bytes if inside == line => sum += bytes,
                    bytes if bytes == line.len() => sum += inside.len(),
                    _ => return Ok(None),
                }
            }
            _ => line = addresses(word).unwrap_or(line),
        }
    }
    Ok(Some(sum))
}

/// Parses the address range at the start of a line of maps or smaps.
pub(super) fn addresses(word: &str) -> Option<Range<usize>> {
    let (start, end) = word.split_once('-')?;
    Some(usize::from_str_radix(start, 16).ok()?..usize::from_str_radix(end, 16).ok()?)
}

/// Converts an address of this process that the kernel reported.
fn address(value: u64) -> usize {
    usize::try_from(value).expect("an address")
}

fn errno(error: Error) -> Errno {
    Errno(error.raw_os_error().unwrap_or(0))
}
