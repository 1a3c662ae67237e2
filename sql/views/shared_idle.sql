-- id: shared_idle
-- title: How much of the cores that stages with few tasks left idle stood idle
-- description: One row per completed stage with fewer tasks than cores that were held (view stage_cores). Stages side by side leave the same cores idle: those whose
--   times overlap, one after the other, have together what stood idle from the first to the last, less what tasks of other stages worked meanwhile. idle_part is that
--   over what each of them claims by itself (held cores without a task of its own, for its time), added up: at most 1, and 1 where the lake holds no tasks.
-- parameter: min_stage_ms bigint = 1000 [ms] time of a stage from its first task on, at least
-- reads: executors, stage_cores, stages, tasks
WITH windows AS (
  SELECT
    platform, cluster_id, application_id, attempt_id, subject_id, held_cores, GREATEST(COALESCE(task_cpus, 1), 1) AS cpus,
    (held_cores - num_tasks * GREATEST(COALESCE(task_cpus, 1), 1)) * running_ms AS claim_ms,
    UNIX_MILLIS(completion_time) - running_ms AS begin_ms, UNIX_MILLIS(completion_time) + 0 AS end_ms
  FROM stage_cores
  WHERE status = 'COMPLETE' AND completion_time IS NOT NULL AND running_ms >= $min_stage_ms
    AND num_tasks * GREATEST(COALESCE(task_cpus, 1), 1) < held_cores
),
reached AS (
  SELECT
    w.*, MAX(end_ms) OVER (
      PARTITION BY platform, cluster_id, application_id, attempt_id ORDER BY begin_ms, subject_id ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
    ) AS reach_ms
  FROM windows AS w
),
placed AS (
  SELECT
    r.*, SUM(CASE WHEN reach_ms > begin_ms THEN 0 ELSE 1 END) OVER (
      PARTITION BY platform, cluster_id, application_id, attempt_id ORDER BY begin_ms, subject_id ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
    ) AS span
  FROM reached AS r
),
spans AS (
  SELECT
    platform, cluster_id, application_id, attempt_id, span, MIN(begin_ms) AS begin_ms, MAX(end_ms) AS end_ms, SUM(claim_ms) AS claim_ms, MAX(held_cores) AS held_cores, MAX(cpus) AS cpus
  FROM placed
  GROUP BY platform, cluster_id, application_id, attempt_id, span
),
span_cores AS (
  SELECT
    p.platform, p.cluster_id, p.application_id, p.attempt_id, p.span,
    SUM(e.total_cores * CAST(
      LEAST(p.end_ms, COALESCE(UNIX_MILLIS(e.remove_time), p.end_ms)) - GREATEST(p.begin_ms, UNIX_MILLIS(e.add_time)) AS DOUBLE
    )) AS held_ms
  FROM spans AS p
  INNER JOIN executors AS e
    ON e.platform = p.platform AND e.cluster_id = p.cluster_id
    AND e.application_id = p.application_id AND e.attempt_id = p.attempt_id
  WHERE e.total_cores > 0 AND UNIX_MILLIS(e.add_time) < p.end_ms AND COALESCE(UNIX_MILLIS(e.remove_time) > p.begin_ms, TRUE)
  GROUP BY p.platform, p.cluster_id, p.application_id, p.attempt_id, p.span
),
-- What tasks of these and of all other stages worked meanwhile.
span_tasks AS (
  SELECT
    p.platform, p.cluster_id, p.application_id, p.attempt_id, p.span,
    SUM(p.cpus * CAST(LEAST(p.end_ms, UNIX_MILLIS(t.launch_time) + t.duration) - GREATEST(p.begin_ms, UNIX_MILLIS(t.launch_time)) AS DOUBLE)) AS busy_ms
  FROM spans AS p
  INNER JOIN stages AS o
    ON o.platform = p.platform AND o.cluster_id = p.cluster_id
    AND o.application_id = p.application_id AND o.attempt_id = p.attempt_id
  INNER JOIN tasks AS t
    ON t.platform = o.platform AND t.cluster_id = o.cluster_id
    AND t.application_id = o.application_id AND t.attempt_id = o.attempt_id
    AND t.stage_id = o.stage_id AND t.stage_attempt_id = o.stage_attempt_id
  WHERE UNIX_MILLIS(o.submission_time) < p.end_ms AND COALESCE(UNIX_MILLIS(o.completion_time) > p.begin_ms, TRUE)
    AND UNIX_MILLIS(t.launch_time) < p.end_ms AND UNIX_MILLIS(t.launch_time) + t.duration > p.begin_ms
  GROUP BY p.platform, p.cluster_id, p.application_id, p.attempt_id, p.span
)
SELECT
  w.platform, w.cluster_id, w.application_id, w.attempt_id, w.subject_id,
  CASE
    -- A lake without tasks does not tell what else ran.
    WHEN b.busy_ms IS NULL OR COALESCE(p.claim_ms <= 0e0, TRUE) THEN 1e0
    ELSE LEAST(1e0, GREATEST(COALESCE(c.held_ms, p.held_cores * (p.end_ms - p.begin_ms)) - b.busy_ms, 0e0) / NULLIF(p.claim_ms, 0e0))
  END AS idle_part
FROM placed AS w
INNER JOIN spans AS p
  ON p.platform = w.platform AND p.cluster_id = w.cluster_id
  AND p.application_id = w.application_id AND p.attempt_id = w.attempt_id AND p.span = w.span
LEFT JOIN span_cores AS c
  ON c.platform = p.platform AND c.cluster_id = p.cluster_id
  AND c.application_id = p.application_id AND c.attempt_id = p.attempt_id AND c.span = p.span
LEFT JOIN span_tasks AS b
  ON b.platform = p.platform AND b.cluster_id = p.cluster_id
  AND b.application_id = p.application_id AND b.attempt_id = p.attempt_id AND b.span = p.span
