//! Numbers in a text that people read, with what they measure: `44.4 s`, `1 min 3 s`, `37 %`, `$0.12`,
//! `1,200 tasks`, `app-20261121120425-0000`.

/// What a number measures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Measure {
    /// Nothing that its unit tells.
    Plain,
    /// Time, in ms.
    Time,
    /// Storage, in bytes.
    Bytes,
    /// Money, in USD.
    Money,
    /// A share, 1 for the whole.
    Share,
}

/// A number in one reading of its unit.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Reading {
    pub(super) measure: Measure,
    /// The value in the measure's base unit, without its sign.
    pub(super) value: f64,
    /// Half of the last digit that is written, in the same unit.
    pub(super) slack: f64,
}

/// A number as it is written.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Quantity {
    /// The number without its unit, and half of its last digit.
    pub(super) written: f64,
    pub(super) written_slack: f64,
    /// What it may mean; `GB` has two readings.
    pub(super) readings: Vec<Reading>,
    /// The digits, where it is a whole number without a unit.
    pub(super) digits: Option<String>,
}

/// A piece of a text that states something with digits.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Claim {
    /// Where it begins and ends, in bytes.
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) kind: ClaimKind,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum ClaimKind {
    Quantity(Quantity),
    /// An id, a version, a date, a setting's value: a word with digits.
    Name(String),
}

const KIB: f64 = 1024.0;
const MIB: f64 = KIB * KIB;
const GIB: f64 = MIB * KIB;
const TIB: f64 = GIB * KIB;

/// Readings of a unit; empty where it is none.
fn unit(text: &str) -> &'static [(Measure, f64)] {
    use Measure::{Bytes, Money, Plain, Share, Time};
    match text {
        "ms" | "millisecond" | "milliseconds" | "core-ms" => &[(Time, 1.0)],
        "s" | "sec" | "secs" | "second" | "seconds" | "core-s" | "core-seconds" => &[(Time, 1e3)],
        "min" | "mins" | "minute" | "minutes" | "core-min" | "core-minutes" => &[(Time, 6e4)],
        "h" | "hr" | "hrs" | "hour" | "hours" | "core-h" | "core-hours" | "core-hour" => {
            &[(Time, 3.6e6)]
        }
        "d" | "day" | "days" => &[(Time, 8.64e7)],
        "%" | "percent" => &[(Share, 0.01)],
        "usd" | "USD" | "dollar" | "dollars" => &[(Money, 1.0)],
        "cent" | "cents" => &[(Money, 0.01)],
        "B" | "byte" | "bytes" => &[(Bytes, 1.0), (Plain, 1e9)],
        "k" => &[(Plain, 1e3), (Bytes, KIB)],
        "K" => &[(Plain, 1e3), (Bytes, KIB)],
        "m" => &[(Bytes, MIB), (Time, 6e4)],
        "M" => &[(Plain, 1e6), (Bytes, MIB)],
        "g" | "G" => &[(Bytes, GIB)],
        "million" => &[(Plain, 1e6)],
        "billion" => &[(Plain, 1e9)],
        "kB" | "KB" => &[(Bytes, 1e3), (Bytes, KIB)],
        "MB" => &[(Bytes, 1e6), (Bytes, MIB)],
        "GB" => &[(Bytes, 1e9), (Bytes, GIB)],
        "TB" => &[(Bytes, 1e12), (Bytes, TIB)],
        "KiB" => &[(Bytes, KIB)],
        "MiB" => &[(Bytes, MIB)],
        "GiB" => &[(Bytes, GIB)],
        "TiB" => &[(Bytes, TIB)],
        "x" | "×" | "times" | "-fold" | "st" | "nd" | "rd" | "th" => &[(Plain, 1.0)],
        _ => &[],
    }
}

/// Whether words end here; a comma between digits does not end one.
fn separates(letter: char, before: Option<char>, after: Option<char>) -> bool {
    let is_digit = |letter: Option<char>| letter.is_some_and(|letter| letter.is_ascii_digit());
    match letter {
        ',' => !(is_digit(before) && is_digit(after)),
        '(' | ')' | '[' | ']' | '{' | '}' | '"' | '\'' | '`' | ';' | '|' | '→' | '<' | '>'
        | '*' | '“' | '”' | '‘' | '’' | '…' | '=' | '—' => true,
        other => other.is_whitespace(),
    }
}

