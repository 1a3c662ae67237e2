//! The tools. Their order is that of `tools/list` and never changes between calls.

use super::declare::Kind::{Application, Choice, Date, Flag, Job, Text, Whole};
use super::declare::Role::{Beside, Binds, Full, Paged, Subject};
use super::declare::When::{Given, Is, Missing};
use super::declare::{Kind, Tool, list, needed, optional};

const ID: Kind = Whole {
    least: 0,
    most: i64::MAX,
};
pub(super) const APPLICATION: &str =
    "application id; or a name, job key or cluster id, for its newest application";

/// Columns of a finding.
const FINDING: &str = "severity:s rule_id:s subject_type:s subject_id:s title:s evidence:s recommendation:s \
    config_key:s config_current:s config_recommended:s recoverable_ms:i lost_core_ms:i finding_id:s";

/// All tools that are answered by files of `sql/mcp`; the others are `compare`, `whatif` and
/// `query`.
pub(super) static TOOLS: &[Tool] = &[
    Tool {
        name: "find_applications",
        title: "Find applications",
        about: "Which Spark applications ran: by text, team, date, state; newest, slowest, most wasteful or most \
            expensive first. Start here when no application id is known.",
        arguments: &[
            optional("text", Text, "part of a name, id, job key, cluster or user"),
            optional("team", Text, ""),
            optional("since", Date, "first UTC date of starts"),
            optional("until", Date, "last one"),
            optional(
                "state",
                Choice(&["failed", "unfinished", "completed", "inefficient"]),
                "",
            ),
            optional(
                "order",
                Choice(&["newest", "slowest", "most_wasted", "most_expensive"]),
                "",
            ),
        ],
        lists: &[list(
            "applications",
            "applications_found",
            Paged,
            "application_id:s attempt_id:s application_name:s job_key:s cluster_id:s start_time:s duration_ms:i \
             state:s wasted_ratio:n largest_waste:s cost_usd:n top_rule:s",
            "platform:s spark_user:s team:s core_time_ms:i wasted_core_ms:i wasted_usd:n cost_basis:s \
             num_failed_tasks:i num_tasks:i spark_version:s num_executors_max:i cores_max:i input_bytes:i \
             shuffle_read_bytes:i disk_bytes_spilled:i failure_reason:s source_uri:s",
            &[],
        )],
    },
    Tool {
        name: "diagnose",
        title: "Diagnose an application",
        about: "What is wrong with one application, why, and which setting fixes it: verdict, findings ranked by \
            severity, where the core time went. The first call for any slow, failing or expensive job.",
        arguments: &[needed("app", Application, APPLICATION)],
        lists: &[
            list(
                "findings",
                "application_findings",
                Paged,
                FINDING,
                "confidence:s category:s est_savings_usd:n evidence_json:s",
                &[],
            ),
            list(
                "application",
                "application_facts_row",
                Subject,
                "application_id:s attempt_id:s application_name:s job_key:s start_time:s duration_ms:i \
                 spark_version:s num_executors_max:i cores_max:i num_jobs:i num_stages:i num_tasks:i \
                 num_failed_tasks:i num_sql:i core_time_ms:i wasted_ratio:n cost_usd:n cost_basis:s \
                 driver_only_time_ms:i disk_bytes_spilled:i failure_reason:s complete:b",
                "platform:s cluster_id:s spark_user:s team:s executor_cores:i executor_memory_bytes:i \
                 dynamic_allocation:b input_bytes:i output_bytes:i shuffle_read_bytes:i shuffle_write_bytes:i \
                 longest_gap_ms:i first_task_delay_ms:i wasted_usd:n source_uri:s",
                &[],
            ),
            list(
                "core_time",
                "core_time",
                Beside,
                "part:s core_ms:i ratio:n",
                "usd:n",
                &[],
            ),
        ],
    },
    Tool {
        name: "slowest",
        title: "Slowest jobs, stages or SQL",
        about: "Which Spark jobs, stages or SQL executions take the most time, of one application or of all.",
        arguments: &[
            needed("kind", Choice(&["jobs", "stages", "sql"]), ""),
            optional("app", Application, APPLICATION),
        ],
        lists: &[
            list(
                "stages",
                "slowest_stages",
                Paged,
                "application_id:s stage_id:i stage_attempt_id:i status:s duration_ms:i stage_name:s num_tasks:i \
                 num_failed_tasks:i median_task_ms:i max_task_ms:i executor_run_time_ms:i input_bytes:i \
                 shuffle_read_bytes:i shuffle_write_bytes:i disk_bytes_spilled:i sql_id:i",
                "attempt_id:s jvm_gc_time_ms:i output_bytes:i job_ids:a submission_time:s \
                 shuffle_fetch_wait_time_ms:i tail_ms:i peak_execution_memory_bytes:i failure_reason:s description:s",
                &[Is("kind", "stages")],
            ),
            list(
                "jobs",
                "slowest_jobs",
                Paged,
                "application_id:s job_id:i status:s duration_ms:i job_name:s num_stages:i num_tasks:i \
                 num_failed_tasks:i sql_id:i submission_time:s",
                "attempt_id:s description:s stage_ids:a num_skipped_stages:i user_name:s job_group:s failure_reason:s",
                &[Is("kind", "jobs")],
            ),
            list(
                "sql",
                "slowest_sql",
                Paged,
                "application_id:s sql_id:i status:s duration_ms:i task_time_ms:i num_stages:i num_tasks:i \
                 input_bytes:i shuffle_read_bytes:i disk_bytes_spilled:i description:s",
                "attempt_id:s num_nodes:i submission_time:s user_name:s notebook_path:s root_execution_id:i \
                 error_message:s",
                &[Is("kind", "sql")],
            ),
        ],
    },
    Tool {
        name: "inspect",
        title: "One stage or SQL execution in depth",
        about: "Why one stage or one SQL execution is slow: spread of its tasks (quantiles), executors and errors of \
            the stage; or operators with time and rows, tables read, adaptive changes and (detail=full) the plan of \
            the SQL. Give stage_id or sql_id.",
        arguments: &[
            needed("app", Application, APPLICATION),
            optional("stage_id", ID, ""),
            optional("stage_attempt_id", ID, "default: the newest"),
            optional("sql_id", ID, ""),
        ],
        lists: &[
            list(
                "",
                "stage_wanted",
                Binds,
                "stage_id:i stage_attempt_id:i",
                "",
                &[Given("stage_id"), Missing("sql_id")],
            ),
            list(
                "stage",
                "stage_row",
                Subject,
                "application_id:s stage_id:i stage_attempt_id:i stage_name:s status:s duration_ms:i num_tasks:i \
                 num_failed_tasks:i sql_id:i job_ids:a executor_run_time_ms:i jvm_gc_time_ms:i input_bytes:i \
                 shuffle_read_bytes:i shuffle_write_bytes:i shuffle_fetch_wait_time_ms:i disk_bytes_spilled:i \
                 max_over_median_ratio:n failure_reason:s",
                "attempt_id:s submission_time:s num_killed_tasks:i parent_ids:a executor_cpu_time_ns:i \
                 input_records:i output_bytes:i memory_bytes_spilled:i tail_ms:i scheduling_delay_ms:i \
                 peak_jvm_heap_memory_bytes:i median_task_ms:i max_task_ms:i details:s",
                &[Given("stage_id"), Missing("sql_id")],
            ),
            list(
                "sql",
                "sql_row",
                Subject,
                "application_id:s sql_id:i status:s duration_ms:i task_time_ms:i num_stages:i num_tasks:i \
                 description:s input_bytes:i shuffle_read_bytes:i disk_bytes_spilled:i job_ids:a is_adaptive:b \
                 error_message:s",
                "attempt_id:s statement:s submission_time:s num_nodes:i output_bytes:i shuffle_write_bytes:i \
                 num_plan_updates:i user_name:s notebook_path:s root_execution_id:i",
                &[Given("sql_id")],
            ),
            list(
                "findings",
                "subject_findings",
                Beside,
                FINDING,
                "confidence:s",
                &[],
            ),
            list(
                "operators",
                "sql_operators",
                Paged,
                "node_id:i node_name:s time_ms:i rows_output:i bytes_output:i stage_ids:a description:s",
                "operator_kind:s inclusive_time_ms:i child_node_ids:a engine:s is_photon:b driver_time_ms:i",
                &[Given("sql_id")],
            ),
            list(
                "scans",
                "sql_sources",
                Beside,
                "node_id:i operation:s table_name:s location:s files_read:i bytes_read:i rows_read:i files_written:i \
                 bytes_written:i rows_written:i pushed_filters:s",
                "format:s partitions_read:i partition_filters:s num_columns:i",
                &[Given("sql_id")],
            ),
            list(
                "stages",
                "sql_stage_rows",
                Beside,
                "stage_id:i stage_attempt_id:i status:s duration_ms:i num_tasks:i executor_run_time_ms:i \
                 input_bytes:i shuffle_read_bytes:i shuffle_write_bytes:i disk_bytes_spilled:i",
                "num_failed_tasks:i",
                &[Given("sql_id")],
            ),
            list(
                "adaptive_changes",
                "sql_changes",
                Beside,
                "change:s node_id:i operator_before:s operator_after:s partitions_before:i partitions_after:i \
                 skewed_partitions:i",
                "description:s skewed_splits:i",
                &[Given("sql_id")],
            ),
            list("plan", "sql_plan", Full, "plan:s", "", &[Given("sql_id")]),
            list(
                "quantiles",
                "stage_quantiles",
                Beside,
                "metric:s unit:s min:i p25:i median:i p75:i p95:i max:i total:i",
                "num_tasks:i p05:i p99:i mean:n",
                &[Given("stage_id"), Missing("sql_id")],
            ),
            list(
                "executors",
                "stage_executor_rows",
                Beside,
                "executor_id:s task_time_ms:i succeeded_tasks:i failed_tasks:i task_time_per_task_ms:n input_bytes:i \
                 shuffle_read_bytes:i disk_bytes_spilled:i",
                "killed_tasks:i shuffle_write_bytes:i peak_jvm_heap_memory_bytes:i is_excluded_for_stage:b",
                &[Given("stage_id"), Missing("sql_id")],
            ),
            list(
                "errors",
                "stage_errors",
                Beside,
                "status:s error:s num_tasks:i num_executors:i lost_time_ms:i example_task_id:i",
                "",
                &[Given("stage_id"), Missing("sql_id")],
            ),
            list(
                "longest_tasks",
                "stage_longest_tasks",
                Full,
                "task_id:i task_index:i task_attempt:i executor_id:s status:s duration_ms:i executor_run_time_ms:i \
                 jvm_gc_time_ms:i input_bytes:i shuffle_read_remote_bytes:i shuffle_write_bytes:i \
                 disk_bytes_spilled:i task_locality:s speculative:b",
                "",
                &[Given("stage_id"), Missing("sql_id")],
            ),
        ],
    },
    Tool {
        name: "executors",
        title: "Executors",
        about: "How busy the executors of an application were, how much memory they used, which were lost and why; how \
            many of which size it should have.",
        arguments: &[
            needed("app", Application, APPLICATION),
            optional("executor_id", Text, "only this one"),
        ],
        lists: &[
            list(
                "executors",
                "executor_rows",
                Paged,
                "executor_id:s host_port:s total_cores:i lifetime_ms:i total_tasks:i failed_tasks:i task_time_ms:i \
                 busy_ratio:n gc_time_ms:i input_bytes:i shuffle_read_bytes:i peak_heap_bytes:i loss_kind:s",
                "heap_bytes:i shuffle_write_bytes:i remove_reason:s add_time:s remove_time:s is_excluded:b \
                 exit_code:i peak_jvm_rss_bytes:i peak_python_rss_bytes:i memory_overhead_bytes:i attributes:s",
                &[],
            ),
            list(
                "together",
                "executor_summary",
                Subject,
                "num_executors:i core_time_ms:i task_time_ms:i busy_ratio:n gc_ratio:n peak_heap_bytes:i heap_bytes:i \
                 peak_heap_ratio:n failed_tasks:i num_without_task:i num_lost:i num_out_of_memory:i num_spot:i \
                 recommended_executors:i recommended_cores:i recommended_memory_bytes:i \
                 recommended_overhead_bytes:i sizing_reason:s",
                "cores_added:i memory_overhead_bytes:i needed_memory_bytes:i num_released_idle:i",
                &[],
            ),
        ],
    },
    Tool {
        name: "configuration",
        title: "Configuration",
        about: "Which Spark settings an application ran with, which queries changed, which findings would change. \
            Secrets are masked.",
        arguments: &[
            needed("app", Application, APPLICATION),
            optional("text", Text, "part of a setting's name"),
            optional("defaults", Flag, "also defaults in force"),
        ],
        lists: &[
            list(
                "settings",
                "configuration_rows",
                Paged,
                "key:s value:s section:s",
                "",
                &[Missing("defaults")],
            ),
            list(
                "settings",
                "configuration_defaults",
                Paged,
                "key:s value:s is_default:b is_known:b",
                "default_value:s category:s unit:s",
                &[Given("defaults")],
            ),
            list(
                "to_change",
                "configuration_problems",
                Beside,
                "key:s current_value:s recommended_value:s reason:s rule_id:s finding_id:s",
                "",
                &[],
            ),
            list(
                "changed_by_queries",
                "configuration_sessions",
                Beside,
                "key:s value:s application_value:s num_queries:i example_sql_id:i",
                "",
                &[],
            ),
        ],
    },
    Tool {
        name: "waste_and_cost",
        title: "Waste and cost",
        about: "What work costs and how much of it is wasted, on what: of one application (with the price of the same \
            work on other platforms), or of all jobs and teams. Costs are billed, estimated or hypothetical.",
        arguments: &[
            optional("app", Application, APPLICATION),
            optional("team", Text, "without app: jobs of this team"),
            optional("since", Date, "without app: for teams and parts"),
            optional("until", Date, ""),
        ],
        lists: &[
            list(
                "jobs",
                "waste_by_job",
                Paged,
                "job_key:s team:s num_runs:i cost_usd_per_run:n wasted_usd_per_run:n wasted_ratio:n largest_waste:s \
                 cost_usd_per_year:n wasted_usd_per_year:n cost_basis:s",
                "runs_per_year:n wasted_core_hours_per_year:n wasted_gb_hours_per_year:n core_time_ms:i num_unpriced:i \
                 first_run_at:s last_run_at:s",
                &[Missing("app")],
            ),
            list(
                "teams",
                "waste_by_team",
                Beside,
                "team:s num_applications:i cost_usd:n wasted_usd:n wasted_ratio:n worst_job:s",
                "core_time_ms:i",
                &[Missing("app")],
            ),
            list(
                "core_time",
                "core_time",
                Beside,
                "part:s core_ms:i ratio:n usd:n",
                "",
                &[],
            ),
            list(
                "application",
                "waste_row",
                Subject,
                "application_id:s job_key:s core_time_ms:i wasted_core_ms:i wasted_ratio:n largest_waste:s \
                 memory_gb_hours:n unused_gb_hours:n cost_basis:s cost_usd:n wasted_usd:n",
                "memory_peak_ratio:n",
                &[Given("app")],
            ),
            list(
                "prices",
                "application_prices",
                Beside,
                "basis:s deployment:s purchase:s cost_usd:n is_preferred:b instance_type:s missing_price:s",
                "compute_usd:n service_usd:n storage_usd:n region:s vcpu_hours:n memory_gb_hours:n instance_hours:n \
                 is_assumed:b price_date:s spot_suitability:s",
                &[Given("app")],
            ),
        ],
    },
    Tool {
        name: "recommendations",
        title: "Recommendations",
        about: "Which setting to change next in which recurring job, what it should save, and whether applied changes \
            did (verified, regressed).",
        arguments: &[
            optional("job", Job, "job key, or an application of it"),
            optional(
                "status",
                Choice(&["proposed", "applied", "verified", "regressed"]),
                "",
            ),
        ],
        lists: &[list(
            "recommendations",
            "recommendation_rows",
            Paged,
            "job_key:s config_key:s current_value:s recommended_value:s status:s is_next:b reason:s \
             expected_saving_ratio:n expected_saving_ms:i expected_saving_usd:n confidence:s risk:s \
             realized_saving_ratio:n",
            "step:i action:s num_runs:i rule_ids:a finding_ids:a expected_saving_core_ms:i first_proposed_at:s \
             last_proposed_at:s applied_at:s runs_after:i",
            &[],
        )],
    },
    Tool {
        name: "trends",
        title: "Trends",
        about: "Which recurring jobs became slower or dearer than usual, and why (more data, settings, plan, Spark \
            version, fewer cores); or all runs of one job.",
        arguments: &[optional("job", Job, "job key, or an application of it")],
        lists: &[
            list(
                "jobs",
                "trend_rows",
                Paged,
                "job_key:s application_id:s run_number:i start_time:s duration_ms:i baseline_duration_ms:n \
                 duration_change_ratio:n core_time_change_ratio:n input_change_ratio:n is_regression:b \
                 regression_cause:s changed_settings:s",
                "attempt_id:s reference_application_id:s changed_operators:s baseline_runs:i core_time_ms:i cost_usd:n \
                 waste_ratio:n input_bytes:i",
                &[Missing("job")],
            ),
            list(
                "runs",
                "trend_runs",
                Paged,
                "application_id:s run_number:i start_time:s duration_ms:i duration_change_ratio:n core_time_ms:i \
                 core_time_change_ratio:n input_bytes:i is_regression:b regression_cause:s changed_settings:s cost_usd:n",
                "attempt_id:s baseline_duration_ms:n input_change_ratio:n changed_operators:s \
                 reference_application_id:s waste_ratio:n spark_version:s duration_per_gb_ms:n baseline_runs:i \
                 num_executors_max:i",
                &[Given("job")],
            ),
        ],
    },
    Tool {
        name: "failures",
        title: "Failures",
        about: "What failed and why: jobs, SQL, stages, task errors grouped, lost executors and process logs of one \
            application; or all applications that failed.",
        arguments: &[
            optional("app", Application, APPLICATION),
            optional("since", Date, "without app"),
            optional("until", Date, ""),
        ],
        lists: &[
            list(
                "applications",
                "failure_rows",
                Paged,
                "application_id:s attempt_id:s application_name:s job_key:s start_time:s failure_reason:s \
                 num_failed_tasks:i num_tasks:i",
                "duration_ms:i cluster_id:s spark_user:s team:s completed:b",
                &[Missing("app")],
            ),
            list(
                "application",
                "failure_summary",
                Subject,
                "application_id:s num_failed_tasks:i num_tasks:i num_killed_tasks:i num_failed_jobs:i \
                 num_failed_sql:i num_lost_executors:i failure_reason:s",
                "",
                &[Given("app")],
            ),
            list(
                "task_errors",
                "failure_errors",
                Beside,
                "error:s num_tasks:i num_stages:i num_executors:i lost_time_ms:i example_stage_id:i",
                "example_task_id:i",
                &[Given("app")],
            ),
            list(
                "jobs",
                "failure_jobs",
                Beside,
                "job_id:i sql_id:i job_name:s duration_ms:i failure_reason:s",
                "stage_ids:a submission_time:s",
                &[Given("app")],
            ),
            list(
                "sql",
                "failure_sql",
                Beside,
                "sql_id:i description:s duration_ms:i error_message:s",
                "job_ids:a submission_time:s",
                &[Given("app")],
            ),
            list(
                "stages",
                "failure_stages",
                Beside,
                "stage_id:i stage_attempt_id:i status:s num_failed_tasks:i num_tasks:i stage_name:s failure_reason:s",
                "duration_ms:i sql_id:i",
                &[Given("app")],
            ),
            list(
                "lost_executors",
                "failure_executors",
                Beside,
                "executor_id:s loss_kind:s remove_reason:s remove_time:s lifetime_ms:i failed_tasks:i",
                "host_port:s peak_heap_bytes:i heap_bytes:i exit_code:i",
                &[Given("app")],
            ),
            list(
                "process_logs",
                "failure_logs",
                Beside,
                "severity:s title:s process:s num_lines:i excerpt:s recommendation:s",
                "signature:s first_seen:s last_seen:s",
                &[Given("app")],
            ),
        ],
    },
    Tool {
        name: "photon_fit",
        title: "Photon fit",
        about: "Would Photon (the native engine of Databricks) pay off: share of task time it can run, estimated \
            speedup, break-even, blockers; of one application or all candidates.",
        arguments: &[
            optional("app", Application, APPLICATION),
            optional(
                "candidate",
                Choice(&["strong", "possible", "no"]),
                "without app",
            ),
        ],
        lists: &[
            list(
                "applications",
                "photon_rows",
                Paged,
                "application_id:s application_name:s job_key:s candidate:s candidate_reason:s jobphotonperc:n \
                 est_speedup_low:n est_speedup_high:n breakeven_speedup:n blockers:s task_time_ms:i",
                "attempt_id:s already_photon_ratio:n native_engine:s fallback_ratio:n native_verdict:s",
                &[Missing("app")],
            ),
            list(
                "application",
                "photon_row",
                Subject,
                "application_id:s job_key:s candidate:s candidate_reason:s jobphotonperc:n est_speedup_low:n \
                 est_speedup_high:n breakeven_speedup:n already_photon_ratio:n blockers:s task_time_ms:i fallbacks:s",
                "attempt_id:s movable_share:n native_engine:s native_ratio:n fallback_ratio:n native_verdict:s native_reason:s",
                &[Given("app")],
            ),
            list(
                "operators",
                "photon_operator_rows",
                Beside,
                "operator:s is_supported:b task_time_share:n task_time_ms:i reason:s",
                "is_photon:b num_nodes:i",
                &[Given("app")],
            ),
        ],
    },
];

/// The tool that answers SQL.
pub(super) static QUERY: Tool = Tool {
    name: "query",
    title: "SQL over the lake",
    about: "Read-only SQL over all tables and views, for what no other tool answers. First call it with describe \
        (a table's name for its columns, or `all` for the tables). Tables join on platform, cluster_id, \
        application_id, attempt_id. Views that need no join: application_overview, finding_details, stage_overview, \
        query_facts.",
    arguments: &[
        optional("sql", Text, "one SELECT, Spark SQL"),
        optional("describe", Text, "a table or view, or all"),
        optional(
            "limit",
            Whole {
                least: 1,
                most: 1_000,
            },
            "most rows, default 100",
        ),
    ],
    lists: &[],
};
