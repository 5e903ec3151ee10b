//! Elements: `get` returns what `put` stored, in every kind and byte order; a number that does not fit is an error.
#![cfg_attr(windows, allow(unused_imports, dead_code, reason = "some of its tests are for other systems"))]
#![allow(clippy::cast_possible_truncation, clippy::cast_possible_wrap, clippy::cast_sign_loss, reason = "bits are looked at")]

mod common;

use common::abi::*;
use common::*;
use mmap_wrap::internals::constants::*;
use mmap_wrap::internals::error::*;
use mmap_wrap::internals::mapping::*;
use mmap_wrap::internals::range::REST;
use mmap_wrap::internals::registry;
use proptest::prelude::*;
use std::ptr::{null, null_mut};

const SIGNED: [i64; 4] = [MMAP_WRAP_I8, MMAP_WRAP_I16, MMAP_WRAP_I32, MMAP_WRAP_I64];
const UNSIGNED: [i64; 4] = [MMAP_WRAP_U8, MMAP_WRAP_U16, MMAP_WRAP_U32, MMAP_WRAP_U64];
const ORDERS: [i64; 3] = [0, MMAP_WRAP_LITTLE_ENDIAN, MMAP_WRAP_BIG_ENDIAN];

/// The bytes of a number of this width in this byte order.
fn ordered(value: i64, width: usize, order: i64) -> Vec<u8> {
    let big = order == MMAP_WRAP_BIG_ENDIAN || order == 0 && cfg!(target_endian = "big");
    if big { value.to_be_bytes()[8 - width..].to_vec() } else { value.to_le_bytes()[..width].to_vec() }
}

proptest! {
    #[test]
    fn an_integer_has_the_given_byte_order_and_is_read_back(value: i64, offset in 0i64..20, index in 0usize..4, order in 0usize..3) {
        let (width, order) = (1 << index, ORDERS[order]);
        let memory = anonymous(100);
        let spare = 64 - 8 * width;
        let signed = value << spare >> spare;
        let unsigned = if width == 8 { value } else { value & ((1 << (8 * width)) - 1) };
        for (kind, value) in [(SIGNED[index], signed), (UNSIGNED[index], unsigned)] {
            memory.fill(0, 0xEE, REST).unwrap();
            memory.put_int(kind | order, offset, value).unwrap();
            prop_assert_eq!(memory.get_int(kind | order, offset).unwrap(), value);
            prop_assert_eq!(read(&memory, offset, width).unwrap(), ordered(value, width, order));
            prop_assert_eq!(read(&memory, offset + width as i64, 8).unwrap(), [0xEE; 8]);
            prop_assert!(offset == 0 || read(&memory, offset - 1, 1).unwrap() == [0xEE]);
        }
    }

    #[test]
    fn a_float_has_the_given_byte_order_and_is_read_back(bits: u64, narrow: f32, offset in 0i64..20, order in 0usize..3) {
        let (order, memory, value) = (ORDERS[order], anonymous(100), f64::from_bits(bits));
        memory.put_float(MMAP_WRAP_F64 | order, offset, value).unwrap();
        prop_assert_eq!(memory.get_float(MMAP_WRAP_F64 | order, offset).unwrap().to_bits(), bits);
        prop_assert_eq!(read(&memory, offset, 8).unwrap(), ordered(bits as i64, 8, order));
        memory.put_float(MMAP_WRAP_F32 | order, offset, narrow.into()).unwrap();
        prop_assert_eq!(memory.get_float(MMAP_WRAP_F32 | order, offset).unwrap().to_bits(), f64::from(narrow).to_bits());
        prop_assert_eq!(read(&memory, offset, 4).unwrap(), ordered(narrow.to_bits().into(), 4, order));
    }

    #[test]
    fn an_integer_is_an_error_exactly_if_it_does_not_fit(value: i64, shift in 0u32..64, index in 0usize..4) {
        let (value, width, memory) = (value >> shift, 1 << index, anonymous(8));
        let half = 1i128 << (8 * width - 1);
        let fits = (-half..half).contains(&value.into());
        prop_assert_eq!(memory.put_int(SIGNED[index], 0, value).is_ok(), fits);
        let fits = width == 8 || (0..2 * half).contains(&value.into());
        prop_assert_eq!(memory.put_int(UNSIGNED[index], 0, value).is_ok(), fits);
    }
}

