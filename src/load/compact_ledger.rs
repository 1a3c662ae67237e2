//! The ledger in memory: a million histories in little space.
//!
//! Every night reads the whole ledger to know what is new. As structs with texts of their own a
//! million entries take a gigabyte. Here an entry is a row of numbers; the texts that differ from
//! entry to entry lie behind each other in one buffer, those that repeat (folders, clusters) are
//! kept once, and fingerprints, which are only ever compared, as hashes.

use std::hash::Hasher;

use chrono::{DateTime, NaiveDate};
use hashbrown::HashTable;
use twox_hash::XxHash64;

use super::ledger::LedgerEntry;
use super::source_record::SourceStatus;
use crate::model::ApplicationKey;

/// Stands for a number that is not known.
const NONE: i64 = i64::MIN;
/// The same for days.
const NO_DATE: i32 = i32::MIN;
/// The same for places in tables of texts.
const NO_TEXT: u32 = u32::MAX;

/// An entry as it comes from the ledger's files.
#[derive(Debug, Clone, Copy)]
pub(super) struct NewEntry<'a> {
    pub(super) source_uri: &'a str,
    pub(super) fingerprint: &'a str,
    /// Platform, cluster, application and attempt.
    pub(super) key: Option<[&'a str; 4]>,
    pub(super) status: SourceStatus,
    pub(super) retryable: Option<bool>,
    pub(super) complete: Option<bool>,
    pub(super) bytes: Option<i64>,
    pub(super) size_bytes: Option<i64>,
    /// Microseconds since 1970.
    pub(super) modified: Option<i64>,
    /// Days since 1970.
    pub(super) app_date: Option<i32>,
    /// Microseconds since 1970.
    pub(super) start_time: Option<i64>,
    /// Microseconds since 1970.
    pub(super) ingested_at: i64,
    pub(super) seq: Option<i64>,
    pub(super) extractor_version: Option<u32>,
    pub(super) has_tasks: Option<bool>,
}

/// The newest entries by history and by application.
#[derive(Debug, Clone, Default)]
pub(super) struct CompactLedger {
    entries: Vec<Entry>,
    /// Entries that nothing refers to any more.
    free: Vec<u32>,
    by_uri: HashTable<u32>,
    by_key: HashTable<u32>,
    texts: Texts,
}

#[derive(Debug, Clone, Copy)]
struct Entry {
    uri_hash: u64,
    key_hash: u64,
    fingerprint: u64,
    ingested_at: i64,
    seq: i64,
    modified: i64,
    start_time: i64,
    size_bytes: i64,
    bytes: i64,
    folder: u32,
    name: Text,
    application: Text,
    cluster: u32,
    attempt: u32,
    app_date: i32,
    extractor_version: u32,
    status: SourceStatus,
    retryable: Option<bool>,
    complete: Option<bool>,
    has_tasks: Option<bool>,
    is_newest: bool,
    is_loaded: bool,
}

/// A text in the buffer.
#[derive(Debug, Clone, Copy, Default)]
struct Text {
    start: u32,
    length: u32,
}

#[derive(Debug, Clone, Default)]
struct Texts {
    buffer: String,
    /// Texts that repeat, by their number.
    kept: Vec<Text>,
    numbers: HashTable<u32>,
}

impl CompactLedger {
    /// Makes room for so many entries.
    pub(super) fn reserve(&mut self, entries: usize) {
        self.entries.reserve(entries);
        let Self {
            by_uri,
            by_key,
            entries,
            ..
        } = self;
        by_uri.reserve(entries.capacity(), |place| hash_of(entries, *place).0);
        by_key.reserve(entries.capacity(), |place| hash_of(entries, *place).1);
    }

