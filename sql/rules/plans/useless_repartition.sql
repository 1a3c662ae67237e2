-- id: useless_repartition
-- title: Rows are repartitioned and then shuffled again
-- category: plans
-- severity: low
-- version: 7
-- description: Fires where the code repartitions the rows of a query and the next step that moves rows is another shuffle (of another repartition too, but for one to a single partition) or a broadcast, with
--   nothing between them but projections, filters, local sorts and the first step of an aggregate: the first shuffle is for nothing.
--   Where the stage before it had fewer tasks than the application had cores it spread the work and is not told. Where no function and no aggregate stands between the two, the stage that reads the first
--   shuffle only shuffles again, and is lost. Else what the shuffle alone took is not measured: lost is what a core takes at least to write and read its bytes, at most half of these stages.
-- subject: node
-- group_by: query_description
-- parameter: min_share double = 0.15 [ratio] task time of the stages of the repartition over that of the application, at least
-- parameter: min_stage_ms double = 10000 [ms] that task time, at least
-- parameter: min_bytes double = 33554432 [bytes] that went through that shuffle, at least
-- parameter: shuffled_bytes_per_ms double = 67109 [bytes/ms] what a core sorts, writes and reads of such a shuffle at most (64 MiB a second)
-- evidence: Query {sql_id:int} ({query_description:query}) shuffles {bytes:bytes} to repartition its rows ({partitioning}), and the next step {next_step};
--   the stages that write and read the first shuffle took {stage_ms:s} of {app_ms:s} of task time[; the second of them only shuffles again, for {bare_ms:s}].
-- recommendation: Drop the repartition: the next step distributes the rows by what it needs. For more partitions there set
--   spark.sql.shuffle.partitions, or repartition by the key of that step.
WITH pairs AS (
  SELECT * FROM useless_repartitions WHERE bytes >= $min_bytes
),
work AS (
  SELECT p.platform, p.cluster_id, p.application_id, p.attempt_id, p.sql_id, p.node_id, SUM(CAST(s.executor_run_time AS DOUBLE)) AS stage_ms,
    SUM(CASE WHEN p.is_bare AND s.stage_id = ARRAY_MAX(p.stage_ids) THEN CAST(s.executor_run_time AS DOUBLE) END) AS bare_ms
  FROM pairs AS p
  INNER JOIN timed_stages AS s
    ON s.platform = p.platform AND s.cluster_id = p.cluster_id
    AND s.application_id = p.application_id AND s.attempt_id = p.attempt_id
  WHERE s.status = 'COMPLETE' AND ARRAY_CONTAINS(p.stage_ids, s.stage_id)
  GROUP BY p.platform, p.cluster_id, p.application_id, p.attempt_id, p.sql_id, p.node_id
)
SELECT
  p.platform, p.cluster_id, p.application_id, p.attempt_id,
  CONCAT(CAST(p.sql_id AS STRING), '.', CAST(p.node_id AS STRING)) AS subject_id,
  'medium' AS confidence,
  TRY_CAST(COALESCE(w.bare_ms, LEAST(0.5e0 * w.stage_ms, p.bytes / $shuffled_bytes_per_ms)) AS BIGINT) AS lost_core_ms,
  TRY_CAST(COALESCE(w.bare_ms, LEAST(0.5e0 * w.stage_ms, p.bytes / $shuffled_bytes_per_ms)) * f.wall_ratio AS BIGINT) AS recoverable_ms,
  p.sql_id, SUBSTR(q.description, 1, 200) AS query_description, p.bytes, SUBSTR(p.partitioning, 1, 150) AS partitioning,
  SUBSTR(p.next_step, 1, 150) AS next_step, w.stage_ms, TRY_CAST(w.bare_ms AS BIGINT) AS bare_ms, a.executor_run_time AS app_ms
FROM pairs AS p
INNER JOIN work AS w
  ON w.platform = p.platform AND w.cluster_id = p.cluster_id
  AND w.application_id = p.application_id AND w.attempt_id = p.attempt_id AND w.sql_id = p.sql_id AND w.node_id = p.node_id
INNER JOIN sql AS q
  ON q.platform = p.platform AND q.cluster_id = p.cluster_id
  AND q.application_id = p.application_id AND q.attempt_id = p.attempt_id AND q.sql_id = p.sql_id
LEFT JOIN application_facts AS f
  ON f.platform = p.platform AND f.cluster_id = p.cluster_id
  AND f.application_id = p.application_id AND f.attempt_id = p.attempt_id
INNER JOIN application_run_times AS a
  ON a.platform = p.platform AND a.cluster_id = p.cluster_id
  AND a.application_id = p.application_id AND a.attempt_id = p.attempt_id
WHERE w.stage_ms >= $min_stage_ms AND w.stage_ms >= $min_share * a.executor_run_time
