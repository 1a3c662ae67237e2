//! The rows that the queries of `sql/report` give: a field a column, under its name. What is NULL is
//! `None`; units are those of the names.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// Where an application attempt lies in the lake (`find_application`).
#[derive(Debug, Clone, PartialEq, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct Place {
    /// Kind of source.
    pub platform: String,
    /// Cluster.
    pub cluster_id: String,
    /// Its name.
    pub cluster_name: String,
    /// Application.
    pub application_id: String,
    /// Its attempt.
    pub attempt_id: String,
    /// UTC date of its start, as ISO text.
    pub app_date: String,
    /// Its name.
    #[serde(skip_serializing)]
    pub application_name: Option<String>,
    /// The recurring job that it is a run of.
    #[serde(skip_serializing)]
    pub job_key: Option<String>,
    /// When it started.
    #[serde(skip_serializing)]
    pub start_time: Option<DateTime<Utc>>,
}

/// An id to suggest (`known_applications`, `known_jobs`).
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(default)]
pub(super) struct Known {
    pub(super) application_id: Option<String>,
    pub(super) application_name: Option<String>,
    pub(super) job_key: Option<String>,
}

macro_rules! row {
    ($(#[$meta:meta])* $name:ident { $($(#[$field_meta:meta])* $field:ident: $type:ty,)* }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, PartialEq, Default, Deserialize, Serialize)]
        #[serde(default)]
        pub struct $name {
            $($(#[$field_meta])* pub $field: $type,)*
        }
    };
}

type Text = Option<String>;
type Int = Option<i64>;
type Number = Option<f64>;
type Flag = Option<bool>;
type Time = Option<DateTime<Utc>>;

mod application;
mod job;
mod lake;
mod lists;

pub use application::*;
pub use job::*;
pub use lake::*;
pub use lists::*;
