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

row! {
    /// Facts of a run (`application`).
    Application {
        platform: String,
        cluster_id: String,
        cluster_name: String,
        application_id: String,
        attempt_id: String,
        application_name: Text,
        job_key: Text,
        job_run_id: Text,
        team: Text,
        spark_user: Text,
        spark_version: Text,
        master: Text,
        deploy_mode: Text,
        queue: Text,
        history: Text,
        source_uri: Text,
        start_time: Time,
        end_time: Time,
        end_time_source: Text,
        completed: Flag,
        complete: Flag,
        failure_reason: Text,
        exit_code: Int,
        duration_ms: Int,
        observed_duration_ms: Int,
        is_local: Flag,
        is_interactive: Flag,
        dynamic_allocation: Flag,
        executor_cores: Int,
        executor_memory_bytes: Int,
        driver_memory_bytes: Int,
        container_memory_bytes: Int,
        num_executors_max: Int,
        num_executors_added: Int,
        cores_max: Int,
        tasks_running_max: Int,
        core_time_ms: Int,
        total_task_time_ms: Int,
        driver_only_time_ms: Int,
        first_task_delay_ms: Int,
        input_bytes: Int,
        input_records: Int,
        scanned_bytes: Int,
        scanned_files: Int,
        output_bytes: Int,
        shuffle_read_bytes: Int,
        shuffle_write_bytes: Int,
        memory_bytes_spilled: Int,
        disk_bytes_spilled: Int,
        num_jobs: Int,
        num_stages: Int,
        num_tasks: Int,
        num_failed_tasks: Int,
        num_killed_tasks: Int,
        num_sql: Int,
        num_failed_jobs: Int,
        num_lost_events: Int,
        wasted_core_ms: Int,
        wasted_ratio: Number,
        largest_waste: Text,
        core_time_incomplete: Flag,
        memory_gb_hours: Number,
        memory_peak_ratio: Number,
        ineffstageagg: Number,
        is_judged: Flag,
        photon_candidate: Text,
        photon_reason: Text,
    }
}

impl Application {
    /// Bytes of the files that scans read, where Spark counted next to nothing of them as input: less
    /// than a tenth of a byte for each record, as vectored reads of Spark 4 on local files do.
    pub(super) fn uncounted_files(&self) -> Option<i64> {
        let counted = self.input_bytes.unwrap_or(0);
        let records = self.input_records.filter(|records| *records > 0)?;
        let scanned = self.scanned_bytes.filter(|scanned| *scanned > counted)?;
        ((counted as f64) < 0.1 * records as f64).then_some(scanned)
    }
}

row! {
    /// What the history of a run holds (`evidence`).
    Evidence {
        num_task_rows: i64,
        num_quantiles: i64,
        num_executors: i64,
        num_held: i64,
        num_heap_peaks: i64,
        num_rss_peaks: i64,
        num_plan_nodes: i64,
        num_settings: i64,
        num_streaming: i64,
        num_processes: i64,
        num_cluster_samples: i64,
        num_prices: i64,
    }
}

row! {
    /// A setting in force (`settings`).
    Setting {
        key: String,
        value: Text,
        origin: String,
        default_value: Text,
    }
}

row! {
    /// A part of the core time (`time_parts`, `lake_time_parts`).
    TimePart {
        part: String,
        is_waste: bool,
        core_ms: Number,
        usd: Number,
    }
}

row! {
    /// A Spark job (`jobs`).
    Job {
        job_id: i64,
        job_name: Text,
        sql_id: Int,
        status: Text,
        start_ms: Int,
        duration_ms: Int,
        num_tasks: Int,
        num_failed_tasks: Int,
        num_stages: Int,
        failure_reason: Text,
        severity_rank: Int,
        num_findings: i64,
        finding_title: Text,
    }
}

row! {
    /// A stage attempt (`stages`).
    Stage {
        stage_id: i64,
        stage_attempt_id: i64,
        stage_name: Text,
        status: Text,
        sql_id: Int,
        start_ms: Int,
        duration_ms: Int,
        num_tasks: Int,
        num_failed_tasks: Int,
        num_killed_tasks: Int,
        run_time_ms: Int,
        input_bytes: Int,
        output_bytes: Int,
        shuffle_read_bytes: Int,
        shuffle_write_bytes: Int,
        memory_bytes_spilled: Int,
        disk_bytes_spilled: Int,
        severity_rank: Int,
        num_findings: i64,
        finding_title: Text,
        lost_core_ms: Int,
        #[serde(skip_serializing)]
        num_stage_attempts: i64,
    }
}

row! {
    /// Durations of the tasks of a stage attempt (`task_durations`).
    TaskDurations {
        stage_id: i64,
        stage_attempt_id: i64,
        stage_name: Text,
        num_tasks: i64,
        min_ms: Int,
        p25_ms: Int,
        median_ms: Int,
        p75_ms: Int,
        p95_ms: Int,
        p99_ms: Int,
        max_ms: Int,
        total_ms: Int,
        histogram: Vec<Bucket>,
    }
}

row! {
    /// How many tasks ran how long (`task_histogram`).
    Bucket {
        bucket: i64,
        num_tasks: i64,
    }
}

