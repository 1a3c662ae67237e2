//! CloudWatch's metrics of EMR: how full a cluster was, in periods of five minutes.

use std::collections::BTreeMap;

use aws_sdk_cloudwatch::types::{Dimension, Metric, MetricDataQuery, MetricStat, StatusCode};
use chrono::{DateTime, TimeDelta, Utc};

use super::api::Api;
use crate::discover::aws::{aws_time, call_error, time};
use crate::discover::{Cluster, ClusterMetrics, DiscoverError};

const CALL: &str = "cloudwatch:GetMetricData";
const NAMESPACE: &str = "AWS/ElasticMapReduce";
const DIMENSION: &str = "JobFlowId";
/// Who measured, in the samples.
const SOURCE: &str = "cloudwatch";
/// EMR reports every five minutes.
const PERIOD: TimeDelta = TimeDelta::minutes(5);
/// CloudWatch keeps periods of five minutes so long.
const KEPT: TimeDelta = TimeDelta::days(63);
/// One request asks for so much time: nine metrics of it are well below the limit of a request.
const WINDOW: TimeDelta = TimeDelta::days(14);

/// A metric, and where it goes.
struct Measure {
    metric: &'static str,
    field: fn(&mut ClusterMetrics) -> &mut Option<f64>,
}

const MEASURES: [Measure; 9] = [
    Measure {
        metric: "MemoryAllocatedMB",
        field: |sample| &mut sample.allocated_memory_mb,
    },
    Measure {
        metric: "MemoryAvailableMB",
        field: |sample| &mut sample.available_memory_mb,
    },
    Measure {
        metric: "MemoryTotalMB",
        field: |sample| &mut sample.total_memory_mb,
    },
    Measure {
        metric: "ContainerAllocated",
        field: |sample| &mut sample.allocated_containers,
    },
    Measure {
        metric: "ContainerPending",
        field: |sample| &mut sample.pending_containers,
    },
    Measure {
        metric: "AppsRunning",
        field: |sample| &mut sample.running_applications,
    },
    Measure {
        metric: "AppsPending",
        field: |sample| &mut sample.pending_applications,
    },
    Measure {
        metric: "MRActiveNodes",
        field: |sample| &mut sample.active_nodes,
    },
    Measure {
        metric: "MRLostNodes",
        field: |sample| &mut sample.lost_nodes,
    },
];

/// The whole periods of the cluster's life after `since`, as far as CloudWatch still has them, in
/// order of time.
pub(super) async fn samples(
    api: &Api,
    cluster: &Cluster,
    since: Option<DateTime<Utc>>,
    now: DateTime<Utc>,
) -> Result<Vec<ClusterMetrics>, DiscoverError> {
    let Some((start, end)) = span(cluster, since, now) else {
        return Ok(Vec::new());
    };
    let mut samples = BTreeMap::new();
    let mut from = start;
    while from < end {
        let until = (from + WINDOW).min(end);
        add_window(api, cluster, from, until, &mut samples).await?;
        from = until;
    }
    Ok(samples.into_values().collect())
}

/// The time that is asked for, in whole periods: one that is not over would be written before it is
/// complete, and never again.
fn span(
    cluster: &Cluster,
    since: Option<DateTime<Utc>>,
    now: DateTime<Utc>,
) -> Option<(DateTime<Utc>, DateTime<Utc>)> {
    let next = since.map(|since| since + PERIOD);
    let kept = now - KEPT;
    let created = cluster.created_at.unwrap_or(kept);
    let start = period_of(created.max(kept).max(next.unwrap_or(kept)));
    // The period in which the cluster ended is over when it is.
    let last = cluster
        .ended_at
        .map_or(now, |ended| (ended + PERIOD).min(now));
    let end = period_of(last);
    (start < end).then_some((start, end))
}

/// The beginning of the period that holds `time`.
fn period_of(time: DateTime<Utc>) -> DateTime<Utc> {
    let seconds = time.timestamp();
    DateTime::from_timestamp(seconds - seconds.rem_euclid(PERIOD.num_seconds()), 0).unwrap_or(time)
}

