//! The page of what an application would take, and cost, on other executors.

use serde::Deserialize;

use super::asked::choice;
use super::place::{ApplicationQuery, Of};
use super::reply::PageError;
use crate::publish::charts::{self, CurveChart, CurvePoint, Scale};
use crate::publish::numbers::{bytes, change, count, duration, known, percent, usd};
use crate::publish::page::{Block, Chart, Field, Form, Page, Section, Table};
use crate::publish::report::{Questions, ReportError};
use crate::publish::whatif::{Deployment, Question, WhatIf, growth, heap, what_if};
use crate::simulate::{Prediction, list};

const DEPLOYMENTS: [(&str, &str); 5] = [
    ("", "as it was"),
    ("emr_ec2", "EMR on EC2"),
    ("emr_eks", "EMR on EKS"),
    ("emr_serverless", "EMR Serverless"),
    ("databricks", "Databricks"),
];
const ALLOCATIONS: [(&str, &str); 3] = [("", "as it was"), ("true", "on"), ("false", "off")];
/// Most cores of the slider, and most data in percent of the run's.
const MOST_CORES: f64 = 32.0;
const MOST_DATA: f64 = 400.0;

/// What is asked; a field that is empty asks for what the run had.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct WhatifQuery {
    id: String,
    attempt: Option<String>,
    /// Numbers of executors, such as `2,4,8` or `2..16`.
    executors: String,
    /// Cores of each.
    cores: String,
    /// Heap of each, such as `8g`.
    memory: String,
    /// Data in percent of the run's.
    data: String,
    /// `true` for spot instances.
    spot: String,
    /// Where it is priced.
    deployment: String,
    /// `true` or `false`.
    allocation: String,
}

impl WhatifQuery {
    fn question(&self) -> Result<Question, PageError> {
        let wrong = |field: &str, text: &str, why: String| {
            PageError::usage(format!("{field} `{text}`: {why}"))
        };
        let given = |text: &str| Some(text.trim().to_owned()).filter(|text| !text.is_empty());
        let executors = given(&self.executors).map(|text| {
            let counts = text.parse();
            counts.map_err(|why: String| wrong("executors", &text, why))
        });
        let cores = given(&self.cores).map(|text| match text.parse() {
            Ok(cores @ 1..=1024) => Ok(cores),
            _ => Err(wrong(
                "cores",
                &text,
                "write a number from 1 to 1024".to_owned(),
            )),
        });
        let memory_bytes =
            given(&self.memory).map(|text| heap(&text).map_err(|why| wrong("memory", &text, why)));
        let data_growth = given(&self.data).map(|text| {
            let percent: f64 = text.parse().unwrap_or(f64::NAN);
            let factor = growth(&(percent / 100.0).to_string());
            factor.map_err(|_| {
                let why = "write percent of the run's data, from 1 to 10000";
                wrong("data", &text, why.to_owned())
            })
        });
        let deployment = given(&self.deployment).map(|text| {
            let known = Deployment::NAMES.join(", ");
            Deployment::named(&text)
                .ok_or_else(|| wrong("deployment", &text, format!("write one of {known}")))
        });
        let switch = |field: &'static str, text: &str| match text.trim() {
            "" => Ok(None),
            "true" => Ok(Some(true)),
            "false" => Ok(Some(false)),
            other => Err(wrong(field, other, "write true or false".to_owned())),
        };
        Ok(Question {
            executors: executors.transpose()?,
            cores: cores.transpose()?,
            memory_bytes: memory_bytes.transpose()?,
            spot: switch("spot", &self.spot)?.unwrap_or(false),
            deployment: deployment.transpose()?,
            data_growth: data_growth.transpose()?.unwrap_or(1.0),
            dynamic_allocation: switch("allocation", &self.allocation)?,
        })
    }
}

/// The page.
pub(super) async fn page(
    questions: &Questions<'_>,
    asked: &WhatifQuery,
) -> Result<Page, PageError> {
    let question = asked.question()?;
    let wanted = ApplicationQuery {
        id: asked.id.clone(),
        attempt: asked.attempt.clone(),
    };
    let of = Of::find(questions, &wanted).await?;
    let session = questions.ask.session().map_err(ReportError::from)?;
    let listed = list(&session).await.map_err(PageError::failed)?;
    let is_it = |one: &&crate::simulate::Listed| {
        let (key, place) = (&one.wanted.key, &of.place);
        key.platform == place.platform
            && key.cluster_id == place.cluster_id
            && key.application_id == place.application_id
            && key.attempt_id == place.attempt_id
    };
    let Some(application) = listed.iter().find(is_it) else {
        let unknown = "nothing can be predicted: the lake holds no run of this attempt";
        return Err(PageError::usage(unknown.to_owned()));
    };
    let answer = what_if(questions.ask, &listed, application, &question).await?;
    let mut sentences = answer.sentences().into_iter();
    let lead = Block::Lead {
        first: sentences.next().unwrap_or_default(),
        rest: sentences.next().unwrap_or_default(),
    };
    let mut verdict = Section::new("verdict", "In short").with(lead);
    for sentence in sentences {
        verdict = verdict.with(Block::Note(sentence));
    }
    let sections = vec![
        verdict,
        Section::new("ask", "Ask").with(Block::Form(form(&of, asked, &answer))),
        Section::new("sizes", "By size")
            .with_some(times(&answer).map(Block::Chart))
            .with_some(costs(&answer).map(Block::Chart))
            .with_some(table(&answer).block()),
    ];
    Ok(of.page("What-if analysis", "/whatif", sections))
}

