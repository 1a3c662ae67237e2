//! The reading order of a log's pieces, which of them are there twice, and which are missing.
//!
//! Pieces of a rolling log have their number in the name. Databricks' chunks are named by the
//! minute, and the clock of a driver may step; each begins with a `DBCEventLoggingListenerMetadata`
//! event that numbers it within its SparkContext, and where every chunk has one, that decides.

use std::io::{BufRead, BufReader};

use serde::Deserialize;

use super::codec::DecodeLimits;
use super::input::Opener;
use super::part::Part;
use crate::discover::{DatabricksFile, RollingFile, databricks_file, rolling_file};

/// Heads of chunks that are read side by side: on an object store each is a request.
const CONCURRENT_HEADS: usize = 16;
/// Missing numbers that a message names.
const SHOWN_NUMBERS: usize = 5;

/// What we need of `DBCEventLoggingListenerMetadata`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub(super) struct Rollover {
    #[serde(rename = "Rollover Number")]
    number: i64,
    /// Beyond 2^53 in real logs.
    #[serde(rename = "SparkContext Id")]
    context: i64,
}

/// Pieces in the order in which they are read.
#[derive(Debug, Default)]
pub(super) struct Arranged {
    pub(super) parts: Vec<Part>,
    /// Which pieces are missing; `None` where none is, as far as numbers tell.
    pub(super) gap: Option<String>,
}

/// Puts the pieces of one log, given in the order of their names, into reading order. Of pieces with
/// the same number the one with the most text is kept: a copy may be cut off.
pub(super) fn arrange(parts: Vec<Part>, opener: &Opener, limits: &DecodeLimits) -> Arranged {
    let names = |parse: fn(&str) -> bool| parts.iter().all(|part| parse(part.name()));
    let longest = |part: &Part| part.text_bytes(opener, limits);
    if names(|name| matches!(rolling_file(name), Some(RollingFile::Events { .. }))) {
        return arrange_rolling(parts, longest);
    }
    if names(|name| databricks_file(name).is_some()) {
        let rollovers = read_rollovers(&parts, opener, limits);
        return arrange_chunks(parts, &rollovers, longest);
    }
    Arranged { parts, gap: None }
}

/// The pieces of each SparkContext among Databricks' chunks, with the context's id; in the order of
/// the contexts' first chunks. A chunk that does not say its context belongs to the one before it.
/// One item without id where no chunk says any, or the pieces are no chunks.
pub(super) fn by_context(
    parts: &[Part],
    opener: &Opener,
    limits: &DecodeLimits,
) -> Vec<(Option<i64>, Vec<usize>)> {
    let all = || vec![(None, (0..parts.len()).collect())];
    let are_chunks = parts
        .iter()
        .all(|part| databricks_file(part.name()).is_some());
    if !are_chunks || parts.len() < 2 {
        return all();
    }
    let contexts: Vec<Option<i64>> = read_rollovers(parts, opener, limits)
        .into_iter()
        .map(|rollover| rollover.map(|rollover| rollover.context))
        .collect();
    split_by_context(&contexts)
}

fn split_by_context(contexts: &[Option<i64>]) -> Vec<(Option<i64>, Vec<usize>)> {
    let first = contexts.iter().copied().flatten().next();
    let mut current = first;
    let mut groups: Vec<(Option<i64>, Vec<usize>)> = Vec::new();
    for (index, context) in contexts.iter().enumerate() {
        current = context.or(current);
        match groups.iter_mut().find(|(known, _)| *known == current) {
            Some((_, members)) => members.push(index),
            None => groups.push((current, vec![index])),
        }
    }
    groups
}

fn arrange_rolling(parts: Vec<Part>, text_bytes: impl Fn(&Part) -> u64) -> Arranged {
    let numbered: Vec<_> = parts
        .into_iter()
        .map(|part| match rolling_file(part.name()) {
            Some(RollingFile::Events { number, is_compact }) => {
                ((number.min(i64::MAX as u64) as i64, is_compact), part)
            }
            _ => ((i64::MAX, false), part),
        })
        .collect();
    let kept = without_twins(numbered, text_bytes);
    // A compacted file stands for all before it, and shares its number with the plain one.
    let numbers: Vec<i64> = kept.iter().map(|((number, _), _)| *number).collect();
    let begins_compacted = kept.first().is_some_and(|((_, is_compact), _)| *is_compact);
    let first = match numbers.first() {
        // Spark counts from 1, EMR Serverless from 0.
        Some(first) if *first > 1 && !begins_compacted => 1,
        Some(first) => *first,
        None => 0,
    };
    Arranged {
        gap: gap(first, &numbers).map(|missing| format!("event files {missing} are missing")),
        parts: kept.into_iter().map(|(_, part)| part).collect(),
    }
}

