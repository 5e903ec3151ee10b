//! The caller's memory, on the other side of a copy. A C caller guarantees nothing about it, so it is read and written only by
//! accesses whose faults are repaired, like mapped memory.

use std::marker::PhantomData;
use std::mem::MaybeUninit;

/// The caller's bytes that are read.
#[derive(Debug, Clone, Copy)]
pub struct Bytes<'a> {
    start: *const u8,
    size: usize,
    _lifetime: PhantomData<&'a [u8]>,
}

/// The caller's bytes that are written. They need not be initialised.
#[derive(Debug)]
pub struct Room<'a> {
    start: *mut u8,
    size: usize,
    _lifetime: PhantomData<&'a mut [u8]>,
}

impl Bytes<'_> {
    /// `size` bytes at `start`, which may be unmapped or protected: an access then fails with EFAULT.
    ///
    /// # Safety
    /// The memory, as far as it is mapped, may be read until `'a` ends.
    pub unsafe fn from_raw(start: *const u8, size: usize) -> Self {
        Bytes { start, size, _lifetime: PhantomData }
    }

    /// The first byte's address.
    #[inline]
    pub fn start(&self) -> *const u8 {
        self.start
    }

    /// Number of bytes.
    #[inline]
    pub fn size(&self) -> usize {
        self.size
    }
}

impl Room<'_> {
    /// Room for `size` bytes at `start`, which may be unmapped or protected: an access then fails with EFAULT.
    ///
    /// # Safety
    /// The memory, as far as it is mapped, may be written until `'a` ends.
    pub unsafe fn from_raw(start: *mut u8, size: usize) -> Self {
        Room { start, size, _lifetime: PhantomData }
    }

    /// The first byte's address.
    #[inline]
    pub fn start(&self) -> *mut u8 {
        self.start
    }

    /// Number of bytes.
    #[inline]
    pub fn size(&self) -> usize {
        self.size
    }
}

impl<'a> From<&'a [u8]> for Bytes<'a> {
    #[inline]
    fn from(bytes: &'a [u8]) -> Self {
        Bytes { start: bytes.as_ptr(), size: bytes.len(), _lifetime: PhantomData }
    }
}

impl<'a, const SIZE: usize> From<&'a [u8; SIZE]> for Bytes<'a> {
    #[inline]
    fn from(bytes: &'a [u8; SIZE]) -> Self {
        bytes.as_slice().into()
    }
}

impl<'a> From<&'a Vec<u8>> for Bytes<'a> {
    fn from(bytes: &'a Vec<u8>) -> Self {
        bytes.as_slice().into()
    }
}

impl<'a> From<&'a mut [MaybeUninit<u8>]> for Room<'a> {
    #[inline]
    fn from(room: &'a mut [MaybeUninit<u8>]) -> Self {
        Room { start: room.as_mut_ptr().cast(), size: room.len(), _lifetime: PhantomData }
    }
}

impl<'a> From<&'a mut [u8]> for Room<'a> {
    #[inline]
    fn from(room: &'a mut [u8]) -> Self {
        Room { start: room.as_mut_ptr(), size: room.len(), _lifetime: PhantomData }
    }
}

impl<'a, const SIZE: usize> From<&'a mut [MaybeUninit<u8>; SIZE]> for Room<'a> {
    #[inline]
    fn from(room: &'a mut [MaybeUninit<u8>; SIZE]) -> Self {
        room.as_mut_slice().into()
    }
}
