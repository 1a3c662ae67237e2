//! What is in a lake, in the forms of other programs.

pub mod trace;
