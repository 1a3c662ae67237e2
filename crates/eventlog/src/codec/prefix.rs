//! The text of a block that was cut off, as far as its bytes tell.
//!
//! LZ4, Snappy and LZF write a block from front to back, so the first half of one decodes to the
//! first half of its text; the crates that decode whole blocks refuse it. zstd reads each block
//! from its end, and has no such prefix.

/// The beginning of the text of an LZ4 block.
pub(super) fn lz4(mut input: &[u8], limit: usize) -> Vec<u8> {
    let mut text = Text::new(limit);
    while let Some(token) = take(&mut input) {
        let Some(literals) = lz4_length(token >> 4, &mut input) else {
            break;
        };
        if !text.literals(&mut input, literals) {
            break;
        }
        let (Some(low), Some(high)) = (take(&mut input), take(&mut input)) else {
            break;
        };
        let Some(length) = lz4_length(token & 0x0f, &mut input) else {
            break;
        };
        let offset = usize::from(u16::from_le_bytes([low, high]));
        if !text.copy(offset, length.saturating_add(4)) {
            break;
        }
    }
    text.bytes
}

/// A length of four bits that goes on in the bytes that follow.
fn lz4_length(first: u8, input: &mut &[u8]) -> Option<usize> {
    let mut length = usize::from(first);
    if first == 15 {
        loop {
            let more = take(input)?;
            length = length.saturating_add(more.into());
            if more != u8::MAX {
                break;
            }
        }
    }
    Some(length)
}

/// The beginning of the text of a raw Snappy block, which begins with its length.
pub(super) fn snappy(mut input: &[u8], limit: usize) -> Vec<u8> {
    let mut text = Text::new(limit);
    while take(&mut input).is_some_and(|byte| byte >= 0x80) {}
    while let Some(tag) = take(&mut input) {
        let upper = usize::from(tag >> 2);
        let goes_on = match tag & 3 {
            0 if upper < 60 => text.literals(&mut input, upper + 1),
            0 => little_endian(&mut input, upper - 59)
                .is_some_and(|length| text.literals(&mut input, length.saturating_add(1))),
            1 => take(&mut input).is_some_and(|low| {
                let offset = (upper >> 3) << 8 | usize::from(low);
                text.copy(offset, (upper & 7) + 4)
            }),
            width => little_endian(&mut input, if width == 2 { 2 } else { 4 })
                .is_some_and(|offset| text.copy(offset, upper + 1)),
        };
        if !goes_on {
            break;
        }
    }
    text.bytes
}

/// The beginning of the text of an LZF chunk.
pub(super) fn lzf(mut input: &[u8], limit: usize) -> Vec<u8> {
    let mut text = Text::new(limit);
    while let Some(control) = take(&mut input) {
        let control = usize::from(control);
        let goes_on = if control < 32 {
            text.literals(&mut input, control + 1)
        } else {
            let longer = match control >> 5 {
                7 => take(&mut input).map(|more| 7 + usize::from(more)),
                short => Some(short),
            };
            longer.zip(take(&mut input)).is_some_and(|(length, low)| {
                let offset = ((control & 0x1f) << 8 | usize::from(low)) + 1;
                text.copy(offset, length + 2)
            })
        };
        if !goes_on {
            break;
        }
    }
    text.bytes
}

fn take(input: &mut &[u8]) -> Option<u8> {
    let (first, rest) = input.split_first()?;
    *input = rest;
    Some(*first)
}

/// A number of up to four bytes.
fn little_endian(input: &mut &[u8], count: usize) -> Option<usize> {
    let mut number = 0;
    for place in 0..count {
        number |= usize::from(take(input)?) << (8 * place);
    }
    Some(number)
}

/// Text that grows by literals and by copies of itself, up to a limit.
struct Text {
    bytes: Vec<u8>,
    limit: usize,
}

impl Text {
    fn new(limit: usize) -> Self {
        Self {
            bytes: Vec::new(),
            limit,
        }
    }

    /// Appends the next `count` bytes of `input`; false where there are fewer, or no room.
    fn literals(&mut self, input: &mut &[u8], count: usize) -> bool {
        let room = self.limit.saturating_sub(self.bytes.len());
        let taken = count.min(input.len()).min(room);
        let (literals, rest) = input.split_at(taken);
        self.bytes.extend_from_slice(literals);
        *input = rest;
        taken == count
    }

    /// Appends `count` bytes from `offset` bytes back, which may overlap with what is appended.
    fn copy(&mut self, offset: usize, count: usize) -> bool {
        let Some(start) = self.bytes.len().checked_sub(offset).filter(|_| offset > 0) else {
            return false;
        };
        let room = self.limit.saturating_sub(self.bytes.len());
        for at in start..start.saturating_add(count.min(room)) {
            let Some(byte) = self.bytes.get(at).copied() else {
                return false;
            };
            self.bytes.push(byte);
        }
        count <= room
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    type Decode = fn(&[u8], usize) -> Vec<u8>;

    proptest! {
        #[test]
        fn a_cut_block_gives_the_beginning_of_its_text_and_a_whole_one_all(
            words in prop::collection::vec("[a-e]{1,9}|[ -~]{1,30}", 1..80), cut in 0.0f64..=1.0,
        ) {
            let text = words.concat().into_bytes();
            let blocks: [(Decode, Vec<u8>); 3] = [
                (lz4, lz4_flex::block::compress(&text)),
                (snappy, snap::raw::Encoder::new().compress_vec(&text).unwrap()),
                (lzf, super::super::lzf::encode::compress(&text)),
            ];
            prop_assert_eq!(&::lzf::decompress(&blocks[2].1, text.len()).unwrap(), &text);
            for (decode, block) in blocks {
                prop_assert_eq!(&decode(&block, text.len()), &text);
                let cut = (block.len() as f64 * cut) as usize;
                let part = decode(&block[..cut], text.len());
                prop_assert!(text.starts_with(&part));
                prop_assert!(part.len() + 1 >= cut.saturating_sub(text.len() / 100 + 24));
            }
        }

        #[test]
        fn any_bytes_stay_within_the_limit(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
            for decode in [lz4, snappy, lzf] {
                prop_assert!(decode(&bytes, 1_000).len() <= 1_000);
            }
        }
    }
}
