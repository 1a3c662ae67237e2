//! From the bytes of a piece to its text, through every packing that was put around it.
//!
//! People pack what was packed: a zip in a gzip, gzip around zstd. The first bytes of each layer
//! tell the next, down to text or to an archive.

use std::io::{self, BufReader, Cursor, Read};

use super::codec::{Codec, DETECT_BYTES, DecodeLimits, READ_BUFFER_BYTES, decoder};

/// Packings that may lie around each other.
const MAX_LAYERS: usize = 5;
/// What marks text as UTF-8. Editors write it, Spark does not.
pub(super) const UTF8_MARK: &[u8] = b"\xef\xbb\xbf";

/// What lies under all packings.
pub(super) enum Unpacked {
    /// No bytes.
    Empty,
    /// Text, without its mark of UTF-8.
    Text(Box<dyn Read + Send>),
    /// A zip archive: as it is in its file, or else decoded.
    Archive {
        is_file: bool,
        bytes: Box<dyn Read + Send>,
    },
    /// Text of two bytes a character, which Spark does not write.
    Utf16,
    /// Neither text nor packed in a known way; the first bytes.
    Unknown(Vec<u8>),
}

/// Takes the packings off `input`, the bytes of a file called `name`.
///
/// # Errors
/// When nothing could be decoded at all: see [`fault_of`](super::codec::fault_of).
pub(super) fn unpack(
    mut input: Box<dyn Read + Send>,
    name: &str,
    limits: &DecodeLimits,
) -> io::Result<Unpacked> {
    for layer in 0..=MAX_LAYERS {
        let (head, fault) = read_head(&mut input);
        if head.is_empty() {
            return fault.map_or(Ok(Unpacked::Empty), Err);
        }
        let codec = match layer {
            0 => Codec::detect(&head, name),
            // Whatever a decoder gave that is not packed again is text.
            _ => Codec::from_magic(&head).or(Some(Codec::Plain)),
        };
        match codec {
            None if is_utf16(&head) => return Ok(Unpacked::Utf16),
            None => return Ok(Unpacked::Unknown(head)),
            Some(Codec::Plain) if is_utf16(&head) => return Ok(Unpacked::Utf16),
            Some(Codec::Plain) => {
                let mark = if head.starts_with(UTF8_MARK) {
                    UTF8_MARK.len()
                } else {
                    0
                };
                return Ok(Unpacked::Text(whole(head, mark, fault, input)));
            }
            Some(Codec::Zip) => {
                return Ok(Unpacked::Archive {
                    is_file: layer == 0,
                    bytes: whole(head, 0, fault, input),
                });
            }
            Some(codec) => {
                let packed = whole(head, 0, fault, input);
                let packed = BufReader::with_capacity(READ_BUFFER_BYTES, packed);
                input = decoder(codec, packed, limits)?;
            }
        }
    }
    Err(io::Error::new(
        io::ErrorKind::InvalidData,
        format!("it is packed more than {MAX_LAYERS} times"),
    ))
}

/// The first bytes, and the error that ended them early.
fn read_head(input: &mut impl Read) -> (Vec<u8>, Option<io::Error>) {
    let mut head = Vec::with_capacity(DETECT_BYTES);
    let read = input.take(DETECT_BYTES as u64).read_to_end(&mut head);
    (head, read.err())
}

/// `head` from `start` on, then the error that came after it, then the rest.
fn whole(
    head: Vec<u8>,
    start: usize,
    fault: Option<io::Error>,
    input: Box<dyn Read + Send>,
) -> Box<dyn Read + Send> {
    let mut head = Cursor::new(head);
    head.set_position(start as u64);
    match fault {
        None => Box::new(head.chain(input)),
        Some(fault) => Box::new(head.chain(Failing(Some(fault))).chain(input)),
    }
}

/// Gives its error once.
struct Failing(Option<io::Error>);

impl Read for Failing {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        self.0.take().map_or(Ok(0), Err)
    }
}

/// Whether text is of two bytes a character, by its mark or by its first character, a brace.
fn is_utf16(head: &[u8]) -> bool {
    matches!(
        head,
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] | [b'{', 0, ..] | [0, b'{', ..]
    )
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::codec::encode::{encode, zip_archive};
    use super::*;

    fn text_of(bytes: Vec<u8>) -> String {
        let input = Box::new(Cursor::new(bytes));
        match unpack(input, "app-1", &DecodeLimits::default()) {
            Ok(Unpacked::Text(mut text)) => {
                let mut all = String::new();
                text.read_to_string(&mut all).expect("good text");
                all
            }
            Ok(Unpacked::Empty) => "empty".to_owned(),
            Ok(Unpacked::Archive { is_file, .. }) => format!("archive {is_file}"),
            Ok(Unpacked::Utf16) => "utf-16".to_owned(),
            Ok(Unpacked::Unknown(_)) => "unknown".to_owned(),
            Err(error) => error.to_string(),
        }
    }

    const LINE: &str = "{\"Event\":\"SparkListenerLogStart\"}\n";

    #[test]
    fn marks_of_character_sets_are_told() {
        assert_eq!(text_of([UTF8_MARK, LINE.as_bytes()].concat()), LINE);
        let packed = encode(Codec::Gzip, &[UTF8_MARK, LINE.as_bytes()]);
        assert_eq!(text_of(packed), LINE);
        let little = LINE.encode_utf16().flat_map(u16::to_le_bytes);
        let big = LINE.encode_utf16().flat_map(u16::to_be_bytes);
        assert_eq!(text_of(little.clone().collect()), "utf-16");
        assert_eq!(
            text_of(b"\xff\xfe".iter().copied().chain(little).collect()),
            "utf-16"
        );
        assert_eq!(
            text_of(b"\xfe\xff".iter().copied().chain(big).collect()),
            "utf-16"
        );
    }

    #[test]
    fn an_archive_is_found_within_another_packing() {
        let archive = zip_archive(&[("app-1", LINE.as_bytes())]);
        assert_eq!(text_of(archive.clone()), "archive true");
        assert_eq!(text_of(encode(Codec::Gzip, &[&archive])), "archive false");
    }

    #[test]
    fn packings_without_end_are_refused() {
        let mut bytes = LINE.as_bytes().to_vec();
        for _ in 0..=MAX_LAYERS {
            bytes = encode(Codec::Gzip, &[&bytes]);
        }
        assert!(text_of(bytes).contains("more than 5 times"));
    }

    proptest! {
        #[test]
        fn packings_may_lie_around_each_other_in_any_order(
            layers in prop::collection::vec(0usize..4, 0..MAX_LAYERS), lines in 1usize..200,
        ) {
            let codecs = [Codec::Gzip, Codec::Zstd, Codec::Lz4, Codec::Snappy];
            let text = LINE.repeat(lines);
            let mut bytes = text.clone().into_bytes();
            for layer in layers {
                bytes = encode(codecs[layer], &[&bytes]);
            }
            prop_assert_eq!(text_of(bytes), text);
        }
    }
}
