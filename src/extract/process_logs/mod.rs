//! What drivers and executors wrote to their own logs: known problems, by a catalog of signatures.
//!
//! Logs of processes are large, and most of them are of no interest. So reading is bounded by files
//! and bytes, the files that tell most come first (standard error, the newest), and of a large file
//! its end. Lines are cut, not collected. What is kept of a line has its secrets masked.

mod lines;
mod signatures;
mod source;
mod stamp;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use tokio::runtime::Handle;

use crate::discover::{History, LoggedProcess, ProcessLogPlace};
use crate::extract::error::ExtractError;
use crate::extract::extraction::Identity;
use crate::extract::rows::{LogFindingRow, RowWriter};
use crate::model::Platform;
use crate::redact;

use lines::BoundedLines;
use source::LogFile;

pub use signatures::{Severity, Signature, SignatureError, Signatures};

/// Longest excerpt in characters.
const MAX_EXCERPT: usize = 500;
/// Clocks differ, and a driver's log begins before its application and ends after it.
const BEFORE_START: TimeDelta = TimeDelta::minutes(10);
const AFTER_END: TimeDelta = TimeDelta::minutes(30);

/// How much is read of one application's logs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProcessLogLimits {
    /// Most bytes of text, over all files.
    pub max_bytes_per_application: u64,
    /// Most bytes of text of one file: its last ones, or its first where it is compressed.
    pub max_bytes_per_file: u64,
    /// Most files.
    pub max_files: usize,
}

impl Default for ProcessLogLimits {
    fn default() -> Self {
        Self {
            max_bytes_per_application: 256 << 20,
            max_bytes_per_file: 32 << 20,
            max_files: 200,
        }
    }
}

/// Which lines belong to the application, where a place holds those of others too.
#[derive(Debug, Clone, Copy, Default)]
pub struct ProcessLogScope<'a> {
    /// Folders that are named after another application are left out.
    pub application_id: Option<&'a str>,
    /// Lines that are older than this (by some minutes) are another application's.
    pub since: Option<DateTime<Utc>>,
    /// Lines that are newer than this (by some minutes) are another application's.
    pub until: Option<DateTime<Utc>>,
}

impl<'a> ProcessLogScope<'a> {
    /// What belongs to `history`, which is about the application `identity`.
    ///
    /// Only Databricks puts the logs of several applications into one folder, and runs its machines
    /// in UTC. Elsewhere times decide nothing: a machine may have another time zone.
    pub fn of(history: &History, identity: &'a Identity) -> Self {
        let is_shared = history.platform == Platform::Databricks;
        let period = is_shared.then(|| {
            let since = DateTime::from_timestamp_millis(identity.start_time);
            (since, Some(history.modified()))
        });
        let (since, until) = period.unwrap_or_default();
        Self {
            application_id: Some(&identity.application_id),
            since,
            until,
        }
    }

    fn holds_time(&self, time: Option<DateTime<Utc>>) -> bool {
        let Some(time) = time else {
            return true;
        };
        self.since.is_none_or(|since| time >= since - BEFORE_START)
            && self.until.is_none_or(|until| time <= until + AFTER_END)
    }

    /// Whether a file lies in no folder of another application.
    fn holds_path(&self, path: &str) -> bool {
        let Some(own) = self.application_id else {
            return true;
        };
        let is_application =
            |part: &str| part.starts_with("application_") || is_standalone_application(part);
        !path
            .split('/')
            .any(|part| is_application(part) && part != own)
    }
}

/// `app-20240501100000-0000`
fn is_standalone_application(name: &str) -> bool {
    name.strip_prefix("app-").is_some_and(|rest| {
        rest.len() > 14
            && rest
                .bytes()
                .all(|byte| byte.is_ascii_digit() || byte == b'-')
    })
}

/// A known problem that the logs show.
#[derive(Debug, Clone)]
pub struct Finding {
    /// Which.
    pub signature: Arc<Signature>,
    /// Whose logs show it.
    pub process: LoggedProcess,
    /// Lines that do.
    pub count: u64,
    /// The earliest of them, where lines bear times.
    pub first_seen: Option<DateTime<Utc>>,
    /// The latest of them.
    pub last_seen: Option<DateTime<Utc>>,
    /// The first of them that was read, without secrets.
    pub excerpt: String,
    /// The file that it is from.
    pub log_uri: String,
}

/// What was read, and found.
#[derive(Debug, Default)]
pub struct Scan {
    /// Known problems, the most severe first.
    pub findings: Vec<Finding>,
    /// Files read.
    pub files: u64,
    /// Bytes read, as they are stored.
    pub bytes_read: u64,
    /// Bytes of text looked at.
    pub bytes_scanned: u64,
    /// Lines looked at.
    pub lines: u64,
    /// Whether a limit left something unread.
    pub is_truncated: bool,
    /// Places and files that could not be read. They hide nothing else.
    pub problems: Vec<ExtractError>,
}

