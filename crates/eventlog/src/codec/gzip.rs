//! gzip: the older chunks of Databricks' log delivery, and copies that people made.

use std::io::{BufRead, Read};

use flate2::bufread::MultiGzDecoder;

/// Reads all members of a gzip file as one stream, as `gunzip` does.
pub(super) fn decoder<R: BufRead>(input: R) -> impl Read {
    MultiGzDecoder::new(input)
}
