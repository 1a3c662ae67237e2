//! The rows about one application.

use serde::{Deserialize, Serialize};

use super::{Flag, Int, Number, Text, Time};

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
        executor_cores_least: Int,
        executor_cores_most: Int,
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
    pub(in crate::publish::report) fn uncounted_files(&self) -> Option<i64> {
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
        num_driver_peaks: i64,
        num_rss_peaks: i64,
        num_plan_nodes: i64,
        num_settings: i64,
        num_streaming: i64,
        num_processes: i64,
        num_caches: i64,
        num_blocks: i64,
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
        wasted_ms: Number,
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
    /// What all changes together save, an estimate (`saving`).
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
