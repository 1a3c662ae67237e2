//! Each test that the threat model names as a guard is there.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

fn functions(folder: &Path, into: &mut BTreeSet<String>) {
    for entry in fs::read_dir(folder).expect("a folder").flatten() {
        let path = entry.path();
        if path.is_dir() {
            functions(&path, into);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = fs::read_to_string(&path).expect("UTF-8");
            let names = text.split("fn ").skip(1);
            into.extend(names.filter_map(|rest| rest.split('(').next().map(str::to_owned)));
        }
    }
}

#[test]
fn every_guard_of_the_threat_model_is_a_test_of_this_repository() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut known = BTreeSet::new();
    for folder in ["src", "crates", "tests"] {
        functions(&root.join(folder), &mut known);
    }
    let text = fs::read_to_string(root.join("docs/threat-model.md")).expect("there");
    let rows = text
        .lines()
        .filter(|line| line.starts_with("| ") && line.matches('|').count() == 4);
    let mut guards = 0;
    for row in rows {
        let cell = row.split('|').nth(3).unwrap_or_default();
        for name in cell.split('`').skip(1).step_by(2) {
            let is_test = name.contains('_') && !name.contains(['/', '.', ' ', ':']);
            assert!(
                !is_test || known.contains(name),
                "no test is called {name}: {row}"
            );
            guards += usize::from(is_test);
        }
    }
    assert!(guards >= 25, "only {guards} tests are named");
}