/// Looks for known problems in the logs at `places`.
///
/// Call it on a thread that may block: not on a worker of `runtime`, which fetches objects.
pub fn scan(
    places: &[ProcessLogPlace],
    scope: &ProcessLogScope<'_>,
    limits: &ProcessLogLimits,
    signatures: &Signatures,
    runtime: &Handle,
) -> Scan {
    let mut scan = Scan::default();
    let mut files = Vec::new();
    for place in places {
        match runtime.block_on(source::list(place)) {
            Ok(found) => files.extend(found),
            Err(error) => scan.problems.push(error),
        }
    }
    files.retain(|file| scope.holds_path(&file.relative));
    files.sort_by_key(LogFile::order);
    let mut found = SignatureCounts::default();
    for file in &files {
        let left = limits
            .max_bytes_per_application
            .saturating_sub(scan.bytes_scanned);
        if left == 0 || scan.files >= limits.max_files as u64 {
            scan.is_truncated = true;
            break;
        }
        scan.files += 1;
        let budget = left.min(limits.max_bytes_per_file);
        if let Err(error) = scan_file(
            file, budget, scope, signatures, runtime, &mut scan, &mut found,
        ) {
            scan.problems.push(error);
        }
    }
    scan.findings = found.into_findings();
    scan
}

fn scan_file(
    file: &LogFile,
    budget: u64,
    scope: &ProcessLogScope<'_>,
    signatures: &Signatures,
    runtime: &Handle,
    scan: &mut Scan,
    found: &mut SignatureCounts,
) -> Result<(), ExtractError> {
    let opened = source::open(file, budget, runtime)?;
    scan.is_truncated |= opened.is_cut;
    let bytes_read = Arc::clone(&opened.bytes_read);
    let mut lines = BoundedLines::new(opened.text, budget, opened.begins_mid_line);
    let mut time = None;
    let result = loop {
        match lines.next() {
            Ok(Some(line)) => {
                time = stamp::time_of(line).or(time);
                scan.lines += 1;
                if scope.holds_time(time)
                    && let Some(signature) = signatures.first_match(line)
                {
                    found.add(signature, file, line, time);
                }
            }
            Ok(None) => break Ok(()),
            // Damage ends the file; what was read of it counts.
            Err(error) => break Err(source::failure(error, &file.uri)),
        }
    };
    scan.bytes_scanned += lines.bytes();
    scan.is_truncated |= lines.hit_limit();
    scan.bytes_read += bytes_read.load(std::sync::atomic::Ordering::Relaxed);
    result
}

/// Findings by signature and process, while files are read.
#[derive(Default)]
struct SignatureCounts(BTreeMap<(Severity, String, LoggedProcess), Finding>);

impl SignatureCounts {
    fn add(
        &mut self,
        signature: &Arc<Signature>,
        file: &LogFile,
        line: &[u8],
        time: Option<DateTime<Utc>>,
    ) {
        let key = (signature.severity, signature.id.clone(), file.process);
        let finding = self.0.entry(key).or_insert_with(|| Finding {
            signature: Arc::clone(signature),
            process: file.process,
            count: 0,
            first_seen: None,
            last_seen: None,
            excerpt: excerpt(line),
            log_uri: file.uri.clone(),
        });
        finding.count += 1;
        finding.first_seen = match (finding.first_seen, time) {
            (Some(first), Some(time)) => Some(first.min(time)),
            (first, time) => first.or(time),
        };
        finding.last_seen = finding.last_seen.max(time);
    }

    fn into_findings(self) -> Vec<Finding> {
        self.0.into_values().collect()
    }
}

/// A line for people: no secrets, no control characters, not too long.
fn excerpt(line: &[u8]) -> String {
    let text = String::from_utf8_lossy(line);
    let plain: String = text
        .chars()
        .map(|letter| if letter.is_control() { ' ' } else { letter })
        .collect();
    let redacted = redact::strict(plain.trim());
    match redacted.char_indices().nth(MAX_EXCERPT - 1) {
        Some((end, _)) if redacted.chars().count() > MAX_EXCERPT => {
            format!("{}…", redacted.get(..end).unwrap_or_default())
        }
        _ => redacted,
    }
}

/// Writes the findings of a scan as rows of `log_findings`.
///
/// # Errors
/// As [`RowWriter::append`].
pub fn write(scan: &Scan, writer: &mut RowWriter<'_>) -> Result<(), ExtractError> {
    let to_i64 = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
    for finding in &scan.findings {
        let signature = &finding.signature;
        LogFindingRow {
            signature: &signature.id,
            title: &signature.title,
            category: &signature.category,
            severity: signature.severity.as_str(),
            process: finding.process.as_str(),
            count: to_i64(finding.count),
            first_seen: finding.first_seen.map(|time| time.timestamp_millis()),
            last_seen: finding.last_seen.map(|time| time.timestamp_millis()),
            excerpt: &finding.excerpt,
            log_uri: &finding.log_uri,
            recommendation: &signature.recommendation,
            config_key: signature.config_key.as_deref(),
            files_scanned: to_i64(scan.files),
            lines_scanned: to_i64(scan.lines),
            bytes_scanned: to_i64(scan.bytes_scanned),
            is_truncated: scan.is_truncated,
        }
        .append(writer)?;
    }
    Ok(())
}
