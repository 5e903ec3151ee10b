//! The expected contents and results of a mapping, computed without the library.

use crate::abi::{mmap_wrap_info as Info, *};
use mmap_wrap::internals::constants::*;
use mmap_wrap::internals::error::*;
use mmap_wrap::internals::range::REST;

/// What is known of a live mapping.
#[derive(Clone, Debug)]
pub struct Known {
    pub handle: i64,
    pub length: i64,
    /// File offset of the first byte.
    pub offset: i64,
    pub acquired: i64,
    pub flags: i64,
    pub kept: bool,
    /// Only the protection can make accesses fault: there is no file behind it that can be truncated.
    pub sound: bool,
    /// Every page may be read and written.
    pub open: bool,
    /// The contents of its whole pages, as long as they are known.
    pub bytes: Option<Vec<u8>>,
    /// It may have a pending loss.
    pub surviving: bool,
    /// A forked child may not inherit it.
    pub unforked: bool,
    /// Protection and advice have not changed since it was mapped: its bytes can be read at its address.
    pub pristine: bool,
    pub sealed: bool,
}

/// The results that a call may return.
#[derive(Debug, Default)]
pub struct Expected {
    /// Codes of invalid arguments: if there are any, the result is one of them.
    pub errors: Vec<i64>,
    /// The result otherwise, if it is known.
    pub result: Option<i64>,
    /// Codes that are possible in any case.
    pub allowed: Vec<i64>,
    /// -errno is possible in any case.
    pub system: bool,
}

pub fn page() -> i64 {
    crate::abi::mmap_wrap_page_size()
}

pub fn rounded(bytes: i64) -> i64 {
    (bytes + page() - 1) / page() * page()
}

pub fn in_memory(bytes: i64) -> usize {
    usize::try_from(bytes).unwrap_or(0)
}

/// Queries the library; none if the handle is not that of a live mapping.
pub fn info(handle: i64) -> Option<Info> {
    let mut info = std::mem::MaybeUninit::<Info>::zeroed();
    let size = i64::try_from(size_of::<Info>()).expect("a small struct");
    // SAFETY: a struct of integers, for which zeros are valid.
    (mmap_wrap_info(handle, info.as_mut_ptr(), size) == 0).then(|| unsafe { info.assume_init() })
}

/// What a failure does not change: everything but the pending loss, which is reported once.
pub fn unchanged(handle: i64) -> Option<[i64; 12]> {
    info(handle).map(|f| {
        let status = [f.keeps_file, f.sealed, f.acquired, f.surviving, f.source];
        let pages = [f.length, f.mapped, f.address, f.page_size, f.protection, f.flags, f.offset];
        std::array::from_fn(|i| if i < 7 { pages[i] } else { status[i - 7] })
    })
}

impl Known {
    /// A new mapping; `fresh` memory reads zero, and nothing else uses it.
    pub fn new(handle: i64, fresh: bool) -> Known {
        let info = info(handle).expect("a handle that was just given out is live");
        let anonymous = info.flags & MAP_ANONYMOUS != 0;
        let usual = info.page_size == page() && info.flags & MAP_TYPE != MAP_DROPPABLE && info.length <= 1 << 20;
        let sound = (anonymous || fresh) && usual;
        Known {
            handle,
            length: info.length,
            offset: info.offset,
            acquired: info.acquired,
            flags: info.flags,
            kept: info.keeps_file != 0,
            sound,
            open: info.protection & PROT_READ != 0 && info.protection & PROT_WRITE != 0,
            bytes: sound.then(|| vec![0; in_memory(rounded(info.length))]),
            surviving: info.surviving != 0,
            unforked: false,
            pristine: info.protection & PROT_READ != 0 && info.length <= 1 << 20,
            sealed: info.sealed != 0,
        }
    }

    /// Forgets the contents and properties: other threads may have changed them.
    pub fn forget(&mut self) {
        self.bytes = None;
        self.sound = false;
        self.pristine = false;
    }

    pub fn is_anonymous(&self) -> bool {
        self.flags & MAP_ANONYMOUS != 0
    }

    pub fn is_shared(&self) -> bool {
        matches!(self.flags & MAP_TYPE, MAP_SHARED | MAP_SHARED_VALIDATE)
    }

