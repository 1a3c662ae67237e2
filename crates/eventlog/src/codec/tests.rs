//! Every framing against data as Spark writes it, cut off anywhere, and damaged anywhere.

use std::io::{BufReader, Cursor, Read};

use proptest::prelude::*;

use super::encode::{encode, zip_archive};
use super::*;

const STREAMS: [Codec; 7] = [
    Codec::Plain,
    Codec::Gzip,
    Codec::Zstd,
    Codec::Lz4,
    Codec::Snappy,
    Codec::SnappyBlock,
    Codec::Lzf,
];

/// Text like a log's, which compresses; some of it does not.
fn blocks() -> impl Strategy<Value = Vec<Vec<u8>>> {
    let line = "\\{\"Event\":\"SparkListenerTask(Start|End)\",\"Stage ID\":[0-9]{1,3}\\}\n";
    let lines = prop::collection::vec(line, 1..60).prop_map(|lines| lines.concat().into_bytes());
    let noise = prop::collection::vec(any::<u8>(), 1..300);
    prop::collection::vec(prop_oneof![3 => lines, 1 => noise], 1..6)
}

fn slices(blocks: &[Vec<u8>]) -> Vec<&[u8]> {
    blocks.iter().map(Vec::as_slice).collect()
}

/// All text that comes out, and how it ended.
fn decode_in_steps(codec: Codec, data: Vec<u8>, step: usize) -> (Vec<u8>, Option<Fault>) {
    let mut reader = match decoder(codec, Cursor::new(data), &DecodeLimits::default()) {
        Ok(reader) => reader,
        Err(error) => return (Vec::new(), Some(fault_of(&error))),
    };
    let mut text = Vec::new();
    let mut buffer = vec![0; step.max(1)];
    loop {
        match reader.read(&mut buffer) {
            Ok(0) => return (text, None),
            Ok(count) => text.extend_from_slice(&buffer[..count]),
            Err(error) => return (text, Some(fault_of(&error))),
        }
    }
}

fn decode(codec: Codec, data: Vec<u8>) -> (Vec<u8>, Option<Fault>) {
    decode_in_steps(codec, data, 8192)
}

