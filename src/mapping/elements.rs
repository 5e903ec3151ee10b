//! Elements: one number at any offset, in either byte order.

use super::element_kind::Number;
use super::{ElementKind, Mapping, from_bits, to_bits, to_i64};
use crate::error::{Error, Result};
use crate::guarded;

impl Mapping {
    /// The bits of the number at `offset`, in the low bytes of the result; the other bytes are zero.
    ///
    /// ```
    /// # use mmap_wrap::internals::{Mapping, constants::*, mapping::*};
    /// # let memory = Mapping::anonymous(9, PROT_READ | PROT_WRITE, MAP_PRIVATE)?;
    /// let kind = ElementKind::new(MMAP_WRAP_U16 | MMAP_WRAP_BIG_ENDIAN)?;
    /// memory.put(kind, 7, 0x1234)?;
    /// assert_eq!((memory.get(kind, 7)?, memory.find(b"\x12\x34", 0, 9)?), (0x1234, 7));
    /// # Ok::<(), Box<mmap_wrap::internals::Error>>(())
    /// ```
    #[inline(always)]
    pub fn get(&self, kind: ElementKind, offset: i64) -> Result<u64> {
        let span = self.span(offset, to_i64(kind.width()))?;
        let bits = guarded::get(&self.pages, span.bytes(self.grid).start, kind.width());
        bits.map(|bits| kind.in_order(bits)).map_err(|fault| self.fault(fault, span))
    }

    /// Stores the low bits of `bits` as the number at `offset`.
    #[inline(always)]
    pub fn put(&self, kind: ElementKind, offset: i64, bits: u64) -> Result<()> {
        let span = self.span(offset, to_i64(kind.width()))?;
        let done = guarded::put(&self.pages, span.bytes(self.grid).start, kind.width(), kind.in_order(bits));
        done.map_err(|fault| self.fault(fault, span))
    }

    /// The integer at `offset`; `kind` is one of the MMAP_WRAP_ constants. An unsigned integer of 64 bits is returned as the
    /// signed one with the same bits.
    ///
    /// ```
    /// # use mmap_wrap::internals::{Mapping, constants::*, mapping::*};
    /// # let memory = Mapping::anonymous(9, PROT_READ | PROT_WRITE, MAP_PRIVATE)?;
    /// memory.put_int(MMAP_WRAP_I16, 7, -2)?;
    /// assert_eq!(memory.get_int(MMAP_WRAP_I16, 7)?, -2);
    /// assert_eq!(memory.get_int(MMAP_WRAP_U16, 7)?, 65534);
    /// assert!(memory.put_int(MMAP_WRAP_U16, 7, -2).is_err());
    /// # Ok::<(), Box<mmap_wrap::internals::Error>>(())
    /// ```
    #[inline]
    pub fn get_int(&self, kind: i64, offset: i64) -> Result<i64> {
        let kind = integer(kind)?;
        let bits = self.get(kind, offset)?;
        Ok(match kind.number() {
            Number::Signed => from_bits(bits << kind.spare_bits()) >> kind.spare_bits(),
            _ => from_bits(bits),
        })
    }

    /// Stores the integer at `offset`. An integer that does not fit the kind is an error; an unsigned kind of 64 bits takes any
    /// bits.
    #[inline]
    pub fn put_int(&self, kind: i64, offset: i64, value: i64) -> Result<()> {
        let kind = integer(kind)?;
        let spare = kind.spare_bits();
        let kept = match kind.number() {
            Number::Signed => value << spare >> spare,
            _ => from_bits(to_bits(value) << spare >> spare),
        };
        if kept != value {
            return Err(does_not_fit(kind, value));
        }
        self.put(kind, offset, to_bits(value))
    }

    /// The float at `offset`.
    ///
    /// ```
    /// # use mmap_wrap::internals::{Mapping, constants::*, mapping::*};
    /// # let memory = Mapping::anonymous(9, PROT_READ | PROT_WRITE, MAP_PRIVATE)?;
    /// memory.put_float(MMAP_WRAP_F32, 5, 0.1)?;
    /// assert_eq!(memory.get_float(MMAP_WRAP_F32, 5)?, 0.1f32.into());
    /// # Ok::<(), Box<mmap_wrap::internals::Error>>(())
    /// ```
    #[inline]
    pub fn get_float(&self, kind: i64, offset: i64) -> Result<f64> {
        let kind = float(kind)?;
        let bits = self.get(kind, offset)?;
        Ok(match u32::try_from(bits) {
            Ok(bits) if kind.width() == 4 => f32::from_bits(bits).into(),
            _ => f64::from_bits(bits),
        })
    }

    /// Stores the float at `offset`, rounded to its kind. A finite float beyond the largest of the kind is an error.
    #[inline]
    pub fn put_float(&self, kind: i64, offset: i64, value: f64) -> Result<()> {
        let kind = float(kind)?;
        if kind.width() == 8 {
            return self.put(kind, offset, value.to_bits());
        }
        #[allow(clippy::cast_possible_truncation, reason = "rounding is meant")]
        let rounded = value as f32;
        if rounded.is_infinite() && value.is_finite() {
            // Printing the value would add the code that formats floats to the library.
            return Err(Error::argument(format!("the value does not fit {kind}: -3.4028235e38 to 3.4028235e38")));
        }
        self.put(kind, offset, rounded.to_bits().into())
    }
}

#[inline]
fn integer(kind: i64) -> Result<ElementKind> {
    let kind = ElementKind::new(kind)?;
    if kind.number() == Number::Float { Err(not_of_this_call(kind, "integers", "floats")) } else { Ok(kind) }
}

#[inline]
fn float(kind: i64) -> Result<ElementKind> {
    let kind = ElementKind::new(kind)?;
    if kind.number() == Number::Float { Ok(kind) } else { Err(not_of_this_call(kind, "floats", "integers")) }
}

#[cold]
fn not_of_this_call(kind: ElementKind, these: &str, others: &str) -> Box<Error> {
    Error::argument(format!("{kind} is not for this call, which is for {these}: use the one for {others}"))
}

#[cold]
fn does_not_fit(kind: ElementKind, value: i64) -> Box<Error> {
    let (least, greatest) = kind.limits();
    Error::argument(format!("{value} does not fit {kind}: {least} to {greatest}"))
}
