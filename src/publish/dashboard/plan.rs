//! The page of a SQL execution: its plan as a graph, what adaptive execution changed, its stages, and
//! its operators in numbers.

mod chart;
mod detail;
mod text;

use datafusion::common::ScalarValue;
use serde::Deserialize;

use super::place::{ApplicationQuery, Of};
use crate::model::{printable, shortened};
use crate::publish::numbers::{
    NOT_KNOWN, bytes, core_time, count, counted, duration, known, percent,
};
use crate::publish::page::{Block, Fact, Level, Page, Section, Table, shown};
use crate::publish::report::{Finding, Questions, ReportError, found};

const LONGEST_NAME: usize = 90;
const LONGEST_DESCRIPTION: usize = 400;
/// Operators that the table lists, those with most time first.
const LISTED_NODES: usize = 200;

/// Which SQL execution, and what of its plan.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct PlanQuery {
    id: String,
    #[serde(default)]
    attempt: Option<String>,
    /// Spark's id of the SQL execution.
    sql: i64,
    /// What the nodes show.
    #[serde(default)]
    show: Show,
    /// Which plan.
    #[serde(default)]
    plan: Which,
}

/// What the nodes of a plan show, and are colored by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Show {
    #[default]
    Time,
    Rows,
    Memory,
}

/// The plan that ran, or the one that adaptive execution began with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Which {
    #[default]
    Final,
    Initial,
}

impl Show {
    const ALL: [(Self, &'static str, &'static str); 3] = [
        (Self::Time, "time", "Time"),
        (Self::Rows, "rows", "Rows"),
        (Self::Memory, "memory", "Memory"),
    ];