fn arrange_chunks(
    parts: Vec<Part>,
    rollovers: &[Option<Rollover>],
    text_bytes: impl Fn(&Part) -> u64,
) -> Arranged {
    let numbers: Option<Vec<i64>> = rollovers
        .iter()
        .map(|rollover| rollover.map(|rollover| rollover.number))
        .collect();
    let Some(numbers) = numbers else {
        // Names alone: the same minute twice is the same chunk, plain and packed.
        let dated: Vec<(DatabricksFile, Part)> = parts
            .into_iter()
            .filter_map(|part| Some((databricks_file(part.name())?, part)))
            .collect();
        let parts = without_twins(dated, text_bytes);
        return Arranged {
            parts: parts.into_iter().map(|(_, part)| part).collect(),
            gap: None,
        };
    };
    let mut numbered: Vec<_> = numbers.into_iter().zip(parts).collect();
    numbered.sort_by_key(|(number, _)| *number);
    let kept = without_twins(numbered, text_bytes);
    let numbers: Vec<i64> = kept.iter().map(|(number, _)| *number).collect();
    Arranged {
        gap: gap(0, &numbers)
            .map(|missing| format!("chunks with rollover number {missing} were not delivered")),
        parts: kept.into_iter().map(|(_, part)| part).collect(),
    }
}

/// Keeps one of neighbors with the same key: the one with the most text, the first of equals.
fn without_twins<K: PartialEq>(
    pieces: Vec<(K, Part)>,
    text_bytes: impl Fn(&Part) -> u64,
) -> Vec<(K, Part)> {
    let mut kept: Vec<(K, Part)> = Vec::with_capacity(pieces.len());
    for (key, part) in pieces {
        match kept.last_mut().filter(|(last, _)| *last == key) {
            None => kept.push((key, part)),
            Some((_, rival)) => {
                if text_bytes(&part) > text_bytes(rival) {
                    *rival = part;
                }
            }
        }
    }
    kept
}

/// The numbers that are missing between `first` and the last of ascending `numbers`, as text.
fn gap(first: i64, numbers: &[i64]) -> Option<String> {
    let mut shown = Vec::new();
    let mut missing = 0_u64;
    let mut expected = first;
    for number in numbers {
        if *number > expected {
            missing = missing.saturating_add(number.abs_diff(expected));
            let room = SHOWN_NUMBERS.saturating_sub(shown.len());
            shown.extend(
                (expected..*number)
                    .take(room)
                    .map(|number| number.to_string()),
            );
        }
        expected = number.saturating_add(1).max(expected);
    }
    let more = missing.saturating_sub(shown.len() as u64);
    match (missing, more) {
        (0, _) => None,
        (_, 0) => Some(shown.join(", ")),
        (_, more) => Some(format!("{} and {more} more", shown.join(", "))),
    }
}

/// What each chunk says of itself; `None` for one that does not, or cannot be read.
fn read_rollovers(parts: &[Part], opener: &Opener, limits: &DecodeLimits) -> Vec<Option<Rollover>> {
    let share = parts.len().div_ceil(CONCURRENT_HEADS).max(1);
    std::thread::scope(|scope| {
        let readers: Vec<_> = parts
            .chunks(share)
            .map(|share| {
                scope.spawn(move || {
                    share
                        .iter()
                        .map(|part| read_rollover(part, opener, limits))
                        .collect::<Vec<_>>()
                })
            })
            .collect();
        readers
            .into_iter()
            .zip(parts.chunks(share))
            .flat_map(|(reader, share)| reader.join().unwrap_or_else(|_| vec![None; share.len()]))
            .collect()
    })
}

