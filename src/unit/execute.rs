//! Orders that came from another process.

use std::sync::Arc;

use serde::Deserialize;

use super::analysis::{AnalysisKind, AnalysisOrder, AnalysisResult, judge};
use super::error::UnitError;
use super::groups::{GroupsKind, GroupsOrder, GroupsResult, judge_groups};
use super::memory::UnitShare;
use super::order::{LakeReference, Order};
use super::result::UnitResult;
use super::stores::Stores;
use super::workers::{Silent, Threads, Workers};
use crate::analyze::AnalyzeError;
use crate::ask::{AskLake, AskOptions};
use crate::config::Environment;
use crate::load::{Batch, Lake, StoreSafety, WriterSettings};
use crate::redact::{RedactionSettings, Redactor};

/// An order of either kind.
#[derive(Debug, Clone, PartialEq)]
pub enum AnyOrder {
    /// Histories become rows.
    Extraction(Box<Order>),
    /// Applications are judged.
    Analysis(Box<AnalysisOrder>),
    /// Groups of applications are judged together.
    Groups(Box<GroupsOrder>),
}

/// What tells the kinds of orders apart.
#[derive(Deserialize)]
#[serde(untagged)]
enum OrderKind {
    Analysis(AnalysisKind),
    Groups(GroupsKind),
}

impl AnyOrder {
    /// Reads an order.
    ///
    /// # Errors
    /// It is of another version, no order, holds a secret, or would give other rows here.
    pub fn parse(json: &[u8]) -> Result<Self, UnitError> {
        #[derive(Deserialize)]
        struct Kind {
            kind: Option<OrderKind>,
        }
        let kind = serde_json::from_slice::<Kind>(json).map_err(|error| UnitError::Malformed {
            what: "order",
            problem: error.to_string(),
        })?;
        Ok(match kind.kind {
            Some(OrderKind::Analysis(_)) => Self::Analysis(Box::new(AnalysisOrder::parse(json)?)),
            Some(OrderKind::Groups(_)) => Self::Groups(Box::new(GroupsOrder::parse(json)?)),
            None => Self::Extraction(Box::new(Order::parse(json)?)),
        })
    }

    /// Works through the order, and gives its result as JSON.
    ///
    /// # Errors
    /// As [`execute`], [`execute_analysis`] and [`execute_groups`].
    pub async fn execute(&self, environment: &Environment) -> Result<String, UnitError> {
        match self {
            Self::Extraction(order) => execute(order, environment).await?.to_json(),
            Self::Analysis(order) => {
                let share = UnitShare::whole();
                execute_analysis(order, environment, share).await?.to_json()
            }
            Self::Groups(order) => {
                let share = UnitShare::whole();
                execute_groups(order, environment, share).await?.to_json()
            }
        }
    }
}

/// Works through an order with threads of this process. `environment` holds the variables that its
/// credentials refer to. Nothing becomes visible in the lake before the coordinator commits it.
///
/// # Errors
/// The lake cannot be opened, a secret is not where the order says, or the batch is not open any
/// more.
pub async fn execute(order: &Order, environment: &Environment) -> Result<UnitResult, UnitError> {
    order.check()?;
    let lake = open_lake(&order.lake, &order.redaction, &order.batch, environment).await?;
    let stores = Arc::new(Stores::new(environment.clone()));
    let threads = Threads::new(lake.staging(WriterSettings::default()), stores);
    let orders = std::slice::from_ref(order);
    let results = tokio::task::block_in_place(|| threads.work(orders, &Silent))?;
    let result = results.into_iter().next();
    result.ok_or(UnitError::NoResult { unit: order.unit })
}

/// Judges the applications of an order in this process, within `share` of the machine. Nothing becomes visible in the lake before
/// the coordinator commits it.
///
/// # Errors
/// As [`execute`]; also rules that are not those of the run.
pub async fn execute_analysis(
    order: &AnalysisOrder,
    environment: &Environment,
    share: UnitShare,
) -> Result<AnalysisResult, UnitError> {
    let catalog = order.catalog()?;
    let lake = open_lake(&order.lake, &order.redaction, &order.batch, environment).await?;
    let ask = ask(&lake, share)?;
    let session = ask.session().map_err(AnalyzeError::from)?;
    judge(order, &lake, &catalog, &session).await
}

/// Judges the groups of an order in this process, within `share` of the machine. Nothing becomes visible
/// in the lake before the coordinator commits it.
///
/// # Errors
/// As [`execute_analysis`].
pub async fn execute_groups(
    order: &GroupsOrder,
    environment: &Environment,
    share: UnitShare,
) -> Result<GroupsResult, UnitError> {
    let table = order.across_table()?;
    let lake = open_lake(&order.lake, &order.redaction, &order.batch, environment).await?;
    let ask = ask(&lake, share)?;
    let session = ask.session().map_err(AnalyzeError::from)?;
    judge_groups(order, &lake, &table, &session).await
}

fn ask(lake: &Lake, share: UnitShare) -> Result<AskLake, AnalyzeError> {
    let options = AskOptions {
        memory_bytes: share.memory_bytes,
        target_partitions: share.partitions,
        ..AskOptions::default()
    };
    Ok(AskLake::new(lake, options)?)
}

async fn open_lake(
    reference: &LakeReference,
    redaction: &RedactionSettings,
    batch: &Batch,
    environment: &Environment,
) -> Result<Lake, UnitError> {
    let options = reference.credentials.resolve(environment).await?;
    let safety = StoreSafety::from_allow_unsafe(reference.allow_unsafe_store);
    let redactor = Redactor::new(redaction)?;
    let lake = Lake::open_with(&reference.uri, options, safety).await?;
    let lake = lake.with_redactor(redactor);
    if lake.is_open(batch).await? {
        return Ok(lake);
    }
    Err(UnitError::BatchClosed {
        batch: batch.id.clone(),
        run_id: batch.run_id.clone(),
    })
}
