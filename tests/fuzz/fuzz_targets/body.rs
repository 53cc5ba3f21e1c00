#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    miracl_core::fuzz::body(data);
});
