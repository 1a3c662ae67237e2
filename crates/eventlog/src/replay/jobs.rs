//! Jobs. A job's row is final when it has ended and no task of its stages runs any more.

use std::collections::{BTreeMap, BTreeSet};

use hashbrown::{HashMap, HashSet};

use crate::event::{JobEnd, JobStart, TaskEnd};
use crate::limits;
use crate::rows::{JobRow, JobStatus};

use super::index_set::IndexSet;
use super::keys::StageKey;

/// One running job.
#[derive(Debug)]
pub(super) struct LiveJob {
    row: JobRow,
    /// The stage whose end is the job's, as far as ids tell.
    last_stage_id: Option<i64>,
    completed_stages: HashSet<i64>,
    skipped_stages: HashSet<i64>,
    /// Indices of successful tasks by stage id.
    completed_indices: HashMap<i64, IndexSet>,
}

impl LiveJob {
    pub(super) fn new(start: &JobStart) -> Self {
        let properties = &start.properties;
        let last_stage = start.stage_infos.iter().max_by_key(|info| info.stage_id);
        let pending = start
            .stage_infos
            .iter()
            .filter(|info| info.completion_time.is_none());
        let stage_ids = start.stage_infos.iter().map(|info| info.stage_id);
        let row = JobRow {
            job_id: start.job_id,
            name: last_stage.map(|info| info.name.clone()).unwrap_or_default(),
            description: properties.description.clone(),
            submission_time: limits::instant(start.submission_time),
            job_group: properties.job_group.clone(),
            job_tags: job_tags(properties.job_tags.as_deref()),
            num_tasks: pending
                .map(|info| info.num_tasks)
                .fold(0, i64::saturating_add),
            sql_id: properties.sql_execution_id,
            origin: properties.origin.clone(),
            stage_ids: stage_ids.collect(),
            ..JobRow::default()
        };
        Self {
            row,
            last_stage_id: last_stage.map(|info| info.stage_id),
            completed_stages: HashSet::new(),
            skipped_stages: HashSet::new(),
            completed_indices: HashMap::new(),
        }
    }

    /// Ids of the stages that the job's start listed.
    pub(super) fn stage_ids(&self) -> &[i64] {
        &self.row.stage_ids
    }

    /// The stage whose end is the job's.
    pub(super) fn last_stage_id(&self) -> Option<i64> {
        self.last_stage_id
    }

    pub(super) fn on_stage_submitted(&mut self, stage_id: i64) {
        self.completed_stages.remove(&stage_id);
        self.row.num_active_stages += 1;
    }

    pub(super) fn on_stage_complete(&mut self, stage_id: i64) {
        self.completed_stages.insert(stage_id);
        self.row.num_active_stages -= 1;
    }

    pub(super) fn on_stage_failed(&mut self) {
        self.row.num_failed_stages += 1;
        self.row.num_active_stages -= 1;
    }

    /// A stage that completed without having been submitted.
    pub(super) fn on_stage_completed_unsubmitted(&mut self, stage_id: i64, num_tasks: i64) {
        self.skip_stage(stage_id, num_tasks);
        self.row.num_active_stages -= 1;
    }

    /// A stage whose output was there already.
    pub(super) fn skip_stage(&mut self, stage_id: i64, num_tasks: i64) {
        self.skipped_stages.insert(stage_id);
        self.row.num_skipped_tasks = self.row.num_skipped_tasks.saturating_add(num_tasks);
    }

    pub(super) fn on_task_end(&mut self, end: &TaskEnd, kill_reason: Option<&str>) {
        let (completed, failed, killed) = end.reason.deltas();
        self.row.num_active_tasks -= i64::from(!end.reason.is_resubmitted());
        self.row.num_completed_tasks += completed;
        self.row.num_failed_tasks += failed;
        self.row.num_killed_tasks += killed;
        if completed > 0 {
            self.completed_indices
                .entry(end.stage_id)
                .or_default()
                .insert(end.info.index);
        }
        count_kill(&mut self.row.killed_tasks_summary, kill_reason);
    }

    pub(super) fn on_task_start(&mut self) {
        self.row.num_active_tasks += 1;
    }

    /// The job ended as `end` says.
    pub(super) fn end(&mut self, end: &JobEnd) {
        let succeeded = end.result.result == "JobSucceeded";
        self.row.status = if succeeded {
            JobStatus::Succeeded
        } else {
            JobStatus::Failed
        };
        self.row.completion_time = limits::instant(end.completion_time);
        if !succeeded {
            self.row.failure_reason = end
                .result
                .exception
                .as_ref()
                .and_then(|exception| exception.message.clone());
        }
    }

    /// The job as it stands.
    pub(super) fn row(&self) -> JobRow {
        JobRow {
            num_completed_stages: len(&self.completed_stages),
            num_skipped_stages: len(&self.skipped_stages),
            num_completed_indices: self.completed_indices.values().map(IndexSet::len).sum(),
            ..self.row.clone()
        }
    }
}

/// A job that ended while tasks of its stages still ran.
#[derive(Debug)]
pub(super) struct EndingJob {
    pub(super) job: LiveJob,
    /// The row as the History Server last wrote it.
    pub(super) written: JobRow,
    /// Live stage attempts that count for the job.
    pub(super) waits_for: BTreeSet<StageKey>,
}

fn len(set: &HashSet<i64>) -> i64 {
    i64::try_from(set.len()).unwrap_or(i64::MAX)
}

/// Tags without blanks and doubles, in order.
pub(super) fn job_tags(tags: Option<&str>) -> Vec<String> {
    let mut tags: Vec<String> = tags
        .unwrap_or_default()
        .split(',')
        .filter(|tag| !tag.is_empty())
        .map(str::to_owned)
        .collect();
    tags.sort_unstable();
    tags.dedup();
    tags
}

/// Adds one kill to the counts by reason.
pub(super) fn count_kill(summary: &mut BTreeMap<String, i64>, kill_reason: Option<&str>) {
    if let Some(reason) = kill_reason {
        match summary.get_mut(reason) {
            Some(count) => *count += 1,
            None => {
                summary.insert(reason.to_owned(), 1);
            }
        }
    }
}
