//! The method that reads one number. Its answer is a Python object, so that no number has to mean a failure.

use super::api::{Object, Size};
use super::{instance, numbers, python, refuse};
use crate::ffi::boundary::boundary;
use crate::mapping::{Kind, Number};
use crate::registry::with;
use std::ptr::null_mut;

enum Found {
    Signed(i64),
    Unsigned(u64),
    Float(f64),
}

/// `_get_number(kind, offset)`: the number of that kind, one of the MMAP_WRAP_ numbers of the header.
pub unsafe extern "C-unwind" fn get_number(object: *mut Object, arguments: *const *mut Object, count: Size) -> *mut Object {
    let api = python();
    // SAFETY: called by the interpreter, with so many arguments.
    unsafe {
        let [Some(kind), Some(offset)] = numbers(arguments, count) else { return null_mut() };
        let mut found = Found::Signed(0);
        let done = boundary("mmap_wrap_get", || {
            with(instance(object).handle, |mapping| {
                let of = Kind::new(kind)?;
                found = match of.number() {
                    Number::Signed => Found::Signed(mapping.get_int(kind, offset)?),
                    Number::Unsigned => Found::Unsigned(mapping.get(of, offset)?),
                    Number::Float => Found::Float(mapping.get_float(kind, offset)?),
                };
                Ok(0)
            })
        });
        if done < 0 {
            refuse(object, done);
            return null_mut();
        }
        match found {
            Found::Signed(number) => (api.PyLong_FromLongLong)(number),
            Found::Unsigned(number) => (api.PyLong_FromUnsignedLongLong)(number),
            Found::Float(number) => (api.PyFloat_FromDouble)(number),
        }
    }
}
