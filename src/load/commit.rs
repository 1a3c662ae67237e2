//! Makes staged files part of their tables, all of them or (until the next run completes it) some
//! of them, but never twice.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use chrono::NaiveDate;
use deltalake::DeltaTableError;
use deltalake::kernel::transaction::{CommitBuilder, CommitProperties, TransactionError};
use deltalake::kernel::{Action, Transaction};
use deltalake::protocol::{DeltaOperation, SaveMode};
use deltalake::table::state::DeltaTableState;
use futures::{StreamExt, TryStreamExt, stream};
use object_store::PutMode;
use object_store::path::Path;
use serde::Serialize;
use serde_json::json;

use super::batch::TRANSACTION_ID;
use super::error::LoadError;
use super::failpoint::Step;
use super::intent::{Intent, PendingAnalysis, Replace, Replacement, TableChange};
use super::lake::{Lake, layout};
use super::ledger::LEDGER_TABLE;
use super::lock::LakeLock;
use super::replace;
use super::source_record::{self, SourceRecord};
use super::staging::{Batch, StagedUnit};
use super::table_state::TableHandle;
use crate::model::ApplicationKey;
use crate::schema::{self, TableKind};

/// Tables that are committed at the same time.
const CONCURRENT_TABLES: usize = 8;
/// Tables whose files are read and rewritten at the same time.
const CONCURRENT_REWRITES: usize = 2;
/// Attempts to commit a table that others change meanwhile.
const ATTEMPTS: u32 = 8;

/// What a commit did to one table.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct TableCommit {
    /// New rows.
    pub rows: u64,
    /// Files added, rewritten ones included.
    pub files_added: u64,
    /// Files removed.
    pub files_removed: u64,
    /// Size of the files added, in bytes.
    pub bytes_added: u64,
    /// The table's version after the commit; `None` when it had been committed before.
    pub version: Option<u64>,
}

/// What a commit did.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct CommitReport {
    /// Number of the commit; 0 when there was nothing to commit.
    pub seq: i64,
    /// By table; tables that were not touched are missing.
    pub tables: BTreeMap<String, TableCommit>,
}

impl Lake {
    /// Commits the rows of a batch.
    ///
    /// `replaced` are applications that are in the lake already and whose rows, in every fact and
    /// derived table, make way for the new ones in the same commit. `sources` become rows of
    /// `ingest_sources`, committed when everything else is.
    ///
    /// # Errors
    /// After an error the commit may be complete in part; [`Lake::recover`], or the next commit of
    /// this process, completes it first of all.
    pub async fn commit(
        &self,
        lock: &LakeLock,
        batch: &Batch,
        units: Vec<StagedUnit>,
        replaced: &[ApplicationKey],
        sources: Vec<SourceRecord>,
    ) -> Result<CommitReport, LoadError> {
        let mut staged = StagedUnit::default();
        for unit in units {
            staged.absorb(unit);
        }
        let replace = Replace::applications(replaced.iter().cloned());
        let mut tables = changes(staged)?;
        if replace != Replace::Nothing {
            for table in schema::tables() {
                if table.kind != TableKind::Bookkeeping && replace::has_applications(table) {
                    tables.entry(table.name.clone()).or_default();
                }
            }
        }
        let applications = sources
            .iter()
            .filter(|source| source.has_rows())
            .filter_map(SourceRecord::key)
            .chain(replaced.iter().cloned())
            .collect();
        let plan = CommitPlan {
            replace: Replacement::Everywhere(replace),
            tables,
            ledger: source_record::stage(self, batch, &sources).await?,
            applications,
        };
        self.commit_plan(lock, batch, plan).await
    }

    /// Completes commits that were decided on and not completed. Returns their batches.
    pub(super) async fn roll_forward(&self, lock: &LakeLock) -> Result<Vec<Batch>, LoadError> {
        let mut completed = Vec::new();
        for path in self.list_names(layout::PENDING).await? {
            let Some(intent) = self.read_json::<Intent>(path.as_ref()).await? else {
                continue;
            };
            if self.can_be_completed(&intent).await? {
                tracing::info!(batch = %intent.batch.id, "completing a commit that was cut off");
                self.apply(lock, &intent, Attempt::Again).await?;
                completed.push(intent.batch);
            } else {
                self.withdraw(lock, &intent).await?;
                self.delete(&path).await?;
            }
        }
        Ok(completed)
    }