fn read_zip(data: Vec<u8>) -> io::Result<Vec<(String, Vec<u8>)>> {
    let entries = zip::directory(Cursor::new(data.clone()))?;
    let read = |entry: &zip::ZipEntry| {
        let mut content = Vec::new();
        entry
            .open(Cursor::new(data.clone()))?
            .read_to_end(&mut content)?;
        Ok((entry.name.clone(), content))
    };
    entries.iter().map(read).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn what_was_written_is_read(blocks in blocks(), step in 1usize..5000) {
        for codec in STREAMS {
            let data = encode(codec, &slices(&blocks));
            prop_assert_eq!(decode_in_steps(codec, data, step), (blocks.concat(), None), "{}", codec);
        }
    }

    #[test]
    fn zeros_around_gzip_members_are_padding_and_other_bytes_are_damage(
        blocks in blocks(), zeros in 1usize..1200, step in 1usize..5000,
    ) {
        let member = encode(Codec::Gzip, &slices(&blocks));
        let empty = encode(Codec::Gzip, &[b""]);
        let padding = vec![0; zeros];
        let data = [&member, &padding, &empty, &member, &padding].map(Vec::as_slice).concat();
        let text = blocks.concat();
        let twice = text.repeat(2);
        prop_assert_eq!(decode_in_steps(Codec::Gzip, data.clone(), step), (twice.clone(), None));
        let (text, fault) = decode_in_steps(Codec::Gzip, [data, b"junk".to_vec()].concat(), step);
        prop_assert_eq!(text, twice);
        prop_assert!(fault.is_some());
    }

    #[test]
    fn streams_may_be_concatenated(blocks in blocks()) {
        for codec in [Codec::Gzip, Codec::Zstd, Codec::Lz4, Codec::Snappy, Codec::Lzf] {
            let once = encode(codec, &slices(&blocks));
            let twice = [once.clone(), once].concat();
            prop_assert_eq!(
                decode(codec, twice),
                ([blocks.concat(), blocks.concat()].concat(), None),
                "{}", codec
            );
        }
    }

    #[test]
    fn a_cut_off_file_gives_the_blocks_before_the_cut(blocks in blocks(), cut in 0.0f64..1.0) {
        let text = blocks.concat();
        for codec in STREAMS.into_iter().filter(|codec| *codec != Codec::SnappyBlock) {
            let whole = encode(codec, &slices(&blocks));
            let cut = (whole.len() as f64 * cut) as usize;
            // Blocks are encoded one by one, so a shorter chain is the beginning of a longer one.
            let complete = (0..=blocks.len())
                .rev()
                .map(|count| slices(&blocks[..count]))
                .find(|some| encoded_length(codec, some) <= cut)
                .map_or(0, |some| some.concat().len());
            let (decoded, fault) = decode(codec, whole[..cut].to_vec());
            prop_assert!(text.starts_with(&decoded), "{codec} gave other text");
            prop_assert!(decoded.len() >= complete, "{codec} lost a complete block");
            prop_assert!(matches!(fault, None | Some(Fault::Truncated)), "{codec}: {fault:?}");
        }
    }

    #[test]
    fn damage_never_panics_and_keeps_what_came_before(
        blocks in blocks(), place in 0.0f64..1.0, damage in 1u8..,
    ) {
        for codec in STREAMS.into_iter().filter(|codec| *codec != Codec::SnappyBlock) {
            let mut data = encode(codec, &slices(&blocks));
            let place = (data.len() as f64 * place) as usize;
            data[place] ^= damage;
            let before = (0..=blocks.len())
                .rev()
                .map(|count| slices(&blocks[..count]))
                .find(|some| encoded_length(codec, some) <= place)
                .map_or_else(Vec::new, |some| some.concat());
            let (decoded, _) = decode(codec, data);
            prop_assert!(decoded.starts_with(&before), "{codec} lost a block before the damage");
        }
    }

    #[test]
    fn random_bytes_never_panic(data in prop::collection::vec(any::<u8>(), 0..600)) {
        for codec in STREAMS {
            let magic: &[u8] = match codec {
                Codec::Gzip => b"\x1f\x8b\x08\0",
                Codec::Zstd => zstd::MAGIC,
                Codec::Lz4 => b"LZ4Block\x25",
                Codec::Snappy => b"\x82SNAPPY\0\0\0\0\x01\0\0\0\x01\0\0",
                Codec::Lzf => b"ZV\x01",
                _ => b"",
            };
            decode(codec, [magic, &data].concat());
        }
        let _ = read_zip([b"PK\x03\x04", data.as_slice()].concat());
    }

    #[test]
    fn a_zip_gives_its_files(blocks in blocks()) {
        let names: Vec<_> = (0..blocks.len()).map(|index| format!("folder/file {index}")).collect();
        let files: Vec<_> =
            names.iter().zip(&blocks).map(|(name, block)| (name.as_str(), block.as_slice())).collect();
        let expected: Vec<_> = names.iter().cloned().zip(blocks.clone()).collect();
        prop_assert_eq!(read_zip(zip_archive(&files)).unwrap(), expected);
    }

    #[test]
    fn a_damaged_zip_never_gives_other_content(
        blocks in blocks(), place in 0.0f64..1.0, damage in 1u8..,
    ) {
        let mut data = zip_archive(&[("only", &blocks.concat())]);
        let place = (data.len() as f64 * place) as usize;
        data[place] ^= damage;
        if let Ok(files) = read_zip(data) {
            for (_, content) in files {
                prop_assert_eq!(content, blocks.concat());
            }
        }
    }

    #[test]
    fn a_cut_off_zip_has_no_directory_and_gives_what_its_local_headers_tell(
        blocks in blocks(), cut in 0.0f64..1.0, is_java in any::<bool>(),
    ) {
        let names: Vec<_> = (0..blocks.len()).map(|index| format!("file {index}")).collect();
        let files: Vec<_> =
            names.iter().zip(&blocks).map(|(name, block)| (name.as_str(), block.as_slice())).collect();
        let whole = if is_java { java_archive(&files) } else { zip_archive(&files) };
        let cut = (whole.len() as f64 * cut) as usize;
        let data = whole[..cut].to_vec();
        prop_assert!(read_zip(data.clone()).is_err());
        // An archive of the first files alone is shorter by its directory.
        let complete = (0..=files.len())
            .rev()
            .find(|count| {
                let some = &files[..*count];
                let local = match is_java {
                    true => java_archive(some).len(),
                    false => zip_archive(some).len() - zip_archive_tail(some),
                };
                local <= cut
            })
            .unwrap_or_default();
        let entries = zip::recover(Cursor::new(data.clone()), &DecodeLimits::default()).unwrap_or_default();
        prop_assert!(entries.len() >= complete, "{} of {complete}", entries.len());
        prop_assert!(entries.len() <= complete + 1);
        for (index, entry) in entries.iter().enumerate() {
            prop_assert_eq!(&entry.name, &names[index]);
            let mut content = Vec::new();
            let read = entry
                .open(Cursor::new(data.clone()))
                .and_then(|mut file| file.read_to_end(&mut content));
            if index < complete {
                prop_assert!(read.is_ok(), "{read:?}");
                prop_assert_eq!(&content, &blocks[index]);
            } else {
                prop_assert!(blocks[index].starts_with(&content));
            }
        }
    }
}

