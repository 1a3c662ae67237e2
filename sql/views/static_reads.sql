-- id: static_reads
-- title: Tables that the batches of a streaming query read anew
-- description: One row per streaming query and table or path that several of its batches read, beside its own sources and what streaming queries of the
--   application write: the number of these batches, the task time, tasks and duration of the stages that read it, and the task time of all batches.
--   What has its location cut short (...) is left out: several tables can have it, and what is written cannot be told from it.
-- reads: operator_stages, sql, sql_scans, stages, streaming_progress
WITH scans AS (
  SELECT
    s.platform, s.cluster_id, s.application_id, s.attempt_id, q.streaming_query_id, s.sql_id, s.node_id,
    COALESCE(s.table_name, s.location) AS source, s.location, s.format, s.bytes_read, s.files_read
  FROM sql_scans AS s
  INNER JOIN sql AS q
    ON q.platform = s.platform AND q.cluster_id = s.cluster_id
    AND q.application_id = s.application_id AND q.attempt_id = s.attempt_id AND q.sql_id = s.sql_id
  WHERE s.operation = 'read' AND q.streaming_query_id IS NOT NULL AND (s.table_name IS NOT NULL OR s.location NOT LIKE '%...')
    AND COALESCE(s.format, '') NOT IN ('cache', 'rdd', 'local', 'kafka', 'delta_log', 'noop')
),
-- What a batch writes has other rows in the next one.
written AS (
  SELECT DISTINCT s.platform, s.cluster_id, s.application_id, s.attempt_id, COALESCE(s.table_name, s.location) AS source
  FROM sql_scans AS s
  INNER JOIN sql AS q
    ON q.platform = s.platform AND q.cluster_id = s.cluster_id
    AND q.application_id = s.application_id AND q.attempt_id = s.attempt_id AND q.sql_id = s.sql_id
  WHERE s.operation = 'write' AND q.streaming_query_id IS NOT NULL AND COALESCE(s.table_name, s.location) IS NOT NULL
),
own_sources AS (
  SELECT DISTINCT s.platform, s.cluster_id, s.application_id, s.attempt_id, s.streaming_query_id, s.source
  FROM scans AS s
  INNER JOIN streaming_progress AS p
    ON p.platform = s.platform AND p.cluster_id = s.cluster_id
    AND p.application_id = s.application_id AND p.attempt_id = s.attempt_id AND p.query_id = s.streaming_query_id
  WHERE COALESCE(INSTR(p.sources_json, s.location) > 0, FALSE) OR COALESCE(INSTR(p.sources_json, s.source) > 0, FALSE)
),
read_stages AS (
  SELECT DISTINCT s.platform, s.cluster_id, s.application_id, s.attempt_id, s.streaming_query_id, s.source, s.sql_id, o.stage_id, o.run_ms
  FROM scans AS s
  INNER JOIN operator_stages AS o
    ON o.platform = s.platform AND o.cluster_id = s.cluster_id
    AND o.application_id = s.application_id AND o.attempt_id = s.attempt_id AND o.sql_id = s.sql_id AND o.node_id = s.node_id
),
stage_work AS (
  SELECT
    platform, cluster_id, application_id, attempt_id, stage_id, SUM(num_complete_tasks) AS num_tasks,
    SUM(CAST(UNIX_MILLIS(completion_time) - UNIX_MILLIS(submission_time) AS DOUBLE)) AS duration_ms
  FROM stages
  WHERE status NOT IN ('SKIPPED', 'PENDING')
  GROUP BY platform, cluster_id, application_id, attempt_id, stage_id
),
times AS (
  SELECT
    r.platform, r.cluster_id, r.application_id, r.attempt_id, r.streaming_query_id, r.source,
    COUNT(DISTINCT r.sql_id) AS num_batches, SUM(CAST(r.run_ms AS DOUBLE)) AS run_ms, SUM(g.num_tasks) AS num_tasks, SUM(g.duration_ms) AS duration_ms
  FROM read_stages AS r
  LEFT JOIN stage_work AS g
    ON g.platform = r.platform AND g.cluster_id = r.cluster_id
    AND g.application_id = r.application_id AND g.attempt_id = r.attempt_id AND g.stage_id = r.stage_id
  GROUP BY r.platform, r.cluster_id, r.application_id, r.attempt_id, r.streaming_query_id, r.source
),
sizes AS (
  SELECT
    platform, cluster_id, application_id, attempt_id, streaming_query_id, source,
    AVG(CAST(bytes_read AS DOUBLE)) AS mean_bytes, MAX(files_read) AS files_read, MAX(format) AS format
  FROM scans
  GROUP BY platform, cluster_id, application_id, attempt_id, streaming_query_id, source
),
batch_time AS (
  SELECT g.platform, g.cluster_id, g.application_id, g.attempt_id, q.streaming_query_id, SUM(CAST(g.executor_run_time AS DOUBLE)) AS all_ms
  FROM stages AS g
  INNER JOIN sql AS q
    ON q.platform = g.platform AND q.cluster_id = g.cluster_id
    AND q.application_id = g.application_id AND q.attempt_id = g.attempt_id AND q.sql_id = g.sql_id
  WHERE q.streaming_query_id IS NOT NULL AND g.status NOT IN ('SKIPPED', 'PENDING')
  GROUP BY g.platform, g.cluster_id, g.application_id, g.attempt_id, q.streaming_query_id
)
SELECT
  t.platform, t.cluster_id, t.application_id, t.attempt_id, t.streaming_query_id, t.source, t.num_batches, t.run_ms, b.all_ms,
  t.num_tasks, t.duration_ms, z.mean_bytes, z.files_read, z.format
FROM times AS t
INNER JOIN batch_time AS b
  ON b.platform = t.platform AND b.cluster_id = t.cluster_id
  AND b.application_id = t.application_id AND b.attempt_id = t.attempt_id AND b.streaming_query_id = t.streaming_query_id
INNER JOIN sizes AS z
  ON z.platform = t.platform AND z.cluster_id = t.cluster_id
  AND z.application_id = t.application_id AND z.attempt_id = t.attempt_id AND z.streaming_query_id = t.streaming_query_id AND z.source = t.source
LEFT JOIN written AS w
  ON w.platform = t.platform AND w.cluster_id = t.cluster_id
  AND w.application_id = t.application_id AND w.attempt_id = t.attempt_id AND w.source = t.source
LEFT JOIN own_sources AS o
  ON o.platform = t.platform AND o.cluster_id = t.cluster_id
  AND o.application_id = t.application_id AND o.attempt_id = t.attempt_id AND o.streaming_query_id = t.streaming_query_id AND o.source = t.source
WHERE w.platform IS NULL AND o.platform IS NULL AND t.num_batches >= 2
