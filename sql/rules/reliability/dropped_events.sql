-- id: dropped_events
-- title: Events are missing from the history
-- category: reliability
-- severity: low
-- version: 4
-- description: Fires where ends of tasks or stages that must have happened are not in the log. The driver drops
--   events when its queue is full, which also confuses dynamic allocation and the web interface; a log that
--   somebody cut looks the same. All numbers of such an application are lower bounds; no loss is counted.
-- parameter: min_events bigint = 1 [count] events that are missing, at least
-- parameter: min_silent_stages bigint = 10 [count] stages that ended without the end of a single task, from which this is no accident
-- parameter: min_silent_share double = 0.9 [ratio] their tasks over the events that are missing, at least
-- evidence: At least {num_lost_events:event|events} of ended tasks and stages are missing from the history; all its numbers are lower
--   bounds.
-- advice: num_events < capacity | - | - | A log of so few events cannot have filled the driver's queue: somebody cut the log, or a part of it was not written or not
--   copied.
-- advice: is_filtered | - | - | Whole stages have no task events at all, and a full queue drops events of all kinds. Somebody removed the task events from the log, or
--   a part of it is missing.
-- advice: spark_minor >= 203 AND capacity < 30000 | spark.scheduler.listenerbus.eventqueue.capacity | '30000' | The driver drops events when its
--   queue is full: make that longer, and give the driver another core and some memory for it.
-- recommendation: Give the driver more cores, and run fewer, longer tasks.
WITH set_values AS (
  SELECT
    platform, cluster_id, application_id, attempt_id,
    MAX(CASE WHEN key = 'spark.scheduler.listenerbus.eventqueue.capacity' THEN TRY_CAST(value AS BIGINT) END) AS capacity
  FROM spark_settings
  GROUP BY platform, cluster_id, application_id, attempt_id
),
planned AS (
  SELECT platform, cluster_id, application_id, attempt_id, 2 * SUM(CAST(num_tasks AS DOUBLE)) AS num_events,
    SUM(CASE WHEN status = 'COMPLETE' AND num_complete_tasks = 0 AND num_tasks > 0 THEN 1 ELSE 0 END) AS silent_stages,
    SUM(CASE WHEN status = 'COMPLETE' AND num_complete_tasks = 0 THEN CAST(num_tasks AS DOUBLE) ELSE 0e0 END) AS silent_tasks
  FROM stages
  WHERE status <> 'SKIPPED'
  GROUP BY platform, cluster_id, application_id, attempt_id
)
SELECT
  a.platform, a.cluster_id, a.application_id, a.attempt_id, a.application_id AS subject_id,
  'low' AS severity, 'medium' AS confidence,
  a.num_lost_events, a.spark_minor, COALESCE(s.capacity, 10000) AS capacity, COALESCE(p.num_events, 0e0) AS num_events,
  COALESCE(p.silent_stages >= $min_silent_stages AND p.silent_tasks >= $min_silent_share * a.num_lost_events, FALSE) AS is_filtered
FROM application_facts AS a
LEFT JOIN set_values AS s
  ON s.platform = a.platform AND s.cluster_id = a.cluster_id
  AND s.application_id = a.application_id AND s.attempt_id = a.attempt_id
LEFT JOIN planned AS p
  ON p.platform = a.platform AND p.cluster_id = a.cluster_id
  AND p.application_id = a.application_id AND p.attempt_id = a.attempt_id
WHERE a.num_lost_events >= $min_events AND a.completed