row! {
    /// Cores and tasks in a slice of time (`core_usage`).
    Usage {
        begin_ms: i64,
        slice_ms: i64,
        cores_held: Number,
        tasks_running: Number,
    }
}

row! {
    /// What a rule found (`findings`).
    Finding {
        finding_id: String,
        rule_id: String,
        severity: String,
        confidence: String,
        category: String,
        subject_type: String,
        subject_id: String,
        title: String,
        evidence: Text,
        recommendation: Text,
        config_key: Text,
        config_current: Text,
        config_recommended: Text,
        lost_core_ms: Int,
        recoverable_ms: Int,
        est_savings_usd: Number,
        #[serde(skip_serializing)]
        num_findings: i64,
    }
}

row! {
    /// A change to make (`advice`).
    Advice {
        rank: i64,
        title: String,
        evidence: Text,
        recommendation: Text,
        config_key: Text,
        config_current: Text,
        config_recommended: Text,
        saving_ms: Int,
        saving_core_ms: Int,
        saving_usd: Number,
        confidence: String,
        severity: String,
        rule_id: String,
        num_findings: i64,
    }
}

row! {
    /// What all changes together save at least (`saving`).
    Saving {
        saving_core_ms: Int,
        saving_ms: Int,
        saving_usd: Number,
    }
}

row! {
    /// An executor (`executors`).
    Executor {
        executor_id: String,
        host_port: Text,
        total_cores: Int,
        start_ms: Int,
        lifetime_ms: Int,
        core_time_ms: Int,
        task_time_ms: Int,
        completed_tasks: Int,
        failed_tasks: Int,
        gc_time_ms: Int,
        input_bytes: Int,
        shuffle_read_bytes: Int,
        peak_heap_bytes: Int,
        loss_kind: Text,
        remove_reason: Text,
        #[serde(skip_serializing)]
        num_executors: i64,
        place: String,
        busy_ratio: Number,
        reason: String,
        reason_ratio: Number,
    }
}

row! {
    /// A rule that found something (`fired_rules`).
    FiredRule {
        rule_id: String,
        num_findings: i64,
    }
}

row! {
    /// What a rule needs to know (`rule_needs`).
    RuleNeed {
        rule_id: String,
        need: String,
    }
}

row! {
    /// The number behind a check (`measured`).
    Measured {
        rule_id: String,
        label: String,
        unit: String,
        value: Number,
    }
}

row! {
    /// A step of the judgement that failed (`unjudged`).
    Unjudged {
        step: String,
        error: Text,
    }
}

row! {
    /// A way to run the work, and its cost (`costs`).
    CostRow {
        basis: String,
        deployment: String,
        purchase: Text,
        is_preferred: bool,
        region: Text,
        instance_type: Text,
        instance_hours: Number,
        vcpu_hours: Number,
        memory_gb_hours: Number,
        cost_usd: Number,
        is_assumed: Flag,
        missing_price: Text,
        price_source: Text,
        price_date: Text,
        spot_suitability: Text,
    }
}

row! {
    /// A recurring job (`job`).
    RecurringJob {
        job_key: String,
        team: Text,
        num_runs: i64,
        num_unpriced: Int,
        first_run_at: Time,
        last_run_at: Time,
        runs_per_year: Number,
        core_time_ms: Int,
        wasted_ratio: Number,
        largest_waste: Text,
        cost_basis: Text,
        cost_usd_per_run: Number,
        wasted_usd_per_run: Number,
        cost_usd_per_year: Number,
        wasted_usd_per_year: Number,
        cost_usd_per_month: Number,
        wasted_usd_per_month: Number,
    }
}

row! {
    /// A run of a job (`job_runs`).
    JobRun {
        platform: String,
        cluster_id: String,
        application_id: String,
        attempt_id: String,
        run_number: i64,
        start_time: Time,
        is_comparable: Flag,
        duration_ms: Int,
        core_time_ms: Int,
        input_bytes: Int,
        waste_ratio: Number,
        cost_usd: Number,
        spark_version: Text,
        baseline_runs: Int,
        baseline_duration_ms: Number,
        duration_change_ratio: Number,
        core_time_change_ratio: Number,
        input_change_ratio: Number,
        is_regression: Flag,
        regression_cause: Text,
        changed_settings: Text,
        #[serde(skip_serializing)]
        num_runs: i64,
    }
}

row! {
    /// What a rule found over the runs of a job (`job_findings`).
    JobFinding {
        rule_id: String,
        title: String,
        severity_rank: i64,
        num_runs: i64,
        num_findings: i64,
        lost_core_ms: Int,
        est_savings_usd: Number,
        application_id: String,
        evidence: Text,
        confidence: Text,
        recommendation: Text,
    }
}

row! {
    /// A recommended change of a job (`job_advice`).
    JobAdvice {
        step: Int,
        status: String,
        is_next: Flag,
        config_key: String,
        current_value: Text,
        recommended_value: Text,
        reason: Text,
        num_runs: Int,
        expected_saving_core_ms: Int,
        expected_saving_ms: Int,
        expected_saving_usd: Number,
        confidence: Text,
        risk: Text,
        applied_at: Time,
        runs_after: Int,
        realized_saving_ratio: Number,
    }
}

