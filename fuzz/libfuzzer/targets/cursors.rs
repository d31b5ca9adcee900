//! Looks for input that breaks the law of the same name.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| chat_fuzz::cursors(input));