    /// Enters a row of the ledger, unless a newer one is known. Batch numbers tell which is newer:
    /// a clock that was ahead once must not hide what came later.
    pub(super) fn insert(&mut self, new: &NewEntry<'_>) {
        // A place that could not be looked at is no history.
        if new.status == SourceStatus::Unreachable {
            return;
        }
        let age = (new.seq.unwrap_or(NONE), new.ingested_at);
        let key = new.key.filter(|_| new.status.has_rows());
        let newest = self.place_of_uri(new.source_uri);
        let loaded = key.and_then(|key| self.place_of_key(key));
        let is_newer = |entries: &[Entry], place: Option<u32>| {
            place
                .and_then(|place| entry(entries, place))
                .is_none_or(|known| (known.seq, known.ingested_at) <= age)
        };
        let becomes_newest = is_newer(&self.entries, newest);
        let becomes_loaded = key.is_some() && is_newer(&self.entries, loaded);
        if !becomes_newest && !becomes_loaded {
            return;
        }
        if becomes_newest && let Some(place) = newest {
            self.forget_uri(place);
        }
        if becomes_loaded && let Some(place) = loaded {
            self.forget_key(place);
        }
        let Some(place) = self.store(new, becomes_newest, becomes_loaded) else {
            return;
        };
        let Self {
            entries,
            by_uri,
            by_key,
            ..
        } = self;
        let (uri_hash, key_hash) = hash_of(entries, place);
        if becomes_newest {
            by_uri.insert_unique(uri_hash, place, |place| hash_of(entries, *place).0);
        }
        if becomes_loaded {
            by_key.insert_unique(key_hash, place, |place| hash_of(entries, *place).1);
        }
    }

    /// The newest entry of a history.
    pub(super) fn newest(&self, source_uri: &str) -> Option<LedgerEntry> {
        self.read(self.place_of_uri(source_uri)?)
    }

    /// What decides whether a version of a history is known: status, whether trying again may help,
    /// and the application. `None` where the newest entry is of another version.
    pub(super) fn version(&self, source_uri: &str, fingerprint: &str) -> Option<Version> {
        let place = self.place_of_uri(source_uri)?;
        let entry = entry(&self.entries, place)?;
        (entry.fingerprint == hash(fingerprint)).then_some(Version {
            status: entry.status,
            retryable: entry.retryable,
            extractor_version: entry.extractor_version,
            place,
        })
    }

    /// Whether the newest entry of a history was loaded without its tasks.
    pub(super) fn lacks_tasks(&self, source_uri: &str) -> bool {
        self.place_of_uri(source_uri)
            .and_then(|place| entry(&self.entries, place))
            .is_some_and(|entry| entry.status.has_rows() && entry.has_tasks == Some(false))
    }

    /// Whether rows of the application of an entry are in the lake.
    pub(super) fn has_loaded_application(&self, version: &Version) -> bool {
        let key = entry(&self.entries, version.place).and_then(|entry| self.key_of(entry));
        key.is_some_and(|key| self.place_of_key(key).is_some())
    }

    /// The newest entry of an application that brought rows.
    pub(super) fn loaded(&self, key: &ApplicationKey) -> Option<LedgerEntry> {
        let parts = [
            key.platform.as_str(),
            key.cluster_id.as_str(),
            key.application_id.as_str(),
            key.attempt_id.as_str(),
        ];
        self.read(self.place_of_key(parts)?)
    }

    /// The newest entries of all histories.
    pub(super) fn entries(&self) -> impl Iterator<Item = LedgerEntry> {
        self.by_uri.iter().filter_map(|place| self.read(*place))
    }

    /// Those whose status is wanted; the texts of others are not touched.
    pub(super) fn entries_of(
        &self,
        wanted: impl Fn(SourceStatus) -> bool,
    ) -> impl Iterator<Item = LedgerEntry> {
        self.by_uri
            .iter()
            .copied()
            .filter(move |place| {
                entry(&self.entries, *place).is_some_and(|entry| wanted(entry.status))
            })
            .filter_map(|place| self.read(place))
    }

    /// Number of histories.
    pub(super) fn len(&self) -> usize {
        self.by_uri.len()
    }