row! {
    /// The lake in one row (`lake_totals`).
    LakeTotals {
        num_applications: i64,
        num_jobs: i64,
        first_start: Time,
        last_start: Time,
        num_incomplete: Int,
        num_failed: Int,
        core_time_ms: Number,
        wasted_core_ms: Number,
        wasted_ratio: Number,
        cost_usd: Number,
        wasted_usd: Number,
        num_without_core_time: Int,
        num_unpriced: Int,
        cost_basis: Text,
    }
}

row! {
    /// A job of the lake (`lake_jobs`).
    LakeJob {
        job: String,
        job_key: Text,
        num_runs: i64,
        core_time_ms: Number,
        wasted_core_ms: Number,
        wasted_ratio: Number,
        cost_usd: Number,
        wasted_usd: Number,
        largest_waste: Text,
        cost_usd_per_month: Number,
        #[serde(skip_serializing)]
        num_jobs: i64,
    }
}

row! {
    /// A day of the lake (`lake_days`).
    LakeDay {
        app_date: String,
        num_applications: i64,
        core_time_ms: Number,
        wasted_core_ms: Number,
        wasted_ratio: Number,
        cost_usd: Number,
        wasted_usd: Number,
    }
}

row! {
    /// A job that became slower (`lake_regressions`).
    Regression {
        job_key: String,
        application_id: String,
        start_time: Time,
        duration_ms: Int,
        baseline_duration_ms: Number,
        duration_change_ratio: Number,
        core_time_change_ratio: Number,
        input_change_ratio: Number,
        regression_cause: Text,
        changed_settings: Text,
    }
}

row! {
    /// The next change of a job (`lake_changes`).
    LakeChange {
        job_key: String,
        config_key: String,
        current_value: Text,
        recommended_value: Text,
        reason: Text,
        expected_saving_core_ms: Int,
        expected_saving_ratio: Number,
        expected_saving_usd: Number,
        confidence: Text,
        risk: Text,
        num_runs: Int,
    }
}

row! {
    /// How often a rule found something (`lake_findings`).
    RuleTotal {
        rule_id: String,
        title: Text,
        num_findings: i64,
        num_applications: i64,
        lost_core_ms: Number,
        est_savings_usd: Number,
    }
}

row! {
    /// A candidate for Photon (`lake_photon`).
    PhotonCandidate {
        job: Text,
        candidate: Text,
        num_runs: i64,
        supported_ratio: Number,
        speedup_low: Number,
        speedup_high: Number,
        task_time_ms: Number,
        blockers: Text,
    }
}

row! {
    /// A candidate for spot instances (`lake_spot`).
    SpotCandidate {
        job: String,
        num_runs: i64,
        on_demand_usd: Number,
        saving_usd: Number,
        long_task_ratio: Number,
        num_lost_executors: Int,
    }
}

row! {
    /// A candidate for EMR Serverless (`lake_serverless`).
    ServerlessCandidate {
        job: String,
        num_runs: i64,
        instances_usd: Number,
        serverless_usd: Number,
        saving_usd: Number,
    }
}

row! {
    /// Something that the lake does not know (`lake_gaps`).
    Gap {
        gap: String,
        detail: Text,
        number: i64,
        example: Text,
    }
}

row! {
    /// An application in a list (`list_applications`).
    ListedApplication {
        application_id: String,
        attempt_id: String,
        application_name: Text,
        job_key: Text,
        start_time: Time,
        complete: Flag,
        duration_ms: Int,
        core_time_ms: Int,
        wasted_core_ms: Int,
        wasted_ratio: Number,
        cost_usd: Number,
        num_findings: i64,
        severity_rank: i64,
        finding: Text,
        num_rows: i64,
    }
}

row! {
    /// A recurring job in a list (`list_jobs`).
    ListedJob {
        job_key: String,
        team: Text,
        num_runs: i64,
        last_run_at: Time,
        runs_per_year: Number,
        core_time_ms: Number,
        wasted_ratio: Number,
        largest_waste: Text,
        cost_usd_per_run: Number,
        cost_usd_per_year: Number,
        wasted_usd_per_year: Number,
        num_rows: i64,
    }
}

row! {
    /// A finding in a list (`list_findings`), or those of a rule in all runs of a job as one (`list_problems`).
    ListedFinding {
        application_id: String,
        attempt_id: String,
        application_name: Text,
        job_key: Text,
        rule_id: String,
        severity: String,
        title: String,
        evidence: String,
        recommendation: Text,
        config_key: Text,
        config_current: Text,
        config_recommended: Text,
        lost_core_ms: Int,
        lost_percent: Number,
        est_savings_usd: Number,
        confidence: String,
        subject_type: String,
        subject_id: String,
        num_findings: i64,
        num_runs: i64,
        num_job_runs: i64,
        total_lost_core_ms: Int,
        total_savings_usd: Number,
        last_date: Text,
        num_all_findings: i64,
        num_rows: i64,
    }
}
