//! The page of two runs side by side.

use datafusion::common::ScalarValue;
use serde::Deserialize;

use super::reply::PageError;
use crate::model::{printable, shortened};
use crate::publish::compare::compare;
use crate::publish::numbers::{self, core_time, duration, known};
use crate::publish::page::{Block, Field, Form, Link, Page, Section, Table};
use crate::publish::report::{JobRun, Questions, find_place};
use crate::publish::{Facts, find_run, last_runs};

const LONGEST_NAME: usize = 80;

/// Which runs.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct CompareQuery {
    /// The first run: an id or a part of one that no other has.
    a: String,
    /// The second run.
    b: String,
    /// A job, whose last two runs are compared.
    job: String,
}

/// The page. With one run it lists those to compare it with.
pub(super) async fn page(
    questions: &Questions<'_>,
    asked: &CompareQuery,
) -> Result<Page, PageError> {
    let facts = Facts::new(questions.ask, questions.catalog);
    let (a, b) = match (asked.a.trim(), asked.b.trim(), asked.job.as_str()) {
        ("", "", "") => return Ok(form_page(asked, Vec::new())),
        ("", "", job) => {
            let [a, b] = last_runs(&facts, job).await?;
            (a, b)
        }
        ("", one, _) | (one, "", _) => {
            let others = others(questions, one).await?;
            return Ok(form_page(asked, others));
        }
        (a, b, _) => (find_run(&facts, a).await?, find_run(&facts, b).await?),
    };
    let comparison = compare(&facts, &a, &b).await?;
    let mut page = comparison.page();
    let asked = CompareQuery {
        a: a.application_id,
        b: b.application_id,
        job: String::new(),
    };
    page.sections
        .push(Section::new("others", "Other runs").with(Block::Form(form(&asked))));
    Ok(page)
}

fn form(asked: &CompareQuery) -> Form {
    let text = |name, label, value: &String| Field::Text {
        name,
        label,
        value: value.clone(),
    };
    Form {
        action: "/compare",
        fields: vec![
            text("a", "A: application id", &asked.a),
            text("b", "B: application id", &asked.b),
        ],
    }
}

fn form_page(asked: &CompareQuery, blocks: Vec<Block>) -> Page {
    let mut section = Section::new("ask", "Two runs")
        .with(Block::Form(form(asked)))
        .with(Block::Note(
            "Give the ids of two applications, or parts of them that no other has: the page says which took longer, \
             in which stages, and what differs between them."
                .to_owned(),
        ));
    section.blocks.extend(blocks);
    Page {
        title: "Compare two runs".to_owned(),
        sections: vec![section],
        ..Page::default()
    }
}

/// Other runs of the same job, to choose from.
async fn others(questions: &Questions<'_>, id: &str) -> Result<Vec<Block>, PageError> {
    let id = id.split('/').next().unwrap_or(id);
    let (place, _) = find_place(questions, id, None).await?;
    let Some(job) = place.job_key.as_deref() else {
        return Ok(vec![Block::Text(
            "The application is no run of a known job: name the other run.".to_owned(),
        )]);
    };
    let wanted = [("job_key", ScalarValue::from(job))];
    let runs: Vec<JobRun> = questions.rows("job_runs", &wanted).await?;
    let job = shortened(&printable(job), LONGEST_NAME);
    let mut table = Table::new(
        &format!("Other runs of {job}, the newest first"),
        &["Compare with", "Started (UTC)", "#Ran", "#Core time"],
    );
    for run in runs
        .iter()
        .rev()
        .filter(|run| run.application_id != place.application_id)
    {
        table.row(
            "",
            [
                printable(&run.application_id),
                known(run.start_time, numbers::minute),
                known(run.duration_ms, |ms| duration(ms as f64)),
                known(run.core_time_ms, |ms| core_time(ms as f64)),
            ],
        );
        let both = Link::to("/compare").with("a", &run.application_id);
        table.link(0, both.with("b", &place.application_id));
    }
    Ok(vec![table.block().unwrap_or_else(|| {
        Block::Text(format!("The lake has no other run of {job}."))
    })])
}