#[test]
fn a_number_that_does_not_fit_is_an_error_with_the_limits_and_changes_nothing() {
    let memory = anonymous(8);
    let failure = |kind, value| {
        let error = memory.put_int(kind, 0, value).unwrap_err();
        assert_eq!(error.code(), MMAP_WRAP_E_ARGUMENT);
        error.to_string()
    };
    assert_eq!(failure(MMAP_WRAP_U8, 256), "256 does not fit an unsigned integer of 8 bits: 0 to 255");
    assert_eq!(failure(MMAP_WRAP_I8, -129), "-129 does not fit a signed integer of 8 bits: -128 to 127");
    assert_eq!(
        failure(MMAP_WRAP_U32 | MMAP_WRAP_BIG_ENDIAN, -1),
        "-1 does not fit an unsigned integer of 32 bits: 0 to 4294967295"
    );
    let error = memory.put_float(MMAP_WRAP_F32, 0, 1e39).unwrap_err();
    assert_eq!(error.to_string(), "the value does not fit a float of 32 bits: -3.4028235e38 to 3.4028235e38");
    assert_eq!(format!("{:e} {:e}", f32::MIN, f32::MAX), "-3.4028235e38 3.4028235e38");
    assert_eq!(read(&memory, 0, 8).unwrap(), [0; 8]);
    memory.put_float(MMAP_WRAP_F32, 0, f64::NEG_INFINITY).unwrap();
    assert_eq!(memory.get_float(MMAP_WRAP_F32, 0).unwrap(), f64::NEG_INFINITY);
    memory.put_float(MMAP_WRAP_F32, 0, f64::NAN).unwrap();
    assert!(memory.get_float(MMAP_WRAP_F32, 0).unwrap().is_nan());
}

#[test]
fn invalid_kinds_and_kinds_of_the_other_call_are_errors() {
    let memory = anonymous(64);
    let both = MMAP_WRAP_LITTLE_ENDIAN | MMAP_WRAP_BIG_ENDIAN;
    for kind in [0, 1, 8, 0x10, 0x13, 0x31, 0x32, 0x40, 0x111, MMAP_WRAP_I8 | both, MMAP_WRAP_I8 | 0x40, -1, REST, i64::MAX] {
        let known = SIGNED.contains(&(kind ^ MMAP_WRAP_LITTLE_ENDIAN));
        let error = memory.get_int(kind, 0).map_err(|error| error.to_string());
        if known {
            assert_eq!(error, Ok(0));
        } else {
            assert!(error.unwrap_err().starts_with(&format!("{kind:#x} is not an element kind")));
            assert_eq!(memory.get_float(kind, 0).unwrap_err().code(), MMAP_WRAP_E_ARGUMENT);
        }
    }
    for kind in [MMAP_WRAP_F32, MMAP_WRAP_F64 | MMAP_WRAP_BIG_ENDIAN] {
        assert_eq!(memory.get_int(kind, 0).unwrap_err().code(), MMAP_WRAP_E_ARGUMENT);
        assert_eq!(memory.put_int(kind, 0, 0).unwrap_err().code(), MMAP_WRAP_E_ARGUMENT);
    }
    for kind in SIGNED.into_iter().chain(UNSIGNED) {
        assert_eq!(memory.get_float(kind, 0).unwrap_err().code(), MMAP_WRAP_E_ARGUMENT);
        let error = memory.put_float(kind, 0, 0.0).unwrap_err().to_string();
        assert!(error.ends_with("is not for this call, which is for floats: use the one for integers"), "{error}");
    }
}

