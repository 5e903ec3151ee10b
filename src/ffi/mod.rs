//! The exported functions, a file per topic; each converts arguments and results, and calls one operation.
//!
//! The first line of each topic's documentation is its heading in the header, and the doc comments are its manual:
//! tests/header.rs joins the topics in the order that it lists.

// All are unsafe for Rust, since C's types guarantee nothing. The caller must ensure what the documentation requires: valid
// memory, a descriptor that belongs to the caller, nothing in use where MAP_FIXED maps.
#![allow(clippy::missing_safety_doc, reason = "the documentation is the header's, which has no such section")]

pub mod access;
pub mod address;
pub mod atomics;
pub mod bindings;
mod boundary;
pub mod constants;
pub mod elements;
pub mod error;
pub mod faults;
pub mod hardening;
pub mod huge;
pub mod info;
pub mod mapping;
pub mod mutex;
pub mod open;
pub mod page_cache;
pub mod protect;
pub mod residency;
pub mod resize;
pub mod version;
