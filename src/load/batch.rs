//! Numbers batches and commits, and remembers which batches have begun.

use chrono::Utc;
use object_store::PutMode;
use object_store::path::Path;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::error::LoadError;
use super::intent::Intent;
use super::lake::{Lake, layout};
use super::lock::LakeLock;
use super::staging::Batch;
use crate::schema;

/// The name under which our commit numbers are kept in each table's log.
pub(super) const TRANSACTION_ID: &str = "sparklake";

#[derive(Debug, Serialize, Deserialize)]
struct Sequence {
    last: i64,
}

impl Lake {
    /// Begins a batch: from here on files may be staged for it. What a killed run leaves of it is
    /// removed by the next [`Lake::recover`].
    pub async fn begin_batch(&self, lock: &LakeLock, run_id: &str) -> Result<Batch, LoadError> {
        lock.check()?;
        let seq = self.next_number(lock).await?;
        let token = Uuid::new_v4().simple().to_string();
        let batch = Batch {
            id: format!("{seq:010}-{}", token.get(..8).unwrap_or(&token)),
            seq,
            run_id: run_id.to_owned(),
            started_at: Utc::now(),
        };
        self.write_json(open_path(&batch.id).as_ref(), &batch, PutMode::Create)
            .await?;
        Ok(batch)
    }

    /// Starts the numbers of a new lake.
    pub(super) async fn begin_numbering(&self) -> Result<(), LoadError> {
        let sequence = Sequence { last: 0 };
        self.write_json(layout::SEQUENCE, &sequence, PutMode::Overwrite)
            .await
    }

    /// The next number of the lake. It is written down before it is used, so none is used twice.
    pub(super) async fn next_number(&self, lock: &LakeLock) -> Result<i64, LoadError> {
        let _one_at_a_time = lock.numbering().await;
        let last = match self.read_json::<Sequence>(layout::SEQUENCE).await? {
            Some(sequence) => sequence.last,
            None => self.largest_number_in_use().await?,
        };
        let next = last + 1;
        self.write_json(
            layout::SEQUENCE,
            &Sequence { last: next },
            PutMode::Overwrite,
        )
        .await?;
        Ok(next)
    }

    /// Where the file with the last number is missing, because somebody removed it: the largest number that any table or intent bears.
    async fn largest_number_in_use(&self) -> Result<i64, LoadError> {
        let mut largest = 0;
        for path in self.list_names(layout::PENDING).await? {
            if let Some(intent) = self.read_json::<Intent>(path.as_ref()).await? {
                largest = largest.max(intent.seq);
            }
        }
        for batch in self.open_batches().await? {
            largest = largest.max(batch.seq);
        }
        for table in schema::tables() {
            let handle = self.handle(&table.name)?;
            let state = handle.state_or_create().await?;
            let log_store = handle.log_store();
            let number = state
                .transaction_version(log_store.as_ref(), TRANSACTION_ID)
                .await
                .map_err(|source| LoadError::delta("reading the log of", &table.name, source))?;
            largest = largest.max(number.unwrap_or(0));
        }
        Ok(largest)
    }

    /// Whether a batch has begun and is not committed or given up yet: only then may files be staged
    /// for it.
    ///
    /// # Errors
    /// The store fails.
    pub async fn is_open(&self, batch: &Batch) -> Result<bool, LoadError> {
        let open: Option<Batch> = self.read_json(open_path(&batch.id).as_ref()).await?;
        Ok(open.as_ref() == Some(batch))
    }

    /// Batches that have begun and were not committed.
    pub(super) async fn open_batches(&self) -> Result<Vec<Batch>, LoadError> {
        let mut batches = Vec::new();
        for path in self.list_names(layout::OPEN).await? {
            batches.extend(self.read_json(path.as_ref()).await?);
        }
        Ok(batches)
    }

    pub(super) async fn close_batch(&self, batch_id: &str) -> Result<(), LoadError> {
        self.delete(&open_path(batch_id)).await
    }
}

fn open_path(batch_id: &str) -> Path {
    Path::from(format!("{}/{batch_id}.json", layout::OPEN))
}
