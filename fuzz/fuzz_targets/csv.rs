//! Sources of CSV from a fuzzer; `yosoku_fuzz::csv` says what must hold.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| yosoku_fuzz::csv::check(input));
