//! The findings over all logs of the corpus agree with each other, as those over the fixtures do.

use serde_json::Value;

use super::lake::{Corpus, Row};
use crate::findings::{SettingAdvice, assert_coherent};

#[test]
#[ignore = "needs the corpus: SPARKLAKE_CONFORMANCE"]
fn advice_of_one_application_does_not_contradict_itself() {
    let text = |row: &Row, column: &str| row.get(column).and_then(Value::as_str).map(str::to_owned);
    let advice: Vec<SettingAdvice> = Corpus::load()
        .query("SELECT * FROM findings WHERE config_recommended IS NOT NULL")
        .iter()
        .map(|row| SettingAdvice {
            application: ["platform", "cluster_id", "application_id", "attempt_id"]
                .map(|column| text(row, column).unwrap_or_default())
                .join(" "),
            rule: text(row, "rule_id").expect("a rule"),
            key: text(row, "config_key").expect("a setting"),
            current: text(row, "config_current"),
            recommended: text(row, "config_recommended").expect("a value"),
        })
        .collect();
    assert!(!advice.is_empty(), "the corpus recommends settings");
    assert_coherent(&advice);
}
