//! The kinds of elements: type, width and byte order of a number in a mapping.

use crate::error::{Error, Result};

/// Kind of an element: a signed integer of 8 bits. The low four bits of every kind are its width in bytes.
pub const MMAP_WRAP_I8: i64 = 0x11;
/// An unsigned integer of 8 bits.
pub const MMAP_WRAP_U8: i64 = 0x21;
/// A signed integer of 16 bits.
pub const MMAP_WRAP_I16: i64 = 0x12;
/// An unsigned integer of 16 bits.
pub const MMAP_WRAP_U16: i64 = 0x22;
/// A signed integer of 32 bits.
pub const MMAP_WRAP_I32: i64 = 0x14;
/// An unsigned integer of 32 bits.
pub const MMAP_WRAP_U32: i64 = 0x24;
/// A signed integer of 64 bits.
pub const MMAP_WRAP_I64: i64 = 0x18;
/// An unsigned integer of 64 bits.
pub const MMAP_WRAP_U64: i64 = 0x28;
/// A float of 32 bits.
pub const MMAP_WRAP_F32: i64 = 0x34;
/// A float of 64 bits.
pub const MMAP_WRAP_F64: i64 = 0x38;
/// Combined with a kind (by |): little-endian, on any machine.
pub const MMAP_WRAP_LITTLE_ENDIAN: i64 = 0x100;
/// Combined with a kind (by |): big-endian, on any machine.
pub const MMAP_WRAP_BIG_ENDIAN: i64 = 0x200;

/// All kinds, one bit each.
const KINDS: u64 = {
    let signed = 1 << MMAP_WRAP_I8 | 1 << MMAP_WRAP_I16 | 1 << MMAP_WRAP_I32 | 1 << MMAP_WRAP_I64;
    let unsigned = 1 << MMAP_WRAP_U8 | 1 << MMAP_WRAP_U16 | 1 << MMAP_WRAP_U32 | 1 << MMAP_WRAP_U64;
    signed | unsigned | 1 << MMAP_WRAP_F32 | 1 << MMAP_WRAP_F64
};
const ANY_KIND: i64 = 0x3F;
const WIDTH: i64 = 0xF;

/// The kind of an element: its type and its byte order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ElementKind {
    /// One of the constants above.
    kind: i64,
    /// The byte order is not the machine's.
    swapped: bool,
}

/// What the bits of a number mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Number {
    /// An integer, negative ones in two's complement.
    Signed,
    /// An integer without a sign.
    Unsigned,
    /// A float of IEEE 754.
    Float,
}

impl ElementKind {
    /// The kind for a caller's number.
    ///
    /// ```
    /// use mmap_wrap::internals::mapping::{ElementKind, MMAP_WRAP_BIG_ENDIAN, MMAP_WRAP_U16};
    /// assert_eq!(ElementKind::new(MMAP_WRAP_U16 | MMAP_WRAP_BIG_ENDIAN)?.width(), 2);
    /// assert!(ElementKind::new(2).is_err());
    /// # Ok::<(), Box<mmap_wrap::internals::Error>>(())
    /// ```
    #[inline]
    pub fn new(number: i64) -> Result<ElementKind> {
        let kind = number & ANY_KIND;
        let swapped = match number & !ANY_KIND {
            0 => false,
            MMAP_WRAP_LITTLE_ENDIAN => cfg!(target_endian = "big"),
            MMAP_WRAP_BIG_ENDIAN => cfg!(target_endian = "little"),
            _ => return Err(unknown_kind(number)),
        };
        if KINDS >> kind & 1 == 0 {
            return Err(unknown_kind(number));
        }
        Ok(ElementKind { kind, swapped })
    }

    /// Bytes in a number of this kind.
    #[inline]
    pub fn width(self) -> usize {
        usize::try_from(self.kind & WIDTH).unwrap_or(8)
    }

    #[inline]
    /// What its bits mean.
    pub fn number(self) -> Number {
        match self.kind & !WIDTH {
            0x10 => Number::Signed,
            0x20 => Number::Unsigned,
            _ => Number::Float,
        }
    }

    /// How many of 64 bits a number of this kind does not use.
    #[inline]
    pub(super) fn spare_bits(self) -> usize {
        64 - 8 * self.width()
    }

    /// Converts from the byte order in memory to the machine's, and back.
    #[inline]
    pub(super) fn in_order(self, bits: u64) -> u64 {
        if self.swapped { bits.swap_bytes() >> self.spare_bits() } else { bits }
    }

    /// The least and the greatest integer of this kind.
    pub(super) fn limits(self) -> (i128, i128) {
        match self.number() {
            Number::Signed => (-1 << (8 * self.width() - 1), (1 << (8 * self.width() - 1)) - 1),
            _ => (0, (1 << (8 * self.width())) - 1),
        }
    }
}

/// In words, for messages: each language has its own names for the constants.
impl std::fmt::Display for ElementKind {
    fn fmt(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        let number = match self.number() {
            Number::Signed => "a signed integer",
            Number::Unsigned => "an unsigned integer",
            Number::Float => "a float",
        };
        write!(f, "{number} of {} bits", 8 * self.width())
    }
}

#[cold]
fn unknown_kind(kind: i64) -> Box<Error> {
    Error::argument(format!(
        "{kind:#x} is not an element kind: an integer of 8 to 64 bits, signed or unsigned, or a float of 32 or 64 bits, in one order of bytes at most"
    ))
}
