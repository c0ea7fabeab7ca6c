//! Schemas from a fuzzer; `yosoku_fuzz::schema` says what must hold.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| yosoku_fuzz::schema::check(input));
