-- id: stuck_stages
-- title: Stage attempts with tasks that began and never ended
-- description: One row per stage attempt with tasks without an end that ran at least two minutes, a fifth of the run, twenty times
--   the median task of the stage and three times its longest one. Where none of its tasks succeeded they ran at least an hour and half of the run,
--   or five minutes where fetches of shuffle data from a living executor had failed before; tasks of streams then do not count. A task ran
--   until its stage, its executor or the application ended; in a history without an end until its last event, and five minutes at least.
--   Nothing is told where Spark dropped events, since the end of a task may be among them, or where the stage or its job ended well.
--   idle_ms is the time at the end in which no task ended or began; it and idle_core_ms, the cores held in it, stand with the
--   worst stage attempt of an application. lost_core_ms is idle_core_ms with what the stuck tasks held before.
-- reads: application_facts, applications, executors, failed_fetches, jobs, stage_facts, stages, tasks
WITH open_tasks AS (
  SELECT
    t.platform, t.cluster_id, t.application_id, t.attempt_id, t.stage_id, t.stage_attempt_id, t.executor_id, t.host,
    a.end_time IS NOT NULL AS is_ended,
    UNIX_MILLIS(a.start_time) + 0 AS start_ms, UNIX_MILLIS(COALESCE(a.end_time, a.observed_end_time)) + 0 AS app_end_ms,
    UNIX_MILLIS(t.launch_time) + 0 AS launch_ms,
    LEAST(UNIX_MILLIS(s.completion_time), UNIX_MILLIS(e.remove_time), UNIX_MILLIS(COALESCE(a.end_time, a.observed_end_time))) AS end_ms
  FROM tasks AS t
  INNER JOIN applications AS a
    ON a.platform = t.platform AND a.cluster_id = t.cluster_id
    AND a.application_id = t.application_id AND a.attempt_id = t.attempt_id
  INNER JOIN stages AS s
    ON s.platform = t.platform AND s.cluster_id = t.cluster_id
    AND s.application_id = t.application_id AND s.attempt_id = t.attempt_id
    AND s.stage_id = t.stage_id AND s.stage_attempt_id = t.stage_attempt_id
  LEFT JOIN executors AS e
    ON e.platform = t.platform AND e.cluster_id = t.cluster_id
    AND e.application_id = t.application_id AND e.attempt_id = t.attempt_id AND e.executor_id = t.executor_id
  WHERE t.status IN ('RUNNING', 'GET RESULT', 'UNKNOWN') AND t.launch_time IS NOT NULL
    AND COALESCE(a.num_lost_events, 0) = 0 AND s.status IN ('ACTIVE', 'FAILED')
),
suspects AS (
  SELECT
    platform, cluster_id, application_id, attempt_id, MAX(launch_ms) AS last_launch_ms
  FROM open_tasks
  -- An event of months later, by a clock that was wrong, tells nothing.
  WHERE end_ms - launch_ms >= 120000 AND app_end_ms - start_ms < 2678400000 AND end_ms - launch_ms >= 0.2e0 * (app_end_ms - start_ms)
  GROUP BY platform, cluster_id, application_id, attempt_id
),
last_work AS (
  SELECT t.platform, t.cluster_id, t.application_id, t.attempt_id, MAX(UNIX_MILLIS(t.launch_time) + t.duration) AS last_end_ms
  FROM tasks AS t
  INNER JOIN suspects AS u
    ON u.platform = t.platform AND u.cluster_id = t.cluster_id
    AND u.application_id = t.application_id AND u.attempt_id = t.attempt_id
  GROUP BY t.platform, t.cluster_id, t.application_id, t.attempt_id
),
-- What executors with such tasks had fetched from other machines before.
fetched AS (
  SELECT
    t.platform, t.cluster_id, t.application_id, t.attempt_id, t.executor_id,
    MAX(COALESCE(t.shuffle_read_remote_bytes_read, 0)) AS remote_bytes
  FROM tasks AS t
  INNER JOIN suspects AS u
    ON u.platform = t.platform AND u.cluster_id = t.cluster_id
    AND u.application_id = t.application_id AND u.attempt_id = t.attempt_id
  WHERE t.status = 'SUCCESS'
  GROUP BY t.platform, t.cluster_id, t.application_id, t.attempt_id, t.executor_id
),
machines AS (
  SELECT e.platform, e.cluster_id, e.application_id, e.attempt_id, COUNT(DISTINCT SPLIT_PART(e.host_port, ':', 1)) AS num_machines
  FROM executors AS e
  INNER JOIN suspects AS u
    ON u.platform = e.platform AND u.cluster_id = e.cluster_id
    AND u.application_id = e.application_id AND u.attempt_id = e.attempt_id
  WHERE e.executor_id NOT IN ('driver', '<driver>')
  GROUP BY e.platform, e.cluster_id, e.application_id, e.attempt_id
),
usual AS (
  SELECT
    s.platform, s.cluster_id, s.application_id, s.attempt_id, s.stage_id, MAX(s.stage_name) AS stage_name,
    MAX(s.duration_median) AS median_ms, MAX(s.duration_max) AS longest_ms, MAX(COALESCE(s.task_cpus, 1)) AS task_cpus,
    MAX(s.shuffle_read_bytes) > 0 AS reads_shuffle
  FROM stage_facts AS s
  INNER JOIN suspects AS u
    ON u.platform = s.platform AND u.cluster_id = s.cluster_id
    AND u.application_id = s.application_id AND u.attempt_id = s.attempt_id
  GROUP BY s.platform, s.cluster_id, s.application_id, s.attempt_id, s.stage_id
),
stage_jobs AS (
  SELECT
    o.platform, o.cluster_id, o.application_id, o.attempt_id, o.stage_id,
    MAX(CASE WHEN j.status = 'SUCCEEDED' THEN 1 ELSE 0 END) AS is_done,
    MAX(CASE WHEN j.streaming_query_id IS NOT NULL OR j.job_name LIKE '%running receiver%' THEN 1 ELSE 0 END) AS is_stream
  FROM (SELECT DISTINCT platform, cluster_id, application_id, attempt_id, stage_id FROM open_tasks) AS o
  INNER JOIN jobs AS j
    ON j.platform = o.platform AND j.cluster_id = o.cluster_id
    AND j.application_id = o.application_id AND j.attempt_id = o.attempt_id
  WHERE ARRAY_CONTAINS(j.stage_ids, o.stage_id)
  GROUP BY o.platform, o.cluster_id, o.application_id, o.attempt_id, o.stage_id
),
unreached AS (
  SELECT
    platform, cluster_id, application_id, attempt_id, COUNT(*) AS num_fetches_failed,
    MIN(fetch_failed_host) AS first_fetch_host, COUNT(DISTINCT fetch_failed_host) AS num_fetch_hosts, MIN(end_ms) AS first_failed_ms
  FROM failed_fetches
  WHERE cause = 'network'
  GROUP BY platform, cluster_id, application_id, attempt_id
),
stuck AS (
  SELECT
    o.platform, o.cluster_id, o.application_id, o.attempt_id, o.stage_id, o.stage_attempt_id,
    MAX(n.stage_name) AS stage_name, MAX(n.median_ms) AS median_ms, MAX(COALESCE(n.task_cpus, 1)) AS task_cpus,
    COUNT(*) AS num_stuck, COUNT(DISTINCT o.host) AS num_hosts, MIN(o.host) AS first_host,
    COUNT(DISTINCT o.executor_id) AS num_executors, MIN(o.executor_id) AS first_executor,
    MIN(o.launch_ms - o.start_ms) AS since_ms, MAX(o.end_ms - o.launch_ms) AS open_ms,
    SUM(CAST(o.end_ms - o.launch_ms AS DOUBLE)) AS sum_open_ms,
    SUM(CAST(GREATEST(o.end_ms - GREATEST(COALESCE(l.last_end_ms, 0), u.last_launch_ms), 0) AS DOUBLE)) AS sum_idle_ms,
    MAX(o.end_ms) AS end_ms, MAX(GREATEST(COALESCE(l.last_end_ms, 0), u.last_launch_ms)) AS idle_from_ms,
    MIN(CASE WHEN o.is_ended THEN 1 ELSE 0 END) = 1 AS is_ended,
    MAX(o.app_end_ms) AS app_end_ms,
    MAX(r.num_fetches_failed) AS num_fetches_failed, MAX(r.first_fetch_host) AS first_fetch_host, MAX(r.num_fetch_hosts) AS num_fetch_hosts,
    MAX(COALESCE(f.remote_bytes, 0)) = 0 AND MAX(CASE WHEN n.reads_shuffle THEN 1 ELSE 0 END) = 1
      AND MAX(m.num_machines) > 1 AS is_cut_off
  FROM open_tasks AS o
  INNER JOIN suspects AS u
    ON u.platform = o.platform AND u.cluster_id = o.cluster_id
    AND u.application_id = o.application_id AND u.attempt_id = o.attempt_id
  LEFT JOIN last_work AS l
    ON l.platform = o.platform AND l.cluster_id = o.cluster_id
    AND l.application_id = o.application_id AND l.attempt_id = o.attempt_id
  LEFT JOIN usual AS n
    ON n.platform = o.platform AND n.cluster_id = o.cluster_id
    AND n.application_id = o.application_id AND n.attempt_id = o.attempt_id AND n.stage_id = o.stage_id
  LEFT JOIN stage_jobs AS j
    ON j.platform = o.platform AND j.cluster_id = o.cluster_id
    AND j.application_id = o.application_id AND j.attempt_id = o.attempt_id AND j.stage_id = o.stage_id
  LEFT JOIN unreached AS r
    ON r.platform = o.platform AND r.cluster_id = o.cluster_id
    AND r.application_id = o.application_id AND r.attempt_id = o.attempt_id
  LEFT JOIN fetched AS f
    ON f.platform = o.platform AND f.cluster_id = o.cluster_id
    AND f.application_id = o.application_id AND f.attempt_id = o.attempt_id AND f.executor_id = o.executor_id
  LEFT JOIN machines AS m
    ON m.platform = o.platform AND m.cluster_id = o.cluster_id
    AND m.application_id = o.application_id AND m.attempt_id = o.attempt_id
  WHERE COALESCE(j.is_done, 0) = 0
    AND o.end_ms - o.launch_ms >= CASE WHEN o.is_ended THEN 120000 ELSE 300000 END
    AND o.end_ms - o.launch_ms >= 0.2e0 * (o.app_end_ms - o.start_ms)
    AND CASE
      WHEN n.median_ms IS NOT NULL THEN o.end_ms - o.launch_ms >= GREATEST(20 * n.median_ms, 3 * n.longest_ms)
      WHEN COALESCE(j.is_stream, 0) = 1 THEN FALSE
      WHEN r.first_failed_ms <= o.launch_ms THEN o.end_ms - o.launch_ms >= 300000
      ELSE o.end_ms - o.launch_ms >= 3600000 AND o.end_ms - o.launch_ms >= 0.5e0 * (o.app_end_ms - o.start_ms)
    END
  GROUP BY o.platform, o.cluster_id, o.application_id, o.attempt_id, o.stage_id, o.stage_attempt_id
),
ranked AS (
  SELECT
    s.*,
    ROW_NUMBER() OVER (
      PARTITION BY platform, cluster_id, application_id, attempt_id ORDER BY sum_open_ms DESC, stage_id, stage_attempt_id
    ) AS place
  FROM stuck AS s
),
held AS (
  SELECT
    r.platform, r.cluster_id, r.application_id, r.attempt_id,
    SUM(CAST(e.total_cores AS DOUBLE) * GREATEST(
      LEAST(COALESCE(UNIX_MILLIS(e.remove_time), r.end_ms), r.end_ms) - GREATEST(UNIX_MILLIS(e.add_time), r.idle_from_ms), 0
    )) AS idle_core_ms
  FROM ranked AS r
  INNER JOIN executors AS e
    ON e.platform = r.platform AND e.cluster_id = r.cluster_id
    AND e.application_id = r.application_id AND e.attempt_id = r.attempt_id
  WHERE r.place = 1 AND r.end_ms > r.idle_from_ms AND e.total_cores > 0 AND e.add_time IS NOT NULL
  GROUP BY r.platform, r.cluster_id, r.application_id, r.attempt_id
)
SELECT
  r.platform, r.cluster_id, r.application_id, r.attempt_id, r.stage_id, r.stage_attempt_id, r.stage_name, r.median_ms,
  r.num_stuck, r.num_hosts, r.first_host, r.num_executors, r.first_executor, r.since_ms, r.open_ms, r.is_ended,
  r.num_stuck * r.task_cpus AS stuck_cores,
  TRY_CAST(r.sum_open_ms * r.task_cpus AS BIGINT) AS stuck_core_ms,
  CASE WHEN r.place = 1 THEN GREATEST(r.end_ms - r.idle_from_ms, 0) END AS idle_ms,
  TRY_CAST(h.idle_core_ms AS BIGINT) AS idle_core_ms,
  -- At least what the stuck tasks held, and where nothing else ran all cores.
  TRY_CAST(GREATEST(
    r.sum_open_ms * r.task_cpus,
    COALESCE(h.idle_core_ms, 0e0) + (r.sum_open_ms - r.sum_idle_ms) * r.task_cpus
  ) AS BIGINT) AS lost_core_ms,
  r.num_fetches_failed, r.first_fetch_host, r.num_fetch_hosts, COALESCE(r.is_cut_off, FALSE) AS is_cut_off,
  COALESCE(a.speculation, FALSE) AS speculation, a.is_local, COALESCE(a.is_databricks, FALSE) AS is_databricks, a.app_duration_ms
FROM ranked AS r
INNER JOIN application_facts AS a
  ON a.platform = r.platform AND a.cluster_id = r.cluster_id
  AND a.application_id = r.application_id AND a.attempt_id = r.attempt_id
LEFT JOIN held AS h
  ON h.platform = r.platform AND h.cluster_id = r.cluster_id
  AND h.application_id = r.application_id AND h.attempt_id = r.attempt_id AND r.place = 1