    /// How many bytes a range has, or none if it is not inside.
    pub fn span(&self, offset: i64, size: i64) -> Option<i64> {
        let left = i128::from(self.length) - i128::from(offset);
        let inside = offset >= 0 && left >= 0;
        match size {
            REST if inside => i64::try_from(left).ok(),
            size if inside && size >= 0 && i128::from(size) <= left => Some(size),
            _ => None,
        }
    }

    /// The part from `start` to `end`.
    pub fn part(&self, start: i64, end: i64) -> Option<std::ops::Range<usize>> {
        let end = if end == REST { self.length } else { end };
        let ordered = 0 <= start && start <= end && end <= self.length;
        ordered.then(|| in_memory(start)..in_memory(end))
    }

    pub fn covers_all(&self, offset: i64, size: i64) -> bool {
        offset == 0 && self.span(offset, size).is_some_and(|size| rounded(size) == rounded(self.length))
    }

    fn access(&self, errors: Vec<i64>, result: i64) -> Expected {
        let mut expected = Expected { errors, result: Some(result), ..Expected::default() };
        if !(self.sound && self.open) {
            expected.allowed = vec![MMAP_WRAP_E_FAULT];
        }
        expected
    }

    fn range(&self, offset: i64, size: i64) -> Vec<i64> {
        if self.span(offset, size).is_none() { vec![MMAP_WRAP_E_RANGE] } else { Vec::new() }
    }

    /// As `range`, and its start, or both ends, must be on page boundaries or at the ends of the mapping.
    fn aligned(&self, offset: i64, size: i64, both_ends: bool) -> Vec<i64> {
        let Some(size) = self.span(offset, size) else { return vec![MMAP_WRAP_E_RANGE] };
        let end = offset + size;
        let on_border = |place: i64| (self.offset % page() + place) % page() == 0;
        let aligned = (offset == 0 || on_border(offset)) && (!both_ends || end == self.length || on_border(end));
        if !aligned && size > 0 { vec![MMAP_WRAP_E_ALIGNMENT] } else { Vec::new() }
    }