    fn store(&mut self, new: &NewEntry<'_>, is_newest: bool, is_loaded: bool) -> Option<u32> {
        let (folder, name) = split(new.source_uri);
        let name = self.texts.add(name)?;
        let entry = Entry {
            uri_hash: hash(new.source_uri),
            key_hash: new.key.map_or(0, hash_of_key),
            fingerprint: hash(new.fingerprint),
            ingested_at: new.ingested_at,
            seq: new.seq.unwrap_or(NONE),
            extractor_version: new.extractor_version.unwrap_or(0),
            has_tasks: new.has_tasks,
            modified: new.modified.unwrap_or(NONE),
            start_time: new.start_time.unwrap_or(NONE),
            size_bytes: new.size_bytes.unwrap_or(NONE),
            bytes: new.bytes.unwrap_or(NONE),
            folder: self.texts.keep(folder)?,
            name,
            application: match new.key {
                Some([_, _, application, _]) => self.texts.within(name, application)?,
                None => Text::default(),
            },
            cluster: match new.key {
                // Two words that never hold this character stand behind each other.
                Some([platform, cluster, ..]) => {
                    self.texts.keep(&format!("{platform}\n{cluster}"))?
                }
                None => NO_TEXT,
            },
            attempt: match new.key {
                Some([.., attempt]) => self.texts.keep(attempt)?,
                None => NO_TEXT,
            },
            app_date: new.app_date.unwrap_or(NO_DATE),
            status: new.status,
            retryable: new.retryable,
            complete: new.complete,
            is_newest,
            is_loaded,
        };
        if let Some(place) = self.free.pop() {
            *self.entries.get_mut(usize::try_from(place).ok()?)? = entry;
            return Some(place);
        }
        let place = u32::try_from(self.entries.len()).ok()?;
        self.entries.push(entry);
        Some(place)
    }

    fn forget_uri(&mut self, place: u32) {
        let (hash, _) = hash_of(&self.entries, place);
        if let Ok(found) = self.by_uri.find_entry(hash, |other| *other == place) {
            found.remove();
        }
        self.release(place, |entry| entry.is_newest = false);
    }

    fn forget_key(&mut self, place: u32) {
        let (_, hash) = hash_of(&self.entries, place);
        if let Ok(found) = self.by_key.find_entry(hash, |other| *other == place) {
            found.remove();
        }
        self.release(place, |entry| entry.is_loaded = false);
    }

    fn release(&mut self, place: u32, change: impl FnOnce(&mut Entry)) {
        let index = usize::try_from(place).unwrap_or(usize::MAX);
        if let Some(entry) = self.entries.get_mut(index) {
            change(entry);
            if !entry.is_newest && !entry.is_loaded {
                self.free.push(place);
            }
        }
    }

    fn place_of_uri(&self, uri: &str) -> Option<u32> {
        let (folder, name) = split(uri);
        let found = self.by_uri.find(hash(uri), |place| {
            entry(&self.entries, *place).is_some_and(|entry| {
                self.texts.of(entry.name) == name && self.texts.kept(entry.folder) == folder
            })
        });
        found.copied()
    }

    fn place_of_key(&self, key: [&str; 4]) -> Option<u32> {
        let found = self.by_key.find(hash_of_key(key), |place| {
            entry(&self.entries, *place).and_then(|entry| self.key_of(entry)) == Some(key)
        });
        found.copied()
    }

    fn key_of(&self, entry: &Entry) -> Option<[&str; 4]> {
        if entry.cluster == NO_TEXT {
            return None;
        }
        let (platform, cluster) = self.texts.kept(entry.cluster).split_once('\n')?;
        let application = self.texts.of(entry.application);
        Some([
            platform,
            cluster,
            application,
            self.texts.kept(entry.attempt),
        ])
    }

