//! Finds secrets in one pass: an automaton looks for the few words that announce one, and only
//! where it finds one, the text around is looked at.

use std::ops::Range;
use std::sync::LazyLock;

use aho_corasick::{AhoCorasick, AhoCorasickKind, MatchKind};

use super::pattern::{Pattern, Patterns};
use super::{tokens, url, value};

/// What the automaton's words announce.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Trigger {
    /// A part of a name whose value may be a secret.
    Name,
    /// As [`Trigger::Name`], where no letter follows: most words that begin so are no names.
    ShortName,
    /// `://`, in front of what may be a user and password.
    Address,
    Oracle,
    /// A kind of HTTP authorization.
    Authorization,
    /// The armor of a key.
    Armor,
    AwsKeyId,
    KnownToken,
}

const WORDS: [(&str, Trigger); 30] = [
    ("secret", Trigger::Name),
    ("passw", Trigger::Name),
    ("passphrase", Trigger::Name),
    ("passcode", Trigger::Name),
    ("passkey", Trigger::Name),
    ("pass", Trigger::Name),
    ("pwd", Trigger::Name),
    ("pswd", Trigger::Name),
    ("psw", Trigger::Name),
    ("pword", Trigger::Name),
    ("pw", Trigger::ShortName),
    ("token", Trigger::Name),
    ("key", Trigger::Name),
    ("credential", Trigger::Name),
    ("signature", Trigger::Name),
    ("sig", Trigger::ShortName),
    ("sas", Trigger::ShortName),
    ("authorization", Trigger::Name),
    ("auth", Trigger::Name),
    ("cookie", Trigger::Name),
    ("sessionid", Trigger::Name),
    ("aws_session", Trigger::Name),
    ("://", Trigger::Address),
    (":\\/\\/", Trigger::Address),
    ("%3a%2f%2f", Trigger::Address),
    ("jdbc:oracle:", Trigger::Oracle),
    ("bearer", Trigger::Authorization),
    ("basic", Trigger::Authorization),
    ("negotiate", Trigger::Authorization),
    ("-----begin", Trigger::Armor),
];

/// Beginnings of ids of AWS keys, temporary ones and those of roles and users.
const AWS_STARTS: [&str; 4] = ["AKIA", "ASIA", "AROA", "AIDA"];

struct Automaton {
    words: AhoCorasick,
    triggers: Vec<Trigger>,
}

/// `None` only if the words above could not be compiled; a test sees that they can.
static AUTOMATON: LazyLock<Option<Automaton>> = LazyLock::new(|| {
    let known = tokens::known_starts().map(|start| (start, Trigger::KnownToken));
    let aws = AWS_STARTS.map(|start| (start, Trigger::AwsKeyId));
    let all: Vec<(&str, Trigger)> = WORDS.into_iter().chain(known).chain(aws).collect();
    let words = AhoCorasick::builder()
        .ascii_case_insensitive(true)
        .match_kind(MatchKind::LeftmostLongest)
        .kind(Some(AhoCorasickKind::DFA))
        .build(all.iter().map(|(word, _)| word))
        .ok()?;
    Some(Automaton {
        words,
        triggers: all.into_iter().map(|(_, trigger)| trigger).collect(),
    })
});

/// Whether there is anything in the bytes that is worth a closer look. Cheap: one pass, no memory.
pub(super) fn may_hold_secret(bytes: &[u8]) -> bool {
    AUTOMATON
        .as_ref()
        .is_none_or(|automaton| automaton.words.is_match(bytes))
}

/// The places of all secrets, in order and apart from each other.
pub(super) fn secrets(text: &str, patterns: &Patterns) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let Some(automaton) = AUTOMATON.as_ref() else {
        return found;
    };
    // What was found last needs no second look inside. What lies between an announcement and its
    // secret does: a key in the path of an address whose query is masked.
    let mut last_found: Option<Range<usize>> = None;
    for word in automaton.words.find_iter(text) {
        let range = word.range();
        if last_found
            .as_ref()
            .is_some_and(|last| last.contains(&range.start))
        {
            continue;
        }
        let Some(trigger) = automaton.triggers.get(word.pattern().as_usize()) else {
            continue;
        };
        let before = found.len();
        look(text, range, *trigger, patterns, &mut found);
        if let Some(last) = found.get(before..).and_then(<[_]>::last) {
            last_found = Some(last.clone());
        }
    }
    if patterns.has(Pattern::LongWords) {
        found.extend(tokens::random_words(text));
    }
    in_order(found)
}

fn look(
    text: &str,
    at: Range<usize>,
    trigger: Trigger,
    patterns: &Patterns,
    found: &mut Vec<Range<usize>>,
) {
    match trigger {
        Trigger::Name if patterns.has(Pattern::NamedValues) => {
            found.extend(value::of_name(text, at));
        }
        Trigger::ShortName if patterns.has(Pattern::NamedValues) => {
            let after = text.as_bytes().get(at.end);
            if !after.is_some_and(u8::is_ascii_alphabetic) {
                found.extend(value::of_name(text, at));
            }
        }
        Trigger::Address => {
            if patterns.has(Pattern::UrlCredentials) {
                found.extend(url::credentials(text, at.clone()));
            }
            if patterns.has(Pattern::UrlQueries) {
                found.extend(url::query(text, at));
            }
        }
        Trigger::Oracle if patterns.has(Pattern::UrlCredentials) => {
            found.extend(url::oracle_password(text, at));
        }
        Trigger::Authorization if patterns.has(Pattern::Authorization) => {
            found.extend(tokens::authorization(text, at));
        }
        Trigger::Armor if patterns.has(Pattern::PrivateKeys) => {
            found.extend(tokens::private_key(text, at));
        }
        Trigger::AwsKeyId if patterns.has(Pattern::AwsKeys) => {
            if let Some(id) = case_of(text, &at).and_then(|at| tokens::aws_key_id(text, at)) {
                found.extend(tokens::aws_secrets_near(text, &id));
                found.push(id);
            }
        }
        Trigger::KnownToken if patterns.has(Pattern::KnownTokens) => {
            found.extend(tokens::known(text, at));
        }
        _ => {}
    }
}

/// Beginnings of keys count in capitals only.
fn case_of(text: &str, at: &Range<usize>) -> Option<Range<usize>> {
    let word = text.get(at.clone())?;
    AWS_STARTS.contains(&word).then(|| at.clone())
}

/// Sorted, and those that touch or overlap made one.
fn in_order(mut found: Vec<Range<usize>>) -> Vec<Range<usize>> {
    found.sort_unstable_by_key(|range| (range.start, range.end));
    let mut merged: Vec<Range<usize>> = Vec::with_capacity(found.len());
    for range in found {
        match merged.last_mut() {
            Some(last) if range.start < last.end => last.end = last.end.max(range.end),
            _ => merged.push(range),
        }
    }
    merged
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_can_be_compiled() {
        assert!(AUTOMATON.is_some());
        assert!(!may_hold_secret(b"HashAggregate(functions=[count(1)])"));
        assert!(may_hold_secret(b"PassWord"));
    }
}
