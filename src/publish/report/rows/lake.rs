//! The rows about the whole lake.

use serde::{Deserialize, Serialize};

use super::{Int, Number, Text, Time};

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
