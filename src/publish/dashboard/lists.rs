//! Lists of applications, jobs and findings, with a form to choose by and a page at a time.

use datafusion::common::ScalarValue;
use serde::Deserialize;

use super::asked::{Portion, choice};
use crate::model::{printable, shortened};
use crate::publish::numbers::{self, core_time, count, counted, duration, known, percent, usd};
use crate::publish::page::{Block, Field, Form, Item, Link, Page, Section, Table, severity, shown};
use crate::publish::report::{
    ListedApplication, ListedFinding, ListedJob, Questions, ReportError, setting_change,
    subject_name,
};

/// Longest text to search for, in characters.
const LONGEST_TEXT: usize = 200;
/// Longest name in a table, in characters.
const LONGEST_NAME: usize = 80;
/// Ranks of severities that one can choose from, with their names.
const RANKS: [(&str, &str); 4] = [
    ("2", "low or worse"),
    ("3", "medium or worse"),
    ("4", "high or worse"),
    ("5", "critical"),
];
/// Orders of applications.
const ORDERS: [(&str, &str); 5] = [
    ("start", "newest first"),
    ("duration", "longest first"),
    ("core_time", "most core time first"),
    ("waste", "most waste first"),
    ("cost", "most expensive first"),
];

/// Ways to show findings.
const SHOWN: [(&str, &str); 2] = [("", "one for each job"), ("each", "every finding")];

/// What a list shows: all of it is in the URL.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct ListQuery {
    /// Text to search for.
    q: String,
    /// Rank of the severity from which on.
    rank: i64,
    /// Order of applications.
    sort: String,
    /// Rule of findings.
    rule: String,
    /// `each` for every finding of its own.
    show: String,
    /// Page, from 0.
    page: u32,
    /// Rows of a page.
    rows: Option<i64>,
}

impl ListQuery {
    fn text(&self) -> String {
        let text: String = self.q.trim().chars().take(LONGEST_TEXT).collect();
        text.to_lowercase()
    }

    fn portion(&self) -> Portion {
        Portion::new(self.page, self.rows)
    }

    fn parameters(&self) -> Vec<(&'static str, ScalarValue)> {
        let mut parameters = vec![
            ("text", ScalarValue::from(self.text())),
            ("min_rank", ScalarValue::from(self.rank)),
            ("sorted_by", ScalarValue::from(self.sort.as_str())),
            ("rule_id", ScalarValue::from(self.rule.as_str())),
        ];
        parameters.extend(self.portion().parameters());
        parameters
    }

    /// The list without its page.
    fn link(&self, path: &'static str) -> Link {
        let mut link = Link::to(path);
        for (name, value) in [
            ("q", &self.q),
            ("sort", &self.sort),
            ("rule", &self.rule),
            ("show", &self.show),
        ] {
            if !value.is_empty() {
                link = link.with(name, value);
            }
        }
        if self.rank != 0 {
            link = link.with("rank", self.rank);
        }
        match self.rows {
            Some(rows) => link.with("rows", rows),
            None => link,
        }
    }

    /// Links to the pages before and after.
    fn turns(&self, path: &'static str, num_rows: i64) -> Block {
        self.portion().turns(&self.link(path), num_rows)
    }

    fn caption(&self, shown: usize, num_rows: i64, one: &str, many: &str) -> String {
        self.portion().caption(shown, num_rows, one, many)
    }

    fn is_each(&self) -> bool {
        self.show == "each"
    }

    /// Which findings are shown of how many.
    fn findings_caption(&self, rows: &[ListedFinding]) -> String {
        let first = rows.first();
        let num_rows = first.map_or(0, |row| row.num_rows);
        if self.is_each() {
            return self.caption(rows.len(), num_rows, "finding", "findings");
        }
        let all = first.map_or(0, |row| row.num_all_findings);
        format!(
            "{}: {}, those of a rule in all runs of a job shown as the newest run has them.",
            self.caption(rows.len(), num_rows, "problem", "problems"),
            counted(all, "finding", "findings")
        )
    }

    fn search(&self) -> Field {
        Field::Text {
            name: "q",
            label: "Search",
            value: self.q.clone(),
        }
    }

    /// The severity of findings, or of the worst finding of applications, which may have none.
    fn severity(&self, label: &'static str, any: &'static str) -> Field {
        let mut ranks = vec![("0", any)];
        ranks.extend(RANKS);
        choice("rank", label, &self.rank.to_string(), &ranks)
    }
}

