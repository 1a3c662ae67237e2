//! The built-in catalog, users' folders over it, and what the job file changes.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use super::lake::built_in;
use crate::analyze::{Catalog, Overrides};
use crate::model::SettingValue;

const RULE: &str = "\
-- id: slow
-- title: Slow stages
-- category: speed
-- severity: medium
-- version: 1
-- description: Stages that take long.
-- parameter: min_ms bigint = 1000 [ms] shortest stage that counts
-- recommendation: Make them fast.
SELECT * FROM stages WHERE duration_ms >= $min_ms
";

fn folder_with(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("folder");
    for (path, text) in files {
        let path = folder.path().join(path);
        fs::create_dir_all(path.parent().expect("parent")).expect("folder");
        fs::write(path, text).expect("file");
    }
    folder
}

fn refused(files: &[(&str, &str)]) -> String {
    let folder = folder_with(files);
    let error = Catalog::with_folder(folder.path())
        .expect_err("refused")
        .to_string();
    error.replace(&folder.path().display().to_string(), "mine")
}

#[test]
fn functions_for_other_engines_have_the_names_of_the_original_tools() {
    let functions: Vec<_> = built_in().functions().collect();
    let names: Vec<&str> = functions
        .iter()
        .map(|function| function.id.as_str())
        .collect();
    assert_eq!(
        names,
        [
            "getappid",
            "getexecutor",
            "getslowestjobs",
            "getslowestsql",
            "getsloweststages",
            "getsparkcontext",
            "getstage",
            "listappsraw",
            "listshsenvraw",
            "listshsexecutorsraw",
            "listshsjobsraw",
            "listshssqlraw",
            "listshsstagesraw",
            "listshstasksraw",
        ]
    );
    for function in functions {
        let statement = function.create_statement();
        assert!(!statement.contains('$'), "{statement}");
        assert!(
            statement.contains(&format!("{}.clusterid", function.id)),
            "{statement}"
        );
    }
}

#[test]
fn every_built_in_file_is_read() {
    let catalog = Catalog::built_in().expect("valid files");
    let rules = catalog.rules().map(|rule| format!("{}.sql", rule.id));
    assert_eq!(rules.collect::<BTreeSet<_>>(), files_of("rules"));
    let tables = catalog.tables().map(|table| format!("{}.sql", table.id));
    assert_eq!(tables.collect::<BTreeSet<_>>(), files_of("tables"));
    let views = catalog.views().map(|view| format!("{}.sql", view.id));
    assert_eq!(views.collect::<BTreeSet<_>>(), files_of("views"));
}

/// A filter beside a division does not guard it: engines evaluate expressions in an order of their own, Spark 4 then refuses
/// the query, and DataFusion goes on with an infinity.
#[test]
fn what_is_divided_by_may_be_zero() {
    let guarded = regex::Regex::new(
        r"^(NULLIF\(|GREATEST\(|COALESCE\(|FLOOR\(|LN\(|SUM\(|COUNT\(|CAST\(|CASE |[0-9$]|\(1e0 - \$)",
    )
    .expect("a pattern");
    let catalog = built_in();
    let rules = catalog.rules().map(|rule| (&rule.id, &rule.query));
    let tables = catalog.tables().map(|table| (&table.id, &table.query));
    let views = catalog.views().map(|view| (&view.id, &view.query));
    for (id, query) in rules.chain(tables).chain(views) {
        for line in query
            .statement
            .lines()
            .filter(|line| !line.trim_start().starts_with("--"))
        {
            let code = line.split(" -- ").next().unwrap_or_default();
            let mut before = String::new();
            for part in code.split(" / ") {
                let in_text = before.matches('\'').count() % 2 == 1;
                assert!(
                    before.is_empty() || in_text || guarded.is_match(part),
                    "{id}: write / NULLIF(…, 0) in: {line}"
                );
                before.push_str(part);
            }
        }
    }
}

/// The names of the SQL files in a folder of `sql/` and the folders in it.
fn files_of(folder: &str) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    let mut open = vec![
        Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("sql")
            .join(folder),
    ];
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(&folder).expect("folder") {
            let path = entry.expect("entry").path();
            if path.is_dir() {
                open.push(path);
            } else if path.extension().is_some_and(|extension| extension == "sql") {
                names.insert(
                    path.file_name()
                        .expect("name")
                        .to_string_lossy()
                        .into_owned(),
                );
            }
        }
    }
    names
}

#[test]
fn a_users_file_is_added_or_replaces_the_built_in_one() {
    let mine = RULE.replace("slow", "task_skew").replace("speed", "skew");
    let folder = folder_with(&[
        ("rules/speed/slow.sql", RULE),
        ("rules/skew/task_skew.sql", &mine),
        ("README.md", "notes"),
        (".git/config", "x"),
    ]);
    let catalog = Catalog::with_folder(folder.path()).expect("valid");
    let built_in = Catalog::built_in().expect("valid files");
    assert_eq!(catalog.rules().count(), built_in.rules().count() + 1);
    assert_eq!(
        catalog.rule("task_skew").expect("known").title,
        "Slow stages"
    );
}

