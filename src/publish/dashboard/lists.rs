//! Lists of applications, jobs and findings, with a form to choose by and a page at a time.

use datafusion::common::ScalarValue;
use serde::Deserialize;

use crate::model::{printable, shortened};
use crate::publish::numbers::{self, core_time, count, counted, duration, known, percent, usd};
use crate::publish::page::{
    Block, Choice, Field, Form, Item, Link, Page, Section, Table, severity, shown,
};
use crate::publish::report::{ListedApplication, ListedFinding, ListedJob, Questions, ReportError};

/// Rows of a page where nothing else is asked for, and most of them.
const ROWS: i64 = 50;
const MAX_ROWS: i64 = 500;
/// Longest text to search for, in characters.
const LONGEST_TEXT: usize = 200;
/// Longest name in a table, in characters.
const LONGEST_NAME: usize = 80;
/// Ranks of severities that one can choose from, with their names.
const RANKS: [(&str, &str); 5] = [
    ("0", "any or none"),
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

    fn rows(&self) -> i64 {
        self.rows.unwrap_or(ROWS).clamp(1, MAX_ROWS)
    }

    fn offset(&self) -> i64 {
        i64::from(self.page).saturating_mul(self.rows())
    }

    fn parameters(&self) -> [(&'static str, ScalarValue); 6] {
        [
            ("text", ScalarValue::from(self.text())),
            ("min_rank", ScalarValue::from(self.rank)),
            ("sorted_by", ScalarValue::from(self.sort.as_str())),
            ("rule_id", ScalarValue::from(self.rule.as_str())),
            ("offset", ScalarValue::from(self.offset())),
            ("limit", ScalarValue::from(self.rows())),
        ]
    }

    /// The same list at another page.
    fn at(&self, path: &str, page: u32) -> String {
        let mut query = {
            let address = format!("{path}?");
            let start = address.len();
            url::form_urlencoded::Serializer::for_suffix(address, start)
        };
        for (name, value) in [("q", &self.q), ("sort", &self.sort), ("rule", &self.rule)] {
            if !value.is_empty() {
                query.append_pair(name, value);
            }
        }
        if self.rank != 0 {
            query.append_pair("rank", &self.rank.to_string());
        }
        if let Some(rows) = self.rows {
            query.append_pair("rows", &rows.to_string());
        }
        query.append_pair("page", &page.to_string());
        query.finish()
    }

    /// Links to the pages before and after.
    fn turns(&self, path: &str, num_rows: i64) -> Block {
        let before = self.page.checked_sub(1);
        let is_more = self.offset().saturating_add(self.rows()) < num_rows;
        let after = is_more.then(|| self.page.saturating_add(1));
        let link = |label: &str, page: Option<u32>| Some((label.to_owned(), self.at(path, page?)));
        let links = [link("← Previous", before), link("Next →", after)];
        Block::Links(links.into_iter().flatten().collect())
    }

    /// Which rows are shown of how many.
    fn caption(&self, shown: usize, num_rows: i64, one: &str, many: &str) -> String {
        let all = counted(num_rows, one, many);
        let (first, shown) = (self.offset(), i64::try_from(shown).unwrap_or(i64::MAX));
        if shown == num_rows {
            return all;
        }
        let last = first.saturating_add(shown);
        format!(
            "{} to {} of {all}",
            count(first.saturating_add(1)),
            count(last)
        )
    }

    fn search(&self) -> Field {
        Field::Text {
            name: "q",
            label: "Search",
            value: self.q.clone(),
        }
    }

    fn severity(&self) -> Field {
        choice("rank", "Finding", &self.rank.to_string(), &RANKS)
    }
}

fn choice(name: &'static str, label: &'static str, chosen: &str, known: &[(&str, &str)]) -> Field {
    let options = known.iter().map(|(value, label)| Choice {
        value: (*value).to_owned(),
        label: (*label).to_owned(),
        is_chosen: *value == chosen,
    });
    Field::Choice {
        name,
        label,
        options: options.collect(),
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
            "Name",
            "Application",
            "Started",
            "#Ran",
            "#Core time",
            "#Of no use",
            "#Cost",
            "Worst finding",
        ],
    );
    for row in &rows {
        let finding = match row.finding.as_deref() {
            Some(title) => shortened(&printable(title), LONGEST_NAME),
            None => "none".to_owned(),
        };
        let finding = match row.num_findings {
            0 | 1 => finding,
            more => format!("{finding} (and {} more)", more - 1),
        };
        table.row(
            severity(Some(row.severity_rank)),
            [
                shortened(&shown(row.application_name.as_ref()), LONGEST_NAME),
                printable(&row.application_id),
                known(row.start_time, numbers::time),
                known(row.duration_ms, |ms| duration(ms as f64)),
                known(row.core_time_ms, |ms| core_time(ms as f64)),
                known(row.wasted_ratio, percent),
                known(row.cost_usd, usd),
                finding,
            ],
        );
        table.link(0, Link::Application(row.application_id.clone()));
        table.link(1, Link::Application(row.application_id.clone()));
    }
    let form = Form {
        action: "/applications",
        fields: vec![
            asked.search(),
            asked.severity(),
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
            "Team",
            "#Runs",
            "Newest",
            "#Core time",
            "#Of no use",
            "#Cost a run",
            "#Cost a year",
            "#Wasted a year",
        ],
    );
    for row in &rows {
        table.row(
            "",
            [
                shortened(&printable(&row.job_key), LONGEST_NAME),
                row.team.as_deref().map(printable).unwrap_or_default(),
                count(row.num_runs),
                known(row.last_run_at, numbers::time),
                known(row.core_time_ms, core_time),
                known(row.wasted_ratio, percent),
                known(row.cost_usd_per_run, usd),
                known(row.cost_usd_per_year, usd),
                known(row.wasted_usd_per_year, usd),
            ],
        );
        table.link(0, Link::Job(row.job_key.clone()));
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

/// Findings.
pub(super) async fn findings(
    questions: &Questions<'_>,
    asked: &ListQuery,
) -> Result<Page, ReportError> {
    let rows: Vec<ListedFinding> = questions.rows("list_findings", &asked.parameters()).await?;
    let num_rows = rows.first().map_or(0, |row| row.num_rows);
    let items = rows.iter().map(finding).collect();
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
            asked.severity(),
            choice("rule", "Rule", &asked.rule, &rules),
        ],
    };
    let blocks = if rows.is_empty() {
        vec![nothing("finding")]
    } else {
        vec![
            Block::Note(asked.caption(rows.len(), num_rows, "finding", "findings")),
            Block::Items(items),
            asked.turns("/findings", num_rows),
        ]
    };
    Ok(page("Findings", form, blocks))
}