#[test]
fn the_c_functions_copy_whole_numbers_in_the_byte_order_of_the_machine() {
    let h = handle(4096);
    let mut room = [0xAAu8; 9];
    for (kind, width) in [(MMAP_WRAP_U8, 1), (MMAP_WRAP_U16, 2), (MMAP_WRAP_F32, 4), (MMAP_WRAP_I64, 8)] {
        for order in ORDERS {
            let number = &0x0102_0304_0506_0708_i64.to_ne_bytes()[..width];
            assert_eq!(mmap_wrap_put(h, kind | order, 11, number.as_ptr().cast()), 0);
            let mut there = read(&registry::pin(h).unwrap(), 11, width).unwrap();
            if order != 0 && (order == MMAP_WRAP_BIG_ENDIAN) != cfg!(target_endian = "big") {
                there.reverse();
            }
            assert_eq!(there, number);
            room.fill(0xAA);
            assert_eq!(mmap_wrap_get(h, kind | order, 11, room.as_mut_ptr().cast()), 0);
            assert_eq!(&room[..width], number);
            assert!(room[width..].iter().all(|byte| *byte == 0xAA), "wrote behind the number");
        }
    }
    assert_eq!(mmap_wrap_get(h, MMAP_WRAP_I32, 0, null_mut()), MMAP_WRAP_E_ARGUMENT);
    assert_eq!(mmap_wrap_put(h, MMAP_WRAP_I32, 0, null()), MMAP_WRAP_E_ARGUMENT);
    assert_eq!(message(), "mmap_wrap_put: the buffer is NULL, but 4 bytes long");
    assert_eq!(mmap_wrap_get(h, 7, 0, room.as_mut_ptr().cast()), MMAP_WRAP_E_ARGUMENT);
    assert_eq!(mmap_wrap_get(h, MMAP_WRAP_I32, 4093, room.as_mut_ptr().cast()), MMAP_WRAP_E_RANGE);
    assert_eq!(registry::unmap(h), Ok(true));
}

#[test]
fn a_number_that_looks_like_a_failure_leaves_no_error_and_a_failure_does() {
    let h = handle(16);
    assert_eq!(mmap_wrap_get_int(h, MMAP_WRAP_I64, 9), MMAP_WRAP_NO_INT);
    assert_eq!(mmap_wrap_last_error_code(), MMAP_WRAP_E_RANGE);
    assert_eq!(message(), "mmap_wrap_get_int: size 8 from offset 9 extends beyond 16 byte mapping");
    assert_eq!(mmap_wrap_put_int(h, MMAP_WRAP_I64, 8, i64::MIN), 0);
    assert_eq!(mmap_wrap_get_int(h, MMAP_WRAP_I64, 8), MMAP_WRAP_NO_INT);
    assert_eq!((mmap_wrap_last_error_code(), message().as_str()), (0, ""));

    assert!(mmap_wrap_get_float(h, MMAP_WRAP_F64, -1).is_nan());
    assert_eq!(mmap_wrap_last_error_code(), MMAP_WRAP_E_RANGE);
    assert_eq!(mmap_wrap_put_float(h, MMAP_WRAP_F64, 8, f64::NAN), 0);
    assert!(mmap_wrap_get_float(h, MMAP_WRAP_F64, 8).is_nan());
    assert_eq!(mmap_wrap_last_error_code(), 0);

    assert_eq!(registry::unmap(h), Ok(true));
    assert_eq!(mmap_wrap_get_int(h, MMAP_WRAP_I8, 0), MMAP_WRAP_NO_INT);
    assert_eq!(mmap_wrap_last_error_code(), MMAP_WRAP_E_UNMAPPED);
    assert!(mmap_wrap_get_float(h + 1, MMAP_WRAP_F64, 0).is_nan());
    assert_eq!(mmap_wrap_last_error_code(), MMAP_WRAP_E_HANDLE);
    assert_eq!(mmap_wrap_put_float(h, MMAP_WRAP_F64, 0, 0.0), MMAP_WRAP_E_UNMAPPED);
}

