#![no_main]

use libfuzzer_sys::fuzz_target;
use sparklake_fuzz::codec::Codec;
use sparklake_fuzz::decode;

fuzz_target!(|data: &[u8]| {
    decode(Codec::Snappy, data);
    decode(Codec::SnappyBlock, data);
});
