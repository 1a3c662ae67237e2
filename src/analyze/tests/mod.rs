//! Tests of the rules and derived tables against numbers worked out by hand.

mod application_tables;
mod catalog;
mod lake;
mod parquet;
mod photon;
mod rule_data;
mod runs;
mod sizing;
mod spark_settings;
mod stage_flags;
