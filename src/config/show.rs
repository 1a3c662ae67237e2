//! The effective configuration as text: a job file that would have the same effect, with where each
//! value comes from beside it.

use std::fmt::Write;

use super::settings::{Effective, Settings};

/// Column at which the origins begin, where the values leave room.
const ORIGIN_COLUMN: usize = 48;

/// The answer of `sparklake config show`.
pub fn show(settings: &Settings) -> String {
    let mut text = String::new();
    let mut section = "";
    for setting in &settings.effective {
        if setting.section != section {
            if !section.is_empty() {
                text.push('\n');
            }
            text.push_str(&heading(&setting.section));
            section = &setting.section;
        }
        let Effective {
            key, value, origin, ..
        } = setting;
        let line = match value {
            Some(value) => format!("{} = {value}", toml_key(key)),
            None => format!("# {} is not set", toml_key(key)),
        };
        // Writing to a String cannot fail.
        let _ = match value {
            Some(_) => writeln!(text, "{line:ORIGIN_COLUMN$} # {origin}"),
            None => writeln!(text, "{line}"),
        };
    }
    text
}

/// The heading of a section; `source[1].storage_options` belongs to the `[[source]]` above it.
fn heading(section: &str) -> String {
    match section.split_once('[') {
        None => format!("[{section}]\n"),
        Some((list, index)) => match index.split_once(']').map(|(_, below)| below) {
            Some(below) if !below.is_empty() => format!("[{list}{below}]\n"),
            _ => format!("[[{list}]]\n"),
        },
    }
}

/// A key, in quotes where TOML needs them.
pub(super) fn toml_key(key: &str) -> String {
    let is_bare = !key.is_empty()
        && key
            .bytes()
            .all(|letter| letter.is_ascii_alphanumeric() || matches!(letter, b'_' | b'-'));
    if is_bare {
        key.to_owned()
    } else {
        toml::Value::from(key).to_string()
    }
}