    fn read(&self, place: u32) -> Option<LedgerEntry> {
        let entry = entry(&self.entries, place)?;
        let number = |value: i64| u64::try_from(value).ok();
        let time = |micros: i64| DateTime::from_timestamp_micros(micros).filter(|_| micros != NONE);
        Some(LedgerEntry {
            source_uri: [self.texts.kept(entry.folder), self.texts.of(entry.name)].concat(),
            status: entry.status,
            key: self.key_of(entry).map(|key| {
                let [platform, cluster_id, application_id, attempt_id] = key.map(str::to_owned);
                ApplicationKey {
                    platform,
                    cluster_id,
                    application_id,
                    attempt_id,
                }
            }),
            retryable: entry.retryable,
            complete: entry.complete,
            bytes: number(entry.bytes),
            size_bytes: number(entry.size_bytes),
            modified: time(entry.modified),
            start_time: time(entry.start_time),
            app_date: (entry.app_date != NO_DATE)
                .then(|| NaiveDate::from_epoch_days(entry.app_date))
                .flatten(),
            ingested_at: DateTime::from_timestamp_micros(entry.ingested_at)?,
            seq: (entry.seq != NONE).then_some(entry.seq),
            extractor_version: (entry.extractor_version > 0).then_some(entry.extractor_version),
            has_tasks: entry.has_tasks,
        })
    }
}

/// A version of a history that the ledger knows.
#[derive(Debug, Clone, Copy)]
pub(super) struct Version {
    pub(super) status: SourceStatus,
    pub(super) retryable: Option<bool>,
    /// 0 in rows of older versions.
    pub(super) extractor_version: u32,
    place: u32,
}

fn entry(entries: &[Entry], place: u32) -> Option<&Entry> {
    entries.get(usize::try_from(place).ok()?)
}

/// Hashes of an entry's history and application.
fn hash_of(entries: &[Entry], place: u32) -> (u64, u64) {
    entry(entries, place).map_or((0, 0), |entry| (entry.uri_hash, entry.key_hash))
}

fn hash(text: &str) -> u64 {
    let mut hasher = XxHash64::default();
    hasher.write(text.as_bytes());
    hasher.finish()
}

fn hash_of_key(key: [&str; 4]) -> u64 {
    let mut hasher = XxHash64::default();
    for part in key {
        hasher.write(part.as_bytes());
        hasher.write_u8(0);
    }
    hasher.finish()
}

/// The folder of a history, with the slash, and its name.
fn split(uri: &str) -> (&str, &str) {
    let folder = uri.rfind('/').map_or(0, |slash| slash + 1);
    uri.split_at(folder)
}

impl Texts {
    /// Puts a text behind the others.
    fn add(&mut self, text: &str) -> Option<Text> {
        let place = Text {
            start: u32::try_from(self.buffer.len()).ok()?,
            length: u32::try_from(text.len()).ok()?,
        };
        self.buffer.push_str(text);
        Some(place)
    }

    /// A text that is part of another one more often than not.
    fn within(&mut self, other: Text, text: &str) -> Option<Text> {
        match self.of(other).find(text) {
            Some(start) => Some(Text {
                start: other.start + u32::try_from(start).ok()?,
                length: u32::try_from(text.len()).ok()?,
            }),
            None => self.add(text),
        }
    }

    fn of(&self, text: Text) -> &str {
        text.in_buffer(&self.buffer)
    }

    /// The number of a text that repeats.
    fn keep(&mut self, text: &str) -> Option<u32> {
        let known = self
            .numbers
            .find(hash(text), |number| self.kept(*number) == text);
        if let Some(number) = known {
            return Some(*number);
        }
        let number = u32::try_from(self.kept.len()).ok()?;
        let place = self.add(text)?;
        self.kept.push(place);
        let Self {
            buffer,
            kept,
            numbers,
        } = self;
        let hash_of_number = |number: &u32| {
            let place = usize::try_from(*number).unwrap_or(usize::MAX);
            let text = kept.get(place).copied().unwrap_or_default();
            hash(text.in_buffer(buffer))
        };
        numbers.insert_unique(hash(text), number, hash_of_number);
        Some(number)
    }

    fn kept(&self, number: u32) -> &str {
        let index = usize::try_from(number).unwrap_or(usize::MAX);
        self.kept
            .get(index)
            .map_or("", |text| text.in_buffer(&self.buffer))
    }
}

