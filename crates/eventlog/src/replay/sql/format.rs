//! SQL metric values as the History Server words them.
//!
//! Java rounds half up on the shortest decimal form of a double, which Rust's formatter does not;
//! the functions here reproduce Java.

/// `1234567` → `1,234,567`.
pub(super) fn grouped(value: i64) -> String {
    let digits = value.unsigned_abs().to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3 + 1);
    if value < 0 {
        text.push('-');
    }
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A value of an average metric, which is stored as ten times itself.
pub(super) fn tenths(value: i64) -> String {
    let sign = if value < 0 { "-" } else { "" };
    let magnitude = value.unsigned_abs();
    let whole = grouped(i64::try_from(magnitude / 10).unwrap_or(i64::MAX));
    match magnitude % 10 {
        0 => format!("{sign}{whole}"),
        tenth => format!("{sign}{whole}.{tenth}"),
    }
}

/// Bytes in the largest unit of which there are two: `2.0 KiB`, `1598.0 B`.
pub(super) fn bytes(size: i64) -> String {
    let units = [
        (60, "EiB"),
        (50, "PiB"),
        (40, "TiB"),
        (30, "GiB"),
        (20, "MiB"),
        (10, "KiB"),
    ];
    let (shift, unit) = units
        .into_iter()
        .find(|(shift, _)| size >= 2_i64 << shift)
        .unwrap_or((0, "B"));
    let divisor = 1_i128 << shift;
    // One decimal, half up, exact: Spark divides decimals here, not doubles.
    let tenths = (i128::from(size) * 20 + divisor).div_euclid(2 * divisor);
    let sign = if tenths < 0 { "-" } else { "" };
    let tenths = tenths.unsigned_abs();
    format!("{sign}{}.{} {unit}", tenths / 10, tenths % 10)
}

/// Milliseconds as `999 ms`, `1.0 s`, `1.0 m` or `1.00 h`.
#[expect(
    clippy::cast_precision_loss,
    reason = "Spark computes with 32-bit floats, and so must we"
)]
pub(super) fn milliseconds(ms: i64) -> String {
    const SECOND: i64 = 1_000;
    const MINUTE: i64 = 60 * SECOND;
    const HOUR: i64 = 60 * MINUTE;
    let quotient = |unit: i64| f64::from(ms as f32 / unit as f32);
    match ms {
        ..SECOND => format!("{ms} ms"),
        SECOND..MINUTE => format!("{} s", half_up(quotient(SECOND), 1)),
        MINUTE..HOUR => format!("{} m", half_up(quotient(MINUTE), 1)),
        _ => format!("{} h", half_up(quotient(HOUR), 2)),
    }
}

/// A positive number with `decimals` decimals, rounded half up on its shortest decimal form.
fn half_up(value: f64, decimals: usize) -> String {
    let shortest = value.to_string();
    let (whole, fraction) = shortest.split_once('.').unwrap_or((&shortest, ""));
    let mut digits: Vec<u8> = whole
        .bytes()
        .chain(
            fraction
                .bytes()
                .chain(std::iter::repeat(b'0'))
                .take(decimals),
        )
        .collect();
    let round_up = fraction
        .as_bytes()
        .get(decimals)
        .is_some_and(|digit| *digit >= b'5');
    if round_up {
        increment(&mut digits);
    }
    let point = digits.len() - decimals;
    let text = String::from_utf8_lossy(&digits);
    match text.split_at_checked(point) {
        Some((whole, fraction)) => format!("{whole}.{fraction}"),
        None => shortest,
    }
}

/// Adds one to a decimal number's last digit.
fn increment(digits: &mut Vec<u8>) {
    for digit in digits.iter_mut().rev() {
        if *digit < b'9' {
            *digit += 1;
            return;
        }
        *digit = b'0';
    }
    digits.insert(0, b'1');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped_by_thousands() {
        assert_eq!(grouped(0), "0");
        assert_eq!(grouped(999), "999");
        assert_eq!(grouped(1_000), "1,000");
        assert_eq!(grouped(-1_234_567), "-1,234,567");
        assert_eq!(grouped(i64::MIN), "-9,223,372,036,854,775,808");
    }

    #[test]
    fn averages_show_a_decimal_only_where_there_is_one() {
        assert_eq!(tenths(10), "1");
        assert_eq!(tenths(12_345), "1,234.5");
    }

    #[test]
    fn bytes_use_the_largest_unit_with_two() {
        assert_eq!(bytes(1598), "1598.0 B");
        assert_eq!(bytes(2048), "2.0 KiB");
        assert_eq!(bytes(2047), "2047.0 B");
        assert_eq!(bytes(2_611), "2.5 KiB");
        assert_eq!(bytes(2_099), "2.0 KiB");
        // 2.25 KiB: half up, where C would round half to even.
        assert_eq!(bytes(2_304), "2.3 KiB");
        assert_eq!(bytes(i64::MAX), "8.0 EiB");
    }

    #[test]
    fn durations_round_like_java() {
        assert_eq!(milliseconds(999), "999 ms");
        assert_eq!(milliseconds(1_150), "1.1 s");
        assert_eq!(milliseconds(1_250), "1.3 s");
        assert_eq!(milliseconds(1_450), "1.5 s");
        assert_eq!(milliseconds(59_999), "60.0 s");
        assert_eq!(milliseconds(90_000), "1.5 m");
        assert_eq!(milliseconds(3_600_000), "1.00 h");
    }
}