    /// The results that a call on this mapping may return.
    pub fn expects(&self, name: &str, a: &[i64]) -> Expected {
        let unknown_bits = |group, value: i64| if value & !bits(group) != 0 { vec![MMAP_WRAP_E_ARGUMENT] } else { Vec::new() };
        let system = |errors| Expected { errors, system: true, ..Expected::default() };
        match name {
            "munmap_wrap" if self.acquired > 0 && !self.sealed => failure(MMAP_WRAP_E_BUSY),
            "munmap_wrap" if self.sealed => failure(MMAP_WRAP_E_SEALED),
            "munmap_wrap" => exactly(1),
            "mmap_wrap_length" => exactly(self.length),
            "mmap_wrap_release" if self.acquired == 0 => failure(MMAP_WRAP_E_ARGUMENT),
            "mmap_wrap_release" => exactly(self.acquired - 1),
            "mmap_wrap_read" | "mmap_wrap_write" => self.access([buffer(a[2], a[3]), self.range(a[1], a[3])].concat(), a[3]),
            "mmap_wrap_fill" => {
                let no_byte = if (0..256).contains(&a[2]) { vec![] } else { vec![MMAP_WRAP_E_ARGUMENT] };
                self.access([no_byte, self.range(a[1], a[3])].concat(), self.span(a[1], a[3]).unwrap_or(0))
            }
            "mmap_wrap_move" => {
                let size = self.span(a[2], a[3]);
                let target = size.map_or(vec![], |size| self.range(a[1], size));
                self.access([self.range(a[2], a[3]), target].concat(), size.unwrap_or(0))
            }
            "mmap_wrap_find" | "mmap_wrap_rfind" => self.finds(name == "mmap_wrap_rfind", a),
            "mprotect_wrap" => {
                let expected = system([unknown_bits(Group::Protection, a[1]), self.aligned(a[2], a[3], false)].concat());
                let usual = a[1] & !(PROT_READ | PROT_WRITE | PROT_EXEC) == 0 && self.is_anonymous() && !self.sealed;
                let allowed = if self.sealed { vec![MMAP_WRAP_E_SEALED] } else { vec![] };
                Expected { result: Some(0), system: !usual, allowed, ..expected }
            }
            "madvise_wrap" => {
                let known = CONSTANTS
                    .iter()
                    .find(|constant| constant.value == Some(a[1]) && matches!(constant.group, Group::Advice | Group::Discarding));
                let errors = match known {
                    None => vec![MMAP_WRAP_E_ARGUMENT],
                    Some(advice) if advice.group == Group::Discarding => self.aligned(a[2], a[3], true),
                    Some(_) => self.range(a[2], a[3]),
                };
                Expected { result: Some(0), allowed: self.if_sealed(), ..system(errors) }
            }
            "msync_wrap" => {
                let both = a[1] & MS_SYNC != 0 && a[1] & MS_ASYNC != 0;
                let calm = self.is_anonymous() && a[1] & MS_INVALIDATE == 0 && !both;
                let errors = [unknown_bits(Group::SyncFlag, a[1]), self.range(a[2], a[3])].concat();
                Expected { result: Some(0), system: !calm, ..system(errors) }
            }
            "mmap_wrap_guard" => {
                Expected { result: Some(0), allowed: self.if_sealed(), ..system(self.aligned(a[2], a[3], true)) }
            }
            "mseal_wrap" => {
                // It was made surviving, and another thread may have ended that.
                let promised = if self.surviving { vec![MMAP_WRAP_E_ARGUMENT] } else { vec![] };
                let allowed = [promised, vec![MMAP_WRAP_E_UNSUPPORTED]].concat();
                Expected { result: Some(0), allowed, ..system(self.range(a[1], a[2])) }
            }
            "mmap_wrap_split" | "mremap_wrap" if self.acquired > 0 => failure(MMAP_WRAP_E_BUSY),
            "mmap_wrap_split" => {
                let nothing = a[1] == 0 || a[1] == self.length;
                let errors = if nothing { vec![MMAP_WRAP_E_ARGUMENT] } else { self.aligned(a[1], REST, false) };
                system(errors)
            }
            "mremap_wrap" => self.resizes(a),
            "mmap_wrap_dup_fd" if !self.kept => failure(MMAP_WRAP_E_ARGUMENT),
            "mmap_wrap_file_seals" | "mmap_wrap_add_file_seals" if !self.kept => failure(MMAP_WRAP_E_ARGUMENT),
            "mmap_wrap_add_file_seals" => Expected { result: Some(0), ..system(unknown_bits(Group::Seal, a[1])) },
            "mmap_wrap_info" => {
                let fits = a[1] != 0 && a[2] > 0 && a[2] % 8 == 0;
                let errors = if fits { vec![] } else { vec![MMAP_WRAP_E_ARGUMENT, MMAP_WRAP_E_RANGE] };
                Expected { errors, result: Some(0), ..Expected::default() }
            }
            "mmap_wrap_survive" => Expected { result: Some(0), allowed: vec![MMAP_WRAP_E_UNSUPPORTED], ..Expected::default() },
            "mmap_wrap_set_name" => Expected { result: Some(0), allowed: vec![MMAP_WRAP_E_UNSUPPORTED], ..system(vec![]) },
            "mmap_wrap_check" => {
                let result = self.span(a[1], a[2]);
                Expected { errors: self.range(a[1], a[2]), result, ..Expected::default() }
            }
            "mmap_wrap_count" => {
                let errors = if self.part(a[3], a[4]).is_none() { vec![MMAP_WRAP_E_RANGE] } else { vec![] };
                Expected { result: None, ..self.access([buffer(a[1], a[2]), errors].concat(), 0) }
            }
            "mmap_wrap_resident_bytes"
            | "mmap_wrap_huge_bytes"
            | "mmap_wrap_prefault"
            | "mmap_wrap_page_out"
            | "mlock_wrap"
            | "munlock_wrap" => {
                let [offset, size] = [a[a.len() - 2], a[a.len() - 1]];
                let own = [MMAP_WRAP_E_FAULT, MMAP_WRAP_E_UNSUPPORTED, MMAP_WRAP_E_SEALED];
                // Either of two faults may be reported.
                let flags = if name == "mlock_wrap" && a[1] & !MLOCK_ONFAULT != 0 { vec![MMAP_WRAP_E_ARGUMENT] } else { vec![] };
                Expected { allowed: own.to_vec(), ..system([flags, self.range(offset, size)].concat()) }
            }
            // Their errors have their own tests.
            _ => {
                let own = [
                    MMAP_WRAP_E_ARGUMENT,
                    MMAP_WRAP_E_RANGE,
                    MMAP_WRAP_E_ALIGNMENT,
                    MMAP_WRAP_E_FAULT,
                    MMAP_WRAP_E_UNSUPPORTED,
                    MMAP_WRAP_E_UNMAPPED,
                    MMAP_WRAP_E_HANDLE,
                ];
                let asks_only = ["mmap_wrap_address", "mmap_wrap_acquire", "mmap_wrap_loss_flag"].contains(&name);
                Expected { allowed: if asks_only { vec![] } else { own.to_vec() }, ..system(vec![]) }
            }
        }
    }