    /// Decides on a commit, writes the decision down, and carries it out.
    pub(super) async fn commit_plan(
        &self,
        lock: &LakeLock,
        batch: &Batch,
        plan: CommitPlan,
    ) -> Result<CommitReport, LoadError> {
        let _in_turn = lock.committing().await;
        self.roll_forward(lock).await?;
        let seq = self.next_number(lock).await?;
        let intent = self.decide(batch, seq, plan).await?;
        self.failpoint().pass(Step::Staged)?;
        if intent.tables.is_empty() && intent.ledger.is_empty() {
            self.close_batch(&batch.id).await?;
            return Ok(CommitReport::default());
        }
        lock.check()?;
        self.write_json(pending_path(seq).as_ref(), &intent, PutMode::Create)
            .await?;
        self.failpoint().pass(Step::IntentWritten)?;
        self.apply(lock, &intent, Attempt::First).await
    }

    async fn decide(&self, batch: &Batch, seq: i64, plan: CommitPlan) -> Result<Intent, LoadError> {
        let CommitPlan {
            replace,
            tables,
            ledger,
            applications,
        } = plan;
        let replace_in = &replace;
        let mut tables: BTreeMap<String, TableChange> = stream::iter(tables)
            .map(|(name, mut change)| async move {
                let handle = self.handle(&name)?;
                replace::plan(self, &handle, batch, replace_in.of(&name), &mut change).await?;
                Ok::<_, LoadError>((name, change))
            })
            .buffer_unordered(CONCURRENT_REWRITES)
            .try_collect()
            .await?;
        tables.retain(|_, change| !change.is_empty());
        let app_dates = tables.values().flat_map(app_dates).collect();
        let analysis = (!applications.is_empty()).then(|| PendingAnalysis {
            seq,
            batch_id: batch.id.clone(),
            app_dates,
            applications,
        });
        Ok(Intent {
            seq,
            batch: batch.clone(),
            replace,
            tables,
            ledger,
            analysis,
        })
    }

    /// Carries an intent out. Every step may have been done before.
    async fn apply(
        &self,
        lock: &LakeLock,
        intent: &Intent,
        attempt: Attempt,
    ) -> Result<CommitReport, LoadError> {
        let results: Vec<_> = stream::iter(&intent.tables)
            .map(|(name, change)| async move {
                self.failpoint().pass(Step::BeforeTable)?;
                let done = self
                    .apply_table(lock, intent, name, change, attempt)
                    .await?;
                self.failpoint().pass(Step::TableCommitted)?;
                Ok((name.clone(), done))
            })
            .buffer_unordered(CONCURRENT_TABLES)
            .collect()
            .await;
        let mut tables = results
            .into_iter()
            .collect::<Result<BTreeMap<_, _>, LoadError>>()?;
        self.failpoint().pass(Step::BeforeLedger)?;
        if !intent.ledger.is_empty() {
            let done = self
                .apply_table(lock, intent, LEDGER_TABLE, &intent.ledger, attempt)
                .await?;
            tables.insert(LEDGER_TABLE.to_owned(), done);
        }
        self.failpoint().pass(Step::BeforeCleanup)?;
        let versions = tables
            .iter()
            .map(|(name, done)| (name.clone(), done.version));
        self.record_tables(versions, intent.seq).await?;
        self.settle(intent).await?;
        Ok(CommitReport {
            seq: intent.seq,
            tables,
        })
    }

    /// Removes the traces of a completed commit. The order matters: a batch that is open and has no
    /// intent loses its files to the next recovery.
    async fn settle(&self, intent: &Intent) -> Result<(), LoadError> {
        if let Some(analysis) = &intent.analysis {
            let path = analysis_path(intent.seq);
            self.write_json(path.as_ref(), analysis, PutMode::Overwrite)
                .await?;
        }
        self.close_batch(&intent.batch.id).await?;
        self.failpoint().pass(Step::HalfCleaned)?;
        self.delete(&pending_path(intent.seq)).await
    }

