//! Every command that the documents and the schedules show is one that the program takes.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

use clap::error::ErrorKind;

use super::options::command_line;

/// Folders and files whose commands people copy.
const DOCUMENTS: &[&str] = &[
    "README.md",
    "CONTRIBUTING.md",
    "docs",
    "jobs",
    "packaging",
    "skills",
    "sql/README.md",
    "tests/interop/README.md",
];
/// Values that a scheduler puts in, and what they look like to the program.
const PUT_IN: &[(&str, &str)] = &[("Ref::shards", "8"), ("$(SHARDS)", "8"), ("I/N", "0/4")];

/// A command as it is shown: where, and its words.
type Shown = (String, Vec<String>);

fn files(path: &Path, into: &mut Vec<PathBuf>) {
    if path.is_dir() {
        let entries = fs::read_dir(path).expect("a folder");
        let mut below: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
        below.sort();
        below.iter().for_each(|path| files(path, into));
    } else {
        into.push(path.to_owned());
    }
}

/// The simple commands of a piece of shell, as far as documents use it: quotes, comments, continued
/// lines, lists, pipes, groups and redirections; variables stay as they are.
fn simple_commands(shell: &str) -> Vec<Vec<String>> {
    let mut commands = Vec::new();
    let (mut words, mut word) = (Vec::new(), None::<String>);
    let mut letters = shell.chars().peekable();
    while let Some(letter) = letters.next() {
        match letter {
            '\\' => match letters.next() {
                Some('\n') | None => {}
                Some(escaped) => word.get_or_insert_default().push(escaped),
            },
            '\'' | '"' => {
                let quoted = word.get_or_insert_default();
                while let Some(inner) = letters.next_if(|inner| *inner != letter) {
                    quoted.push(inner);
                }
                letters.next();
            }
            '#' if word.is_none() => while letters.next_if(|inner| *inner != '\n').is_some() {},
            ' ' | '\t' => words.extend(word.take()),
            '\n' | ';' | '|' | '&' | '{' | '}' | '(' | ')' => {
                words.extend(word.take());
                commands.push(std::mem::take(&mut words));
            }
            '<' | '>' => {
                // `2>`: the digit is part of the redirection.
                words.extend(word.take().filter(|number| number != "2"));
                while letters
                    .next_if(|next| matches!(next, '>' | '&' | ' '))
                    .is_some()
                {}
                while letters
                    .next_if(|next| !next.is_whitespace() && *next != ';')
                    .is_some()
                {}
            }
            other => word.get_or_insert_default().push(other),
        }
    }
    words.extend(word);
    commands.push(words);
    commands
}

/// The words after the program's name, where a command calls it: first of all, or after assignments and `exec`.
fn called(words: &[String]) -> Option<Vec<String>> {
    let is_program = |word: &String| word == "sparklake" || word.ends_with("/sparklake");
    let at = words.iter().position(is_program)?;
    let (before, rest) = words.split_at(at);
    let begins = before
        .iter()
        .all(|word| word.contains('=') || word == "exec");
    let arguments = rest.get(1..)?;
    // A name alone, as in a list of programs, asks for nothing.
    (begins && !arguments.is_empty()).then(|| arguments.to_vec())
}

/// The script with what it hands to another shell, `--wrap="…"`, and what it substitutes on lines of their own.
fn unwrapped(script: &str) -> String {
    let mut parts = script.split("--wrap=\"");
    let mut text = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (wrapped, rest) = part.split_once('"').unwrap_or((part, ""));
        text.push_str(&format!("\n{wrapped}\n{rest}"));
    }
    text.replace("$(", "\n")
}

/// Commands in shell blocks and in code spans of a Markdown file.
fn of_markdown(text: &str) -> Vec<Vec<String>> {
    let (mut shells, mut prose) = (Vec::new(), String::new());
    let mut block: Option<(bool, String)> = None;
    for line in text.lines() {
        match (&mut block, line.trim_start().strip_prefix("```")) {
            (None, Some(language)) => block = Some((language == "sh", String::new())),
            (Some(_), Some(_)) => shells.extend(block.take()),
            (Some((_, inner)), None) => *inner += &format!("{line}\n"),
            (None, None) => prose += &format!("{line}\n"),
        }
    }
    let shells = shells.into_iter().filter(|(is_shell, _)| *is_shell);
    let blocks = shells.flat_map(|(_, shell)| simple_commands(&shell));
    // A span with an ellipsis or a placeholder in angle brackets shows a form, not a command.
    let spans = prose.split('`').skip(1).step_by(2);
    let spans =
        spans.filter(|span| span.starts_with("sparklake ") && !span.contains(['…', '<', '[']));
    blocks
        .chain(spans.flat_map(simple_commands))
        .collect::<Vec<_>>()
}

