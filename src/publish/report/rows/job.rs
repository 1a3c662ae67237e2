//! The rows about a recurring job.

use serde::{Deserialize, Serialize};

use super::{Flag, Int, Number, Text, Time};

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
