//! Whose log it is, by its first events; where its beginning is lost, by what else tells.

use std::io::Read;

use tokio::runtime::Handle;

use super::codec::DecodeLimits;
use super::event::{ApplicationStart, Event, EventParser};
use super::layout;
use super::lines::LineChunks;
use super::sections::section_of;
use super::unpack::UTF8_MARK;
use crate::discover::{
    EventLog, RollingFile, Section, application_in_name, databricks_file, file_name, rolling_file,
    without_endings,
};
use crate::extract::error::ExtractError;
use crate::extract::extraction::Identity;

/// Text that is searched for the application's start before it is given up.
const SEARCH_BYTES: u64 = 64 << 20;
/// Text that is decoded at a time: the start is mostly among the first lines.
const CHUNK_BYTES: usize = 64 << 10;
/// The property that names the application, in the environment and in properties of jobs.
const ID_PROPERTY: &[u8] = b"\"spark.app.id\":\"";
/// Longest id that is taken from a property.
const MAX_ID_BYTES: usize = 256;

/// Reads just enough of a log to know whose it is: one application, or one for each SparkContext
/// whose chunks lie in one folder.
///
/// # Errors
/// When the log cannot be read, or nothing tells its application.
pub fn identify(
    log: &EventLog,
    runtime: &Handle,
    limits: &DecodeLimits,
) -> Result<Vec<(EventLog, Identity)>, ExtractError> {
    let logs = layout::split(log, runtime, limits)?;
    let mut identified = Vec::with_capacity(logs.len());
    for log in logs {
        match identify_one(&log, runtime, limits) {
            Ok(identity) => identified.push((log, identity)),
            // Only its bytes show that it is an archive of several.
            Err(ExtractError::SeveralLogs { .. }) if log.zip_entries.is_empty() => {
                identified.extend(identify_inside(&log, runtime, limits)?);
            }
            Err(error) => return Err(error),
        }
    }
    Ok(identified)
}

/// The logs in an archive, without other files that were packed with them.
fn identify_inside(
    archive: &EventLog,
    runtime: &Handle,
    limits: &DecodeLimits,
) -> Result<Vec<(EventLog, Identity)>, ExtractError> {
    let mut identified = Vec::new();
    let mut other = None;
    for log in layout::inside(archive, runtime, limits)? {
        match identify_one(&log, runtime, limits) {
            Ok(identity) => identified.push((log, identity)),
            Err(
                error @ (ExtractError::NotAnEventLog { .. }
                | ExtractError::UnknownCodec { .. }
                | ExtractError::EmptyLog { .. }),
            ) => {
                other.get_or_insert(error);
            }
            Err(error) => return Err(error),
        }
    }
    match other {
        Some(error) if identified.is_empty() => Err(error),
        _ => Ok(identified),
    }
}

fn identify_one(
    log: &EventLog,
    runtime: &Handle,
    limits: &DecodeLimits,
) -> Result<Identity, ExtractError> {
    let reader = layout::open(log, runtime, limits)?;
    let mut search = Search::default();
    // An error after the start, or with enough known without it, is for the extraction to report.
    let read = search.run(reader.take(SEARCH_BYTES));
    if let Some(start) = search.start.take() {
        return of_start(*start, &search, log);
    }
    read.map_err(|error| ExtractError::from_read(error, &log.uri))?;
    if search.events == 0 {
        return Err(ExtractError::NotAnEventLog {
            uri: log.uri.clone(),
            reason: search.other_text().to_owned(),
        });
    }
    let section = search
        .id
        .take()
        .map(|application_id| Section {
            application_id,
            attempt_id: "0".to_owned(),
        })
        .or_else(|| section_in_name(log))
        .or_else(|| search.context_section())
        .ok_or_else(|| ExtractError::NoApplicationStart {
            uri: log.uri.clone(),
        })?;
    let first_time = search.first_time;
    Ok(Identity {
        application_id: section.application_id,
        attempt_id: section.attempt_id,
        application_name: String::new(),
        start_time: first_time.unwrap_or_else(|| log.modified().timestamp_millis()),
        has_start: false,
        spark_context_id: search.context,
    })
}

fn of_start(
    start: ApplicationStart,
    search: &Search,
    log: &EventLog,
) -> Result<Identity, ExtractError> {
    let section = section_of(&start).or_else(|| {
        let in_name = section_in_name(log);
        let told = search.id.clone().map(|application_id| Section {
            application_id,
            attempt_id: start.attempt_id.clone().unwrap_or_else(|| "0".to_owned()),
        });
        told.or(in_name)
    });
    let section = section.ok_or_else(|| ExtractError::NoApplicationId {
        uri: log.uri.clone(),
    })?;
    Ok(Identity {
        application_id: section.application_id,
        attempt_id: section.attempt_id,
        application_name: start.name,
        start_time: start.timestamp,
        has_start: true,
        spark_context_id: search.context,
    })
}

/// What the first text of a log tells.
#[derive(Default)]
struct Search {
    start: Option<Box<ApplicationStart>>,
    events: usize,
    /// Epoch milliseconds of the first event that has a time.
    first_time: Option<i64>,
    /// The application's id by a property.
    id: Option<String>,
    /// Databricks' id of the SparkContext.
    context: Option<i64>,
    /// Lines that look as log4j writes them, and others that are no event.
    log4j_lines: usize,
    other_lines: usize,
}

