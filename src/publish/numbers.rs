//! Numbers as people read them: with units, thousands and no more digits than they carry.

use chrono::{DateTime, Utc};

/// What stands where a number is not known.
pub const NOT_KNOWN: &str = "not known";

/// `110,052`.
pub fn count(number: i64) -> String {
    let digits = number.unsigned_abs().to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3 + 1);
    if number < 0 {
        text.push('-');
    }
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `1 task`, `110,052 tasks`.
pub fn counted(number: i64, one: &str, many: &str) -> String {
    format!("{} {}", count(number), if number == 1 { one } else { many })
}

/// A wall time: `369 ms`, `48.6 s`, `2 min 53 s`, `1 h 12 min`, `3 d 4 h`.
pub fn duration(ms: f64) -> String {
    if !ms.is_finite() {
        return NOT_KNOWN.to_owned();
    }
    if ms < 0.0 {
        return format!("-{}", duration(-ms));
    }
    if ms < 999.5 {
        return format!("{ms:.0} ms");
    }
    let seconds = ms / 1e3;
    if seconds < 99.95 {
        return format!("{seconds:.1} s");
    }
    let whole = seconds.round() as i64;
    if whole < 3_600 {
        return two_units(whole, 60, "min", 1, "s");
    }
    if whole < 172_800 {
        return two_units(round_to(whole, 60), 3_600, "h", 60, "min");
    }
    two_units(round_to(whole, 3_600), 86_400, "d", 3_600, "h")
}

fn round_to(number: i64, step: i64) -> i64 {
    (number + step / 2) / step * step
}

fn two_units(seconds: i64, large: i64, large_name: &str, small: i64, small_name: &str) -> String {
    let rest = seconds % large / small;
    let large = count(seconds / large);
    if rest == 0 {
        return format!("{large} {large_name}");
    }
    format!("{large} {large_name} {rest} {small_name}")
}

/// Time of cores, in core-hours from one hour on: `5 min 44 s`, `1,234 core-h`.
pub fn core_time(ms: f64) -> String {
    let hours = ms / 3.6e6;
    if !hours.is_finite() || hours.abs() < 1.0 {
        return duration(ms);
    }
    if hours.abs() < 100.0 {
        return format!("{hours:.1} core-h");
    }
    format!("{} core-h", count(hours.round() as i64))
}

/// `12.3 MiB`.
pub fn bytes(number: f64) -> String {
    const UNITS: [&str; 5] = ["KiB", "MiB", "GiB", "TiB", "PiB"];
    if !number.is_finite() {
        return NOT_KNOWN.to_owned();
    }
    if number.abs() < 1024.0 {
        return format!("{number:.0} B");
    }
    let mut scaled = number;
    let mut unit = "B";
    for larger in UNITS {
        if scaled.abs() < 1023.95 {
            break;
        }
        scaled /= 1024.0;
        unit = larger;
    }
    format!("{scaled:.1} {unit}")
}

/// Dollars with the digits that matter: `$1,235`, `$12.34`, `$0.0051`.
pub fn usd(amount: f64) -> String {
    if !amount.is_finite() {
        return NOT_KNOWN.to_owned();
    }
    let (sign, size) = if amount < 0.0 {
        ("-", -amount)
    } else {
        ("", amount)
    };
    if size == 0.0 {
        return "$0".to_owned();
    }
    if size < 0.000_05 {
        return format!("{sign}under $0.0001");
    }
    if size < 0.1 {
        return format!("{sign}${size:.4}");
    }
    if size < 999.995 {
        return format!("{sign}${size:.2}");
    }
    format!("{sign}${}", count(size.round() as i64))
}

/// A share: `62 %`, `3.4 %`, `under 0.1 %`.
pub fn percent(ratio: f64) -> String {
    let percent = 100.0 * ratio;
    if !percent.is_finite() {
        return NOT_KNOWN.to_owned();
    }
    let size = percent.abs();
    if size == 0.0 {
        return "0 %".to_owned();
    }
    if size < 0.05 {
        return "under 0.1 %".to_owned();
    }
    if size < 9.95 {
        return format!("{percent:.1} %");
    }
    format!("{} %", count(percent.round() as i64))
}

/// A growth: `+23 %`, `-4.0 %`.
pub fn change(ratio: f64) -> String {
    let text = percent(ratio);
    if ratio > 0.0 {
        format!("+{text}")
    } else {
        text
    }
}

/// `21.6 times`.
pub fn times(factor: f64) -> String {
    if !factor.is_finite() {
        return NOT_KNOWN.to_owned();
    }
    if factor.abs() >= 100.0 {
        return format!("{} times", count(factor.round() as i64));
    }
    format!("{factor:.1} times")
}

