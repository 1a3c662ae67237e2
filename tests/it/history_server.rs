//! Histories from a History Server: the raw log and the walk over REST, against a double with
//! faults and against the real server.

mod collected;
mod comparison;
mod faults;
mod lists;
mod real;
mod spark;
