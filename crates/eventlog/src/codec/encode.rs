//! Writes every framing, for tests only: sparklake itself never writes an event log.

#![expect(
    clippy::expect_used,
    reason = "writing into memory does not fail, and blocks of tests are small"
)]

use std::io::{Cursor, Write};

use ::zip::write::SimpleFileOptions;
use ::zip::{CompressionMethod, ZipWriter};

use super::{Codec, lz4, lzf, snappy};

/// Encodes `blocks` the way Spark's writer would, a flush after each block.
pub fn encode(codec: Codec, blocks: &[&[u8]]) -> Vec<u8> {
    match codec {
        Codec::Plain => blocks.concat(),
        Codec::Gzip => blocks.iter().flat_map(|block| gzip_member(block)).collect(),
        Codec::Zstd => blocks.iter().flat_map(|block| zstd_frame(block)).collect(),
        Codec::Lz4 => [lz4::encode::blocks(blocks, false), lz4::encode::end_mark()].concat(),
        Codec::Snappy => [snappy::encode::header(), snappy::encode::chunks(blocks)].concat(),
        Codec::SnappyBlock => snappy::encode::raw(&blocks.concat()),
        Codec::Lzf => lzf::encode::chunks(blocks),
        Codec::Zip => zip_archive(&[("log", &blocks.concat())]),
    }
}

/// A zip archive of named files.
pub fn zip_archive(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default().compression_method(CompressionMethod::Deflated);
    for (name, content) in files {
        archive
            .start_file(*name, options)
            .expect("names of tests are valid");
        archive.write_all(content).expect("writing to memory");
    }
    archive.finish().expect("writing to memory").into_inner()
}

fn gzip_member(block: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(block).expect("writing to memory");
    encoder.finish().expect("writing to memory")
}

fn zstd_frame(block: &[u8]) -> Vec<u8> {
    let mut encoder = ::zstd::stream::write::Encoder::new(Vec::new(), 1).expect("level 1 exists");
    encoder.write_all(block).expect("writing to memory");
    encoder.finish().expect("writing to memory")
}
