//! Reports: what the lake knows of an application, of a recurring job, or of everything in it.
//!
//! Facts come from the queries of `sql/report` ([`questions`]), one struct a row ([`rows`]), into one
//! model ([`ApplicationReport`], [`JobReport`], [`LakeReport`]). JSON is the model itself. The others
//! are made from one page ([`super::page`]) that is made from the model, so that they cannot disagree.

mod advice_page;
mod application;
mod application_page;
mod card;
mod checks;
mod error;
mod job;
mod job_page;
mod lake;
mod lake_page;
mod pictures;
mod questions;
mod rows;
#[cfg(test)]
mod tests;
mod verdict;

use serde::Serialize;

pub use crate::publish::page::Level;
use crate::publish::page::{Page, html, markdown, text};

pub use application::{ApplicationReport, Cost, JobContext, Paste, Step, TimeSpent};
pub(super) use application::{find_place, key};
pub(super) use application_page::{found, setting_change, subject_name};
pub use card::MAX_BYTES as MAX_CARD_BYTES;
pub use checks::{Check, Measure, NotChecked, Threshold};
pub use error::ReportError;
pub use job::JobReport;
pub use lake::{Candidates, LakeReport};
pub use questions::Questions;
pub use rows::*;
pub use verdict::Verdict;

/// A report.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Report {
    /// Of one application attempt.
    Application(Box<ApplicationReport>),
    /// Of a recurring job.
    Job(Box<JobReport>),
    /// Of a lake.
    Lake(Box<LakeReport>),
}

/// What a report is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Subject<'a> {
    /// The newest attempt of an application.
    Application(&'a str),
    /// An attempt of an application: its id, and that of the attempt.
    Attempt(&'a str, &'a str),
    /// A recurring job.
    Job(&'a str),
    /// The lake.
    Lake,
}

impl Report {
    /// Asks the lake.
    ///
    /// # Errors
    /// There is no such application or job, or the lake cannot be read.
    pub async fn load(
        questions: &Questions<'_>,
        subject: Subject<'_>,
    ) -> Result<Self, ReportError> {
        Ok(match subject {
            Subject::Application(id) => {
                Self::Application(Box::new(ApplicationReport::load(questions, id).await?))
            }
            Subject::Attempt(id, attempt) => Self::Application(Box::new(
                ApplicationReport::load_at(questions, id, Some(attempt)).await?,
            )),
            Subject::Job(key) => Self::Job(Box::new(JobReport::load(questions, key).await?)),
            Subject::Lake => Self::Lake(Box::new(LakeReport::load(questions).await?)),
        })
    }

    /// As plain text.
    pub fn text(&self, lake: &str) -> String {
        text::write(&self.page(lake))
    }

    /// As Markdown.
    pub fn markdown(&self, lake: &str) -> String {
        markdown::write(&self.page(lake))
    }

    /// As one self-contained HTML page.
    pub fn html(&self, lake: &str) -> String {
        html::write(&self.page(lake))
    }

    /// As JSON.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn json(&self) -> Result<String, ReportError> {
        Ok(format!("{}\n", serde_json::to_string_pretty(self)?))
    }

    /// As a card of at most [`MAX_CARD_BYTES`]; `None` where it is not about one application.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn card(&self) -> Result<Option<String>, ReportError> {
        match self {
            Self::Application(report) => Ok(Some(card::write(report)?)),
            Self::Job(_) | Self::Lake(_) => Ok(None),
        }
    }

    /// The page that text, Markdown and HTML show.
    pub(super) fn page(&self, lake: &str) -> Page {
        match self {
            Self::Application(report) => application_page::page(report),
            Self::Job(report) => job_page::page(report),
            Self::Lake(report) => lake_page::page(report, lake),
        }
    }
}