fn form(of: &Of<'_>, asked: &WhatifQuery, answer: &WhatIf) -> Form {
    let current = answer.model.current();
    let hidden = |name, value: &str| Field::Hidden {
        name,
        value: value.to_owned(),
    };
    let text = |name, label, value: &String| Field::Text {
        name,
        label,
        value: value.clone(),
    };
    let or = |text: &String, now: String| if text.is_empty() { now } else { text.clone() };
    let slider = |name, label, value, range| Field::Slider {
        name,
        label,
        value,
        range,
    };
    let mut fields = vec![
        hidden("id", &of.place.application_id),
        hidden("attempt", &of.place.attempt_id),
    ];
    // In local mode there is one executor, and the sizes are numbers of cores.
    if !answer.model.is_local() {
        fields.push(text(
            "executors",
            "Executors, such as 2,4,8 or 2..16",
            &asked.executors,
        ));
        fields.push(slider(
            "cores",
            "Cores of each",
            or(&asked.cores, current.cores.to_string()),
            [1.0, MOST_CORES.max(f64::from(current.cores)), 1.0],
        ));
    }
    fields.extend([
        text("memory", "Heap of each, such as 8g", &asked.memory),
        slider(
            "data",
            "Data in percent",
            or(&asked.data, "100".to_owned()),
            [25.0, MOST_DATA, 25.0],
        ),
        choice("deployment", "Priced as", &asked.deployment, &DEPLOYMENTS),
        choice(
            "allocation",
            "Dynamic allocation",
            &asked.allocation,
            &ALLOCATIONS,
        ),
        Field::Switch {
            name: "spot",
            label: "Spot instances",
            is_on: asked.spot == "true",
        },
    ]);
    Form {
        action: "/whatif",
        fields,
    }
}

/// What sizes are counted by, and the size of a prediction.
fn size(answer: &WhatIf, row: &Prediction) -> f64 {
    match answer.model.is_local() {
        true => f64::from(row.scenario.shape.cores),
        false => f64::from(row.scenario.shape.executors),
    }
}

fn unit(answer: &WhatIf) -> &'static str {
    match answer.model.is_local() {
        true => "cores",
        false => "executors",
    }
}

fn mark(answer: &WhatIf, place: usize, row: &Prediction) -> String {
    match (row.is_current, answer.knee == Some(place)) {
        (true, true) => "as it ran, knee".to_owned(),
        (true, false) => "as it ran".to_owned(),
        (false, true) => "knee".to_owned(),
        (false, false) => String::new(),
    }
}

fn times(answer: &WhatIf) -> Option<Chart> {
    let unit = unit(answer);
    let points = answer
        .predictions
        .iter()
        .enumerate()
        .map(|(place, row)| CurvePoint {
            size: size(answer, row),
            value: row.duration_ms as f64,
            interval: Some((row.low_ms as f64, row.high_ms as f64)),
            tip: format!(
                "{} {unit}: {}, between {} and {}",
                size(answer, row),
                duration(row.duration_ms as f64),
                duration(row.low_ms as f64),
                duration(row.high_ms as f64)
            ),
            mark: mark(answer, place, row),
        });
    let says = format!("Predicted run time by {unit}, with its interval.");
    let svg = charts::curve(&CurveChart {
        title: says.clone(),
        unit: unit.to_owned(),
        scale: Scale::Time,
        points: points.collect(),
    })?;
    Some(Chart {
        title: "Run time".to_owned(),
        says,
        svg,
        legend: vec![("plain", "predicted"), ("held", "interval")],
    })
}

fn costs(answer: &WhatIf) -> Option<Chart> {
    let unit = unit(answer);
    let rows = answer.predictions.iter().zip(&answer.costs).enumerate();
    let points: Vec<CurvePoint> = rows
        .filter_map(|(place, (row, cost))| {
            let cost = (*cost)?;
            Some(CurvePoint {
                size: size(answer, row),
                value: cost,
                interval: None,
                tip: format!("{} {unit}: {}", size(answer, row), usd(cost)),
                mark: mark(answer, place, row),
            })
        })
        .collect();
    let says = format!("Predicted cost of a run by {unit}.");
    let svg = charts::curve(&CurveChart {
        title: says.clone(),
        unit: unit.to_owned(),
        scale: Scale::Usd,
        points,
    })?;
    Some(Chart {
        title: "Cost".to_owned(),
        says,
        svg,
        legend: Vec::new(),
    })
}

fn table(answer: &WhatIf) -> Table {
    let mut table = Table::new(
        "Predictions",
        &[
            "#Executors",
            "#Cores",
            "#Heap",
            "#Run time",
            "#From",
            "#To",
            "#Change",
            "#Idle",
            "#Cost",
            "Note",
        ],
    );
    let measured = answer.model.measured_ms().max(1) as f64;
    for (place, (row, cost)) in answer.predictions.iter().zip(&answer.costs).enumerate() {
        let shape = row.scenario.shape;
        let mut notes = vec![mark(answer, place, row)];
        if row.fits_memory == Some(false) {
            notes.push("too little memory".to_owned());
        }
        if row.lost_executors > 0 {
            notes.push(format!("{} lost", count(i64::from(row.lost_executors))));
        }
        notes.retain(|note| !note.is_empty());
        table.row(
            if row.fits_memory == Some(false) {
                "medium"
            } else {
                ""
            },
            [
                count(i64::from(shape.executors)),
                count(i64::from(shape.cores)),
                known(shape.memory_bytes, |heap| bytes(heap as f64)),
                duration(row.duration_ms as f64),
                duration(row.low_ms as f64),
                duration(row.high_ms as f64),
                change(row.duration_ms as f64 / measured - 1.0),
                percent(row.idle_ratio),
                known(*cost, usd),
                notes.join(", "),
            ],
        );
        table.share(7, Some(row.idle_ratio));
    }
    table
}
