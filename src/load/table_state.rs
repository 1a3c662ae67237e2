//! One Delta table of the lake: its newest known snapshot, its creation, and its way from an older
//! contract to the present one.

use std::sync::Arc;

use chrono::Utc;
use deltalake::DeltaTableError;
use deltalake::kernel::transaction::{CommitBuilder, CommitProperties, TransactionError};
use deltalake::kernel::{
    Action, Add, CommitInfo, MetadataExt, Protocol, StructField, StructType, Transaction,
    new_metadata,
};
use deltalake::logstore::{CommitOrBytes, LogStoreRef};
use deltalake::protocol::DeltaOperation;
use deltalake::table::state::DeltaTableState;
use serde_json::json;
use tokio::sync::Mutex;
use uuid::Uuid;

use super::batch::TRANSACTION_ID;
use super::delta_fields::delta_fields;
use super::error::LoadError;
use super::stats;
use crate::schema::Table;

/// A table and what is known of its state.
pub(super) struct TableHandle {
    table: &'static Table,
    log_store: LogStoreRef,
    state: Mutex<Option<DeltaTableState>>,
}

impl TableHandle {
    pub(super) fn new(table: &'static Table, log_store: LogStoreRef) -> Self {
        Self {
            table,
            log_store,
            state: Mutex::new(None),
        }
    }