    fn name(self) -> &'static str {
        match self {
            Self::Time => "time",
            Self::Rows => "rows",
            Self::Memory => "memory",
        }
    }
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
struct Execution {
    sql_id: i64,
    status: Option<String>,
    duration_ms: Option<i64>,
    description: Option<String>,
    statement: Option<String>,
    start_ms: Option<i64>,
    job_ids: Vec<i64>,
    is_adaptive: Option<bool>,
    num_plan_updates: Option<i64>,
    user_name: Option<String>,
    notebook_path: Option<String>,
    root_execution_id: Option<i64>,
    error_message: Option<String>,
    plan_description: Option<String>,
    task_time_ms: Option<i64>,
    num_stages: Option<i64>,
    num_tasks: Option<i64>,
    input_bytes: Option<i64>,
    output_bytes: Option<i64>,
    shuffle_read_bytes: Option<i64>,
    shuffle_write_bytes: Option<i64>,
    disk_bytes_spilled: Option<i64>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
struct Node {
    node_id: i64,
    node_name: String,
    description: Option<String>,
    engine: Option<String>,
    whole_stage_codegen_id: Option<i64>,
    child_node_ids: Vec<i64>,
    stage_ids: Vec<i64>,
    time_ms: Option<i64>,
    inclusive_time_ms: Option<i64>,
    driver_time_ms: Option<i64>,
    rows_output: Option<i64>,
    bytes_output: Option<i64>,
    peak_memory_bytes: Option<f64>,
    spill_bytes: Option<f64>,
    num_nodes: i64,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
struct Change {
    change: String,
    node_id: i64,
    description: Option<String>,
    operator_before: Option<String>,
    operator_after: Option<String>,
    partitions_before: Option<i64>,
    partitions_after: Option<i64>,
    skewed_partitions: Option<i64>,
    skewed_splits: Option<i64>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
struct StageOf {
    stage_id: i64,
    stage_attempt_id: i64,
    stage_name: Option<String>,
    status: Option<String>,
    duration_ms: Option<i64>,
    num_tasks: Option<i64>,
    run_time_ms: Option<i64>,
    input_bytes: Option<i64>,
    shuffle_read_bytes: Option<i64>,
    shuffle_write_bytes: Option<i64>,
    disk_bytes_spilled: Option<i64>,
    num_rows: i64,
}

impl Node {
    /// WholeStageCodegen: it holds other nodes and has no place in the flow.
    fn is_cluster(&self) -> bool {
        self.node_name.starts_with("WholeStageCodegen")
    }
}

/// The page.
pub(super) async fn page(
    questions: &Questions<'_>,
    asked: &PlanQuery,
) -> Result<Page, ReportError> {
    let wanted = ApplicationQuery {
        id: asked.id.clone(),
        attempt: asked.attempt.clone(),
    };
    let of = Of::find(questions, &wanted).await?;
    let id = [("sql_id", ScalarValue::from(asked.sql))];
    let executions: Vec<Execution> = of.rows("query", &id).await?;
    let Some(execution) = executions.into_iter().next() else {
        return Err(ReportError::Unknown {
            what: "SQL execution",
            id: format!("{} of {}", asked.sql, asked.id),
            cure: format!(
                "its queries are listed at {}",
                of.link("/queries").address()
            ),
        });
    };
    let subject = [
        ("subject_type", ScalarValue::from("sql")),
        (
            "subject_id",
            ScalarValue::from(execution.sql_id.to_string()),
        ),
    ];
    let (nodes, changes, stages, findings): (Vec<Node>, Vec<Change>, Vec<StageOf>, Vec<Finding>) =
        tokio::try_join!(
            of.rows("query_nodes", &id),
            of.rows("query_changes", &id),
            of.rows("query_stages", &id),
            of.rows("subject_findings", &subject),
        )?;
    let sections = vec![
        verdict(&execution, &nodes, findings.first()),
        facts(&of, &execution),
        found(&findings, &of.place.application_id),
        graph(&of, &execution, &nodes, asked),
        changes_table(&changes),
        stages_table(&of, &stages),
        operators(&of, &nodes),
        texts(&execution),
    ];
    let sections = sections.into_iter().filter(|one| !one.blocks.is_empty());
    let what = format!("Query {}", execution.sql_id);
    let mut page = of.page(&what, "/queries", sections.collect());
    page.level = Some(match (execution.status.as_deref(), findings.first()) {
        (Some("FAILED"), _) => Level::Failed,
        (_, Some(_)) => Level::Act,
        (Some("COMPLETED"), None) => Level::Good,
        _ => Level::Unknown,
    });
    Ok(page)
}

fn verdict(execution: &Execution, nodes: &[Node], worst: Option<&Finding>) -> Section {
    let ran = match (execution.status.as_deref(), execution.duration_ms) {
        (Some("FAILED"), Some(ms)) => format!("It failed after {}.", duration(ms as f64)),
        (_, Some(ms)) => format!("It took {}.", duration(ms as f64)),
        _ => "Its event log does not tell when it ended.".to_owned(),
    };
    let slowest = nodes
        .iter()
        .filter_map(|node| Some((node.time_ms.filter(|ms| *ms > 0)?, node)))
        .max_by_key(|(ms, _)| *ms);
    let whole: i64 = nodes.iter().filter_map(|node| node.time_ms).sum();
    let slowest = slowest.map(|(ms, node)| {
        format!(
            "Most task time is in {} (node {}): {}, {} of what its operators measured.",
            in_words(node, nodes),
            node.node_id,
            core_time(ms as f64),
            percent(ms as f64 / whole.max(1) as f64)
        )
    });
    let error = execution.error_message.as_deref().map(|error| {
        let line = error.lines().next().unwrap_or_default();
        format!(
            "It says: {}",
            shortened(&printable(line), LONGEST_DESCRIPTION)
        )
    });
    // What is wrong comes first.
    let (first, ran) = match worst {
        Some(finding) => (format!("{}.", printable(&finding.title)), Some(ran)),
        None => (ran, None),
    };
    let rest: Vec<String> = [ran, error, slowest].into_iter().flatten().collect();
    Section::new("verdict", "In short").with(Block::Lead {
        first,
        rest: rest.join(" "),
    })
}

fn facts(of: &Of<'_>, execution: &Execution) -> Section {
    let time = |ms: Option<i64>| known(ms, |ms| duration(ms as f64));
    let size = |number: Option<i64>| known(number.or(Some(0)), |number| bytes(number as f64));
    let mut facts = vec![
        Fact::new("Ran", time(execution.duration_ms))
            .note(format!("began after {}", time(execution.start_ms))),
        Fact::new(
            "Run time of tasks",
            known(execution.task_time_ms.or(Some(0)), |ms| {
                core_time(ms as f64)
            }),
        )
        .note(format!(
            "{}, {}",
            counted(execution.num_stages.unwrap_or(0), "stage", "stages"),
            counted(execution.num_tasks.unwrap_or(0), "task", "tasks")
        )),
        Fact::new("Read", size(execution.input_bytes))
            .note(format!("{} written", size(execution.output_bytes))),
        Fact::new("Shuffle read", size(execution.shuffle_read_bytes))
            .note(format!("{} written", size(execution.shuffle_write_bytes))),
        Fact::new("Spilled to disk", size(execution.disk_bytes_spilled)),
    ];
    if execution.is_adaptive == Some(true) {
        let updates = execution.num_plan_updates.unwrap_or(0);
        facts.push(Fact::new("Adaptive execution", "on").note(counted(
            updates,
            "change of the plan",
            "changes of the plan",
        )));
    }
    let origin = [
        execution.description.as_ref(),
        execution.user_name.as_ref(),
        execution.notebook_path.as_ref(),
    ];
    let origin: Vec<String> = origin
        .into_iter()
        .flatten()
        .map(|text| printable(text))
        .collect();
    let jobs: Vec<String> = execution
        .job_ids
        .iter()
        .take(20)
        .map(i64::to_string)
        .collect();
    let mut note = vec![shortened(&origin.join(" · "), LONGEST_DESCRIPTION)];
    if !jobs.is_empty() {
        note.push(format!("jobs {}", jobs.join(", ")));
    }
    let root = execution.root_execution_id;
    let links = root.filter(|root| *root != execution.sql_id).map(|root| {
        let link = of.link("/query").query(root);
        Block::Links(vec![(format!("Part of query {root}"), link.address())])
    });
    Section::new("facts", "The query")
        .with(Block::Note(note.join(" · ")))
        .with(Block::Facts(facts))
        .with_some(links)
}

/// The plan, with links to what else it can show.
fn graph(of: &Of<'_>, execution: &Execution, nodes: &[Node], asked: &PlanQuery) -> Section {
    let first = execution
        .plan_description
        .as_deref()
        .map(text::initial)
        .unwrap_or_default();
    let link = |show: Show, plan: Which| {
        let link = of.link("/query").query(execution.sql_id);
        let link = match show {
            Show::Time => link,
            show => link.with("show", show.name()),
        };
        let link = match plan {
            Which::Final => link,
            Which::Initial => link.with("plan", "initial"),
        };
        format!("{}#plan", link.address())
    };
    let mut links = Vec::new();
    for (show, _, label) in Show::ALL {
        let is_shown = asked.plan == Which::Final && asked.show == show;
        let label = match is_shown {
            true => format!("● {label}"),
            false => label.to_owned(),
        };
        links.push((label, link(show, Which::Final)));
    }
    if asked.plan == Which::Final && !first.is_empty() {
        let label = "Plan before adaptive execution";
        links.push((label.to_owned(), link(asked.show, Which::Initial)));
    }
    let chart = match asked.plan {
        Which::Initial if !first.is_empty() => chart::first_plan(&first),
        _ => chart::last_plan(execution, nodes, asked.show),
    };
    let mut section = Section::new("plan", "Plan").with(Block::Links(links));
    if asked.plan == Which::Initial && first.is_empty() {
        section = section.with(Block::Note(
            "The text of the plan holds no plan before adaptive execution: this is the last one."
                .to_owned(),
        ));
    }
    match chart {
        Some(chart) => section.with(Block::Chart(chart)),
        None => section.with(Block::Text(
            "The lake holds no nodes of its plan.".to_owned(),
        )),
    }
}

/// An operator by its name; generated code, which no plan shows as a node, by what it is generated from.
fn in_words(node: &Node, nodes: &[Node]) -> String {
    let name = printable(&node.node_name);
    let within: Vec<String> = nodes
        .iter()
        .filter(|inner| {
            let id = inner.whole_stage_codegen_id;
            id.is_some_and(|id| node.node_name == format!("WholeStageCodegen ({id})"))
        })
        .map(|inner| printable(&inner.node_name))
        .collect();
    match within.is_empty() {
        true => name,
        false => format!("{name}: {}", within.join(", ")),
    }
}

fn changes_table(changes: &[Change]) -> Section {
    let mut table = Table::new(
        "Between the first and the last plan",
        &["Node", "~Change", "~Operator"],
    );
    for change in changes {
        table.row(
            "",
            [
                change.node_id.to_string(),
                what_changed(change),
                shortened(&shown(change.description.as_ref()), LONGEST_DESCRIPTION),
            ],
        );
    }
    Section::new("changes", "What adaptive execution changed").with_some(table.block())
}

fn what_changed(change: &Change) -> String {
    let partitions = match (change.partitions_before, change.partitions_after) {
        (Some(before), Some(after)) => {
            format!(", {} → {} partitions", count(before), count(after))
        }
        _ => String::new(),
    };
    let skewed = match (change.skewed_partitions, change.skewed_splits) {
        (Some(skewed), Some(splits)) => {
            format!(", {} skewed in {} pieces", count(skewed), count(splits))
        }
        _ => String::new(),
    };
    let name = match change.change.as_str() {
        "partitions_coalesced" => "partitions coalesced".to_owned(),
        "skewed_partitions_split" => "skewed partitions split".to_owned(),
        "local_shuffle_read" => "shuffle read where it lies".to_owned(),
        "skew_join" => "join handles skewed partitions".to_owned(),
        "empty_relation" => "operators without rows left out".to_owned(),
        "join_strategy" => format!(
            "{} became {}",
            shown(change.operator_before.as_ref()),
            shown(change.operator_after.as_ref())
        ),
        other => printable(other),
    };
    format!("{name}{partitions}{skewed}")
}

fn stages_table(of: &Of<'_>, stages: &[StageOf]) -> Section {
    let all = stages.first().map_or(0, |first| first.num_rows);
    let caption = match all > stages.len() as i64 {
        true => format!("The longest {} of {}", stages.len(), count(all)),
        false => "The longest first".to_owned(),
    };
    let mut table = Table::new(
        &caption,
        &[
            "Stage",
            "What",
            "#Ran",
            "#Tasks",
            "#Run time of tasks",
            "#Read",
            "#Shuffle read",
            "#Shuffle written",
            "#Spilled",
        ],
    );
    let longest = stages.iter().filter_map(|stage| stage.duration_ms).max();
    for stage in stages {
        let size = |number: Option<i64>| known(number, |number| bytes(number as f64));
        let mark = match stage.status.as_deref() {
            Some("FAILED") => "high",
            _ => "",
        };
        table.row(
            mark,
            [
                format!("{}.{}", stage.stage_id, stage.stage_attempt_id),
                shortened(&shown(stage.stage_name.as_ref()), LONGEST_NAME),
                known(stage.duration_ms, |ms| duration(ms as f64)),
                known(stage.num_tasks, count),
                known(stage.run_time_ms, |ms| core_time(ms as f64)),
                size(stage.input_bytes),
                size(stage.shuffle_read_bytes),
                size(stage.shuffle_write_bytes),
                size(stage.disk_bytes_spilled),
            ],
        );
        let link = of.link("/stage");
        table.link(0, link.stage(stage.stage_id, stage.stage_attempt_id));
        let longest = longest.filter(|longest| *longest > 0);
        let ratio = stage.duration_ms.zip(longest);
        table.share(2, ratio.map(|(ms, longest)| ms as f64 / longest as f64));
    }
    Section::new("stages", "Stages").with_some(table.block())
}

fn operators(of: &Of<'_>, nodes: &[Node]) -> Section {
    let mut sorted: Vec<&Node> = nodes.iter().collect();
    sorted.sort_by_key(|node| (std::cmp::Reverse(node.time_ms.unwrap_or(0)), node.node_id));
    let caption = match sorted.len() > LISTED_NODES {
        true => format!(
            "Those with most task time, {LISTED_NODES} of {}",
            sorted.len()
        ),
        false => "Those with most task time first".to_owned(),
    };
    let mut table = Table::new(
        &caption,
        &[
            "Node",
            "Operator",
            "#Task time",
            "#Share",
            "#Rows",
            "#Size",
            "#Peak memory",
            "Stages",
            "~Arguments",
        ],
    );
    let whole: i64 = nodes.iter().filter_map(|node| node.time_ms).sum();
    for node in sorted.into_iter().take(LISTED_NODES) {
        let ratio = node.time_ms.map(|ms| ms as f64 / whole.max(1) as f64);
        let text = |value: Option<String>| value.unwrap_or_default();
        let stages: Vec<String> = node.stage_ids.iter().take(6).map(i64::to_string).collect();
        let engine = node.engine.as_deref().filter(|engine| *engine != "spark");
        table.row(
            "",
            [
                node.node_id.to_string(),
                shortened(&printable(&node.node_name), LONGEST_NAME),
                text(node.time_ms.map(|ms| duration(ms as f64))),
                text(ratio.map(percent)),
                text(node.rows_output.map(count)),
                text(node.bytes_output.map(|number| bytes(number as f64))),
                text(node.peak_memory_bytes.map(bytes)),
                stages.join(", "),
                shortened(
                    &node
                        .description
                        .as_deref()
                        .map_or_else(|| NOT_KNOWN.to_owned(), printable),
                    LONGEST_DESCRIPTION,
                ),
            ],
        );
        table.anchor(format!("node-{}", node.node_id));
        table.note(1, engine.map(printable).unwrap_or_default());
        table.share(3, ratio);
        if let Some(stage) = node.stage_ids.first() {
            table.link(7, of.link("/stage").with("stage", stage));
        }
    }
    Section::new("operators", "Operators").with_some(table.block())
}

fn texts(execution: &Execution) -> Section {
    let text = |caption: &str, text: &Option<String>| {
        let text = text
            .as_deref()
            .map(str::trim)
            .filter(|text| !text.is_empty())?;
        Some(Block::Code {
            caption: caption.to_owned(),
            text: text.to_owned(),
        })
    };
    Section::new("texts", "As text")
        .with_some(text("Statement", &execution.statement))
        .with_some(text("Error", &execution.error_message))
        .with_some(text("Physical plan", &execution.plan_description))
}
