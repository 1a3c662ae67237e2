//! The integration tests, as one binary: linking is what takes the time.
//!
//! They are ordinary programs of the outside world: they know the command line and the tables, and
//! nothing of the inside.

mod cli;
mod exactly_once;
mod hostile;
mod program;
mod stored;
mod world;