fn read_rollover(part: &Part, opener: &Opener, limits: &DecodeLimits) -> Option<Rollover> {
    let text = part.head_text(opener, limits)?;
    let mut line = Vec::new();
    BufReader::new(text).read_until(b'\n', &mut line).ok()?;
    serde_json::from_slice(&line).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::discover::SourceFile;

    fn part(name: &str, size: u64) -> Part {
        Part::File(SourceFile {
            uri: format!("memory:///{name}"),
            path: name.into(),
            size,
            modified: chrono::DateTime::UNIX_EPOCH,
            etag: None,
        })
    }

    /// In these tests a piece has as much text as its size says.
    fn size(part: &Part) -> u64 {
        match part {
            Part::File(file) => file.size,
            Part::Entry { .. } => 0,
        }
    }

    fn names(arranged: &Arranged) -> Vec<&str> {
        arranged.parts.iter().map(Part::name).collect()
    }

    #[test]
    fn contexts_are_told_apart_and_a_silent_chunk_follows_its_neighbor() {
        let split = split_by_context(&[None, Some(7), Some(9), None, Some(7)]);
        assert_eq!(split, [(Some(7), vec![0, 1, 4]), (Some(9), vec![2, 3])]);
        assert_eq!(split_by_context(&[None, None]), [(None, vec![0, 1])]);
    }

    #[test]
    fn chunks_go_by_number_and_the_longer_twin_is_read() {
        let chunks = vec![
            part("eventlog-2024-01-01--10-00", 5),
            part("eventlog-2024-01-01--10-00.gz", 9),
            part("eventlog-2024-01-01--11-00.gz", 1),
            part("eventlog", 1),
        ];
        let rollover = |number| Some(Rollover { number, context: 7 });
        let rollovers = [rollover(1), rollover(1), rollover(0), rollover(4)];
        let arranged = arrange_chunks(chunks, &rollovers, size);
        assert_eq!(
            names(&arranged),
            [
                "eventlog-2024-01-01--11-00.gz",
                "eventlog-2024-01-01--10-00.gz",
                "eventlog"
            ]
        );
        assert_eq!(
            arranged.gap.as_deref(),
            Some("chunks with rollover number 2, 3 were not delivered")
        );
    }

    #[test]
    fn a_chunk_without_number_leaves_the_order_of_names() {
        let chunks = vec![
            part("eventlog-2024-01-01--10-00", 5),
            part("eventlog-2024-01-01--10-00.gz", 5),
            part("eventlog", 1),
        ];
        let arranged = arrange_chunks(chunks, &[None, None, None], size);
        assert_eq!(names(&arranged), ["eventlog-2024-01-01--10-00", "eventlog"]);
        assert_eq!(arranged.gap, None);
    }

    #[test]
    fn rolling_pieces_may_begin_at_zero_or_one_or_with_a_compacted_one() {
        let gap_of = |names: &[&str]| {
            let parts = names.iter().map(|name| part(name, 1)).collect();
            arrange_rolling(parts, size).gap
        };
        assert_eq!(gap_of(&["events_0_a", "events_1_a"]), None);
        assert_eq!(gap_of(&["events_1_a", "events_2_a.zstd"]), None);
        assert_eq!(
            gap_of(&["events_4_a.compact", "events_4_a", "events_5_a"]),
            None
        );
        let gap = |numbers: &str| Some(format!("event files {numbers} are missing"));
        assert_eq!(gap_of(&["events_1_a", "events_3_a"]), gap("2"));
        assert_eq!(gap_of(&["events_3_a"]), gap("1, 2"));
        assert_eq!(gap_of(&["events_4_a.compact", "events_6_a"]), gap("5"));
        assert_eq!(
            gap_of(&["events_1_a", "events_18446744073709551615_a"]),
            gap("2, 3, 4, 5, 6 and 9223372036854775800 more")
        );
    }

    #[test]
    fn numbers_beyond_doubles_are_kept() {
        let line = r#"{"Event":"DBCEventLoggingListenerMetadata","Rollover Number":3,"SparkContext Id":8880912756278443690}"#;
        let rollover: Rollover = serde_json::from_str(line).unwrap();
        assert_eq!(
            rollover,
            Rollover {
                number: 3,
                context: 8_880_912_756_278_443_690
            }
        );
    }

    proptest! {
        #[test]
        fn each_number_is_read_once_in_order_whatever_was_delivered(
            delivered in prop::collection::vec((0i64..12, 1u64..100), 1..30),
        ) {
            let chunks: Vec<Part> = delivered
                .iter()
                .enumerate()
                .map(|(index, (_, size))| {
                    part(&format!("eventlog-2024-01-01--10-{index:02}"), *size)
                })
                .collect();
            let rollovers: Vec<_> = delivered
                .iter()
                .map(|(number, _)| Some(Rollover { number: *number, context: 1 }))
                .collect();
            let arranged = arrange_chunks(chunks, &rollovers, size);
            let mut expected = std::collections::BTreeMap::new();
            for (number, size) in &delivered {
                let largest: &mut u64 = expected.entry(*number).or_default();
                *largest = (*largest).max(*size);
            }
            let sizes: Vec<u64> = arranged.parts.iter().map(size).collect();
            prop_assert_eq!(sizes, expected.values().copied().collect::<Vec<_>>());
            let last = expected.keys().next_back().copied().unwrap_or_default();
            let is_whole = expected.len() as i64 == last + 1;
            prop_assert_eq!(arranged.gap.is_none(), is_whole);
        }
    }
}
