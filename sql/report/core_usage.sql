-- id: core_usage
-- title: Cores held and tasks running over time
-- description: The run cut into equal slices: the mean number of cores that executors held in each, and of
--   tasks that ran. An interval that begins or ends inside a slice counts for its part of it. Without
--   executors or task rows the number is NULL.
-- parameter: platform string = - [platform] of the application
-- parameter: cluster_id string = - [id] of the application
-- parameter: application_id string = - [id] the application
-- parameter: attempt_id string = - [id] its attempt
-- parameter: app_date string = 1970-01-01 [date] UTC date of its start: reads fewer files
WITH span AS (
  SELECT
    UNIX_MILLIS(a.start_time) AS begin_ms,
    UNIX_MILLIS(a.observed_end_time) AS end_ms,
    CEIL(CAST(UNIX_MILLIS(a.observed_end_time) - UNIX_MILLIS(a.start_time) AS DOUBLE) / 120e0) AS slice_ms
  FROM applications AS a
  WHERE a.observed_end_time > a.start_time
    AND a.platform = $platform AND a.cluster_id = $cluster_id
    AND a.application_id = $application_id AND a.attempt_id = $attempt_id
    AND a.app_date = CAST($app_date AS DATE)
),
intervals AS (
  SELECT
    'held' AS kind, CAST(e.total_cores AS DOUBLE) AS amount,
    UNIX_MILLIS(e.add_time) AS begin_ms, UNIX_MILLIS(e.remove_time) AS end_ms
  FROM executors AS e
  WHERE e.core_time_ms > 0 AND e.total_cores > 0 AND e.add_time IS NOT NULL
    AND e.platform = $platform AND e.cluster_id = $cluster_id
    AND e.application_id = $application_id AND e.attempt_id = $attempt_id
    AND e.app_date = CAST($app_date AS DATE)
  UNION ALL
  SELECT
    'busy' AS kind, 1e0 AS amount,
    UNIX_MILLIS(t.launch_time) AS begin_ms, UNIX_MILLIS(t.launch_time) + t.duration AS end_ms
  FROM tasks AS t
  WHERE t.launch_time IS NOT NULL
    AND t.platform = $platform AND t.cluster_id = $cluster_id
    AND t.application_id = $application_id AND t.attempt_id = $attempt_id
    AND t.app_date = CAST($app_date AS DATE)
),
bounded AS (
  SELECT
    i.kind, i.amount, p.slice_ms,
    CAST(GREATEST(i.begin_ms, p.begin_ms) - p.begin_ms AS DOUBLE) AS begin_ms,
    CAST(LEAST(COALESCE(i.end_ms, p.end_ms), p.end_ms) - p.begin_ms AS DOUBLE) AS end_ms
  FROM intervals AS i
  CROSS JOIN span AS p
  WHERE i.begin_ms < p.end_ms AND COALESCE(i.end_ms, p.end_ms) > p.begin_ms
),
-- What begins and ends: from the next slice on it counts whole, in its own for what is left of it.
changes AS (
  SELECT kind, FLOOR(begin_ms / slice_ms) AS slice, amount AS step, amount * ((FLOOR(begin_ms / slice_ms) + 1e0) * slice_ms - begin_ms) AS part
  FROM bounded
  WHERE end_ms >= begin_ms
  UNION ALL
  SELECT kind, FLOOR(end_ms / slice_ms) AS slice, -amount AS step, -amount * ((FLOOR(end_ms / slice_ms) + 1e0) * slice_ms - end_ms) AS part
  FROM bounded
  WHERE end_ms >= begin_ms
),
slices AS (
  SELECT CAST(value AS DOUBLE) AS slice FROM generate_series(0, 119)
),
summed AS (
  SELECT
    s.slice,
    SUM(CASE WHEN c.kind = 'held' THEN c.step END) AS held_step, SUM(CASE WHEN c.kind = 'held' THEN c.part END) AS held_part,
    SUM(CASE WHEN c.kind = 'busy' THEN c.step END) AS busy_step, SUM(CASE WHEN c.kind = 'busy' THEN c.part END) AS busy_part
  FROM slices AS s
  LEFT JOIN changes AS c ON c.slice = s.slice
  GROUP BY s.slice
),
carried AS (
  SELECT
    slice, held_part, busy_part,
    SUM(COALESCE(held_step, 0e0)) OVER (ORDER BY slice ROWS UNBOUNDED PRECEDING) - COALESCE(held_step, 0e0) AS held_before,
    SUM(COALESCE(busy_step, 0e0)) OVER (ORDER BY slice ROWS UNBOUNDED PRECEDING) - COALESCE(busy_step, 0e0) AS busy_before
  FROM summed
)
SELECT
  CAST(c.slice * p.slice_ms AS BIGINT) AS begin_ms, CAST(p.slice_ms AS BIGINT) AS slice_ms,
  CASE WHEN (SELECT COUNT(*) FROM bounded WHERE kind = 'held') > 0
    THEN c.held_before + COALESCE(c.held_part, 0e0) / p.slice_ms END AS cores_held,
  CASE WHEN (SELECT COUNT(*) FROM bounded WHERE kind = 'busy') > 0
    THEN c.busy_before + COALESCE(c.busy_part, 0e0) / p.slice_ms END AS tasks_running
FROM carried AS c
CROSS JOIN span AS p
ORDER BY c.slice