#[test]
fn a_file_in_the_wrong_place_says_where_to_put_it() {
    let error = refused(&[("slow.sql", RULE)]);
    assert!(
        error.starts_with("mine/slow.sql:1: this file does not belong"),
        "{error}"
    );
}

#[test]
fn an_id_comes_only_once_in_a_folder() {
    let other = RULE.replace("speed", "time");
    let error = refused(&[
        ("rules/speed/slow.sql", RULE),
        ("rules/time/slow.sql", &other),
    ]);
    assert_eq!(
        error,
        "mine/rules/time/slow.sql:1: `slow` is already defined in mine/rules/speed/slow.sql; \
             rename one of them"
    );
}

#[test]
fn a_folder_that_is_not_there_is_named() {
    let error = Catalog::with_folder(Path::new("/no/such/folder")).expect_err("missing");
    assert!(error.to_string().contains("/no/such/folder"), "{error}");
}

fn overrides(toml: &str) -> Overrides {
    toml::from_str(toml).expect("valid")
}

#[test]
fn the_job_file_changes_parameters_and_disables_rules() {
    let mut catalog = Catalog::built_in().expect("valid files");
    let changes = "disabled = ['gc_pressure']\n[parameters.task_skew]\nmin_ratio = 5";
    catalog.apply(&overrides(changes)).expect("known names");
    assert!(catalog.rule("gc_pressure").is_err());
    let skew = catalog.rule("task_skew").expect("known");
    let ratio = skew
        .query
        .parameters
        .iter()
        .find(|known| known.name == "min_ratio");
    assert_eq!(ratio.expect("declared").value, SettingValue::Double(5.0));
}

#[test]
fn wrong_changes_name_the_nearest_known() {
    let cases = [
        (
            "disabled = ['gc_presure']",
            "there is no rule `gc_presure`; did you mean `gc_pressure`?",
        ),
        (
            "[parameters.task_skw]\nmin_ratio = 5.0",
            "there is no rule or table `task_skw`; did you mean `task_skew`?",
        ),
        (
            "[parameters.task_skew]\nmin_ration = 5.0",
            "`task_skew`: there is no parameter `min_ration`; did you mean `min_ratio`?",
        ),
        (
            "[parameters.task_skew]\nmin_ratio = 'x'",
            "`task_skew`: `x` is not a double as `min_ratio` needs it; give a value that fits; `sparklake explain` shows the defaults",
        ),
    ];
    for (toml, message) in cases {
        let mut catalog = Catalog::built_in().expect("valid files");
        let error = catalog.apply(&overrides(toml)).expect_err(toml);
        assert_eq!(error.to_string(), message);
    }
}

#[test]
fn a_selection_keeps_what_it_reads() {
    let catalog = Catalog::built_in().expect("valid files");
    let one = catalog.select(&["task_skew", "findings"]).expect("known");
    assert_eq!(
        (
            one.rules().count(),
            one.views().count(),
            one.tables().count()
        ),
        (1, 27, 2)
    );
    let all = catalog.select(&["ineffjobagg"]).expect("known");
    assert_eq!(
        (all.rules().count(), all.tables().count()),
        (catalog.rules().count(), 4)
    );
    assert!(catalog.select(&["findigs"]).is_err());
}

#[test]
fn the_fingerprint_follows_thresholds_and_reference_tables() {
    let built_in = Catalog::built_in().expect("valid files");
    assert_eq!(
        built_in.fingerprint(),
        Catalog::built_in().expect("valid files").fingerprint()
    );
    let mut stricter = built_in.clone();
    let changes = overrides("[parameters.findings]\nhigh_share = 0.5");
    stricter.apply(&changes).expect("known names");
    assert_ne!(stricter.fingerprint(), built_in.fingerprint());
    let csv = "operator,is_work,is_supported,is_write,reason\nSort,true,true,false,\n";
    let folder = folder_with(&[("reference/photon_operators.csv", csv)]);
    let other = Catalog::with_folder(folder.path()).expect("valid");
    assert_ne!(other.fingerprint(), built_in.fingerprint());
}

#[test]
fn the_example_of_the_readme_is_a_rule() {
    let readme = include_str!("../../../sql/README.md");
    let example = readme.split("```").nth(1).expect("a code block");
    let example = example.strip_prefix("sql\n").expect("SQL");
    let folder = folder_with(&[("rules/speed/long_stages.sql", example)]);
    let catalog = Catalog::with_folder(folder.path()).expect("valid");
    assert_eq!(catalog.rule("long_stages").expect("known").severity, "low");
}

#[test]
fn every_reference_table_has_a_contract() {
    for reference in built_in().references() {
        let id = &reference.id;
        assert!(
            reference.contract.is_some(),
            "write sql/reference/{id}.toml"
        );
        assert!(reference.rows.num_rows() > 0, "{id}");
    }
}
