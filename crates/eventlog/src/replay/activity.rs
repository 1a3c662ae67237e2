//! When an application worked: times without a job, tasks at one time, time that cores were busy.

use crate::limits;

/// A time without a job. Epoch milliseconds and milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Gap {
    pub start: i64,
    pub length_ms: i64,
}

/// The times without a job, from job starts and ends in the order in which they happened.
#[derive(Debug, Default)]
pub struct Gaps {
    /// Since when no job runs; `None` while one does.
    since: Option<i64>,
    running: usize,
    total_ms: i64,
    longest: Option<Gap>,
    /// A job has no time of start or end, as in logs of Spark 1.0.
    is_unknown: bool,
}

impl Gaps {
    /// Gaps of an application that starts at `start_time` without a job.
    pub fn new(start_time: i64) -> Self {
        Self {
            since: limits::instant(start_time),
            is_unknown: limits::instant(start_time).is_none(),
            ..Self::default()
        }
    }

    pub fn job_started(&mut self, time: i64) {
        self.running += 1;
        if self.running == 1 {
            self.end_gap(time);
        }
    }

    pub fn job_ended(&mut self, time: i64) {
        self.running = self.running.saturating_sub(1);
        if self.running == 0 {
            self.since = limits::instant(time);
            self.is_unknown |= self.since.is_none();
        }
    }

    /// All gaps until the application's end: their sum in milliseconds and the longest; `None` where
    /// the log does not tell.
    pub fn finish(mut self, end: i64) -> Option<(i64, Option<Gap>)> {
        if self.running == 0 {
            self.end_gap(end);
        }
        (!self.is_unknown).then_some((self.total_ms, self.longest))
    }

    fn end_gap(&mut self, time: i64) {
        self.is_unknown |= limits::instant(time).is_none();
        let Some(start) = self.since.take() else {
            return;
        };
        let length_ms = time.saturating_sub(start);
        if length_ms <= 0 {
            return;
        }
        self.total_ms = self.total_ms.saturating_add(length_ms);
        if self
            .longest
            .is_none_or(|longest| length_ms > longest.length_ms)
        {
            self.longest = Some(Gap { start, length_ms });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: i64 = 1_720_000_000_000;

    #[test]
    fn gaps_are_the_times_without_any_job() {
        let mut gaps = Gaps::new(START);
        gaps.job_started(START + 100);
        gaps.job_started(START + 150);
        gaps.job_ended(START + 200);
        gaps.job_ended(START + 300);
        gaps.job_started(START + 800);
        gaps.job_ended(START + 900);
        let longest = Gap {
            start: START + 300,
            length_ms: 500,
        };
        assert_eq!(gaps.finish(START + 1_000), Some((700, Some(longest))));
    }

    #[test]
    fn a_clock_that_steps_back_gives_no_negative_gap() {
        let mut gaps = Gaps::new(START);
        gaps.job_started(START);
        gaps.job_ended(START + 500);
        gaps.job_started(START + 100);
        assert_eq!(gaps.finish(START + 1_000), Some((0, None)));
    }

    #[test]
    fn jobs_without_times_leave_the_gaps_unknown() {
        let mut gaps = Gaps::new(START);
        gaps.job_started(-1);
        gaps.job_ended(-1);
        assert_eq!(gaps.finish(START + 1_000), None);
    }
}
