//! Points in time as people write them: `2025-03-01T06:00:00Z`, `2025-03-01`, `7d`.

use chrono::{DateTime, Days, NaiveDate, NaiveTime, TimeDelta, Utc};

use super::error::Fault;

const FORMS: &str = "write a time with its zone (2025-03-01T06:00:00Z), a date (2025-03-01) or how \
                     long ago (7d, 36h, 90m, 2w)";

/// Which end of a window a time is for: a date includes its whole day at either end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Bound {
    /// The window begins with it.
    Since,
    /// The window ends before it.
    Until,
}

/// The point in time that `text` means at `now`. Dates are UTC.
pub(super) fn parse_time(
    text: &str,
    now: DateTime<Utc>,
    bound: Bound,
) -> Result<DateTime<Utc>, Fault> {
    let text = text.trim();
    let out_of_range = || {
        let problem = format!("`{text}` is too far away to be a time");
        Fault::new(problem, FORMS)
    };
    if let Ok(time) = DateTime::parse_from_rfc3339(text) {
        return Ok(time.to_utc());
    }
    if let Ok(day) = text.parse::<NaiveDate>() {
        let days = Days::new(u64::from(bound == Bound::Until));
        let day = day.checked_add_days(days).ok_or_else(out_of_range)?;
        return Ok(day.and_time(NaiveTime::MIN).and_utc());
    }
    match relative(text) {
        Some(Some(ago)) => now.checked_sub_signed(ago).ok_or_else(out_of_range),
        Some(None) => Err(out_of_range()),
        None => Err(Fault::new(format!("`{text}` is not a time"), FORMS)),
    }
}

/// A length of time such as `7d`, `36h`, `90m`, `45s` or `2w`.
///
/// # Errors
/// A sentence that says how to write it.
pub fn parse_duration(text: &str) -> Result<TimeDelta, String> {
    relative(text.trim()).flatten().ok_or_else(|| {
        format!("`{text}` is not a length of time; write for example 7d, 36h, 90m, 45s or 2w")
    })
}

/// A whole number and a unit. The outer `None`: it is not that. The inner: it is far too long.
fn relative(text: &str) -> Option<Option<TimeDelta>> {
    let unit = text.chars().next_back()?;
    let number = text.strip_suffix(unit)?.trim_end();
    if number.is_empty() || !number.bytes().all(|digit| digit.is_ascii_digit()) {
        return None;
    }
    let make = match unit {
        's' => TimeDelta::try_seconds,
        'm' => TimeDelta::try_minutes,
        'h' => TimeDelta::try_hours,
        'd' => TimeDelta::try_days,
        'w' => TimeDelta::try_weeks,
        _ => return None,
    };
    Some(number.parse().ok().and_then(make))
}
