//! zstd: Spark's default since 3.2.
//!
//! Since 3.0 Spark closes the frame at every flush, so a log is a chain of hundreds of small frames
//! without content size or checksum, and a log still being written ends within one.

use std::io::{self, BufRead, Read};

use super::DecodeLimits;

pub(super) const MAGIC: &[u8] = b"\x28\xb5\x2f\xfd";

/// Reads all frames as one stream.
pub(super) fn decoder<R: BufRead>(
    input: R,
    limits: &DecodeLimits,
) -> io::Result<impl Read + use<R>> {
    let mut decoder = ::zstd::stream::read::Decoder::with_buffer(input)?;
    decoder.window_log_max(limits.zstd_window_log_max)?;
    Ok(decoder)
}