    async fn apply_table(
        &self,
        lock: &LakeLock,
        intent: &Intent,
        name: &str,
        change: &TableChange,
        attempt: Attempt,
    ) -> Result<TableCommit, LoadError> {
        let handle = self.handle(name)?;
        let mut change = change.clone();
        let mut may_be_done = attempt == Attempt::Again;
        for number in 0..ATTEMPTS {
            lock.check()?;
            let state = handle.state_or_create().await?;
            if may_be_done && is_applied(&handle, &state, intent.seq).await? {
                return Ok(report(&change, None));
            }
            if !removes_are_live(&handle, &state, &change)? {
                tracing::info!(table = name, "another writer changed files; looking again");
                let replace = intent.replace.of(name);
                replace::plan(self, &handle, &intent.batch, replace, &mut change).await?;
            }
            match commit_table(&handle, &state, intent, &change).await {
                Ok((version, state)) => {
                    handle.keep(state).await;
                    return Ok(report(&change, Some(version)));
                }
                Err(error) if is_conflict(&error) => {
                    tracing::debug!(table = name, %error, "another writer was first");
                    handle.keep(None).await;
                    may_be_done = true;
                    tokio::time::sleep(pause(number)).await;
                }
                Err(error) => {
                    handle.keep(None).await;
                    return Err(LoadError::delta("committing to", name, error));
                }
            }
        }
        Err(LoadError::Contended {
            table: name.to_owned(),
            attempts: ATTEMPTS,
        })
    }

    /// Commits whose applications are still to be analysed, the oldest first.
    pub async fn pending_analysis(&self) -> Result<Vec<PendingAnalysis>, LoadError> {
        let mut pending = Vec::new();
        for path in self.list_names(layout::ANALYSIS).await? {
            pending.extend(self.read_json(path.as_ref()).await?);
        }
        Ok(pending)
    }

    /// Asks for the derived rows of some applications to be rebuilt by the next run.
    pub(super) async fn request_analysis(
        &self,
        lock: &LakeLock,
        applications: BTreeSet<ApplicationKey>,
    ) -> Result<(), LoadError> {
        lock.check()?;
        let seq = self.next_number(lock).await?;
        let pending = PendingAnalysis {
            seq,
            batch_id: String::new(),
            app_dates: BTreeSet::new(),
            applications,
        };
        let path = analysis_path(seq);
        self.write_json(path.as_ref(), &pending, PutMode::Overwrite)
            .await
    }

    /// Notes that the derived rows of these commits have been rebuilt.
    pub async fn analysis_done(
        &self,
        lock: &LakeLock,
        done: &[PendingAnalysis],
    ) -> Result<(), LoadError> {
        lock.check()?;
        for pending in done {
            self.delete(&analysis_path(pending.seq)).await?;
        }
        Ok(())
    }
}

/// What a commit is about to decide.
pub(super) struct CommitPlan {
    pub(super) replace: Replacement,
    pub(super) tables: BTreeMap<String, TableChange>,
    pub(super) ledger: TableChange,
    /// Applications that will have to be analysed.
    pub(super) applications: BTreeSet<ApplicationKey>,
}

/// Whether an intent is carried out for the first time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Attempt {
    First,
    Again,
}

/// Staged files as changes of their tables.
pub(super) fn changes(staged: StagedUnit) -> Result<BTreeMap<String, TableChange>, LoadError> {
    staged
        .tables
        .into_iter()
        .map(|(name, adds)| {
            if schema::table(&name).is_none() {
                return Err(LoadError::UnknownTable { table: name });
            }
            let change = TableChange {
                adds,
                ..TableChange::default()
            };
            Ok((name, change))
        })
        .collect()
}

