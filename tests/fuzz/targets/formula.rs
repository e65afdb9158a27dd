#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| batchflow_fuzz::formula(data));