/// Arrays of strings in JSON and YAML that are the arguments of the image's program.
fn of_arrays(text: &str) -> Vec<Vec<String>> {
    let arrays = text.lines().filter_map(|line| {
        let (key, value) = line.trim().trim_start_matches("- ").split_once(':')?;
        let key = key.trim_matches('"');
        let value = value.trim().trim_end_matches(',');
        let words: Vec<String> = serde_json::from_str(value).ok()?;
        matches!(key, "args" | "command" | "parameters").then_some(words)
    });
    let program = || "sparklake".to_owned();
    arrays
        .flat_map(|words| match words.first().map(String::as_str) {
            Some("/bin/sh") => words
                .get(2)
                .map_or_else(Vec::new, |shell| simple_commands(shell)),
            Some("sparklake") => vec![words],
            _ => vec![std::iter::once(program()).chain(words).collect()],
        })
        .collect()
}

fn shown() -> Vec<Shown> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut documents = Vec::new();
    for document in DOCUMENTS {
        files(&root.join(document), &mut documents);
    }
    let mut shown = Vec::new();
    for document in documents {
        // Pictures are no text.
        let Ok(text) = fs::read_to_string(&document) else {
            continue;
        };
        let extension = document.extension().and_then(OsStr::to_str);
        let name = document
            .strip_prefix(root)
            .expect("below")
            .display()
            .to_string();
        let commands = match extension {
            Some("md") => of_markdown(&text),
            Some("sh") => simple_commands(&unwrapped(&text)),
            Some("json") => of_arrays(&text),
            Some("yaml") => {
                let scripts = text
                    .lines()
                    .filter_map(|line| line.trim().strip_prefix("- sparklake "));
                let scripts =
                    scripts.flat_map(|rest| simple_commands(&format!("sparklake {rest}")));
                of_arrays(&text).into_iter().chain(scripts).collect()
            }
            Some("service") => {
                let starts = text
                    .lines()
                    .filter_map(|line| line.strip_prefix("ExecStart="));
                starts.flat_map(simple_commands).collect()
            }
            // A line of cron: five fields of time, the user, the command.
            None if name.starts_with("jobs/cron/") => {
                let lines = text
                    .lines()
                    .filter(|line| line.starts_with(|first: char| first.is_ascii_digit()));
                let commands = lines.map(|line| {
                    line.split_whitespace()
                        .skip(6)
                        .collect::<Vec<_>>()
                        .join(" ")
                });
                commands
                    .flat_map(|command| simple_commands(&command))
                    .collect()
            }
            _ => Vec::new(),
        };
        let called = commands.iter().filter_map(|words| called(words));
        shown.extend(called.map(|words| (name.clone(), words)));
    }
    shown
}

#[test]
fn every_command_of_the_documents_is_one_that_the_program_takes() {
    let shown = shown();
    let mut wrong = Vec::new();
    for (document, words) in &shown {
        let put_in = words.iter().map(|word| {
            let known = PUT_IN.iter().find(|(name, _)| name == word);
            known.map_or(word.as_str(), |(_, value)| *value)
        });
        let line: Vec<&str> = std::iter::once("sparklake").chain(put_in).collect();
        let Err(error) = command_line().try_get_matches_from(&line) else {
            continue;
        };
        // The name of a command alone is how texts speak of it; what it needs is said elsewhere.
        let is_name = words.len() == 1
            && matches!(
                error.kind(),
                ErrorKind::MissingRequiredArgument
                    | ErrorKind::MissingSubcommand
                    | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand
            );
        if !is_name && error.kind() != ErrorKind::DisplayHelp {
            let reason = error.to_string();
            let first = reason.lines().next().unwrap_or_default();
            wrong.push(format!("{document}: {}: {first}", line.join(" ")));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    // What reads the documents finds them.
    let of = |name: &str| {
        shown
            .iter()
            .filter(|(document, _)| document == name)
            .count()
    };
    assert!(shown.len() > 80, "only {} commands", shown.len());
    for (document, least) in [
        ("README.md", 8),
        ("jobs/cron/sparklake", 2),
        ("jobs/kubernetes/shards.yaml", 3),
        ("jobs/kubernetes/cronjob.yaml", 2),
        ("jobs/batch/job-definition.json", 1),
        ("jobs/batch/nightly.sh", 2),
        ("jobs/slurm/nightly.sh", 3),
        ("jobs/systemd/sparklake.service", 1),
    ] {
        assert!(of(document) >= least, "{document}: {}", of(document));
    }
}

#[test]
fn shell_is_read_as_documents_write_it() {
    let commands = simple_commands(
        "export T=1  # a comment\nsparklake sql --lake ./l \"\n SELECT 1; -- x\" > out 2>> log || echo 'a | b'\n\
         A=b sparklake run \\\n  --event-logs x && sparklake status",
    );
    let called: Vec<Vec<String>> = commands.iter().filter_map(|words| called(words)).collect();
    assert_eq!(
        called,
        [
            vec!["sql", "--lake", "./l", "\n SELECT 1; -- x"],
            vec!["run", "--event-logs", "x"],
            vec!["status"],
        ]
    );
}
