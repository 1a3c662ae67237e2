//! Windows of time.

use chrono::{DateTime, Utc};

use super::super::error::{ConfigError, Fault};
use super::super::origin::Sourced;
use super::super::time::{Bound, parse_time};

type Times = (Option<DateTime<Utc>>, Option<DateTime<Utc>>);

/// Begin and end of a window, either of which may be open; relative times count back from `now`.
pub(super) fn window(
    since: Option<Sourced<String>>,
    until: Option<Sourced<String>>,
    now: DateTime<Utc>,
) -> Result<Times, ConfigError> {
    let parse = |text: &Sourced<String>, bound| {
        parse_time(&text.value, now, bound).map_err(|fault| fault.at(text.origin.clone()))
    };
    let since_time = since
        .as_ref()
        .map(|text| parse(text, Bound::Since))
        .transpose()?;
    let until_time = until
        .as_ref()
        .map(|text| parse(text, Bound::Until))
        .transpose()?;
    if let (Some(begin), Some(end), Some(until)) = (since_time, until_time, &until)
        && begin >= end
    {
        let problem = format!(
            "the window ends ({}) before it begins ({})",
            end.format("%Y-%m-%dT%H:%M:%SZ"),
            begin.format("%Y-%m-%dT%H:%M:%SZ"),
        );
        let fault = Fault::new(problem, "give an `until` that is later than `since`");
        return Err(fault.at(until.origin.clone()));
    }
    Ok((since_time, until_time))
}
