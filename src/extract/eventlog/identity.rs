//! Whose log it is, by its first events; where its beginning is lost, by what else tells.

use std::io::Read;

use tokio::runtime::Handle;

use super::codec::Limits;
use super::event::{ApplicationStart, Event, EventParser};
use super::layout;
use super::lines::LineChunks;
use super::sections::section_of;
use crate::discover::{
    EventLog, RollingFile, Section, application_in_name, databricks_file, file_name, rolling_file,
    without_endings,
};
use crate::extract::error::ExtractError;
use crate::extract::history::Identity;

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
    limits: &Limits,
) -> Result<Vec<(EventLog, Identity)>, ExtractError> {
    let logs = layout::split(log, runtime, limits)?;
    let identified = logs.into_iter().map(|log| {
        let identity = identify_one(&log, runtime, limits)?;
        Ok((log, identity))
    });
    identified.collect()
}

fn identify_one(
    log: &EventLog,
    runtime: &Handle,
    limits: &Limits,
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
            reason: "none of its lines is an event of Spark".to_owned(),
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
                if let Ok(Some(event)) = parser.parse(line)
                    && self.look(event)
                {
                    return Ok(());
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

    /// A SparkContext of Databricks without any other name.
    fn context_section(&self) -> Option<Section> {
        Some(Section {
            application_id: self.context?.to_string(),
            attempt_id: "0".to_owned(),
        })
    }
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
        Some(entry) => entry.as_str(),
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
