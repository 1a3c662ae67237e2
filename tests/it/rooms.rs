//! The folders of `src` build on each other in one direction.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use walkdir::WalkDir;

/// Which folders a folder of `src` imports from.
type Imports = BTreeMap<String, BTreeSet<String>>;

#[test]
fn no_folder_imports_one_that_imports_it() {
    let imports = imports(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"));
    assert!(
        imports["pipeline"].contains("load"),
        "imports are found: {imports:?}"
    );
    for folder in imports.keys() {
        if let Some(way) = way_back(folder, &imports) {
            panic!("{} is a circle", way.join(" → "));
        }
    }
}

/// The imports of the program, without those of its unit tests.
fn imports(source: &Path) -> Imports {
    let mut imports = Imports::new();
    for entry in WalkDir::new(source) {
        let entry = entry.expect("a readable folder");
        let path = entry.path();
        let inside = path.strip_prefix(source).expect("a path inside");
        let is_test = inside
            .components()
            .any(|part| part.as_os_str() == "tests" || part.as_os_str() == "tests.rs");
        let mut parts = inside.components();
        let (Some(folder), Some(_)) = (parts.next(), parts.next()) else {
            continue;
        };
        if is_test || path.extension().is_none_or(|extension| extension != "rs") {
            continue;
        }
        let folder = folder.as_os_str().to_string_lossy().into_owned();
        let text = fs::read_to_string(path).expect("a readable file");
        let program = text.split("#[cfg(test)]\nmod tests {").next();
        let others = program.unwrap_or_default().lines().filter_map(imported);
        let known = imports.entry(folder.clone()).or_default();
        known.extend(others.filter(|other| *other != folder));
    }
    imports
}

/// The folder that a line of code names by `crate::`.
fn imported(line: &str) -> Option<String> {
    let code = line.split("//").next()?;
    let (_, path) = code.split_once("crate::")?;
    let name: String = path
        .chars()
        .take_while(|letter| letter.is_ascii_lowercase() || *letter == '_')
        .collect();
    (!name.is_empty()).then_some(name)
}

/// The folders from one back to itself, if its imports lead there.
fn way_back(start: &str, imports: &Imports) -> Option<Vec<String>> {
    let mut ways = vec![vec![start.to_owned()]];
    let mut seen = BTreeSet::new();
    while let Some(way) = ways.pop() {
        let last = way.last()?;
        for next in imports.get(last).into_iter().flatten() {
            let mut further = way.clone();
            further.push(next.clone());
            if next == start {
                return Some(further);
            }
            if seen.insert(next.clone()) {
                ways.push(further);
            }
        }
    }
    None
}
