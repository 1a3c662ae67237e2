-- id: fetch_wait
-- title: Tasks wait for shuffle data from other executors
-- category: plans
-- severity: medium
-- version: 7
-- description: Fires where the tasks of a stage stood still for a large part of their run time because shuffle blocks had not arrived.
--   Lost is that wait beyond a twentieth of the run time. What could be won is that over the tasks side by side: the task slots, or where no cores were logged (before Spark 1.3) as many tasks as ran at once, and no more together than the time in which one of the stages ran. Stages that wait for the same reason are one finding, which also says how long
--   others waited for the shuffle of the worst (as many rows and bytes, written by stages of the same name), that waited less.
-- subject: stage
-- group_by: kind
-- parameter: min_wait_ratio double = 0.15 [ratio] waiting for shuffle data over run time, at least
-- parameter: healthy_ratio double = 0.05 [ratio] the same, that is no loss
-- parameter: min_wait_ms bigint = 60000 [ms] waiting of all tasks, at least
-- evidence: Tasks waited {wait_ms:s} of {run_ms:s} of run time for shuffle data, {wait_ratio:pct}; {remote_bytes:bytes} came from other
--   executors, {block_bytes:bytes} a block[; {num_less:other stage|other stages} of the same shuffle waited {less_wait_ms:s} of {less_run_ms:s}].
-- advice: max_blocks <= 64 | spark.reducer.maxBlocksInFlightPerAddress | '2147483647' | A task requests no more than {max_blocks:block|blocks} at a time from an executor: remove that limit.
-- advice: block_bytes < 65536 AND worst_fit >= 1 AND NOT adaptive AND spark_minor >= 300 | spark.sql.adaptive.enabled | 'true' | The blocks are tiny, but
--   another stage with as many shuffle partitions needs about {worst_fit:int}: let adaptive execution merge the partitions of small shuffles, or
--   use fewer tasks before this one.
-- advice: block_bytes < 65536 AND worst_fit >= 1 | - | - | The blocks are tiny, but another stage with as many shuffle partitions needs about {worst_fit:int}:
--   repartition before this step only, or use fewer tasks before the shuffle.
-- advice: block_bytes < 65536 | - | - | The blocks are tiny: fewer shuffle partitions, or fewer tasks before the shuffle, make larger ones, which are
--   read in long runs.
-- advice: is_spread | - | - | Shuffle less (fewer columns, aggregate first), and look at the disks and the network of the hosts and at what serves the shuffle data there: each executor has a host of its own already.
-- advice: has_no_cores | - | - | Shuffle less (fewer columns, aggregate first), and spread executors over more hosts with faster disks and network.
-- recommendation: Shuffle less (fewer columns, aggregate first), spread executors over more hosts with faster disks and network, and keep
--   the shuffle service from being the bottleneck.
WITH waits AS (
  SELECT
    platform, cluster_id, application_id, attempt_id, stage_id, stage_attempt_id,
    CAST(shuffle_fetch_wait_time AS DOUBLE) AS wait_ms, CAST(executor_run_time AS DOUBLE) AS run_ms,
    CAST(shuffle_remote_bytes_read AS DOUBLE) AS remote_bytes,
    CAST(shuffle_remote_blocks_fetched AS DOUBLE) AS remote_blocks
  FROM timed_stages
  WHERE shuffle_fetch_wait_time >= $min_wait_ms AND shuffle_fetch_wait_time >= $min_wait_ratio * executor_run_time
),
-- A job that finds the files of an earlier one has a stage of its own for what wrote them, which is skipped: only its name is the same.
readers AS (
  SELECT
    s.platform, s.cluster_id, s.application_id, s.attempt_id, s.stage_id, s.stage_attempt_id,
    CAST(s.shuffle_fetch_wait_time AS DOUBLE) AS wait_ms, CAST(s.executor_run_time AS DOUBLE) AS run_ms,
    CONCAT(MIN(p.stage_name), ' ', MAX(p.stage_name), ' ', CAST(s.shuffle_read_records AS STRING), ' ', CAST(s.shuffle_read_bytes AS STRING)) AS place
  FROM timed_stages AS s
  INNER JOIN timed_stages AS p
    ON p.platform = s.platform AND p.cluster_id = s.cluster_id
    AND p.application_id = s.application_id AND p.attempt_id = s.attempt_id
  WHERE s.status = 'COMPLETE' AND s.shuffle_read_records > 0 AND ARRAY_CONTAINS(s.parent_ids, p.stage_id)
  GROUP BY
    s.platform, s.cluster_id, s.application_id, s.attempt_id, s.stage_id, s.stage_attempt_id, s.shuffle_fetch_wait_time, s.executor_run_time,
    s.shuffle_read_records, s.shuffle_read_bytes
),
others AS (
  SELECT
    r.platform, r.cluster_id, r.application_id, r.attempt_id, r.place,
    COUNT(*) AS num_less, SUM(r.wait_ms) AS less_wait_ms, SUM(r.run_ms) AS less_run_ms
  FROM readers AS r
  LEFT JOIN waits AS w
    ON w.platform = r.platform AND w.cluster_id = r.cluster_id
    AND w.application_id = r.application_id AND w.attempt_id = r.attempt_id
    AND w.stage_id = r.stage_id AND w.stage_attempt_id = r.stage_attempt_id
  WHERE w.platform IS NULL
  GROUP BY r.platform, r.cluster_id, r.application_id, r.attempt_id, r.place
),
-- Stages that spill or hold too much with as many partitions as are set: what memory_spill and oversized_partitions ask more for.
needs AS (
  SELECT platform, cluster_id, application_id, attempt_id, shuffle_partitions, MAX(partitions_fit) AS worst_fit
  FROM stage_facts
  WHERE num_tasks = shuffle_partitions AND NOT is_repartitioned AND partitions_fit > num_tasks
    AND (memory_bytes_spilled >= 1073741824 OR shuffle_read_median >= 536870912)
  GROUP BY platform, cluster_id, application_id, attempt_id, shuffle_partitions
),
-- Applications whose executors each had a host of their own.
hosts AS (
  SELECT platform, cluster_id, application_id, attempt_id
  FROM executors
  WHERE executor_id NOT IN ('driver', '<driver>')
  GROUP BY platform, cluster_id, application_id, attempt_id
  HAVING COUNT(DISTINCT executor_id) > 1 AND COUNT(DISTINCT REGEXP_REPLACE(host_port, ':[0-9]+$', '')) >= COUNT(DISTINCT executor_id)
),
limits AS (
  SELECT platform, cluster_id, application_id, attempt_id, MIN(TRY_CAST(value AS BIGINT)) AS max_blocks
  FROM spark_settings
  WHERE key = 'spark.reducer.maxBlocksInFlightPerAddress'
  GROUP BY platform, cluster_id, application_id, attempt_id
),
judged AS (
  SELECT
    f.platform, f.cluster_id, f.application_id, f.attempt_id, f.subject_id,
    w.wait_ms - $healthy_ratio * w.run_ms AS lost_ms,
    LEAST((w.wait_ms - $healthy_ratio * w.run_ms)
      / NULLIF(CASE WHEN COALESCE(f.cores_max, 0) > 0 THEN f.task_slots ELSE GREATEST(COALESCE(f.task_slots, 0), LEAST(f.num_tasks, COALESCE(a.tasks_running_max, 0))) END, 0), f.duration_ms) AS won_ms,
    CAST(UNIX_MILLIS(f.completion_time) - f.duration_ms AS DOUBLE) AS begin_ms, CAST(UNIX_MILLIS(f.completion_time) AS DOUBLE) AS end_ms,
    CASE
      WHEN l.max_blocks <= 64 THEN 'limit'
      WHEN w.remote_bytes < 65536e0 * w.remote_blocks AND n.worst_fit >= 1 THEN 'tiny beside large'
      WHEN w.remote_bytes < 65536e0 * w.remote_blocks THEN 'tiny'
      ELSE 'large'
    END AS kind,
    o.num_less, o.less_wait_ms, o.less_run_ms,
    f.stage_name, w.wait_ms, w.run_ms, w.wait_ms / NULLIF(w.run_ms, 0) AS wait_ratio, w.remote_bytes,
    w.remote_bytes / NULLIF(w.remote_blocks, 0e0) AS block_bytes, l.max_blocks,
    n.worst_fit, f.adaptive, f.spark_minor, COALESCE(f.cores_max, 0) = 0 AND NOT COALESCE(f.is_local, FALSE) AS has_no_cores, h.platform IS NOT NULL AS is_spread
  FROM stage_facts AS f
  INNER JOIN waits AS w
    ON w.platform = f.platform AND w.cluster_id = f.cluster_id
    AND w.application_id = f.application_id AND w.attempt_id = f.attempt_id
    AND w.stage_id = f.stage_id AND w.stage_attempt_id = f.stage_attempt_id
  INNER JOIN applications AS a
    ON a.platform = f.platform AND a.cluster_id = f.cluster_id
    AND a.application_id = f.application_id AND a.attempt_id = f.attempt_id
  LEFT JOIN readers AS r
    ON r.platform = w.platform AND r.cluster_id = w.cluster_id
    AND r.application_id = w.application_id AND r.attempt_id = w.attempt_id
    AND r.stage_id = w.stage_id AND r.stage_attempt_id = w.stage_attempt_id
  LEFT JOIN others AS o
    ON o.platform = r.platform AND o.cluster_id = r.cluster_id
    AND o.application_id = r.application_id AND o.attempt_id = r.attempt_id AND o.place = r.place
  LEFT JOIN needs AS n
    ON n.platform = f.platform AND n.cluster_id = f.cluster_id
    AND n.application_id = f.application_id AND n.attempt_id = f.attempt_id AND n.shuffle_partitions = f.shuffle_partitions
  LEFT JOIN limits AS l
    ON l.platform = f.platform AND l.cluster_id = f.cluster_id
    AND l.application_id = f.application_id AND l.attempt_id = f.attempt_id
  LEFT JOIN hosts AS h
    ON h.platform = f.platform AND h.cluster_id = f.cluster_id
    AND h.application_id = f.application_id AND h.attempt_id = f.attempt_id
),
-- Stages that wait for the same reason at the same time win no more together than the time in which one of them ran.
spans AS (
  SELECT
    j.*,
    MAX(end_ms) OVER (
      PARTITION BY platform, cluster_id, application_id, attempt_id, kind ORDER BY begin_ms, subject_id ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
    ) AS before_ms
  FROM judged AS j
),
bounds AS (
  SELECT
    platform, cluster_id, application_id, attempt_id, kind, SUM(won_ms) AS won_ms,
    CASE WHEN COUNT(begin_ms) = COUNT(*) THEN SUM(GREATEST(end_ms - GREATEST(begin_ms, COALESCE(before_ms, begin_ms)), 0e0)) END AS wall_ms
  FROM spans
  GROUP BY platform, cluster_id, application_id, attempt_id, kind
)
SELECT
  j.platform, j.cluster_id, j.application_id, j.attempt_id, j.subject_id,
  'medium' AS confidence, TRY_CAST(j.lost_ms AS BIGINT) AS lost_core_ms,
  TRY_CAST(ROUND(j.won_ms * COALESCE(LEAST(b.wall_ms / NULLIF(b.won_ms, 0e0), 1e0), 1e0)) AS BIGINT) AS recoverable_ms,
  j.kind, j.num_less, j.less_wait_ms, j.less_run_ms, j.stage_name, j.wait_ms, j.run_ms, j.wait_ratio, j.remote_bytes, j.block_bytes, j.max_blocks, j.worst_fit, j.adaptive, j.spark_minor,
  j.has_no_cores, j.is_spread
FROM judged AS j
INNER JOIN bounds AS b
  ON b.platform = j.platform AND b.cluster_id = j.cluster_id
  AND b.application_id = j.application_id AND b.attempt_id = j.attempt_id AND b.kind = j.kind