impl Text {
    fn in_buffer(self, buffer: &str) -> &str {
        let start = usize::try_from(self.start).unwrap_or(usize::MAX);
        let length = usize::try_from(self.length).unwrap_or(usize::MAX);
        buffer
            .get(start..start.saturating_add(length))
            .unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use proptest::prelude::*;

    use super::*;

    /// A row of the ledger: history, version, application, whether it brought rows, age.
    type Row = (u8, u8, Option<u8>, bool, i64);

    fn uri(history: u8) -> String {
        match history % 3 {
            0 => format!("file:///logs/day-{}/app-{history}", history % 2),
            1 => format!("s3://bucket/other/eventlog-of-app-{history}.zstd"),
            _ => format!("no-folder-{history}"),
        }
    }

    fn key(application: u8) -> ApplicationKey {
        ApplicationKey {
            platform: ["emr", "event_log"][usize::from(application % 2)].to_owned(),
            cluster_id: format!("cluster-{}", application % 3),
            application_id: format!("app-{application}"),
            attempt_id: "0".to_owned(),
        }
    }

    fn insert(ledger: &mut CompactLedger, row: &Row) {
        let (history, version, application, has_rows, age) = *row;
        let (uri, fingerprint) = (uri(history), format!("version-{version}"));
        let key = application.map(key);
        ledger.insert(&NewEntry {
            source_uri: &uri,
            fingerprint: &fingerprint,
            key: key.as_ref().map(|key| {
                [
                    key.platform.as_str(),
                    key.cluster_id.as_str(),
                    key.application_id.as_str(),
                    key.attempt_id.as_str(),
                ]
            }),
            status: if has_rows {
                SourceStatus::Loaded
            } else {
                SourceStatus::Failed
            },
            retryable: None,
            complete: Some(has_rows),
            bytes: None,
            size_bytes: Some(i64::from(version)),
            modified: Some(age),
            app_date: Some(i32::from(history)),
            start_time: Some(age),
            ingested_at: age,
            seq: None,
            extractor_version: None,
            has_tasks: None,
        });
    }

    proptest! {
        /// The same answers as two maps of whole rows would give.
        #[test]
        fn answers_are_those_of_plain_maps(
            rows in prop::collection::vec(
                (0_u8..9, 0_u8..4, prop::option::of(0_u8..6), any::<bool>(), 0_i64..20),
                0..80,
            )
        ) {
            let mut ledger = CompactLedger::default();
            let mut newest: HashMap<u8, Row> = HashMap::new();
            let mut loaded: HashMap<u8, Row> = HashMap::new();
            for row in &rows {
                insert(&mut ledger, row);
                let (history, _, application, has_rows, age) = *row;
                if newest.get(&history).is_none_or(|known| known.4 <= age) {
                    newest.insert(history, *row);
                }
                if let (true, Some(application)) = (has_rows, application)
                    && loaded.get(&application).is_none_or(|known| known.4 <= age)
                {
                    loaded.insert(application, *row);
                }
            }
            prop_assert_eq!(ledger.len(), newest.len());
            prop_assert_eq!(ledger.entries().count(), newest.len());
            for history in 0..9 {
                let found = ledger.newest(&uri(history));
                let known = newest.get(&history);
                prop_assert_eq!(found.is_some(), known.is_some());
                if let (Some(found), Some((_, version, application, has_rows, age))) = (found, known) {
                    prop_assert_eq!(found.source_uri, uri(history));
                    prop_assert_eq!(found.key, application.map(key));
                    prop_assert_eq!(found.complete, Some(*has_rows));
                    prop_assert_eq!(found.size_bytes, Some(u64::from(*version)));
                    prop_assert_eq!(found.ingested_at.timestamp_micros(), *age);
                    let of = |version| ledger.version(&uri(history), &format!("version-{version}"));
                    prop_assert!(of(*version).is_some());
                    prop_assert!(of(version + 1).is_none());
                }
            }
            for application in 0..6 {
                let found = ledger.loaded(&key(application)).map(|found| found.source_uri);
                prop_assert_eq!(found, loaded.get(&application).map(|row| uri(row.0)));
            }
        }
    }
}
