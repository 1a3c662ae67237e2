//! What the fuzz targets share: decoding hostile bytes within small limits.

#![forbid(unsafe_code)]

use std::io::{Cursor, Read};

pub use sparklake_eventlog::{codec, event};

use codec::{Codec, DecodeLimits, decoder, zip};

/// Entries of an archive that one run looks at.
const MAX_ENTRIES: usize = 16;

/// Small, so that a run takes microseconds and what exceeds the limits is found.
fn limits() -> DecodeLimits {
    DecodeLimits {
        max_block_bytes: 1 << 20,
        max_decoded_bytes: 4 << 20,
        zstd_window_log_max: 20,
        ..DecodeLimits::default()
    }
}

/// Decodes `data` until its end, an error, or more text than is allowed.
pub fn decode(codec: Codec, data: &[u8]) {
    // Detection sees the same bytes in real use.
    Codec::detect(data, "app-1.snappy");
    if let Ok(text) = decoder(codec, Cursor::new(data.to_vec()), &limits()) {
        drain(text, data.len());
    }
}

/// Reads the directory of `data` and its first entries.
pub fn decode_archive(data: &[u8]) {
    let archive = Cursor::new(data.to_vec());
    let recovered = zip::recover(archive.clone(), &limits()).unwrap_or_default();
    let entries = zip::directory(archive.clone()).unwrap_or_default();
    for entry in entries.iter().chain(&recovered).take(MAX_ENTRIES) {
        if let Ok(content) = entry.open(archive.clone()) {
            drain(content, data.len());
        }
    }
}

/// Reads as [`sparklake`'s reader](codec) does. After the end a reader must stay at the end.
fn drain(mut text: impl Read, compressed: usize) {
    let mut buffer = [0; 4096];
    let mut decoded = 0;
    while limits().allow(decoded, compressed as u64) {
        match text.read(&mut buffer) {
            Ok(0) => {
                assert!(
                    matches!(text.read(&mut buffer), Ok(0)),
                    "text after the end"
                );
                return;
            }
            Ok(count) => decoded += count as u64,
            Err(_) => return,
        }
    }
}
