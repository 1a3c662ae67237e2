//! What is in a lake, in the forms of other programs. Every description of tables, views, columns and questions
//! comes from the contracts (`schemas/*.toml`) and the headers of `sql/`: none is written twice.

pub mod docs;
pub mod relations;
pub mod trace;
