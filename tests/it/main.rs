//! The integration tests, as one binary: linking is what takes the time.
//!
//! They are ordinary programs of the outside world: they know the command line and the tables. Only
//! the comparison of the two event parsers looks inside.

#![expect(
    clippy::expect_used,
    reason = "a test that cannot go on fails, and says what it expected"
)]
#![expect(
    clippy::print_stdout,
    reason = "a test that is skipped, or compares thousands of values, says so"
)]

mod analysts;
mod ask;
#[cfg(feature = "cluster")]
mod ballista;
mod cli;
mod conformance;
mod context;
mod dashboard;
mod dashboard_pages;
mod databricks;
mod documents;
mod doubles;
mod emr;
mod emr_eks;
mod emr_serverless;
mod event_parsers;
mod exactly_once;
mod export;
mod findings;
mod fixtures;
mod history_server;
mod hostile;
mod http;
mod identities;
mod mcp;
mod money;
mod nightly;
mod notify;
mod prices;
mod program;
mod published;
mod reload;
mod report;
mod rooms;
mod run_rows;
mod schedules;
mod second_pass;
mod secrets;
mod shards;
mod sql_facts;
mod stored;
mod threat_model;
mod units;
mod watch;
mod whatif;
mod world;