#[test]
fn a_fault_reports_its_offset_and_numbers_are_read_by_the_kernel_where_the_protection_may_forbid_it() {
    let page = page_size();
    let memory = anonymous(2 * page);
    memory.put_int(MMAP_WRAP_U32, page - 2, 0x0102_0304).unwrap();
    memory.protect(PROT_NONE, page, REST).unwrap();
    for (outcome, done) in [
        (memory.get_int(MMAP_WRAP_U32, page - 2).map(drop), 2),
        (memory.put_int(MMAP_WRAP_U32, page - 2, 0x0102_0304), 2),
        (memory.get_float(MMAP_WRAP_F64, page).map(drop), 0),
        (memory.put_float(MMAP_WRAP_F64, page - 7, 1.0), 7),
    ] {
        match *outcome.unwrap_err() {
            Error::Fault { offset, done: found, cause, .. } => {
                assert_eq!((offset, found, cause), (page as usize, done, Cause::Protection))
            }
            other => panic!("{other:?}"),
        }
    }
    memory.put_int(MMAP_WRAP_I16 | MMAP_WRAP_BIG_ENDIAN, page - 2, -2).unwrap();
    assert_eq!(memory.get_int(MMAP_WRAP_I16 | MMAP_WRAP_BIG_ENDIAN, page - 2), Ok(-2));
}

/// A file of two pages of ones, mapped shared, and truncated to one page.
fn truncated() -> (std::fs::File, registry::Handle) {
    let file = tempfile::tempfile().unwrap();
    file.set_len(2 * page_size() as u64).unwrap();
    let fd = mmap_wrap::internals::raw(&file).into();
    let h = registry::insert(|| from_descriptor(0, REST, READ_WRITE, MAP_SHARED, fd, 0)).unwrap();
    registry::pin(h).unwrap().fill(0, 1, REST).unwrap();
    file.set_len(page_size() as u64).unwrap();
    (file, h)
}

#[test]
#[cfg(unix)]
fn copies_and_comparisons_report_which_mapping_failed() {
    let (page, size) = (page_size(), 2 * page_size());
    let (good, (_file, cut)) = (handle(size), truncated());
    registry::pin(good).unwrap().fill(0, 1, REST).unwrap();
    let address = |h| registry::pin(h).unwrap().address().addr();
    let says = |code, wanted: i64, text: &str| {
        assert_eq!((code, mmap_wrap_last_error_code()), (wanted, wanted));
        assert!(message().contains(text), "{} lacks '{text}'", message());
    };
    says(
        mmap_wrap_copy(good, 0, cut, page - 96, 200),
        MMAP_WRAP_E_FAULT,
        "mmap_wrap_copy: the mapping copied from: the access faulted",
    );
    assert_eq!((mmap_wrap_fault_done(), mmap_wrap_fault_address().addr()), (96, address(cut) + page as usize));
    says(mmap_wrap_copy(cut, page - 6, good, 0, 200), MMAP_WRAP_E_FAULT, "the mapping copied to: the access faulted");
    assert_eq!((mmap_wrap_fault_done(), mmap_wrap_fault_address().addr()), (6, address(cut) + page as usize));
    says(mmap_wrap_compare(cut, 0, good, 0, REST), MMAP_WRAP_E_FAULT, "the first mapping: the access faulted");
    says(mmap_wrap_compare(good, 0, cut, 0, REST), MMAP_WRAP_E_FAULT, "the second mapping: the access faulted");
    assert_eq!(mmap_wrap_fault_done(), page);
    let text = format!("the mapping copied from: offset {} lies beyond", size + 1);
    says(mmap_wrap_copy(good, 0, cut, size + 1, 1), MMAP_WRAP_E_RANGE, &text);
    let text = format!("the mapping copied to: size 1 from offset {size}");
    says(mmap_wrap_copy(good, size, cut, 0, 1), MMAP_WRAP_E_RANGE, &text);
    let text = format!("the second mapping: size {} from offset 2", size - 1);
    says(mmap_wrap_compare(good, 1, cut, 2, REST), MMAP_WRAP_E_RANGE, &text);
    says(mmap_wrap_compare(good, -1, cut, 0, 1), MMAP_WRAP_E_RANGE, "the first mapping: offset -1 is negative");
    assert_eq!(mmap_wrap_count(cut, c"x".as_ptr().cast(), 1, 0, REST), MMAP_WRAP_E_FAULT);

    assert_eq!(registry::unmap(cut), Ok(true));
    says(mmap_wrap_copy(good, 0, cut, 0, 1), MMAP_WRAP_E_UNMAPPED, &format!("handle {cut:#x}"));
    says(mmap_wrap_compare(cut, 0, good, 0, 1), MMAP_WRAP_E_UNMAPPED, &format!("handle {cut:#x}"));
    says(mmap_wrap_copy(0, 0, good, 0, 1), MMAP_WRAP_E_HANDLE, "0x0");
    assert_eq!(registry::unmap(good), Ok(true));
}

