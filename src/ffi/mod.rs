//! The exported functions and nothing else, a file per topic; each converts, calls one thing inside, converts back.
//!
//! The first line of each topic's documentation is its heading in the header, and the doc comments are its manual:
//! build.rs joins the topics in the order it lists them.

// A C caller's integers and pointers arrive as they are; the functions are safe to call with any of them except where
// their documentation asks for valid memory, which C has no way to promise in a type.
#![allow(clippy::not_unsafe_ptr_arg_deref)]

pub mod access;
pub mod address;
mod boundary;
pub mod constants;
pub mod elements;
pub mod error;
pub mod facts;
pub mod faults;
pub mod hardening;
pub mod huge;
pub mod map;
pub mod mutex;
pub mod open;
pub mod pages;
pub mod presence;
pub mod python;
pub mod resize;
pub mod sharing;
pub mod version;