/// The local part of an archive as `java.util.zip` streams it: sizes stand behind the data.
fn java_archive(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut archive = Vec::new();
    for (name, content) in files {
        let mut deflated =
            flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::fast());
        io::Write::write_all(&mut deflated, content).unwrap();
        let deflated = deflated.finish().unwrap();
        let mut crc = flate2::Crc::new();
        crc.update(content);
        archive.extend(b"PK\x03\x04\x14\0\x08\x08\x08\0\0\0\0\0");
        archive.extend([0; 12]);
        archive.extend((name.len() as u16).to_le_bytes());
        archive.extend([0; 2]);
        archive.extend(name.as_bytes());
        archive.extend(&deflated);
        archive.extend(b"PK\x07\x08");
        archive.extend(crc.sum().to_le_bytes());
        archive.extend((deflated.len() as u32).to_le_bytes());
        archive.extend((content.len() as u32).to_le_bytes());
    }
    archive
}

/// Bytes of an archive's directory and end.
fn zip_archive_tail(files: &[(&str, &[u8])]) -> usize {
    files.iter().map(|(name, _)| 46 + name.len()).sum::<usize>() + 22
}

/// An archive whose directory names `count` times the same entry.
fn overlapping_archive(count: u16) -> Vec<u8> {
    let mut data = zip_archive(&[("only", b"some text")]);
    let at = data
        .windows(4)
        .rposition(|bytes| bytes == b"PK\x01\x02")
        .unwrap();
    let end = data.split_off(data.len() - 22);
    let record = data.split_off(at);
    for _ in 0..count {
        data.extend(&record);
    }
    let size = (record.len() * usize::from(count)) as u32;
    data.extend(&end[..8]);
    data.extend(count.to_le_bytes());
    data.extend(count.to_le_bytes());
    data.extend(size.to_le_bytes());
    data.extend(&end[16..]);
    data
}

#[test]
fn entries_that_share_bytes_are_refused_at_once() {
    assert_eq!(read_zip(overlapping_archive(1)).unwrap().len(), 1);
    for count in [2, 60_000] {
        let error = read_zip(overlapping_archive(count)).unwrap_err();
        assert!(error.to_string().contains("overlap"), "{error}");
    }
}

#[test]
fn an_end_record_that_claims_much_is_refused_at_once() {
    let mut data = overlapping_archive(1);
    let end = data.len() - 22;
    data[end + 12..end + 16].copy_from_slice(&0x7fff_ffff_u32.to_le_bytes());
    let error = read_zip(data).unwrap_err();
    assert!(matches!(fault_of(&error), Fault::Corrupt(_)), "{error}");
}

/// Bytes that the first blocks of a longer file take.
fn encoded_length(codec: Codec, blocks: &[&[u8]]) -> usize {
    match codec {
        Codec::Lz4 => lz4::encode::blocks(blocks, false).len(),
        _ => encode(codec, blocks).len(),
    }
}

#[test]
fn the_bytes_decide_the_codec() {
    for codec in STREAMS
        .into_iter()
        .filter(|codec| *codec != Codec::SnappyBlock)
    {
        let data = encode(codec, &[b"{\"Event\":\"SparkListenerLogStart\"}\n"]);
        assert_eq!(Codec::detect(&data, "app-1.snappy"), Some(codec));
    }
    assert_eq!(
        Codec::detect(&zip_archive(&[("a", b"b")]), "app-1"),
        Some(Codec::Zip)
    );
    assert_eq!(
        Codec::detect(b"\x5a\x2a\x4d\x18\0\0\0\0", "skippable frame"),
        Some(Codec::Zstd)
    );
}

#[test]
fn the_extension_helps_where_the_bytes_cannot() {
    let block = encode(Codec::SnappyBlock, &[&[7; 4000]]);
    assert_eq!(
        Codec::detect(&block, "app-1.snappy"),
        Some(Codec::SnappyBlock)
    );
    assert_eq!(Codec::detect(&block, "app-1"), None);
    assert_eq!(
        Codec::detect(b"\x28\xb5", "app-1.zstd.inprogress"),
        Some(Codec::Zstd)
    );
    assert_eq!(
        Codec::detect(b"\x82SNA", "events_1_app.SNAPPY.compact"),
        Some(Codec::Snappy)
    );
    assert_eq!(Codec::detect(b"\0\x01\x02", "app-1.zstd"), None);
    assert_eq!(Codec::detect(b"", "app-1"), None);
}

#[test]
fn text_in_an_old_character_set_is_text() {
    assert_eq!(
        Codec::detect(b"{\"Job\":\"\xe9t\xe9\"}", "app-1"),
        Some(Codec::Plain)
    );
}

