-- id: excluded_executors
-- title: Executors that Spark excluded for failures that were not theirs
-- description: One row per executor that spark.excludeOnFailure took out of use (older names: spark.blacklist), for the application (kind application: it was still excluded at the end) or for one stage
--   (kind stage), and the stage whose failed tasks led to it (for the application the last one), where the log shows that the failures say little of the executor: others failed in that stage as well, a service
--   refused a call or did not answer, or it failed so few tasks and did at least as many. What only a machine can lack (disks, libraries) is its own. num_failed are its failed tasks, of that stage or of the
--   application. idle_ms is the time from its last task to the end of the exclusion (the end of the application or of the stage) in which jobs ran, core_ms that of its cores, wall_ms the part of idle_ms that its cores would have taken over from
--   the others (their share of all cores that lived then).
-- parameter: max_failed bigint = 2 [count] failed tasks up to which they say little of an executor that did other tasks
-- reads: application_facts, executors, failure_causes, job_gaps, stage_executors, stages, tasks
WITH out_of_use AS (
  SELECT
    e.platform, e.cluster_id, e.application_id, e.attempt_id, e.executor_id, 'application' AS kind,
    MAX(CAST(e.total_cores AS DOUBLE)) AS cores, MAX(e.failed_tasks) AS num_failed, MAX(e.completed_tasks) AS num_done, MAX(UNIX_MILLIS(e.add_time) + e.lifetime_ms) AS end_ms,
    MAX(CASE WHEN x.failed_tasks > 0 THEN x.stage_id END) AS stage_id
  FROM executors AS e
  INNER JOIN stage_executors AS x
    ON x.platform = e.platform AND x.cluster_id = e.cluster_id
    AND x.application_id = e.application_id AND x.attempt_id = e.attempt_id AND x.executor_id = e.executor_id
  WHERE e.is_excluded AND e.total_cores > 0 AND e.executor_id NOT IN ('driver', '<driver>')
  GROUP BY e.platform, e.cluster_id, e.application_id, e.attempt_id, e.executor_id
  UNION ALL
  SELECT
    e.platform, e.cluster_id, e.application_id, e.attempt_id, e.executor_id, 'stage' AS kind,
    MAX(CAST(e.total_cores AS DOUBLE)) AS cores, MAX(x.failed_tasks) AS num_failed, MAX(x.succeeded_tasks) AS num_done,
    MAX(LEAST(UNIX_MILLIS(g.completion_time), UNIX_MILLIS(e.add_time) + e.lifetime_ms)) AS end_ms, x.stage_id
  FROM stage_executors AS x
  INNER JOIN executors AS e
    ON e.platform = x.platform AND e.cluster_id = x.cluster_id
    AND e.application_id = x.application_id AND e.attempt_id = x.attempt_id AND e.executor_id = x.executor_id
  INNER JOIN stages AS g
    ON g.platform = x.platform AND g.cluster_id = x.cluster_id
    AND g.application_id = x.application_id AND g.attempt_id = x.attempt_id
    AND g.stage_id = x.stage_id AND g.stage_attempt_id = x.stage_attempt_id
  WHERE x.is_excluded_for_stage AND x.failed_tasks > 0 AND NOT e.is_excluded AND e.total_cores > 0 AND g.completion_time IS NOT NULL AND e.executor_id NOT IN ('driver', '<driver>')
  GROUP BY e.platform, e.cluster_id, e.application_id, e.attempt_id, e.executor_id, x.stage_id
),
-- Stages in which others failed too.
others AS (
  SELECT o.platform, o.cluster_id, o.application_id, o.attempt_id, o.executor_id, o.stage_id,
    COALESCE(MAX(CASE WHEN x.executor_id = o.executor_id AND x.failed_tasks > 0 THEN x.stage_attempt_id END), MAX(x.stage_attempt_id)) AS stage_attempt_id, MAX(CASE WHEN x.executor_id <> o.executor_id AND x.failed_tasks > 0 THEN 1 ELSE 0 END) = 1 AS others_failed
  FROM out_of_use AS o
  INNER JOIN stage_executors AS x
    ON x.platform = o.platform AND x.cluster_id = o.cluster_id
    AND x.application_id = o.application_id AND x.attempt_id = o.attempt_id AND x.stage_id = o.stage_id
  GROUP BY o.platform, o.cluster_id, o.application_id, o.attempt_id, o.executor_id, o.stage_id
),
last_tasks AS (
  SELECT
    o.platform, o.cluster_id, o.application_id, o.attempt_id, o.executor_id, o.stage_id, o.kind, o.cores, o.num_failed, o.num_done, o.end_ms,
    MAX(UNIX_MILLIS(t.launch_time) + t.duration) AS last_ms
  FROM out_of_use AS o
  INNER JOIN tasks AS t
    ON t.platform = o.platform AND t.cluster_id = o.cluster_id
    AND t.application_id = o.application_id AND t.attempt_id = o.attempt_id AND t.executor_id = o.executor_id
  WHERE UNIX_MILLIS(t.launch_time) < o.end_ms
  GROUP BY o.platform, o.cluster_id, o.application_id, o.attempt_id, o.executor_id, o.stage_id, o.kind, o.cores, o.num_failed, o.num_done, o.end_ms
),
pauses AS (
  SELECT
    l.platform, l.cluster_id, l.application_id, l.attempt_id, l.executor_id, l.stage_id,
    SUM(CAST(LEAST(g.begin_ms + g.gap_ms, l.end_ms) - GREATEST(g.begin_ms, l.last_ms) AS DOUBLE)) AS gap_ms
  FROM last_tasks AS l
  INNER JOIN job_gaps AS g
    ON g.platform = l.platform AND g.cluster_id = l.cluster_id
    AND g.application_id = l.application_id AND g.attempt_id = l.attempt_id
  WHERE g.begin_ms + g.gap_ms > l.last_ms AND g.begin_ms < l.end_ms
  GROUP BY l.platform, l.cluster_id, l.application_id, l.attempt_id, l.executor_id, l.stage_id
),
-- All cores that lived when it was out of use.
alive AS (
  SELECT l.platform, l.cluster_id, l.application_id, l.attempt_id, l.executor_id, l.stage_id, SUM(CAST(e.total_cores AS DOUBLE)) AS all_cores
  FROM last_tasks AS l
  INNER JOIN executors AS e
    ON e.platform = l.platform AND e.cluster_id = l.cluster_id
    AND e.application_id = l.application_id AND e.attempt_id = l.attempt_id
  WHERE e.executor_id NOT IN ('driver', '<driver>') AND UNIX_MILLIS(e.add_time) < l.end_ms AND COALESCE(UNIX_MILLIS(e.remove_time) > l.last_ms, TRUE)
  GROUP BY l.platform, l.cluster_id, l.application_id, l.attempt_id, l.executor_id, l.stage_id
)
SELECT
  l.platform, l.cluster_id, l.application_id, l.attempt_id, l.executor_id, l.kind, l.stage_id, o.stage_attempt_id,
  CONCAT(CAST(l.stage_id AS STRING), '.', CAST(o.stage_attempt_id AS STRING)) AS subject_id, l.num_failed, o.others_failed,
  TRY_CAST(l.end_ms - l.last_ms - COALESCE(p.gap_ms, 0e0) AS BIGINT) AS idle_ms,
  (l.end_ms - l.last_ms - COALESCE(p.gap_ms, 0e0)) * l.cores AS core_ms,
  (l.end_ms - l.last_ms - COALESCE(p.gap_ms, 0e0)) * l.cores / NULLIF(n.all_cores, 0e0) AS wall_ms