/// The words of a text, with their places.
fn words(text: &str) -> Vec<(usize, &str)> {
    let mut found = Vec::new();
    let mut start = None;
    let mut before = None;
    let mut letters = text.char_indices().peekable();
    while let Some((place, letter)) = letters.next() {
        let after = letters.peek().map(|(_, letter)| *letter);
        match (separates(letter, before, after), start) {
            (true, Some(from)) => {
                found.extend(text.get(from..place).map(|word| (from, word)));
                start = None;
            }
            (false, None) => start = Some(place),
            _ => {}
        }
        before = Some(letter);
    }
    if let Some(from) = start {
        found.extend(text.get(from..).map(|word| (from, word)));
    }
    found
}

/// A word without what stands around it, and how much was cut from its beginning.
fn trimmed(word: &str) -> (usize, &str) {
    let cut = word.trim_start_matches(['+', '-', '−', '–', '~', '≈', '±', '≤', '≥', '#', '.', ':']);
    let begins = word.len() - cut.len();
    (
        begins,
        cut.trim_end_matches(['.', ',', ':', '!', '?', '-', '–', '/']),
    )
}

/// The number that a word begins with: its text, value, half of its last digit; and the rest.
fn leading_number(word: &str) -> Option<(&str, f64, f64, &str)> {
    let is_part = |letter: char| letter.is_ascii_digit() || matches!(letter, '.' | ',');
    let end = word
        .find(|letter: char| !is_part(letter))
        .unwrap_or(word.len());
    let text = word.get(..end)?.trim_end_matches(['.', ',']);
    let rest = word.get(text.len()..)?;
    if !text.starts_with(|letter: char| letter.is_ascii_digit()) {
        return None;
    }
    let thousands = text.split('.').next().unwrap_or_default();
    let groups: Vec<&str> = thousands.split(',').skip(1).collect();
    let plain = match groups.iter().all(|group| group.len() == 3) {
        true => text.replace(',', ""),
        // `44,4` as it is written in many languages.
        false => text.replacen(',', ".", 1),
    };
    let value: f64 = plain.parse().ok()?;
    let decimals = plain
        .split_once('.')
        .map_or(0, |(_, decimals)| decimals.len());
    let slack = 0.5 * 10_f64.powi(-i32::try_from(decimals).unwrap_or(30).min(30));
    Some((text, value, slack, rest))
}

fn quantity(
    word: &str,
    is_money: bool,
    unit_of: &[(Measure, f64)],
    value: f64,
    slack: f64,
) -> Quantity {
    let plain = [(Measure::Plain, 1.0)];
    let money = [(Measure::Money, 1.0)];
    let units = match (is_money, unit_of) {
        (true, _) => &money[..],
        (false, []) => &plain[..],
        (false, units) => units,
    };
    let readings = units.iter().map(|(measure, factor)| Reading {
        measure: *measure,
        value: value * factor,
        slack: slack * factor,
    });
    let is_whole = !is_money && unit_of.is_empty();
    Quantity {
        written: value,
        written_slack: slack,
        readings: readings.collect(),
        digits: is_whole.then(|| word.replace(',', "")),
    }
}

/// The claims of a text. The numbers of a list's items are none.
pub(super) fn claims(text: &str) -> Vec<Claim> {
    let words = words(text);
    let mut claims: Vec<Claim> = Vec::new();
    let mut next = 0;
    while let Some((place, word)) = words.get(next).copied() {
        next += 1;
        if !word.contains(|letter: char| letter.is_ascii_digit()) || is_ordinal(text, place, word) {
            continue;
        }
        let (cut, bare) = trimmed(word);
        let mut start = place + cut;
        let (is_money, number) = match bare.strip_prefix('$') {
            Some(rest) => (true, rest),
            None => (false, bare),
        };
        let named = |start: usize| Claim {
            start,
            end: start + bare.len(),
            kind: ClaimKind::Name(bare.to_owned()),
        };
        let Some((digits, value, slack, rest)) = leading_number(number) else {
            claims.push(named(start));
            continue;
        };
        let mut end = start + bare.len();
        let mut units = unit(rest);
        if !rest.is_empty() && units.is_empty() {
            claims.push(named(start));
            continue;
        }
        if rest.is_empty()
            && !is_money
            && let Some((at, following)) = words.get(next)
            && is_near(text, end, *at)
        {
            let following = trimmed_unit(following);
            units = unit(following);
            if !units.is_empty() {
                end = at + following.len();
                next += 1;
            }
        }
        let mut quantity = quantity(digits, is_money, units, value, slack);
        if let Some(joined) = claims.pop_if(|last| joins(last, &quantity, text, start)) {
            start = joined.start;
            if let ClaimKind::Quantity(longer) = joined.kind {
                add(&mut quantity, &longer);
            }
        }
        claims.push(Claim {
            start,
            end,
            kind: ClaimKind::Quantity(quantity),
        });
    }
    claims
}