/// Writes one entry of a table's log. The commit stands even if what the library does after it, a
/// checkpoint, fails; then no new state is returned.
pub(super) async fn commit_table(
    handle: &TableHandle,
    state: &DeltaTableState,
    intent: &Intent,
    change: &TableChange,
) -> Result<(u64, Option<DeltaTableState>), DeltaTableError> {
    let removes = change.removes.iter().cloned().map(Action::Remove);
    let actions = removes
        .chain(change.all_adds().cloned().map(Action::Add))
        .collect();
    let properties = CommitProperties::default()
        .with_cleanup_expired_logs(Some(false))
        .with_application_transaction(Transaction::new(TRANSACTION_ID, intent.seq))
        .with_metadata([
            ("sparklake.batchId".to_owned(), json!(intent.batch.id)),
            ("sparklake.runId".to_owned(), json!(intent.batch.run_id)),
        ]);
    let operation = DeltaOperation::Write {
        mode: if change.removes.is_empty() {
            SaveMode::Append
        } else {
            SaveMode::Overwrite
        },
        partition_by: Some(handle.contract().partition_by.clone()),
        predicate: None,
    };
    let committed = CommitBuilder::from(properties)
        .with_actions(actions)
        .build(Some(state), handle.log_store(), operation)
        .into_prepared_commit_future()
        .await?
        .await?;
    let version = committed.version;
    match committed.await {
        Ok(done) => Ok((version, Some(done.snapshot()))),
        Err(error) => {
            let table = &handle.contract().name;
            tracing::warn!(table, %error, "the commit stands, but no checkpoint could be made");
            Ok((version, None))
        }
    }
}

pub(super) async fn is_applied(
    handle: &TableHandle,
    state: &DeltaTableState,
    seq: i64,
) -> Result<bool, LoadError> {
    let log_store = handle.log_store();
    let newest = state
        .transaction_version(log_store.as_ref(), TRANSACTION_ID)
        .await
        .map_err(|source| {
            LoadError::delta("reading the log of", &handle.contract().name, source)
        })?;
    Ok(newest.is_some_and(|newest| newest >= seq))
}

/// Whether all files that are to be removed are still part of the table. Another engine's
/// compaction may have put others in their place.
fn removes_are_live(
    handle: &TableHandle,
    state: &DeltaTableState,
    change: &TableChange,
) -> Result<bool, LoadError> {
    if change.removes.is_empty() {
        return Ok(true);
    }
    let files = replace::live_files(state, handle.contract())?;
    let live: BTreeSet<_> = files.iter().map(|file| file.path()).collect();
    Ok(change
        .removes
        .iter()
        .all(|remove| live.contains(remove.path.as_str())))
}

fn is_conflict(error: &DeltaTableError) -> bool {
    matches!(
        error,
        DeltaTableError::VersionAlreadyExists(_)
            | DeltaTableError::Transaction {
                source: TransactionError::CommitConflict(_)
                    | TransactionError::MaxCommitAttempts(_)
                    | TransactionError::VersionAlreadyExists(_)
            }
    )
}

/// Time to wait after a conflict: doubles each time, from 20 ms to about 1 s.
fn pause(attempt: u32) -> Duration {
    Duration::from_millis(20 << attempt.min(6))
}

fn report(change: &TableChange, version: Option<u64>) -> TableCommit {
    let added = change.all_adds();
    TableCommit {
        rows: change.adds.iter().map(|staged| staged.rows).sum(),
        files_added: (change.adds.len() + change.survivors.len()) as u64,
        files_removed: change.removes.len() as u64,
        bytes_added: added.map(|add| u64::try_from(add.size).unwrap_or(0)).sum(),
        version,
    }
}

fn app_dates(change: &TableChange) -> BTreeSet<NaiveDate> {
    let added = change.all_adds().map(|add| Some(&add.partition_values));
    let removed = change
        .removes
        .iter()
        .map(|remove| remove.partition_values.as_ref());
    added
        .chain(removed)
        .filter_map(|values| values?.get("app_date")?.as_deref()?.parse().ok())
        .collect()
}

fn pending_path(seq: i64) -> Path {
    Path::from(format!("{}/{seq:010}.json", layout::PENDING))
}

fn analysis_path(seq: i64) -> Path {
    Path::from(format!("{}/{seq:010}.json", layout::ANALYSIS))
}