#[test]
fn an_lz4_stream_without_its_end_mark_was_cut_off() {
    let open = lz4::encode::blocks(&[b"first", b"second"], false);
    assert_eq!(
        decode(Codec::Lz4, open),
        (b"firstsecond".to_vec(), Some(Fault::Truncated))
    );
}

#[test]
fn lz4_blocks_may_be_stored() {
    let data = [
        lz4::encode::blocks(&[b"as it is"], true),
        lz4::encode::end_mark(),
    ]
    .concat();
    assert_eq!(decode(Codec::Lz4, data), (b"as it is".to_vec(), None));
}

#[test]
fn lz4_checksums_are_verified() {
    let mut data = encode(Codec::Lz4, &[b"first", b"second"]);
    let second = data
        .windows(8)
        .rposition(|bytes| bytes == lz4::MAGIC)
        .unwrap()
        - 1;
    data[second] ^= 1;
    let (text, fault) = decode(Codec::Lz4, data);
    assert_eq!(text, b"first");
    assert!(matches!(fault, Some(Fault::Corrupt(_))), "{fault:?}");
}

#[test]
fn what_sparks_java_libraries_wrote_is_read() {
    let text = include_bytes!("testdata/app.txt");
    let written: [(Codec, &[u8]); 4] = [
        (Codec::Lz4, include_bytes!("testdata/app.lz4")),
        (Codec::Lzf, include_bytes!("testdata/app.lzf")),
        (Codec::Snappy, include_bytes!("testdata/app.snappy")),
        (Codec::Zstd, include_bytes!("testdata/app.zstd")),
    ];
    for (codec, data) in written {
        assert_eq!(Codec::detect(data, "app"), Some(codec));
        assert_eq!(
            decode(codec, data.to_vec()),
            (text.to_vec(), None),
            "{codec}"
        );
    }
}

#[test]
fn headers_that_claim_much_are_refused_at_once() {
    let lz4 = [
        b"LZ4Block\x2f".as_slice(),
        &[0xff; 4],
        &[0, 0, 0, 2],
        &[0; 4],
    ]
    .concat();
    let snappy = [encode(Codec::Snappy, &[]), vec![0x7f, 0xff, 0xff, 0xff]].concat();
    let inner = [
        encode(Codec::Snappy, &[]),
        vec![0, 0, 0, 5, 0xff, 0xff, 0xff, 0xff, 0x0f],
    ]
    .concat();
    for (codec, data) in [
        (Codec::Lz4, lz4),
        (Codec::Snappy, snappy),
        (Codec::Snappy, inner),
    ] {
        let (text, fault) = decode(codec, data);
        assert!(text.is_empty());
        assert!(
            matches!(fault, Some(Fault::Corrupt(_))),
            "{codec}: {fault:?}"
        );
    }
}

#[test]
fn a_zstd_window_beyond_the_limit_is_refused() {
    let mut encoder = ::zstd::stream::write::Encoder::new(Vec::new(), 3).unwrap();
    encoder.window_log(24).unwrap();
    io::Write::write_all(&mut encoder, &vec![b'x'; 1 << 20]).unwrap();
    let data = encoder.finish().unwrap();
    let limits = DecodeLimits {
        zstd_window_log_max: 20,
        ..DecodeLimits::default()
    };
    let mut text = Vec::new();
    let read = decoder(Codec::Zstd, Cursor::new(data), &limits)
        .unwrap()
        .read_to_end(&mut text);
    assert!(matches!(fault_of(&read.unwrap_err()), Fault::Corrupt(_)));
}

#[test]
fn a_failing_disk_is_not_taken_for_a_damaged_file() {
    struct Failing;
    impl Read for Failing {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(SourceFailure::wrap(io::Error::from(
                io::ErrorKind::UnexpectedEof,
            )))
        }
    }
    for codec in STREAMS {
        let start = encode(codec, &[b"some text"]);
        let start = start[..start.len() - 1].to_vec();
        let input = Cursor::new(start).chain(BufReader::new(Failing));
        let mut text = Vec::new();
        let error = decoder(codec, input, &DecodeLimits::default())
            .and_then(|mut reader| reader.read_to_end(&mut text))
            .unwrap_err();
        assert_eq!(fault_of(&error), Fault::Source, "{codec}");
    }
}

#[test]
fn the_expansion_limit_counts_after_a_free_amount() {
    let limits = DecodeLimits {
        max_expansion: 10,
        expansion_free_bytes: 1000,
        ..DecodeLimits::default()
    };
    assert!(limits.allow(1000, 1));
    assert!(limits.allow(2000, 200));
    assert!(!limits.allow(2001, 200));
    assert!(!limits.allow(u64::MAX, u64::MAX));
}
