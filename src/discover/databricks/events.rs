//! What the events of a cluster say about its life: how long it was up, with how many workers.

use chrono::{DateTime, Utc};

use super::api::ClusterEvent;
use super::api::time;

const HOUR_MS: f64 = 3_600_000.0;

/// When a cluster was up, and how large.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Lifetime {
    /// First time that it was ready, epoch milliseconds.
    first_ready: Option<i64>,
    /// Last time that it was taken down; `None` while it is up.
    last_down: Option<i64>,
    /// Spans of a constant number of workers: beginning, end, workers.
    spans: Vec<(i64, i64, i64)>,
    /// When it came up and with how many workers, where it has not been taken down.
    open: Option<(i64, i64)>,
}

impl Lifetime {
    /// Follows `events`, oldest first.
    pub(super) fn of(events: &[ClusterEvent]) -> Self {
        let mut life = Self::default();
        let mut announced = 0;
        // Events are kept for some weeks: the first one may find the cluster up already.
        let mut has_begun = false;
        for event in events {
            let workers = event
                .details
                .as_ref()
                .and_then(|details| details.current_num_workers);
            announced = workers.unwrap_or(announced);
            let is_resize = workers.is_some() && is_resize(&event.kind);
            if is_resize && !has_begun {
                life.open = Some((event.timestamp, announced));
            }
            has_begun |= is_resize || is_start_or_end(&event.kind);
            match event.kind.as_str() {
                "RUNNING" => life.up(event.timestamp, announced),
                "TERMINATING" => {
                    life.down(event.timestamp);
                    announced = 0;
                }
                "RESTARTING" => life.down(event.timestamp),
                _ if workers.is_some() && life.open.is_some() => {
                    life.resize(event.timestamp, announced);
                }
                _ => {}
            }
        }
        life
    }

    fn up(&mut self, at: i64, workers: i64) {
        self.first_ready.get_or_insert(at);
        self.resize(at, workers);
    }

    fn resize(&mut self, at: i64, workers: i64) {
        self.last_down = None;
        self.close(at);
        self.open = Some((at, workers.max(0)));
    }

    fn down(&mut self, at: i64) {
        if self.open.is_some() {
            self.last_down = Some(at);
        }
        self.close(at);
    }

    fn close(&mut self, at: i64) {
        if let Some((since, workers)) = self.open.take()
            && at > since
        {
            self.spans.push((since, at, workers));
        }
    }

    pub(super) fn ready_at(&self) -> Option<DateTime<Utc>> {
        time(self.first_ready)
    }

    pub(super) fn down_at(&self) -> Option<DateTime<Utc>> {
        time(self.last_down)
    }

    /// Most workers at one time.
    pub(super) fn most_workers(&self) -> Option<i64> {
        let closed = self.spans.iter().map(|(_, _, workers)| *workers);
        closed.chain(self.open.map(|(_, workers)| workers)).max()
    }

    /// Workers now; `None` while it is down.
    pub(super) fn workers_now(&self) -> Option<i64> {
        self.open.map(|(_, workers)| workers)
    }

    /// Hours that the driver was up, until `now` where it still is.
    pub(super) fn driver_hours(&self, now: DateTime<Utc>) -> f64 {
        self.hours(now, |_| 1)
    }

    /// Hours of the workers from the `skip`th on, at most `most` of them, together.
    pub(super) fn worker_hours(&self, now: DateTime<Utc>, skip: i64, most: i64) -> f64 {
        self.hours(now, |workers| (workers - skip).clamp(0, most))
    }

    fn hours(&self, now: DateTime<Utc>, count: impl Fn(i64) -> i64) -> f64 {
        let open = self
            .open
            .map(|(since, workers)| (since, now.timestamp_millis().max(since), workers));
        let spans = self.spans.iter().copied().chain(open);
        let sum: f64 = spans
            .map(|(since, until, workers)| (until - since) as f64 * count(workers) as f64)
            .sum();
        sum / HOUR_MS
    }
}

/// Whether an event of this kind happens only to a cluster that is up.
fn is_resize(kind: &str) -> bool {
    matches!(
        kind,
        "RESIZING" | "UPSIZE_COMPLETED" | "NODES_LOST" | "DRIVER_HEALTHY"
    )
}

fn is_start_or_end(kind: &str) -> bool {
    matches!(
        kind,
        "CREATING" | "STARTING" | "RESTARTING" | "RUNNING" | "TERMINATING"
    )
}
