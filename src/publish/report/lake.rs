//! The report of a whole lake.

use serde::Serialize;

use super::error::ReportError;
use super::questions::Questions;
use super::rows::{
    Gap, LakeChange, LakeDay, LakeJob, LakeTotals, PhotonCandidate, Regression, RuleTotal,
    ServerlessCandidate, SpotCandidate, TimePart,
};
use super::verdict::Verdict;
use crate::model::{part_label, printable};
use crate::publish::numbers::{core_time, count, counted, percent, usd};
use crate::publish::page::Level;

/// Everything that is told of a lake.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LakeReport {
    /// Its applications in one row.
    pub totals: LakeTotals,
    /// The verdict.
    pub verdict: Verdict,
    /// The jobs that cost most.
    pub jobs: Vec<LakeJob>,
    /// How many jobs there are.
    pub num_jobs: i64,
    /// Where the core time went.
    pub time_parts: Vec<TimePart>,
    /// What the rules found, by rule.
    pub findings: Vec<RuleTotal>,
    /// The newest days, oldest first.
    pub days: Vec<LakeDay>,
    /// Jobs that became slower.
    pub regressions: Vec<Regression>,
    /// The next change of each job.
    pub changes: Vec<LakeChange>,
    /// What other ways to run the work would save.
    pub candidates: Candidates,
    /// What the lake does not know.
    pub gaps: Vec<Gap>,
}

/// Jobs that would gain from another way to run.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct Candidates {
    /// From Photon.
    pub photon: Vec<PhotonCandidate>,
    /// From spot instances.
    pub spot: Vec<SpotCandidate>,
    /// From EMR Serverless.
    pub serverless: Vec<ServerlessCandidate>,
}

impl LakeReport {
    /// Asks the lake about itself.
    ///
    /// # Errors
    /// The lake cannot be read.
    pub async fn load(questions: &Questions<'_>) -> Result<Self, ReportError> {
        let (totals, jobs, time_parts, regressions, changes) = tokio::try_join!(
            questions.row::<LakeTotals>("lake_totals", &[]),
            questions.rows::<LakeJob>("lake_jobs", &[]),
            questions.rows("lake_time_parts", &[]),
            questions.rows("lake_regressions", &[]),
            questions.rows("lake_changes", &[]),
        )?;
        let (photon, spot, serverless, findings, days, gaps) = tokio::try_join!(
            questions.rows("lake_photon", &[]),
            questions.rows("lake_spot", &[]),
            questions.rows("lake_serverless", &[]),
            questions.rows("lake_findings", &[]),
            questions.rows("lake_days", &[]),
            questions.rows("lake_gaps", &[]),
        )?;
        let totals = totals.unwrap_or_default();
        let candidates = Candidates {
            photon,
            spot,
            serverless,
        };
        Ok(Self {
            verdict: verdict(&totals, &time_parts, &jobs, &regressions, &changes),
            num_jobs: jobs.first().map_or(0, |first| first.num_jobs),
            findings,
            days,
            gaps,
            totals,
            jobs,
            time_parts,
            regressions,
            changes,
            candidates,
        })
    }
}

fn verdict(
    totals: &LakeTotals,
    parts: &[TimePart],
    jobs: &[LakeJob],
    regressions: &[Regression],
    changes: &[LakeChange],
) -> Verdict {
    if totals.num_applications == 0 {
        let empty = "The lake holds no application yet.".to_owned();
        return Verdict {
            level: Level::Unknown,
            summary: format!(
                "{empty} `sparklake run` loads histories; `sparklake status` shows what it read and what it left out."
            ),
            headline: empty,
            next_steps: Vec::new(),
        };
    }
    let applications = counted(totals.num_applications, "application", "applications");
    let headline = match totals.wasted_ratio {
        Some(ratio) => format!(
            "{} of the core time of {applications} was wasted.",
            percent(ratio)
        ),
        None => format!("The lake holds {applications}; their core time is not known."),
    };
    let largest = parts
        .iter()
        .filter(|part| part.wasted_ms.unwrap_or(0.0) > 0.0)
        .max_by(|one, other| {
            one.wasted_ms
                .unwrap_or(0.0)
                .total_cmp(&other.wasted_ms.unwrap_or(0.0))
        });
    let sentences = [
        Some(headline.clone()),
        totals.cost_usd.map(|cost| {
            let basis = totals
                .cost_basis
                .as_deref()
                .map(printable)
                .unwrap_or_default();
            let wasted = totals.wasted_usd.map_or_else(String::new, |wasted| {
                format!(", {} of it wasted", usd(wasted))
            });
            format!("They cost {}{wasted} ({basis}).", usd(cost))
        }),
        largest.map(|part| {
            format!(
                "The largest waste is {}, {} of core time.",
                part_label(&part.part).1,
                core_time(part.wasted_ms.unwrap_or(0.0))
            )
        }),
        jobs.first().map(|job| {
            // Jobs come by cost, and by core time where none is known.
            let most = match job.cost_usd {
                Some(_) => "costs most",
                None => "holds most core time",
            };
            format!("The job that {most} is {}.", printable(&job.job))
        }),
        totals
            .num_failed
            .filter(|failed| *failed > 0)
            .map(|failed| {
                format!(
                    "{} failed, in whole or in part.",
                    counted(failed, "application", "applications")
                )
            }),
        (!regressions.is_empty()).then(|| {
            format!(
                "{} became slower.",
                counted(regressions.len() as i64, "job", "jobs")
            )
        }),
    ];
    let next_steps = changes.iter().take(3).map(|change| {
        format!(
            "{}: set {} to {}",
            printable(&change.job_key),
            printable(&change.config_key),
            printable(change.recommended_value.as_deref().unwrap_or_default())
        )
    });
    let wasted = totals.wasted_ratio.unwrap_or(0.0);
    let level = if totals.wasted_ratio.is_none() {
        Level::Unknown
    } else if wasted >= 0.3 || !regressions.is_empty() {
        Level::Act
    } else if wasted >= 0.1 {
        Level::Minor
    } else {
        Level::Good
    };
    Verdict {
        level,
        headline,
        summary: sentences
            .into_iter()
            .flatten()
            .collect::<Vec<_>>()
            .join(" "),
        next_steps: next_steps.collect(),
    }
}

/// What a gap is, in words.
pub(super) fn gap_label(gap: &Gap) -> String {
    let number = gap.number;
    match gap.gap.as_str() {
        "not_loaded" => counted(number, "history not loaded", "histories not loaded"),
        "partial" => counted(number, "history loaded in part", "histories loaded in part"),
        "not_judged" => counted(
            number,
            "application that a step could not judge",
            "applications that a step could not judge",
        ),
        "never_judged" => counted(number, "application not judged", "applications not judged"),
        "no_end" => counted(
            number,
            "application without an end",
            "applications without an end",
        ),
        "no_core_time" => counted(
            number,
            "application without known executors",
            "applications without known executors",
        ),
        "no_price" => counted(
            number,
            "application without a price",
            "applications without a price",
        ),
        other => format!("{} {}", count(number), printable(other)),
    }
}
