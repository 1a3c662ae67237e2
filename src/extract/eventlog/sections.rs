//! Which application the events of a log belong to, where one file holds several.
//!
//! Logs get concatenated, and a program may start one SparkContext after the other. What an
//! application logs before its start (version, profiles, the driver's block manager, environment)
//! belongs to it and not to the application before, so such events wait until the start is there.

use super::event::{ApplicationStart, Event};
use crate::discover::Section;
use crate::extract::error::ExtractError;

/// Events that wait for a start at most; more of them are no preamble.
const MAX_WAITING: usize = 10_000;

/// A start of an application that is not the one that is read.
#[derive(Debug, Clone)]
pub(super) struct OtherStart {
    pub(super) section: Section,
    pub(super) name: String,
    /// Epoch milliseconds.
    pub(super) time: i64,
}

/// Passes the events of one application on and keeps back those of others.
#[derive(Debug)]
pub(super) struct Sections {
    wanted: Section,
    /// Whether the events that come now belong to the application.
    is_wanted: bool,
    context: Option<i64>,
    waiting: Option<Vec<Event>>,
    others: Vec<OtherStart>,
}

impl Sections {
    /// Passes on what belongs to `wanted`; `owns_beginning` says that it is the first in its log.
    pub(super) fn new(wanted: Section, owns_beginning: bool) -> Self {
        Self {
            wanted,
            is_wanted: owns_beginning,
            context: None,
            waiting: None,
            others: Vec::new(),
        }
    }

    /// The other applications that started, each once, in order.
    pub(super) fn others(self) -> Vec<OtherStart> {
        self.others
    }

    /// Gives `event`, and what waited for it, to `apply` where it belongs to the application.
    pub(super) fn route(
        &mut self,
        event: Event,
        apply: &mut impl FnMut(Event) -> Result<(), ExtractError>,
    ) -> Result<(), ExtractError> {
        if let Event::ApplicationStart(start) = &event {
            self.begin(start);
            self.release(apply)?;
            return self.pass(event, apply);
        }
        let begins = self.may_begin_another(&event);
        if self.waiting.is_none() && !begins {
            return self.pass(event, apply);
        }
        if is_preamble(&event) && self.has_room() {
            self.waiting.get_or_insert_default().push(event);
            return Ok(());
        }
        self.release(apply)?;
        let ends = matches!(event, Event::ApplicationEnd(_));
        self.pass(event, apply)?;
        if ends {
            self.waiting = Some(Vec::new());
        }
        Ok(())
    }

    /// Gives out what still waits, at the end of the log.
    pub(super) fn finish(
        &mut self,
        apply: &mut impl FnMut(Event) -> Result<(), ExtractError>,
    ) -> Result<(), ExtractError> {
        self.release(apply)
    }

    fn has_room(&self) -> bool {
        self.waiting
            .as_ref()
            .is_none_or(|waiting| waiting.len() < MAX_WAITING)
    }

    fn begin(&mut self, start: &ApplicationStart) {
        // Without an id nothing says that it is another application.
        let Some(section) = section_of(start) else {
            return;
        };
        self.is_wanted = section == self.wanted;
        let is_known = |other: &OtherStart| other.section == section;
        if !self.is_wanted && !self.others.iter().any(is_known) {
            self.others.push(OtherStart {
                section,
                name: start.name.clone(),
                time: start.timestamp,
            });
        }
    }

    fn pass(
        &mut self,
        event: Event,
        apply: &mut impl FnMut(Event) -> Result<(), ExtractError>,
    ) -> Result<(), ExtractError> {
        if self.is_wanted { apply(event) } else { Ok(()) }
    }

    fn release(
        &mut self,
        apply: &mut impl FnMut(Event) -> Result<(), ExtractError>,
    ) -> Result<(), ExtractError> {
        for event in self.waiting.take().unwrap_or_default() {
            self.pass(event, apply)?;
        }
        Ok(())
    }

    /// Whether the event may be the first of another application.
    fn may_begin_another(&mut self, event: &Event) -> bool {
        match event {
            Event::LogStart { .. } | Event::ApplicationEnd(_) => true,
            Event::DatabricksMetadata(metadata) => {
                let context = metadata.spark_context_id;
                let changed = context.is_some() && context != self.context;
                self.context = context.or(self.context);
                changed
            }
            _ => false,
        }
    }
}

/// The application that a start begins; `None` for one without an id.
pub(super) fn section_of(start: &ApplicationStart) -> Option<Section> {
    let application_id = start.id.clone().filter(|id| !id.is_empty())?;
    Some(Section {
        application_id,
        attempt_id: start.attempt_id.clone().unwrap_or_else(|| "0".to_owned()),
    })
}

