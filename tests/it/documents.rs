//! Links between the documents of this repository lead somewhere.

use std::fs;
use std::path::{Path, PathBuf};

/// Folders that hold what others wrote, or what was built.
const NOT_OURS: &[&str] = &["target", "node_modules", ".git", "dist", "lake"];

fn documents(folder: &Path, into: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("a folder").flatten() {
        let path = entry.path();
        let name = entry.file_name().to_string_lossy().into_owned();
        if path.is_dir() && !NOT_OURS.contains(&name.as_str()) {
            documents(&path, into);
        } else if path.extension().is_some_and(|extension| extension == "md") {
            into.push(path);
        }
    }
}

/// The text without code, which holds brackets of its own.
fn prose(text: &str) -> String {
    let (mut prose, mut in_block) = (String::new(), false);
    for line in text.lines() {
        if line.trim_start().starts_with("```") {
            in_block = !in_block;
        } else if !in_block {
            prose.push_str(line);
            prose.push('\n');
        }
    }
    prose
}

/// Targets of links and pictures.
fn targets(prose: &str) -> Vec<&str> {
    let links = prose.split("](").skip(1);
    links
        .filter_map(|rest| rest.split_once(')').map(|(target, _)| target))
        .collect()
}

/// What a heading is called in an address, as hosts of repositories have it.
fn anchor(heading: &str) -> String {
    let letters = heading.trim().chars().filter_map(|letter| match letter {
        ' ' => Some('-'),
        '-' | '_' => Some(letter),
        letter if letter.is_alphanumeric() => Some(letter.to_ascii_lowercase()),
        _ => None,
    });
    letters.collect()
}

fn anchors(text: &str) -> Vec<String> {
    let prose = prose(text);
    let headings = prose.lines().filter(|line| line.starts_with('#'));
    headings
        .map(|line| anchor(line.trim_start_matches('#')))
        .collect()
}

#[test]
fn every_link_between_documents_leads_to_a_file_and_a_heading() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut found = Vec::new();
    documents(root, &mut found);
    let (mut links, mut broken) = (0, Vec::new());
    for document in &found {
        let text = fs::read_to_string(document).expect("UTF-8");
        let prose = prose(&text);
        for target in targets(&prose) {
            if target.contains("://") || target.starts_with("mailto:") {
                continue;
            }
            links += 1;
            let (path, heading) = target.split_once('#').unwrap_or((target, ""));
            let leads_to = match path {
                "" => document.clone(),
                path => document.parent().expect("a folder").join(path),
            };
            let is_there = leads_to.exists();
            let is_heading = heading.is_empty()
                || fs::read_to_string(&leads_to)
                    .is_ok_and(|text| anchors(&text).iter().any(|known| known == heading));
            if !is_there || !is_heading {
                broken.push(format!("{}: {target}", document.display()));
            }
        }
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
    assert!(
        found.len() > 20 && links > 80,
        "{} documents, {links} links",
        found.len()
    );
}