/// `2026-11-26 02:28:13 UTC`.
pub fn time(time: DateTime<Utc>) -> String {
    time.format("%Y-%m-%d %H:%M:%S UTC").to_string()
}

/// `2026-11-26 02:28`, in UTC, below a heading that says so.
pub fn minute(time: DateTime<Utc>) -> String {
    time.format("%Y-%m-%d %H:%M").to_string()
}

/// A value with its unit, as queries and contracts name units: ms, core_ms, ns, bytes, ratio, times, usd,
/// count.
pub fn with_unit(value: f64, unit: &str) -> String {
    match unit {
        "ms" => duration(value),
        "ns" => duration(value / 1e6),
        "core_ms" => core_time(value),
        "bytes" => bytes(value),
        "ratio" => percent(value),
        "usd" => usd(value),
        "times" => times(value),
        _ if value.fract() == 0.0 && value.abs() < 9e15 => count(value as i64),
        _ => format!("{value:.1}"),
    }
}

/// How one value relates to another: `+29 %`, `2.1 times`, `none before`; empty where that says
/// nothing.
pub fn relation(a: Option<f64>, b: Option<f64>) -> String {
    match (a, b) {
        (Some(a), Some(b)) if a == b => "same".to_owned(),
        (Some(a), Some(b)) if a > 0.0 && b / a >= 2.0 => times(b / a),
        (Some(a), Some(b)) if a > 0.0 => change(b / a - 1.0),
        (Some(0.0), Some(_)) => "none before".to_owned(),
        _ => String::new(),
    }
}

/// `format` of a number that may not be known.
pub fn known<T: Copy>(number: Option<T>, format: impl FnOnce(T) -> String) -> String {
    number.map_or_else(|| NOT_KNOWN.to_owned(), format)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_take_the_two_units_that_fit() {
        for (ms, text) in [
            (0.0, "0 ms"),
            (369.4, "369 ms"),
            (999.7, "1.0 s"),
            (48_600.0, "48.6 s"),
            (99_960.0, "1 min 40 s"),
            (172_505.0, "2 min 53 s"),
            (3_599_600.0, "1 h"),
            (4_320_000.0, "1 h 12 min"),
            (172_800_000.0, "2 d"),
            (273_600_000.0, "3 d 4 h"),
            (-1_500.0, "-1.5 s"),
            (f64::NAN, "not known"),
        ] {
            assert_eq!(duration(ms), text, "{ms}");
        }
    }

    #[test]
    fn core_time_bytes_money_and_shares_show_the_digits_that_matter() {
        assert_eq!(core_time(344_222.0), "5 min 44 s");
        assert_eq!(core_time(1.8e7), "5.0 core-h");
        assert_eq!(core_time(4.4424e9), "1,234 core-h");
        assert_eq!(bytes(1_048_575.0), "1.0 MiB");
        assert_eq!(bytes(157_286_400.0), "150.0 MiB");
        assert_eq!(usd(0.005_091_6), "$0.0051");
        assert_eq!(usd(12.344), "$12.34");
        assert_eq!(usd(1_234.6), "$1,235");
        assert_eq!(usd(0.000_001), "under $0.0001");
        assert_eq!(usd(-0.5), "-$0.50");
        assert_eq!(percent(0.6246), "62 %");
        assert_eq!(percent(0.034_4), "3.4 %");
        assert_eq!(percent(0.000_1), "under 0.1 %");
        assert_eq!(change(0.234), "+23 %");
        assert_eq!(count(-1_234_567), "-1,234,567");
        assert_eq!(count(i64::MIN), "-9,223,372,036,854,775,808");
        assert_eq!(counted(1, "task", "tasks"), "1 task");
    }

    #[test]
    fn values_have_their_units_and_relations_say_which_way() {
        let texts = [
            with_unit(41_934.0, "ms"),
            with_unit(2e9, "ns"),
            with_unit(1.8e7, "core_ms"),
            with_unit(203_313_456.0, "bytes"),
            with_unit(0.004, "usd"),
            with_unit(110_052.0, "count"),
            with_unit(2.25, "count"),
            known(None, |value| with_unit(value, "ms")),
        ];
        assert_eq!(
            texts,
            [
                "41.9 s",
                "2.0 s",
                "5.0 core-h",
                "193.9 MiB",
                "$0.0040",
                "110,052",
                "2.2",
                "not known"
            ]
        );
        let relations = [
            relation(Some(32_492.0), Some(41_934.0)),
            relation(Some(10.0), Some(21.0)),
            relation(Some(10.0), Some(5.0)),
            relation(Some(0.0), Some(5.0)),
            relation(Some(3.0), Some(3.0)),
            relation(None, Some(3.0)),
        ];
        assert_eq!(
            relations,
            ["+29 %", "2.1 times", "-50 %", "none before", "same", ""]
        );
    }
}