fn page(title: &str, form: Form, blocks: Vec<Block>) -> Page {
    let mut section = Section::new("list", title).with(Block::Form(form));
    section.blocks.extend(blocks);
    Page {
        title: title.to_owned(),
        sections: vec![section],
        ..Page::default()
    }
}

/// Applications.
pub(super) async fn applications(
    questions: &Questions<'_>,
    asked: &ListQuery,
) -> Result<Page, ReportError> {
    let rows: Vec<ListedApplication> = questions
        .rows("list_applications", &asked.parameters())
        .await?;
    let num_rows = rows.first().map_or(0, |row| row.num_rows);
    let caption = asked.caption(rows.len(), num_rows, "application", "applications");
    let mut table = Table::new(
        &caption,
        &[
            "Application",
            "Started (UTC)",
            "#Ran",
            "#Core time",
            "#Waste",
            "#Cost",
            "~Worst finding",
        ],
    );
    for row in &rows {
        let finding = match row.finding.as_deref() {
            Some(title) => shortened(&printable(title), LONGEST_NAME),
            None => "none".to_owned(),
        };
        table.row(
            severity(Some(row.severity_rank)),
            [
                shortened(&shown(row.application_name.as_ref()), LONGEST_NAME),
                known(row.start_time, numbers::minute),
                known(row.duration_ms, |ms| duration(ms as f64)),
                known(row.core_time_ms, |ms| core_time(ms as f64)),
                known(row.wasted_ratio, percent),
                known(row.cost_usd, usd),
                finding,
            ],
        );
        table.link(0, Link::application(&row.application_id, &row.attempt_id));
        table.note(0, attempt_text(&row.application_id, &row.attempt_id));
        table.share(4, row.wasted_ratio);
        // The mark of the row is a color; a word says the same.
        match row.num_findings {
            ..=0 => {}
            1 => table.note(6, severity(Some(row.severity_rank)).to_owned()),
            more => table.note(
                6,
                format!(
                    "{}, and {} more",
                    severity(Some(row.severity_rank)),
                    more - 1
                ),
            ),
        }
    }
    let form = Form {
        action: "/applications",
        fields: vec![
            asked.search(),
            asked.severity("Worst finding", "any or none"),
            choice("sort", "Order", &asked.sort, &ORDERS),
        ],
    };
    let table = table.block();
    let blocks = vec![
        table.unwrap_or_else(|| nothing("application")),
        asked.turns("/applications", num_rows),
    ];
    Ok(page("Applications", form, blocks))
}

/// Recurring jobs.
pub(super) async fn jobs(
    questions: &Questions<'_>,
    asked: &ListQuery,
) -> Result<Page, ReportError> {
    let rows: Vec<ListedJob> = questions.rows("list_jobs", &asked.parameters()).await?;
    let num_rows = rows.first().map_or(0, |row| row.num_rows);
    let caption = asked.caption(rows.len(), num_rows, "recurring job", "recurring jobs");
    let mut table = Table::new(
        &caption,
        &[
            "Job",
            "#Runs",
            "Newest (UTC)",
            "#Core time",
            "#Waste",
            "#Cost per run",
            "#Cost per year",
            "#Wasted per year",
        ],
    );
    for row in &rows {
        table.row(
            "",
            [
                shortened(&printable(&row.job_key), LONGEST_NAME),
                count(row.num_runs),
                known(row.last_run_at, numbers::minute),
                known(row.core_time_ms, core_time),
                known(row.wasted_ratio, percent),
                known(row.cost_usd_per_run, usd),
                known(row.cost_usd_per_year, usd),
                known(row.wasted_usd_per_year, usd),
            ],
        );
        table.link(0, Link::job(&row.job_key));
        if let Some(team) = row.team.as_deref() {
            table.note(0, printable(team));
        }
        table.share(4, row.wasted_ratio);
    }
    let form = Form {
        action: "/jobs",
        fields: vec![asked.search()],
    };
    let table = table.block();
    let blocks = vec![
        table.unwrap_or_else(|| nothing("recurring job")),
        asked.turns("/jobs", num_rows),
    ];
    Ok(page("Recurring jobs", form, blocks))
}