    pub(super) fn contract(&self) -> &'static Table {
        self.table
    }

    pub(super) fn log_store(&self) -> LogStoreRef {
        Arc::clone(&self.log_store)
    }

    /// The newest known state; the first call reads the table's log.
    pub(super) async fn state(&self) -> Result<DeltaTableState, LoadError> {
        let mut state = self.state.lock().await;
        if let Some(known) = state.as_ref() {
            return Ok(known.clone());
        }
        let loaded = self.load().await?;
        *state = Some(loaded.clone());
        Ok(loaded)
    }

    /// The state after all commits so far, also those of other processes; `None` when the table has
    /// not been made.
    pub(super) async fn newest_state(&self) -> Result<Option<DeltaTableState>, LoadError> {
        let mut known = self.state.lock().await;
        let newest = match known.take() {
            Some(mut state) => state
                .update(self.log_store.as_ref(), None)
                .await
                .map(|()| state)
                .map_err(|source| LoadError::delta("opening", &self.table.name, source)),
            None => self.load().await,
        };
        match newest {
            Ok(state) => {
                *known = Some(state.clone());
                Ok(Some(state))
            }
            Err(_) if !self.exists().await? => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Keeps a state that a commit has produced; `None` has the log read again at the next use.
    pub(super) async fn keep(&self, state: Option<DeltaTableState>) {
        *self.state.lock().await = state;
    }

    /// The state; `None` when the table has not been made.
    pub(super) async fn state_if_there(&self) -> Result<Option<DeltaTableState>, LoadError> {
        match self.state().await {
            Ok(state) => Ok(Some(state)),
            // The library's error for a missing table depends on the store.
            Err(_) if !self.exists().await? => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The state, of a table that may have to be made first.
    pub(super) async fn state_or_create(&self) -> Result<DeltaTableState, LoadError> {
        if let Some(state) = self.state_if_there().await? {
            return Ok(state);
        }
        self.create().await?;
        self.state().await
    }

    /// Makes the table, unless it is there. Says whether it was made.
    ///
    /// Version 0 of the log is written directly: the library's builder lists and loads the table
    /// several times over, which for all tables of a new lake is most of a second.
    pub(super) async fn create(&self) -> Result<bool, LoadError> {
        // Not left to the write below: the first entry of an old log may have been cleaned away.
        if self.exists().await? {
            return Ok(false);
        }
        let entry = self.first_log_entry()?;
        let written = self
            .log_store
            .write_commit_entry(0, CommitOrBytes::LogBytes(entry.into()), Uuid::new_v4())
            .await;
        match written {
            Ok(()) => Ok(true),
            Err(TransactionError::VersionAlreadyExists(_)) => Ok(false),
            Err(error) => Err(LoadError::delta("creating", &self.table.name, error.into())),
        }
    }

    /// Brings the table's columns and comments to the contract's, creating it if it is missing.
    pub(super) async fn bring_to_contract(&self) -> Result<(), LoadError> {
        self.create().await?;
        let state = self.state().await?;
        let Some(schema) = evolved_schema(self.table, state.schema().as_ref())? else {
            return Ok(());
        };
        let name = &self.table.name;
        let failed = |source| LoadError::delta("changing", name, source);
        let schema = StructType::try_new(schema)
            .map_err(|error| failed(DeltaTableError::generic(error.to_string())))?;
        let mut metadata = state
            .metadata()
            .clone()
            .with_schema(&schema)
            .map_err(|error| failed(error.into()))?;
        for (key, value) in properties(self.table) {
            metadata = metadata
                .add_config_key(key, value)
                .map_err(|error| failed(error.into()))?;
        }
        let fields = schema.fields().cloned().collect();
        let properties = CommitProperties::default().with_cleanup_expired_logs(Some(false));
        let committed = CommitBuilder::from(properties)
            .with_actions(vec![Action::Metadata(metadata)])
            .build(
                Some(&state),
                self.log_store(),
                DeltaOperation::AddColumn { fields },
            )
            .await
            .map_err(failed)?;
        self.keep(Some(committed.snapshot())).await;
        Ok(())
    }

    /// Whether the table has a log.
    pub(super) async fn exists(&self) -> Result<bool, LoadError> {
        self.log_store
            .is_delta_table_location()
            .await
            .map_err(|source| LoadError::delta("opening", &self.table.name, source))
    }

    async fn load(&self) -> Result<DeltaTableState, LoadError> {
        DeltaTableState::try_new(self.log_store.as_ref(), None)
            .await
            .map_err(|source| LoadError::opening(&self.table.name, source))
    }

    /// The first entry of a log that makes the table of these files, up to the commit `seq`.
    pub(super) fn log_entry_of(&self, adds: &[Add], seq: i64) -> Result<String, LoadError> {
        let mut entry = self.first_log_entry()?;
        let number = Action::Txn(Transaction::new(TRANSACTION_ID, seq));
        let adds = adds.iter().cloned().map(Action::Add);
        for action in std::iter::once(number).chain(adds) {
            let line = serde_json::to_string(&action)
                .map_err(|error| LoadError::delta("repairing", &self.table.name, error.into()))?;
            entry.push('\n');
            entry.push_str(&line);
        }
        Ok(entry)
    }

    fn first_log_entry(&self) -> Result<String, LoadError> {
        let failed = |source| LoadError::delta("creating", &self.table.name, source);
        let schema = StructType::try_new(delta_fields(self.table))
            .map_err(|error| failed(DeltaTableError::generic(error.to_string())))?;
        let metadata = new_metadata(&schema, &self.table.partition_by, properties(self.table))
            .and_then(|metadata| metadata.with_name(self.table.name.clone()))
            .and_then(|metadata| metadata.with_description(self.table.description.clone()))
            .map_err(|error| failed(error.into()))?;
        let protocol: Protocol =
            serde_json::from_value(json!({ "minReaderVersion": 1, "minWriterVersion": 2 }))
                .map_err(|error| failed(error.into()))?;
        let actions = [
            Action::CommitInfo(CommitInfo {
                timestamp: Some(Utc::now().timestamp_millis()),
                operation: Some("CREATE TABLE".to_owned()),
                engine_info: Some(format!("sparklake/{}", env!("CARGO_PKG_VERSION"))),
                ..CommitInfo::default()
            }),
            Action::Protocol(protocol),
            Action::Metadata(metadata),
        ];
        let lines: Result<Vec<String>, _> = actions.iter().map(serde_json::to_string).collect();
        Ok(lines.map_err(|error| failed(error.into()))?.join("\n"))
    }
}

/// Properties of every table. Checkpoints come often because a night brings only a few commits and
/// every reader replays what lies after the last one.
fn properties(table: &Table) -> Vec<(String, String)> {
    vec![
        ("delta.checkpointInterval".to_owned(), "10".to_owned()),
        (
            "delta.dataSkippingStatsColumns".to_owned(),
            stats::columns(table).join(","),
        ),
    ]
}

/// The fields that a table of the lake should have: its own in their order, as the contract
/// describes them now, then the contract's new ones. `None` when nothing changes.
fn evolved_schema(
    table: &Table,
    present: &StructType,
) -> Result<Option<Vec<StructField>>, LoadError> {
    let contract = delta_fields(table);
    let mut evolved = Vec::with_capacity(contract.len());
    let mut changed = false;
    for field in present.fields() {
        let Some(declared) = contract
            .iter()
            .find(|declared| declared.name() == field.name())
        else {
            evolved.push(field.clone());
            continue;
        };
        if declared.data_type() != field.data_type() {
            return Err(LoadError::TypeChanged {
                table: table.name.clone(),
                column: field.name().clone(),
                found: field.data_type().to_string(),
                expected: declared.data_type().to_string(),
            });
        }
        // Old rows may hold NULL: a column never becomes required, but it may become optional.
        let wanted = StructField {
            nullable: declared.nullable || field.nullable,
            ..declared.clone()
        };
        changed |= wanted != *field;
        evolved.push(wanted);
    }
    for declared in contract {
        if present.field(declared.name()).is_none() {
            changed = true;
            evolved.push(StructField {
                nullable: true,
                ..declared
            });
        }
    }
    Ok(changed.then_some(evolved))
}
