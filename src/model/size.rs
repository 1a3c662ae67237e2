//! Sizes as people and Spark write them.

/// A number of bytes: a number with k, m, g or t, in powers of 1024.
///
/// # Errors
/// What to write instead.
pub fn size_in_bytes(text: &str) -> Result<u64, String> {
    let lower = text.trim().to_ascii_lowercase();
    let lower = lower.strip_suffix('b').unwrap_or(&lower);
    let lower = lower.strip_suffix('i').unwrap_or(lower);
    let units = [('k', 10), ('m', 20), ('g', 30), ('t', 40)];
    let (number, shift) = units
        .iter()
        .find_map(|(unit, shift)| Some((lower.strip_suffix(*unit)?, *shift)))
        .unwrap_or((lower, 0));
    number
        .trim()
        .parse::<u64>()
        .ok()
        .and_then(|number| number.checked_mul(1 << shift))
        .ok_or_else(|| "write a number and a unit, such as 512m or 4g".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_powers_of_1024() {
        assert_eq!(size_in_bytes("512m"), Ok(512 << 20));
        assert_eq!(size_in_bytes("4g"), Ok(4 << 30));
        assert_eq!(size_in_bytes("4 GiB"), Ok(4 << 30));
        assert_eq!(size_in_bytes("2TB"), Ok(2 << 40));
        assert_eq!(size_in_bytes("1000"), Ok(1_000));
        for wrong in ["", "g", "-1g", "much", "99999999999999t"] {
            assert!(size_in_bytes(wrong).is_err(), "{wrong}");
        }
    }
}