/// Events that an application logs before its start.
fn is_preamble(event: &Event) -> bool {
    matches!(
        event,
        Event::LogStart { .. }
            | Event::DatabricksMetadata(_)
            | Event::ResourceProfileAdded(_)
            | Event::BlockManagerAdded(_)
            | Event::EnvironmentUpdate(_)
            | Event::ExecutorAdded(_)
            | Event::MiscellaneousProcessAdded(_)
    )
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::event::EventParser;
    use super::*;

    fn section(id: &str, attempt: &str) -> Section {
        Section {
            application_id: id.to_owned(),
            attempt_id: attempt.to_owned(),
        }
    }

    fn event(line: &str) -> Event {
        EventParser::default()
            .parse(line.as_bytes())
            .expect("a good line")
            .expect("an event that a table needs")
    }

    fn log_start(version: &str) -> Event {
        event(&format!(
            r#"{{"Event":"SparkListenerLogStart","Spark Version":"{version}"}}"#
        ))
    }

    fn start(id: &str, attempt: Option<&str>) -> Event {
        let attempt = attempt.map_or_else(String::new, |attempt| {
            format!(r#","App Attempt ID":"{attempt}""#)
        });
        event(&format!(
            r#"{{"Event":"SparkListenerApplicationStart","App Name":"n","App ID":"{id}","Timestamp":1,"User":"u"{attempt}}}"#
        ))
    }

    fn end(time: i64) -> Event {
        event(&format!(
            r#"{{"Event":"SparkListenerApplicationEnd","Timestamp":{time}}}"#
        ))
    }

    fn unpersist(rdd_id: i64) -> Event {
        event(&format!(
            r#"{{"Event":"SparkListenerUnpersistRDD","RDD ID":{rdd_id}}}"#
        ))
    }

    /// What of the events is passed on, in short words, and the other applications.
    fn routed(wanted: Section, owns_beginning: bool, events: Vec<Event>) -> (Vec<String>, usize) {
        let mut passed = Vec::new();
        let mut apply = |event: Event| {
            passed.push(match event {
                Event::LogStart { spark_version } => format!("v{spark_version}"),
                Event::ApplicationStart(start) => start.id.unwrap_or_default(),
                Event::ApplicationEnd(end) => format!("end{}", end.timestamp),
                Event::UnpersistRdd { rdd_id } => format!("u{rdd_id}"),
                other => format!("{other:?}"),
            });
            Ok(())
        };
        let mut sections = Sections::new(wanted, owns_beginning);
        for event in events {
            sections.route(event, &mut apply).expect("nothing fails");
        }
        sections.finish(&mut apply).expect("nothing fails");
        let others = sections.others().len();
        (passed, others)
    }

    #[test]
    fn two_logs_in_one_file_are_two_applications() {
        let events = || {
            vec![
                log_start("1"),
                start("a", None),
                unpersist(1),
                end(5),
                log_start("2"),
                start("b", None),
                unpersist(2),
            ]
        };
        let (first, others) = routed(section("a", "0"), true, events());
        assert_eq!(first, ["v1", "a", "u1", "end5"]);
        assert_eq!(others, 1);
        let (second, _) = routed(section("b", "0"), false, events());
        assert_eq!(second, ["v2", "b", "u2"]);
    }

    #[test]
    fn a_restart_with_the_same_id_stays_one_and_an_attempt_does_not() {
        let events = |attempt| {
            vec![
                log_start("1"),
                start("a", Some("1")),
                end(5),
                log_start("2"),
                start("a", Some(attempt)),
                unpersist(2),
            ]
        };
        let (restarted, others) = routed(section("a", "1"), true, events("1"));
        assert_eq!(restarted, ["v1", "a", "end5", "v2", "a", "u2"]);
        assert_eq!(others, 0);
        let (attempt, others) = routed(section("a", "1"), true, events("2"));
        assert_eq!(attempt, ["v1", "a", "end5"]);
        assert_eq!(others, 1);
    }

    #[test]
    fn events_after_the_end_stay_with_their_application() {
        let events = vec![start("a", None), end(5), unpersist(1), unpersist(2)];
        let (passed, _) = routed(section("a", "0"), true, events);
        assert_eq!(passed, ["a", "end5", "u1", "u2"]);
    }

    proptest! {
        #[test]
        fn every_event_belongs_to_exactly_one_application(
            starts in prop::collection::vec((0usize..3, 0usize..4, any::<bool>()), 1..8),
        ) {
            let ids = ["a", "b", "c"];
            let make = || {
                let mut events = Vec::new();
                for (number, (id, count, with_end)) in starts.iter().enumerate() {
                    events.push(log_start(&number.to_string()));
                    events.push(start(ids[*id], None));
                    events.extend((0..*count).map(|at| unpersist((number * 10 + at) as i64)));
                    if *with_end {
                        events.push(end(number as i64));
                    }
                }
                events
            };
            let first = ids[starts[0].0];
            let mut passed = 0;
            for id in ids {
                passed += routed(section(id, "0"), id == first, make()).0.len();
            }
            prop_assert_eq!(passed, make().len());
        }
    }
}