impl Search {
    /// Reads until the application's start, or the end.
    fn run(&mut self, text: impl Read) -> std::io::Result<()> {
        let mut chunks = LineChunks::with_chunk_bytes(text, CHUNK_BYTES);
        let mut parser = EventParser::default();
        let mut chunk = Vec::new();
        while chunks.next(&mut chunk)? {
            if self.id.is_none() {
                self.id = id_property(&chunk);
            }
            for line in chunk.split(|byte| matches!(byte, b'\n' | b'\r')) {
                let line = line.strip_prefix(UTF8_MARK).unwrap_or(line);
                match parser.parse(line) {
                    Ok(Some(event)) => {
                        if self.look(event) {
                            return Ok(());
                        }
                    }
                    Ok(None) => {}
                    Err(_) if is_log4j(line) => self.log4j_lines += 1,
                    Err(_) => self.other_lines += usize::from(!line.trim_ascii().is_empty()),
                }
            }
        }
        Ok(())
    }

    /// Whether the search ends here.
    fn look(&mut self, event: Event) -> bool {
        self.events += 1;
        if self.first_time.is_none() {
            self.first_time = time_of(&event);
        }
        match event {
            Event::ApplicationStart(start) => {
                self.start = Some(start);
                true
            }
            Event::DatabricksMetadata(metadata) => {
                self.context = self.context.or(metadata.spark_context_id);
                false
            }
            _ => false,
        }
    }

    /// What text without any event is.
    fn other_text(&self) -> &'static str {
        // Messages have stack traces between them.
        if self.log4j_lines > 0 && self.log4j_lines * 20 >= self.other_lines {
            "it is a log of the driver or an executor (log4j text); the event log is where \
             spark.eventLog.dir points, if spark.eventLog.enabled is true"
        } else {
            "none of its lines is an event of Spark"
        }
    }

    /// A SparkContext of Databricks without any other name.
    fn context_section(&self) -> Option<Section> {
        Some(Section {
            application_id: self.context?.to_string(),
            attempt_id: "0".to_owned(),
        })
    }
}

/// `24/07/05 10:15:00 INFO SparkContext: …`, with any form of date and time.
fn is_log4j(line: &[u8]) -> bool {
    let is_level = |word: &[u8]| {
        let levels: [&[u8]; 6] = [b"TRACE", b"DEBUG", b"INFO", b"WARN", b"ERROR", b"FATAL"];
        let word = word.strip_prefix(b"[").unwrap_or(word);
        levels.contains(&word.strip_suffix(b"]").unwrap_or(word))
    };
    line.first()
        .is_some_and(|byte| byte.is_ascii_digit() || *byte == b'[')
        && line.split(|byte| *byte == b' ').take(6).any(is_level)
}

fn id_property(text: &[u8]) -> Option<String> {
    let at = memchr::memmem::find(text, ID_PROPERTY)? + ID_PROPERTY.len();
    let value = text.get(at..)?;
    let value = value.get(..memchr::memchr(b'"', value)?)?;
    let is_plain = !value.is_empty() && value.len() <= MAX_ID_BYTES && !value.contains(&b'\\');
    is_plain
        .then(|| String::from_utf8(value.to_vec()).ok())
        .flatten()
}

/// Epoch milliseconds at which the event happened, for events that say so.
fn time_of(event: &Event) -> Option<i64> {
    let time = match event {
        Event::TaskStart(start) => start.info.launch_time,
        Event::TaskEnd(end) => end.info.launch_time,
        Event::JobStart(start) => start.submission_time,
        Event::JobEnd(end) => end.completion_time,
        Event::SqlExecutionStart(start) => start.time,
        Event::SqlExecutionEnd(end) => end.time,
        Event::ApplicationEnd(end) => end.timestamp,
        Event::BlockManagerAdded(added) => added.timestamp,
        Event::ExecutorAdded(added) => added.timestamp,
        Event::ExecutorRemoved(removed) => removed.timestamp,
        _ => return None,
    };
    (time > 0).then_some(time)
}

/// The application in the name that Spark gave to the file or folder. Spark writes such names in
/// lower case.
fn section_in_name(log: &EventLog) -> Option<Section> {
    let path = match log.zip_entries.first() {
        Some(entry) => entry.name.as_str(),
        None => log.files.first()?.path.as_ref(),
    };
    let name = file_name(path);
    if databricks_file(name).is_some() {
        return None;
    }
    let is_rolling = matches!(rolling_file(name), Some(RollingFile::Events { .. }));
    let name = match is_rolling {
        true => name.strip_prefix("events_")?.split_once('_')?.1,
        false => name,
    };
    application_in_name(name).or_else(|| {
        is_rolling.then(|| Section {
            application_id: without_endings(name).to_owned(),
            attempt_id: "0".to_owned(),
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_driver_log_is_called_one() {
        let text = "24/07/05 10:15:00 INFO SparkContext: Running\n\tat a.b.C\n\
                    2024-07-05T10:15:00.123Z [main] WARN x - y\n";
        let mut search = Search::default();
        search.run(text.as_bytes()).unwrap();
        assert_eq!(
            (search.events, search.log4j_lines, search.other_lines),
            (0, 2, 1)
        );
        assert!(search.other_text().contains("spark.eventLog.dir"));
        let mut many = Search::default();
        many.run("Prose.\n".repeat(50).as_bytes()).unwrap();
        assert!(!many.other_text().contains("driver"));
    }

    #[test]
    fn a_property_tells_the_id_and_an_absurd_one_does_not() {
        let text = |value: &str| format!(r#"{{"x":{{"spark.app.id":"{value}","y":"z"}}}}"#);
        assert_eq!(
            id_property(text("app-1").as_bytes()).as_deref(),
            Some("app-1")
        );
        for absurd in ["", "a\\\"b", &"x".repeat(MAX_ID_BYTES + 1)] {
            assert_eq!(id_property(text(absurd).as_bytes()), None);
        }
        assert_eq!(id_property(br#"{"spark.app.id":"cut"#), None);
    }
}
