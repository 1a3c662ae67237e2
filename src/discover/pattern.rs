//! Wildcards in places, and lists of places.
//!
//! `*` and `?` stand for any characters of one folder's or file's name, `**` for any folders. A
//! pattern that fits a folder means all that is in it.

use std::path::Path as LocalPath;

use super::problem::DiscoverError;

/// Largest list of places that is read, in bytes.
const MAX_LIST_BYTES: u64 = 64 << 20;

/// A path with wildcards.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Pattern {
    parts: Vec<String>,
}

impl Pattern {
    /// The pattern in `path` and the folder above its first wildcard; `None` without any.
    pub(super) fn split(path: &str) -> Option<(String, Self)> {
        let parts: Vec<String> = path.split('/').map(str::to_owned).collect();
        let first = parts.iter().position(|part| part.contains(['*', '?']))?;
        let base = parts.get(..first)?.join("/");
        Some((base, Self { parts }))
    }

    /// Whether a file's path, or that of a folder that it lies in, fits.
    pub(super) fn fits(&self, path: &str) -> bool {
        let path: Vec<&str> = path.split('/').collect();
        fits_parts(&self.parts, &path)
    }
}

fn fits_parts(pattern: &[String], path: &[&str]) -> bool {
    let Some((first, rest)) = pattern.split_first() else {
        return true;
    };
    if first == "**" {
        return (0..=path.len()).any(|skipped| {
            path.get(skipped..)
                .is_some_and(|path| fits_parts(rest, path))
        });
    }
    path.split_first()
        .is_some_and(|(name, below)| fits_name(first, name) && fits_parts(rest, below))
}

/// Whether a name fits a pattern of one name. Linear but for a step back to the last `*`.
fn fits_name(pattern: &str, name: &str) -> bool {
    let (pattern, name): (Vec<char>, Vec<char>) =
        (pattern.chars().collect(), name.chars().collect());
    let (mut at, mut place) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while let Some(character) = name.get(place) {
        match pattern.get(at) {
            Some('*') => {
                star = Some((at, place));
                at += 1;
            }
            Some(wanted) if *wanted == '?' || wanted == character => {
                at += 1;
                place += 1;
            }
            _ => {
                // The last star takes one character more.
                let Some((star_at, star_place)) = star else {
                    return false;
                };
                star = Some((star_at, star_place + 1));
                at = star_at + 1;
                place = star_place + 1;
            }
        }
    }
    pattern
        .get(at..)
        .is_some_and(|rest| rest.iter().all(|character| *character == '*'))
}

/// The places that `given` stands for: itself, or with `@` before a file's name the lines of it that
/// are neither blank nor begin with `#`.
///
/// # Errors
/// When the list cannot be read.
pub(super) fn places(given: &str) -> Result<Vec<String>, DiscoverError> {
    let Some(list) = given.strip_prefix('@') else {
        return Ok(vec![given.to_owned()]);
    };
    let failed = |source| DiscoverError::Io {
        uri: given.to_owned(),
        source,
    };
    let invalid = |reason: &str| DiscoverError::InvalidUri {
        uri: given.to_owned(),
        reason: reason.to_owned(),
    };
    let path = LocalPath::new(list);
    let metadata = std::fs::metadata(path).map_err(failed)?;
    if !metadata.is_file() || metadata.len() > MAX_LIST_BYTES {
        return Err(invalid(
            "a list of places is a file of at most 64 MB, one path or URI a line",
        ));
    }
    let text = std::fs::read_to_string(path).map_err(failed)?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
    let is_place = |line: &&str| !line.is_empty() && !line.starts_with('#');
    let places: Vec<String> = text
        .lines()
        .map(str::trim)
        .filter(is_place)
        .map(str::to_owned)
        .collect();
    match places.is_empty() {
        true => Err(invalid("the list names no place")),
        false => Ok(places),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn wildcards_stand_for_parts_of_names() {
        let fits = |pattern: &str, path: &str| {
            Pattern::split(pattern).is_some_and(|(_, pattern)| pattern.fits(path))
        };
        assert!(fits("logs/app-*", "logs/app-1"));
        assert!(fits("logs/2024-0?/app", "logs/2024-07/app"));
        assert!(fits("logs/2024-*", "logs/2024-07/eventlog_v2_a/events_1_a"));
        assert!(fits("logs/**/app-1", "logs/a/b/app-1"));
        assert!(fits("logs/**/app-1", "logs/app-1"));
        assert!(!fits("logs/app-*", "logs/other/app-1"));
        assert!(!fits("logs/app-?", "logs/app-10"));
        assert!(!fits("logs/*/*", "logs/app-1"));
        assert_eq!(Pattern::split("logs/app-1"), None);
        let base = Pattern::split("a/b/c*/d").map(|(base, _)| base);
        assert_eq!(base.as_deref(), Some("a/b"));
    }

    #[test]
    fn a_list_names_places_one_a_line() {
        let folder = tempfile::tempdir().unwrap();
        let list = folder.path().join("paths.txt");
        std::fs::write(&list, "\u{feff}# logs\n/a/b\r\n\n  s3://bucket/c \n").unwrap();
        let given = format!("@{}", list.display());
        assert_eq!(places(&given).unwrap(), ["/a/b", "s3://bucket/c"]);
        std::fs::write(&list, "# none\n").unwrap();
        assert_eq!(places(&given).unwrap_err().kind(), "invalid_uri");
        assert_eq!(places("@/nowhere").unwrap_err().kind(), "io");
        assert_eq!(places("/a/b").unwrap(), ["/a/b"]);
    }

    proptest! {
        #[test]
        fn a_name_with_parts_replaced_by_stars_fits(
            name in "[ab]{0,12}", cuts in prop::collection::vec((0usize..13, 0usize..13), 0..3),
        ) {
            let mut pattern: Vec<char> = name.chars().collect();
            for (from, to) in cuts {
                let (from, to) = (from.min(pattern.len()), to.min(pattern.len()));
                if from <= to {
                    pattern.splice(from..to, ['*']);
                }
            }
            let pattern: String = pattern.into_iter().collect();
            prop_assert!(fits_name(&pattern, &name), "{} {}", pattern, name);
        }
    }
}