    fn if_sealed(&self) -> Vec<i64> {
        if self.sealed { vec![MMAP_WRAP_E_SEALED] } else { Vec::new() }
    }

    fn finds(&self, last: bool, a: &[i64]) -> Expected {
        let Some(part) = self.part(a[3], a[4]) else {
            return Expected { errors: [buffer(a[1], a[2]), vec![MMAP_WRAP_E_RANGE]].concat(), ..Expected::default() };
        };
        let mut expected = self.access(buffer(a[1], a[2]), 0);
        expected.result = None;
        expected.allowed.push(MMAP_WRAP_E_NOT_FOUND);
        if let (Some(bytes), true) = (&self.bytes, expected.errors.is_empty()) {
            let needle = bytes_at(a[1], a[2]);
            let windows = || (part.start..=part.end).filter(|at| at + needle.len() <= part.end);
            let found = |at: &usize| bytes[*at..].starts_with(needle);
            let at = if last { windows().rev().find(found) } else { windows().find(found) };
            expected.result = Some(at.map_or(MMAP_WRAP_E_NOT_FOUND, |at| i64::try_from(at).expect("within a mapping")));
            expected.allowed.retain(|code| *code != MMAP_WRAP_E_NOT_FOUND);
        }
        expected
    }

    fn resizes(&self, a: &[i64]) -> Expected {
        let mut errors = Vec::new();
        // With MREMAP_DONTUNMAP no size changes, so the file does not matter.
        let asks_file = a[1] == REST || a[4] != 0;
        let asks_in_vain = a[4] != 0 && a[2] & MREMAP_DONTUNMAP != 0;
        if a[1] == 0 || a[2] & !bits(Group::RemapFlag) != 0 || asks_file && !self.kept || asks_in_vain {
            errors.push(MMAP_WRAP_E_ARGUMENT);
        }
        if a[1] < 0 && a[1] != REST {
            errors.push(MMAP_WRAP_E_RANGE);
        }
        let own = [MMAP_WRAP_E_ARGUMENT, MMAP_WRAP_E_RANGE, MMAP_WRAP_E_ALIGNMENT, MMAP_WRAP_E_UNSUPPORTED, MMAP_WRAP_E_SEALED];
        if !errors.is_empty() {
            // Another error may be reported first.
            errors.extend(own);
        }
        Expected { errors, allowed: own.to_vec(), system: true, result: None }
    }
}

fn exactly(result: i64) -> Expected {
    Expected { result: Some(result), ..Expected::default() }
}

pub fn failure(code: i64) -> Expected {
    Expected { errors: vec![code], ..Expected::default() }
}

fn buffer(at: i64, size: i64) -> Vec<i64> {
    match size {
        0 => Vec::new(),
        1.. if at != 0 => Vec::new(),
        1.. => vec![MMAP_WRAP_E_ARGUMENT],
        _ => vec![MMAP_WRAP_E_RANGE],
    }
}

/// The scene's buffer, as passed to a call.
pub fn bytes_at<'a>(at: i64, size: i64) -> &'a [u8] {
    if size <= 0 {
        return &[];
    }
    // SAFETY: the scene passes sizes beyond its buffers only with NULL, and this is not called for those.
    unsafe { std::slice::from_raw_parts(std::ptr::with_exposed_provenance(in_memory(at)), in_memory(size)) }
}

impl Expected {
    pub fn agrees(&self, result: i64) -> bool {
        if !self.errors.is_empty() {
            return self.errors.contains(&result);
        }
        if self.allowed.contains(&result) || self.system && (-4095..0).contains(&result) {
            return true;
        }
        self.result.map_or(result >= 0, |expected| expected == result)
    }
}
