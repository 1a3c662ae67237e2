//! An order that came from another process.

use std::sync::Arc;

use super::error::UnitError;
use super::order::Order;
use super::result::UnitResult;
use super::stores::Stores;
use super::workers::{Silent, Threads, Workers};
use crate::config::Environment;
use crate::load::{Lake, StoreSafety, WriterSettings};
use crate::redact::Redactor;

/// Works through an order with threads of this process. `environment` holds the variables that its
/// credentials refer to. Nothing becomes visible in the lake before the coordinator commits it.
///
/// # Errors
/// The lake cannot be opened, a secret is not where the order says, or the batch is not open any
/// more.
pub async fn execute(order: &Order, environment: &Environment) -> Result<UnitResult, UnitError> {
    order.check()?;
    let options = order.lake.credentials.resolve(environment).await?;
    let safety = StoreSafety::from_allow_unsafe(order.lake.allow_unsafe_store);
    let redactor = Redactor::new(&order.redaction)?;
    let lake = Lake::open_with(&order.lake.uri, options, safety).await?;
    let lake = lake.with_redactor(redactor);
    if !lake.is_open(&order.batch).await? {
        return Err(UnitError::BatchClosed {
            batch: order.batch.id.clone(),
            run_id: order.batch.run_id.clone(),
        });
    }
    let stores = Arc::new(Stores::new(environment.clone()));
    let threads = Threads::new(lake.staging(WriterSettings::default()), stores);
    let orders = std::slice::from_ref(order);
    let results = tokio::task::block_in_place(|| threads.work(orders, &Silent))?;
    let result = results.into_iter().next();
    result.ok_or(UnitError::NoResult { unit: order.unit })
}
