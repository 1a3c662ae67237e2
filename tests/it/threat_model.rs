//! Each test that the threat model names as a guard is there, and each threat names one.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// Guards that are no test of this repository, as the threat model writes them.
const OTHER_GUARDS: &[&str] = &["none: models may still err", "`cargo deny check`"];

/// Names of test functions: after an attribute that says so, or in a block of properties.
fn tests_below(folder: &Path, into: &mut BTreeSet<String>) {
    for entry in fs::read_dir(folder).expect("a folder").flatten() {
        let path = entry.path();
        if path.is_dir() {
            tests_below(&path, into);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = fs::read_to_string(&path).expect("UTF-8");
            for attribute in ["#[test]", "#[tokio::test"] {
                let rests = text.split(attribute).skip(1);
                let names = rests.filter_map(|rest| rest.split_once("fn ")?.1.split('(').next());
                into.extend(names.map(str::to_owned));
            }
        }
    }
}

#[test]
fn every_guard_of_the_threat_model_is_a_test_of_this_repository() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut known = BTreeSet::new();
    for folder in ["src", "crates", "tests"] {
        tests_below(&root.join(folder), &mut known);
    }
    let text = fs::read_to_string(root.join("docs/threat-model.md")).expect("there");
    let is_row = |line: &&str| {
        let is_rule = line.starts_with("|-") || line.starts_with("| ---");
        line.starts_with('|') && !is_rule && !line.starts_with("| threat")
    };
    let mut guards = 0;
    for row in text.lines().filter(is_row) {
        assert_eq!(row.matches('|').count(), 4, "three cells: {row}");
        let cell = row.split('|').nth(3).unwrap_or_default().trim();
        if OTHER_GUARDS.contains(&cell) {
            continue;
        }
        let names = cell.split('`').skip(1).step_by(2);
        let names: Vec<&str> = names.filter(|name| !name.contains('/')).collect();
        assert!(!names.is_empty(), "no test guards: {row}");
        for name in names {
            assert!(known.contains(name), "no test is called {name}: {row}");
            guards += 1;
        }
    }
    assert!(guards >= 40, "only {guards} tests are named");
}