FROM last_tasks AS l
INNER JOIN application_facts AS a
  ON a.platform = l.platform AND a.cluster_id = l.cluster_id
  AND a.application_id = l.application_id AND a.attempt_id = l.attempt_id
INNER JOIN others AS o
  ON o.platform = l.platform AND o.cluster_id = l.cluster_id
  AND o.application_id = l.application_id AND o.attempt_id = l.attempt_id AND o.executor_id = l.executor_id AND o.stage_id = l.stage_id
INNER JOIN alive AS n
  ON n.platform = l.platform AND n.cluster_id = l.cluster_id
  AND n.application_id = l.application_id AND n.attempt_id = l.attempt_id AND n.executor_id = l.executor_id AND n.stage_id = l.stage_id
LEFT JOIN pauses AS p
  ON p.platform = l.platform AND p.cluster_id = l.cluster_id
  AND p.application_id = l.application_id AND p.attempt_id = l.attempt_id AND p.executor_id = l.executor_id AND p.stage_id = l.stage_id
LEFT JOIN failure_causes AS c
  ON c.platform = l.platform AND c.cluster_id = l.cluster_id
  AND c.application_id = l.application_id AND c.attempt_id = l.attempt_id AND c.kind = 'stage'
  AND c.subject_id = CONCAT(CAST(l.stage_id AS STRING), '.', CAST(o.stage_attempt_id AS STRING))
WHERE NOT a.is_local AND l.end_ms - l.last_ms - COALESCE(p.gap_ms, 0e0) > 0e0
  AND COALESCE(c.cause, 'program') NOT IN ('disk', 'dependency', 'python_version', 'local_path', 'container', 'threads')
  AND (o.others_failed OR c.cause IN ('service', 'rate_limit', 'throttled') OR (l.num_failed <= $max_failed AND l.num_done >= l.num_failed))