#[test]
fn copies_and_comparisons_take_the_rest_and_the_same_handle_twice() {
    let (h, other) = (handle(10_000), handle(20_000));
    assert_eq!(mmap_wrap_copy(other, 10_000, h, 0, REST), 10_000);
    assert_eq!(mmap_wrap_copy(other, 10_001, h, 0, REST), MMAP_WRAP_E_RANGE);
    assert_eq!(mmap_wrap_copy(h, 10_000, other, 20_000, REST), 0);
    let mapping = registry::pin(h).unwrap();
    mapping.write(0, b"0123456789").unwrap();
    // Overlapping, upwards and downwards.
    assert_eq!(mmap_wrap_copy(h, 2, h, 0, 10), 10);
    assert_eq!(read(&mapping, 0, 12).unwrap(), b"010123456789");
    assert_eq!(mmap_wrap_copy(h, 0, h, 4, 8), 8);
    assert_eq!(read(&mapping, 0, 8).unwrap(), b"23456789");
    assert_eq!(mmap_wrap_compare(h, 0, h, 0, REST), 10_000);
    assert_eq!(mmap_wrap_compare(h, 0, other, 0, 0), 0);
    assert_eq!(mmap_wrap_compare(h, 20, other, 20, REST), 9980);
    assert_eq!(mmap_wrap_compare(h, 0, other, 0, REST), 0);
    registry::pin(other).unwrap().write(19_999, b"x").unwrap();
    assert_eq!(mmap_wrap_compare(h, 20, other, 10_020, 9980), 9979);
    drop(mapping);
    assert!([h, other].into_iter().all(|h| registry::unmap(h) == Ok(true)));
}

#[test]
#[cfg(unix)]
fn the_losses_of_two_mappings_are_reported_one_after_the_other() {
    if !faults_have_addresses() {
        return;
    }
    in_a_process_of_its_own("the_losses_of_two_mappings_are_reported_one_after_the_other", || {
        let [(_one, first), (_other, second)] = [truncated(), truncated()];
        for h in [first, second] {
            registry::survive(h, true).unwrap();
            let lost = registry::pin(h).unwrap().address().wrapping_add(page_size() as usize);
            // SAFETY: mapped, and surviving.
            unsafe { lost.write_volatile(1) };
        }
        assert_eq!(mmap_wrap_compare(first, 0, second, 0, REST), MMAP_WRAP_E_FAULT);
        assert!(message().starts_with("mmap_wrap_compare: the first mapping: a page of the mapping was lost"), "{}", message());
        assert_eq!(mmap_wrap_copy(first, 0, second, 0, REST), MMAP_WRAP_E_FAULT);
        assert!(message().starts_with("mmap_wrap_copy: the mapping copied from: a page"), "{}", message());
        assert_eq!(mmap_wrap_compare(first, 0, second, 0, REST), 2 * page_size());
    });
}
