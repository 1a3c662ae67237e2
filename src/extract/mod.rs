//! From the bytes of one application's history to the rows of the fact tables.

pub mod rows;