async fn add_window(
    api: &Api,
    cluster: &Cluster,
    from: DateTime<Utc>,
    until: DateTime<Utc>,
    samples: &mut BTreeMap<DateTime<Utc>, ClusterMetrics>,
) -> Result<(), DiscoverError> {
    let mut pages = api
        .cloudwatch
        .get_metric_data()
        .set_metric_data_queries(Some(queries(&cluster.id)))
        .start_time(aws_time(from))
        .end_time(aws_time(until))
        .into_paginator()
        .send();
    while let Some(page) = pages.next().await {
        let page = page.map_err(|error| call_error(&cluster.uri, CALL, &error))?;
        for result in page.metric_data_results() {
            if let Some(code @ (StatusCode::Forbidden | StatusCode::InternalError)) =
                result.status_code()
            {
                return Err(refused(cluster, code));
            }
            let Some(measure) = result.id().and_then(measure_of) else {
                continue;
            };
            let times = result.timestamps().iter().filter_map(time);
            for (sampled_at, value) in times.zip(result.values()) {
                let sample = samples.entry(sampled_at).or_insert_with(|| ClusterMetrics {
                    sampled_at,
                    source: SOURCE.into(),
                    period_seconds: Some(PERIOD.num_seconds()),
                    ..ClusterMetrics::default()
                });
                *(measure.field)(sample) = Some(*value);
            }
        }
    }
    Ok(())
}

fn refused(cluster: &Cluster, code: &StatusCode) -> DiscoverError {
    DiscoverError::Platform {
        uri: cluster.uri.clone(),
        call: CALL.to_owned(),
        code: format!("AWS_{}", code.as_str()),
        message: "a metric was not given".to_owned(),
        cure: format!("allow the action {CALL}, or run again later"),
        retryable: *code == StatusCode::InternalError,
    }
}

/// Ids of queries are `m0`, `m1`, …
fn measure_of(id: &str) -> Option<&'static Measure> {
    let index: usize = id.strip_prefix('m')?.parse().ok()?;
    MEASURES.get(index)
}

fn queries(cluster_id: &str) -> Vec<MetricDataQuery> {
    let dimension = Dimension::builder()
        .name(DIMENSION)
        .value(cluster_id)
        .build();
    MEASURES
        .iter()
        .enumerate()
        .map(|(index, measure)| {
            let metric = Metric::builder()
                .namespace(NAMESPACE)
                .metric_name(measure.metric)
                .dimensions(dimension.clone())
                .build();
            let stat = MetricStat::builder()
                .metric(metric)
                .period(300)
                .stat("Average")
                .build();
            MetricDataQuery::builder()
                .id(format!("m{index}"))
                .metric_stat(stat)
                .return_data(true)
                .build()
        })
        .collect()
}

/// Asks for one period of a cluster that need not exist: whether the permission is there.
pub(super) async fn probe(api: &Api, now: DateTime<Utc>) -> Result<(), DiscoverError> {
    let request = api
        .cloudwatch
        .get_metric_data()
        .set_metric_data_queries(Some(queries("j-0")))
        .start_time(aws_time(now - PERIOD))
        .end_time(aws_time(now))
        .send();
    let answer = request
        .await
        .map_err(|error| call_error(&api.place(), CALL, &error));
    answer.map(|_| ())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Platform;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    #[test]
    fn only_whole_periods_after_the_known_ones_are_asked_for() {
        let mut cluster = Cluster::new(Platform::Emr, "j-1", "n", "u", "RUNNING");
        cluster.created_at = Some(at("2026-11-20T01:02:03Z"));
        let now = at("2026-11-20T02:04:59Z");
        assert_eq!(
            span(&cluster, None, now),
            Some((at("2026-11-20T01:00:00Z"), at("2026-11-20T02:00:00Z")))
        );
        let since = Some(at("2026-11-20T01:50:00Z"));
        assert_eq!(
            span(&cluster, since, now),
            Some((at("2026-11-20T01:55:00Z"), at("2026-11-20T02:00:00Z")))
        );
        let since = Some(at("2026-11-20T01:55:00Z"));
        assert_eq!(span(&cluster, since, now), None);
        cluster.ended_at = Some(at("2026-11-20T01:12:00Z"));
        assert_eq!(
            span(&cluster, None, now),
            Some((at("2026-11-20T01:00:00Z"), at("2026-11-20T01:15:00Z")))
        );
    }

    #[test]
    fn what_cloudwatch_has_thrown_away_is_not_asked_for() {
        let mut cluster = Cluster::new(Platform::Emr, "j-1", "n", "u", "TERMINATED");
        cluster.created_at = Some(at("2026-01-01T00:00:00Z"));
        cluster.ended_at = Some(at("2026-01-02T00:00:00Z"));
        assert_eq!(span(&cluster, None, at("2026-11-20T00:00:00Z")), None);
    }
}
