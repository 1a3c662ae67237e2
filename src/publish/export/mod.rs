//! What is in a lake, in the forms of other programs. Every description of tables, views, columns and questions
//! comes from the contracts (`schemas/*.toml`) and the headers of `sql/`: none is written twice.

pub mod constants;
pub mod dashboard;
pub mod dbt;
pub mod ddl;
pub mod docs;
pub mod genie;
pub mod glue;
pub mod metric_views;
pub mod namespace;
pub mod odcs;
pub mod relations;
pub mod trace;
mod yaml;
