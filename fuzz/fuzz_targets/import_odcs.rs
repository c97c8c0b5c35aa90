//! Whatever bytes are taken for data contracts: what comes of them is a policy, or an error with its place.

#![no_main]

mod imported;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| imported::holds(audit_core::import::odcs, bytes));
