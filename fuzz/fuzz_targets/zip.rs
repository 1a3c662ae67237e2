#![no_main]

use libfuzzer_sys::fuzz_target;
use sparklake_fuzz::decode_archive;

fuzz_target!(|data: &[u8]| decode_archive(data));