/// A unit without the punctuation behind it.
fn trimmed_unit(word: &str) -> &str {
    word.trim_end_matches(['.', ',', ':', '!', '?', '/'])
}

/// Whether a word that begins at `at` follows on the same line.
fn is_near(text: &str, end: usize, at: usize) -> bool {
    text.get(end..at)
        .is_some_and(|between| !between.contains('\n') && between.trim().is_empty())
}

/// `1.` and `2)` at the beginning of a line.
fn is_ordinal(text: &str, place: usize, word: &str) -> bool {
    let line = text
        .get(..place)
        .and_then(|before| before.rsplit('\n').next());
    let begins =
        line.is_some_and(|before| before.trim_matches([' ', '#', '*', '-', '\t']).is_empty());
    let number = word.strip_suffix(['.', ')']);
    let is_number = number.is_some_and(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()));
    // A bracket separates words, so that `2)` is `2` here.
    let bracket = text
        .get(place + word.len()..)
        .is_some_and(|rest| rest.starts_with(") "));
    let is_bracketed = bracket && word.bytes().all(|byte| byte.is_ascii_digit());
    begins && (is_number || is_bracketed)
}

/// Whether `1 min` goes before `3 s`.
fn joins(last: &Claim, quantity: &Quantity, text: &str, start: usize) -> bool {
    let ClaimKind::Quantity(longer) = &last.kind else {
        return false;
    };
    match (longer.readings.as_slice(), quantity.readings.as_slice()) {
        ([long], [short]) => {
            long.measure == Measure::Time
                && short.measure == Measure::Time
                && long.slack > short.slack
                && longer.written_slack == 0.5
                && short.value < 2.0 * long.slack
                && is_near(text, last.end, start)
        }
        _ => false,
    }
}

/// Makes `3 s` the `1 min 3 s` that it is a part of; there is no one number that is written then.
fn add(quantity: &mut Quantity, longer: &Quantity) {
    quantity.written = f64::NAN;
    for (short, long) in quantity.readings.iter_mut().zip(&longer.readings) {
        short.value += long.value;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> Vec<String> {
        let show = |claim: &Claim| match &claim.kind {
            ClaimKind::Name(name) => format!("name {name}"),
            ClaimKind::Quantity(quantity) => {
                let readings = quantity.readings.iter();
                let readings: Vec<String> = readings
                    .map(|one| format!("{:?} {}", one.measure, one.value))
                    .collect();
                format!(
                    "{} = {}",
                    &text[claim.start..claim.end],
                    readings.join(" or ")
                )
            }
        };
        claims(text).iter().map(show).collect()
    }

    #[test]
    fn numbers_are_read_with_their_units() {
        let cases = [
            ("It ran 44.4 s.", &["44.4 s = Time 44400"][..]),
            ("took 1 min 3 s", &["1 min 3 s = Time 63000"]),
            (
                "took 1 h 12 min, 8 tasks",
                &["1 h 12 min = Time 4320000", "8 = Plain 8"],
            ),
            (
                "37 % (0.37) saved",
                &["37 % = Share 0.37", "0.37 = Plain 0.37"],
            ),
            ("costs $1,234.50 a year", &["$1,234.50 = Money 1234.5"]),
            (
                "1,200 tasks, 44,4 s",
                &["1,200 = Plain 1200", "44,4 s = Time 44400"],
            ),
            (
                "2GB spilled",
                &["2GB = Bytes 2000000000 or Bytes 2147483648"],
            ),
            ("-12.5% and 5x", &["12.5% = Share 0.125", "5x = Plain 5"]),
            (
                "stage 3, app-2026-0001",
                &["3 = Plain 3", "name app-2026-0001"],
            ),
            ("`spark.x=400`", &["400 = Plain 400"]),
            (
                "Spark 4.0.1 on 2026-11-21T12:04",
                &["name 4.0.1", "name 2026-11-21T12:04"],
            ),
            ("1. first\n2) second\n- 3 more", &["3 = Plain 3"]),
            ("no digits", &[]),
        ];
        for (text, expected) in cases {
            assert_eq!(shown(text), expected, "{text}");
        }
    }

    #[test]
    fn any_text_can_be_read() {
        for text in [
            "",
            "$",
            "1",
            "1.",
            ",1,",
            "１２",
            "9".repeat(400).as_str(),
            "1e999",
            "…3…",
            "1,2,3,4",
            "0.0000000000000000000000000000000000000000001",
            "\u{202e}5\u{0}",
            "5 \n s",
        ] {
            for claim in claims(text) {
                assert!(text.get(claim.start..claim.end).is_some(), "{text:?}");
            }
        }
    }
}
