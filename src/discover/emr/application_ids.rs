//! Ids of YARN applications, in the names of logs and of histories.

use std::collections::HashSet;

use crate::discover::{Content, History};

/// The id of a YARN application in a text such as the name of a log: `application_1_2`.
pub(super) fn application_id_in(text: &str) -> Option<&str> {
    const PREFIX: &str = "application_";
    let start = text.find(PREFIX)?;
    let rest = &text[start + PREFIX.len()..];
    let (timestamp, rest) = rest.split_once('_')?;
    let number = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    (is_number(timestamp) && number > 0)
        .then(|| &text[start..start + PREFIX.len() + timestamp.len() + 1 + number])
}

/// Ids of the applications of histories.
pub(super) fn application_ids(histories: &[History]) -> HashSet<&str> {
    histories.iter().filter_map(application_id).collect()
}

/// The id of a history's application, as far as it is known before it is read.
pub(super) fn application_id(history: &History) -> Option<&str> {
    match &history.content {
        Content::Log(log) => application_id_in(log.uri.rsplit('/').next()?),
        Content::Server(application) => Some(&application.application_id),
    }
}
