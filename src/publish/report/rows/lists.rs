//! The rows of the lists of the dashboard.

use serde::{Deserialize, Serialize};

use super::{Flag, Int, Number, Text, Time};

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
