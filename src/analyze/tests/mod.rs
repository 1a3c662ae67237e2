//! Tests of the rules and derived tables against numbers worked out by hand.

mod across;
mod application_tables;
mod catalog;
mod cluster_findings;
mod compared;
mod gaps;
mod job_failures;
mod job_trends;
mod lake;
mod money;
mod money_across;
mod parquet;
mod photon;
mod profiles;
mod recommendations;
mod rule_data;
mod runs;
mod simulation_backtests;
mod sizing;
mod spark_settings;
mod stage_flags;
mod stage_views;
mod steps;
