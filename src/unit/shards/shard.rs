//! Which part of a run's units a worker works through.

use std::fmt;
use std::str::FromStr;

use crate::config::Environment;

/// Variables that tell an index from 0 on, with one that tells how many there are.
const INDEX_VARIABLES: [(&str, Option<&str>, Option<&str>); 3] = [
    // A Kubernetes indexed Job does not tell its number of completions.
    ("JOB_COMPLETION_INDEX", None, None),
    (
        "AWS_BATCH_JOB_ARRAY_INDEX",
        Some("AWS_BATCH_JOB_ARRAY_SIZE"),
        None,
    ),
    (
        "SLURM_ARRAY_TASK_ID",
        Some("SLURM_ARRAY_TASK_COUNT"),
        Some("SLURM_ARRAY_TASK_MIN"),
    ),
];

/// One of `count` parts, counted from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shard {
    index: usize,
    count: usize,
}

/// A shard that makes no sense, in a sentence.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct InvalidShard(String);

impl Shard {
    /// Part `index` of `count`, counted from 0.
    ///
    /// # Errors
    /// There is no such part.
    pub fn new(index: usize, count: usize) -> Result<Self, InvalidShard> {
        if index < count {
            return Ok(Self { index, count });
        }
        Err(InvalidShard(format!(
            "there is no shard {index} of {count}: shards are counted from 0, the last of {count} is \
             {}",
            count.saturating_sub(1)
        )))
    }

    /// The part that a scheduler's variables name; `count` where they do not tell how many there are.
    ///
    /// # Errors
    /// No variable is set, or the number of shards is unknown.
    pub fn of_environment(
        environment: &Environment,
        count: Option<usize>,
    ) -> Result<Self, InvalidShard> {
        let number = |name: &str| -> Result<Option<usize>, InvalidShard> {
            let Some(value) = environment.get(name) else {
                return Ok(None);
            };
            let number = value.trim().parse();
            number.map(Some).map_err(|_| {
                InvalidShard(format!(
                    "the variable {name} is {value:?} and no whole number"
                ))
            })
        };
        for (index_in, count_in, first_in) in INDEX_VARIABLES {
            let Some(index) = number(index_in)? else {
                continue;
            };
            let first = first_in.map_or(Ok(None), number)?.unwrap_or(0);
            let told = count_in.map_or(Ok(None), number)?;
            let Some(count) = count.or(told) else {
                return Err(InvalidShard(format!(
                    "{index_in} is set and the number of shards is not; give it with --shards N"
                )));
            };
            return Self::new(index.saturating_sub(first), count);
        }
        Err(InvalidShard(
            "which part to work through is not said; give --shard 0/4, or --shards 4 where a \
             scheduler sets JOB_COMPLETION_INDEX, AWS_BATCH_JOB_ARRAY_INDEX or SLURM_ARRAY_TASK_ID"
                .to_owned(),
        ))
    }

    /// The positions of the part among `units` units. All parts together have each once.
    pub fn positions(self, units: usize) -> impl Iterator<Item = usize> {
        (self.index..units).step_by(self.count)
    }
}

impl FromStr for Shard {
    type Err = InvalidShard;

    fn from_str(text: &str) -> Result<Self, InvalidShard> {
        let parts = text.split_once('/');
        let numbers = parts.and_then(|(index, count)| {
            Some((index.trim().parse().ok()?, count.trim().parse().ok()?))
        });
        let (index, count) = numbers.ok_or_else(|| {
            InvalidShard(format!(
                "{text:?} is no shard; write index/count, such as 0/4 for the first of four"
            ))
        })?;
        Self::new(index, count)
    }
}

impl fmt::Display for Shard {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}/{}", self.index, self.count)
    }
}