/// Findings: those of a rule in all runs of a job as one, or each.
pub(super) async fn findings(
    questions: &Questions<'_>,
    asked: &ListQuery,
) -> Result<Page, ReportError> {
    let query = match asked.is_each() {
        true => "list_findings",
        false => "list_problems",
    };
    let rows: Vec<ListedFinding> = questions.rows(query, &asked.parameters()).await?;
    let num_rows = rows.first().map_or(0, |row| row.num_rows);
    let mut rules: Vec<(&str, &str)> = vec![("", "all")];
    rules.extend(
        questions
            .catalog
            .rules()
            .map(|rule| (rule.id.as_str(), rule.title.as_str())),
    );
    let form = Form {
        action: "/findings",
        fields: vec![
            asked.search(),
            asked.severity("Severity", "any"),
            choice("rule", "Rule", &asked.rule, &rules),
            choice("show", "Show", &asked.show, &SHOWN),
        ],
    };
    let blocks = if rows.is_empty() {
        vec![nothing("finding")]
    } else {
        let items = rows.iter().map(|row| match asked.is_each() {
            true => finding(row),
            false => problem(row),
        });
        vec![
            Block::Note(asked.findings_caption(&rows)),
            Block::Items(items.collect()),
            asked.turns("/findings", num_rows),
        ]
    };
    Ok(page("Findings", form, blocks))
}

/// One finding.
fn finding(row: &ListedFinding) -> Item {
    let lost = row.lost_core_ms.filter(|lost| *lost > 0);
    let facts = [
        subject_name(&row.subject_type, &row.subject_id, &row.application_id),
        Some(printable(&row.application_id)),
        lost.map(|lost| format!("{} of core time lost", core_time(lost as f64))),
        row.est_savings_usd
            .map(|saved| format!("{} a run", usd(saved))),
        Some(format!("{} confidence", printable(&row.confidence))),
        Some(printable(&row.rule_id)),
    ];
    let name = row.application_name.as_ref().unwrap_or(&row.application_id);
    item(row, name, facts.into_iter().flatten().collect())
}

/// The findings of a rule in the runs of a job, as its newest run has it.
fn problem(row: &ListedFinding) -> Item {
    let Some(job) = row.job_key.as_ref().filter(|key| !key.is_empty()) else {
        return finding(row);
    };
    let lost = row.total_lost_core_ms.filter(|lost| *lost > 0);
    let seen = match (row.num_runs, row.num_job_runs) {
        (1, 1) => "in its only run".to_owned(),
        (found, all) if found == all => format!("in all {} runs", count(all)),
        (found, all) => format!("in {} of {} runs", count(found), count(all)),
    };
    let facts = [
        Some(seen),
        (row.num_findings > row.num_runs).then(|| counted(row.num_findings, "finding", "findings")),
        row.last_date
            .as_ref()
            .map(|date| format!("last on {}", printable(date))),
        lost.map(|lost| format!("{} of core time lost in all", core_time(lost as f64))),
        row.total_savings_usd
            .filter(|saved| *saved > 0.0)
            .map(|saved| format!("{} in all", usd(saved))),
        Some(format!("{} confidence", printable(&row.confidence))),
        Some(printable(&row.rule_id)),
    ];
    item(row, job, facts.into_iter().flatten().collect())
}

fn item(row: &ListedFinding, name: &str, facts: Vec<String>) -> Item {
    Item {
        severity: printable(&row.severity),
        title: format!(
            "{} · {}",
            printable(&row.title),
            shortened(&printable(name), LONGEST_NAME)
        ),
        link: Some(subject(row)),
        texts: [Some(&row.evidence), row.recommendation.as_ref()]
            .into_iter()
            .flatten()
            .map(|text| printable(text))
            .collect(),
        facts,
        setting: setting_change(
            row.config_key.as_ref(),
            row.config_current.as_ref(),
            row.config_recommended.as_ref(),
        ),
        ..Item::default()
    }
}

/// The page of what a finding is about.
fn subject(row: &ListedFinding) -> Link {
    let application = Link::application(&row.application_id, &row.attempt_id);
    let mut ids = row.subject_id.split('.').map(str::parse::<i64>);
    match (row.subject_type.as_str(), ids.next(), ids.next()) {
        ("stage", Some(Ok(stage)), Some(Ok(attempt))) => application.stage(stage, attempt),
        ("sql" | "node", Some(Ok(sql_id)), _) => application.query(sql_id),
        _ => application,
    }
}

/// An id with its attempt where there can be several.
fn attempt_text(id: &str, attempt: &str) -> String {
    match attempt {
        "0" | "" => printable(id),
        attempt => printable(&format!("{id} · attempt {attempt}")),
    }
}

fn nothing(what: &str) -> Block {
    Block::Text(format!("No {what} is like that."))
}
