//! When a line was written, by the forms that Spark's and Hadoop's logs have.
//!
//! Logs bear the local time of their machine, mostly without saying which. Clusters run in UTC, so
//! that is what it is taken for.

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};

/// A time stands within so many bytes of a line's beginning: after a bracket, a level, or in JSON.
const SEARCHED_BYTES: usize = 48;
/// Bytes of a date and a time of day.
const DATE_BYTES: usize = 19;

/// The time that a line begins with: `24/05/01 10:00:00`, `2024-05-01 10:00:00,123`,
/// `2024-05-01T10:00:00.123Z`, also in brackets or as `"ts"` of a line of JSON.
pub(super) fn time_of(line: &[u8]) -> Option<DateTime<Utc>> {
    let head = line.get(..SEARCHED_BYTES.min(line.len()))?;
    if let Some(time) = short(head) {
        return Some(time);
    }
    // Only where a date can begin: at the line's beginning, after a bracket, a quote or a blank.
    (0..head.len()).find_map(|at| {
        let before = at.checked_sub(1).and_then(|before| head.get(before));
        let may_begin = before.is_none_or(|byte| matches!(byte, b'[' | b'"' | b' ' | b'('));
        let is_digit = head.get(at).is_some_and(u8::is_ascii_digit);
        (may_begin && is_digit)
            .then(|| iso(line.get(at..)?))
            .flatten()
    })
}

/// `24/05/01 10:00:00`, the default of Spark's log4j.
fn short(text: &[u8]) -> Option<DateTime<Utc>> {
    let text = text.get(..17)?;
    let has_shape = [(2, b'/'), (5, b'/'), (8, b' '), (11, b':'), (14, b':')]
        .iter()
        .all(|(at, mark)| text.get(*at) == Some(mark));
    if !has_shape {
        return None;
    }
    let year = 2_000 + i32::try_from(number(text, 0, 2)?).ok()?;
    time(
        year,
        number(text, 3, 2)?,
        number(text, 6, 2)?,
        text.get(9..)?,
    )
}

fn iso(text: &[u8]) -> Option<DateTime<Utc>> {
    let has_shape = text.get(4) == Some(&b'-')
        && text.get(7) == Some(&b'-')
        && matches!(text.get(10), Some(b' ' | b'T'));
    if !has_shape {
        return None;
    }
    let year = i32::try_from(number(text, 0, 4)?).ok()?;
    let whole = time(
        year,
        number(text, 5, 2)?,
        number(text, 8, 2)?,
        text.get(11..)?,
    )?;
    let rest = text.get(DATE_BYTES..).unwrap_or_default();
    let is_fraction = matches!(rest.first(), Some(b'.' | b','));
    let digits = |text: &[u8]| text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let fraction = match is_fraction {
        true => rest.get(1..).map_or(0, digits),
        false => 0,
    };
    let millis = match fraction {
        0..=2 => 0,
        _ => i64::from(number(rest, 1, 3)?),
    };
    let zone = rest.get(if is_fraction { fraction + 1 } else { 0 }..);
    let offset = zone.and_then(offset_minutes).unwrap_or(0);
    Some(whole + TimeDelta::milliseconds(millis) - TimeDelta::minutes(offset))
}

/// Minutes east of Greenwich: `+02:00`, `-0530`.
fn offset_minutes(zone: &[u8]) -> Option<i64> {
    let sign = match zone.first()? {
        b'+' => 1,
        b'-' => -1,
        _ => return None,
    };
    let hours = number(zone, 1, 2)?;
    let minutes = match zone.get(3) {
        Some(b':') => number(zone, 4, 2)?,
        _ => number(zone, 3, 2)?,
    };
    (hours < 15 && minutes < 60).then(|| sign * i64::from(hours * 60 + minutes))
}

/// A date and the time of day `10:00:00` that `clock` begins with.
fn time(year: i32, month: u32, day: u32, clock: &[u8]) -> Option<DateTime<Utc>> {
    let has_shape = clock.get(2) == Some(&b':') && clock.get(5) == Some(&b':');
    if !has_shape {
        return None;
    }
    let (hour, minute) = (number(clock, 0, 2)?, number(clock, 3, 2)?);
    let time = NaiveDate::from_ymd_opt(year, month, day)?.and_hms_opt(
        hour,
        minute,
        number(clock, 6, 2)?,
    )?;
    Some(time.and_utc())
}

fn number(text: &[u8], at: usize, length: usize) -> Option<u32> {
    text.get(at..at + length)?.iter().try_fold(0, |sum, byte| {
        byte.is_ascii_digit()
            .then(|| sum * 10 + u32::from(byte - b'0'))
    })
}
