//! The tool `compare`: the comparison of `sparklake compare`, as rows.

use serde::Serialize;
use serde_json::{Map, Value, json};

use super::applications::Application;
use super::arguments::{Arguments, ToolError};
use super::declare::Kind;
use super::declare::{List, Role, Tool, list, needed};
use super::engine::Engine;
use super::reply::{Answered, Reply};
use super::rows::{Row, rounded};
use crate::publish::compare::{self, Comparison};
use crate::publish::{Facts, Run};

/// The tool that compares two runs.
pub(super) static COMPARE: Tool = Tool {
    name: "compare",
    title: "Compare two runs",
    about: "Why one run (with, B) took longer or cost more than another (app, A): measures side by side, settings that \
        differ, stages matched by plan and call site, findings that are new or gone.",
    arguments: &[
        needed("app", Kind::Application, "run A, as in diagnose"),
        needed("with", Kind::Application, "run B"),
    ],
    lists: &[
        list(
            "measures",
            "",
            Role::Beside,
            "measure:s unit:s a:n b:n change_ratio:n",
            "",
            &[],
        ),
        list(
            "settings",
            "",
            Role::Beside,
            "key:s a:s b:s is_tuning:b",
            "section:s a_origin:s b_origin:s",
            &[],
        ),
        list(
            "stages",
            "",
            Role::Beside,
            "a_stage_id:i b_stage_id:i matched_by:s stage_name:s a_duration_ms:i b_duration_ms:i change_ms:i \
             a_num_tasks:i b_num_tasks:i a_disk_bytes_spilled:i b_disk_bytes_spilled:i",
            "a_run_time_ms:i b_run_time_ms:i a_gc_time_ms:i b_gc_time_ms:i a_input_bytes:i b_input_bytes:i \
             a_shuffle_read_bytes:i b_shuffle_read_bytes:i a_num_failed_tasks:i b_num_failed_tasks:i description:s",
            &[],
        ),
        list(
            "findings",
            "",
            Role::Beside,
            "change:s rule_id:s title:s a_num:i b_num:i a_severity:s b_severity:s",
            "a_lost_core_ms:i b_lost_core_ms:i a_evidence:s b_evidence:s",
            &[],
        ),
        list(
            "operators",
            "",
            Role::Full,
            "operator:s a_num:i b_num:i",
            "",
            &[],
        ),
    ],
};

impl Engine {
    /// # Errors
    /// A run is not there, the two are in different lakes, or the lake cannot be asked.
    pub(super) async fn compare(
        &self,
        given: Option<&Map<String, Value>>,
    ) -> Result<Reply, ToolError> {
        let arguments = Arguments::parse(&COMPARE, given)?;
        let [app, with] = ["app", "with"].map(|name| arguments.text(name).unwrap_or_default());
        let a = self.application(&app).await?;
        let b = self.application(&with).await?;
        if !a.place.is_same(&b.place) {
            return Err(ToolError::new(
                "one of the two is in the lake and the other was fetched live, or each was fetched live: load both \
                 with `sparklake run`, then compare them",
            ));
        }
        let facts = Facts::new(a.place.ask(), self.catalog());
        let (run_a, run_b) = (run(&a), run(&b));
        let comparison = compare::compare(&facts, &run_a, &run_b);
        let comparison = match tokio::time::timeout(self.timeout(), comparison).await {
            Ok(comparison) => comparison.map_err(|error| ToolError::new(error.to_string()))?,
            Err(_) => {
                return Err(ToolError::new(format!(
                    "the comparison took longer than {:?}; compare single stages with `inspect`",
                    self.timeout()
                )));
            }
        };
        let mut verdict = vec![comparison.verdict.clone()];
        verdict.extend(a.remark(&app));
        verdict.extend(b.remark(&with));
        let lists = COMPARE.lists.iter();
        let lists = lists.filter(|list| arguments.full || list.role != Role::Full);
        Ok(Reply {
            verdict: verdict.join(" "),
            lists: lists
                .map(|list| answered(list, &comparison, arguments.full))
                .collect(),
            full: arguments.full,
            page: None,
        })
    }
}

fn run(application: &Application) -> Run {
    let key = |name| application.key(name).unwrap_or_default();
    Run::of_keys(
        key("platform"),
        key("cluster_id"),
        key("application_id"),
        key("attempt_id"),
    )
}

fn answered(list: &'static List, comparison: &Comparison, full: bool) -> Answered {
    let (title, rows) = match list.name {
        "measures" => ("Both runs in numbers", measures(comparison)),
        "settings" => ("Settings that differ", settings(comparison)),
        "stages" => ("Stages, the largest difference first", stages(comparison)),
        "findings" => (
            "Findings that are new, gone, more or fewer",
            findings(comparison),
        ),
        _ => (
            "Operators that differ in number",
            comparison.operators.iter().map(row).collect(),
        ),
    };
    Answered {
        name: list.name,
        title: title.to_owned(),
        rows: list.only_shown(rows, full),
        total: None,
        offset: None,
    }
}

/// A row of what is known; names of A and B go in front: `stage_id_a` becomes `a_stage_id`.
fn row(of: &impl Serialize) -> Row {
    let Ok(Value::Object(fields)) = serde_json::to_value(of) else {
        return Row::new();
    };
    let known = fields.into_iter().filter(|(_, value)| !value.is_null());
    let named = known.map(|(name, value)| {
        let turned = [("_a", "a_"), ("_b", "b_")]
            .iter()
            .find_map(|(end, begin)| {
                let rest = name.strip_suffix(end)?;
                Some(format!("{begin}{rest}"))
            });
        (turned.unwrap_or(name), rounded(value))
    });
    named.collect()
}

fn measures(comparison: &Comparison) -> Vec<Row> {
    let known = comparison.metrics.iter();
    let known = known.filter(|metric| metric.a.is_some() || metric.b.is_some());
    let rows = known.map(|metric| {
        let mut row = row(metric);
        row.insert("measure".to_owned(), json!(metric.metric));
        if let (Some(a), Some(b)) = (metric.a, metric.b)
            && a != 0.0
        {
            row.insert("change_ratio".to_owned(), rounded(json!(b / a - 1.0)));
        }
        row
    });
    rows.collect()
}

fn settings(comparison: &Comparison) -> Vec<Row> {
    let rows = comparison.settings.iter().map(|setting| {
        let mut row = row(setting);
        for (name, value, default) in [
            ("a", &setting.value_a, &setting.default_a),
            ("b", &setting.value_b, &setting.default_b),
        ] {
            let value = match (value, default) {
                (Some(value), _) => value.clone(),
                (None, Some(default)) => format!("{default} (default)"),
                (None, None) => continue,
            };
            row.insert(name.to_owned(), json!(value));
        }
        row
    });
    rows.collect()
}

fn stages(comparison: &Comparison) -> Vec<Row> {
    let rows = comparison.stages.iter().map(|pair| {
        let mut row = row(pair);
        row.insert("change_ms".to_owned(), json!(pair.longer_ms()));
        row
    });
    rows.collect()
}

fn findings(comparison: &Comparison) -> Vec<Row> {
    let changed = comparison.findings.iter();
    let changed = changed.filter(|finding| finding.change != "same");
    changed.map(row).collect()
}