fn finding(row: &ListedFinding) -> Item {
    let name = shown(row.application_name.as_ref());
    let facts = [
        Some(format!(
            "{} {}",
            printable(&row.subject_type),
            printable(&row.subject_id)
        )),
        row.lost_core_ms
            .filter(|lost| *lost > 0)
            .map(|lost| format!("{} of core time lost", core_time(lost as f64))),
        row.est_savings_usd
            .map(|saved| format!("{} a run", usd(saved))),
        Some(format!("{} confidence", printable(&row.confidence))),
        Some(printable(&row.rule_id)),
    ];
    let setting = match (&row.config_key, &row.config_recommended) {
        (Some(key), Some(value)) => Some((
            printable(key),
            shown(row.config_current.as_ref()),
            printable(value),
        )),
        _ => None,
    };
    Item {
        severity: printable(&row.severity),
        title: format!(
            "{} · {}",
            printable(&row.title),
            shortened(&name, LONGEST_NAME)
        ),
        link: Some(Link::Application(row.application_id.clone())),
        texts: [Some(&row.evidence), row.recommendation.as_ref()]
            .into_iter()
            .flatten()
            .map(|text| printable(text))
            .collect(),
        facts: facts.into_iter().flatten().collect(),
        setting,
        ..Item::default()
    }
}

fn nothing(what: &str) -> Block {
    Block::Text(format!("No {what} is like that."))
}
