//! Recipes from a fuzzer; `yosoku_fuzz::recipe` says what must hold.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| yosoku_fuzz::recipe::check(input));
