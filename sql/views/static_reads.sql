-- id: static_reads
-- title: Tables that the batches of a streaming query read anew
-- description: One row per streaming query and table or path that several of its batches read, beside its own sources and what streaming queries of the
--   application write: the number of these batches and of the reads in them (a function of foreachBatch can run several queries), the task time, tasks and duration of the stages that read it, and the task time of all batches.
--   num_inferred and inferred_ms are stages that read all of a text file between the queries of a batch, as inferring its schema does.
--   What has its location cut short (...) is left out: several tables can have it, and what is written cannot be told from it.
-- reads: operator_stages, rdds, sql, sql_scans, streaming_progress, timed_stages
WITH scans AS (
  SELECT
    s.platform, s.cluster_id, s.application_id, s.attempt_id, q.streaming_query_id, s.sql_id, s.node_id,
    -- A function of foreachBatch runs queries of its own, all under the name of the batch.
    COALESCE(NULLIF(SPLIT_PART(q.description, 'batch = ', 2), ''), CAST(s.sql_id AS STRING)) AS batch,
    COALESCE(s.table_name, s.location) AS source, s.location, s.format, s.bytes_read, s.files_read
  FROM sql_scans AS s
  INNER JOIN sql AS q
    ON q.platform = s.platform AND q.cluster_id = s.cluster_id
    AND q.application_id = s.application_id AND q.attempt_id = s.attempt_id AND q.sql_id = s.sql_id
  -- The first line of a text file is no read of it.
  WHERE s.operation = 'read' AND NOT COALESCE(s.format = 'text' AND s.rows_read <= 1, FALSE) AND q.streaming_query_id IS NOT NULL AND (s.table_name IS NOT NULL OR s.location NOT LIKE '%...')
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
  SELECT DISTINCT s.platform, s.cluster_id, s.application_id, s.attempt_id, s.streaming_query_id, s.source, s.batch, s.sql_id, o.stage_id, o.run_ms
  FROM scans AS s
  INNER JOIN operator_stages AS o
    ON o.platform = s.platform AND o.cluster_id = s.cluster_id
    AND o.application_id = s.application_id AND o.attempt_id = s.attempt_id AND o.sql_id = s.sql_id AND o.node_id = s.node_id
),
stage_work AS (
  SELECT
    platform, cluster_id, application_id, attempt_id, stage_id, SUM(num_complete_tasks) AS num_tasks,
    SUM(CAST(UNIX_MILLIS(completion_time) - UNIX_MILLIS(submission_time) AS DOUBLE)) AS duration_ms
  FROM timed_stages
  WHERE status NOT IN ('SKIPPED', 'PENDING')
  GROUP BY platform, cluster_id, application_id, attempt_id, stage_id
),
times AS (
  SELECT
    r.platform, r.cluster_id, r.application_id, r.attempt_id, r.streaming_query_id, r.source,
    COUNT(DISTINCT r.batch) AS num_batches, COUNT(DISTINCT r.sql_id) AS num_reads, SUM(CAST(r.run_ms AS DOUBLE)) AS run_ms, SUM(g.num_tasks) AS num_tasks, SUM(g.duration_ms) AS duration_ms
  FROM read_stages AS r
  LEFT JOIN stage_work AS g
    ON g.platform = r.platform AND g.cluster_id = r.cluster_id
    AND g.application_id = r.application_id AND g.attempt_id = r.attempt_id AND g.stage_id = r.stage_id
  GROUP BY r.platform, r.cluster_id, r.application_id, r.attempt_id, r.streaming_query_id, r.source
),
sizes AS (
  SELECT
    platform, cluster_id, application_id, attempt_id, streaming_query_id, source,
    AVG(CAST(bytes_read AS DOUBLE)) AS mean_bytes, MAX(CAST(bytes_read AS DOUBLE)) AS most_bytes, MAX(files_read) AS files_read, MAX(format) AS format
  FROM scans
  GROUP BY platform, cluster_id, application_id, attempt_id, streaming_query_id, source
),
-- Stages of a batch that read as much text as such a file has, for no operator of a plan.
text_stages AS (
  SELECT g.platform, g.cluster_id, g.application_id, g.attempt_id, q.streaming_query_id, g.stage_id, SUM(CAST(g.executor_run_time AS DOUBLE)) AS run_ms, MAX(CAST(g.input_bytes AS DOUBLE)) AS input_bytes
  FROM timed_stages AS g
  INNER JOIN sql AS q
    ON q.platform = g.platform AND q.cluster_id = g.cluster_id
    AND q.application_id = g.application_id AND q.attempt_id = g.attempt_id AND q.sql_id = g.sql_id
  INNER JOIN (
    SELECT DISTINCT platform, cluster_id, application_id, attempt_id, first_stage_id FROM rdds WHERE scope LIKE 'Scan text%'
  ) AS t
    ON t.platform = g.platform AND t.cluster_id = g.cluster_id
    AND t.application_id = g.application_id AND t.attempt_id = g.attempt_id AND t.first_stage_id = g.stage_id
  LEFT JOIN (SELECT DISTINCT platform, cluster_id, application_id, attempt_id, stage_id FROM operator_stages) AS o
    ON o.platform = g.platform AND o.cluster_id = g.cluster_id
    AND o.application_id = g.application_id AND o.attempt_id = g.attempt_id AND o.stage_id = g.stage_id
  WHERE q.streaming_query_id IS NOT NULL AND g.status = 'COMPLETE' AND g.input_bytes > 0 AND g.shuffle_write_bytes = 0 AND g.output_bytes = 0 AND o.platform IS NULL
  GROUP BY g.platform, g.cluster_id, g.application_id, g.attempt_id, q.streaming_query_id, g.stage_id
),
inferred AS (
  SELECT platform, cluster_id, application_id, attempt_id, streaming_query_id, source, COUNT(*) AS num_inferred, SUM(run_ms) AS inferred_ms
  FROM (
    SELECT t.platform, t.cluster_id, t.application_id, t.attempt_id, t.streaming_query_id, t.stage_id, t.run_ms, MIN(z.source) AS source
    FROM text_stages AS t
    INNER JOIN sizes AS z
      ON z.platform = t.platform AND z.cluster_id = t.cluster_id
      AND z.application_id = t.application_id AND z.attempt_id = t.attempt_id AND z.streaming_query_id = t.streaming_query_id
      AND z.format IN ('csv', 'json', 'xml') AND t.input_bytes >= 0.9e0 * z.most_bytes AND t.input_bytes <= 1.1e0 * z.most_bytes
    GROUP BY t.platform, t.cluster_id, t.application_id, t.attempt_id, t.streaming_query_id, t.stage_id, t.run_ms
  ) AS s
  GROUP BY platform, cluster_id, application_id, attempt_id, streaming_query_id, source
),
batch_time AS (
  SELECT g.platform, g.cluster_id, g.application_id, g.attempt_id, q.streaming_query_id, SUM(CAST(g.executor_run_time AS DOUBLE)) AS all_ms
  FROM timed_stages AS g
  INNER JOIN sql AS q
    ON q.platform = g.platform AND q.cluster_id = g.cluster_id
    AND q.application_id = g.application_id AND q.attempt_id = g.attempt_id AND q.sql_id = g.sql_id
  WHERE q.streaming_query_id IS NOT NULL AND g.status NOT IN ('SKIPPED', 'PENDING')
  GROUP BY g.platform, g.cluster_id, g.application_id, g.attempt_id, q.streaming_query_id
)
SELECT
  t.platform, t.cluster_id, t.application_id, t.attempt_id, t.streaming_query_id, t.source, t.num_batches, t.num_reads, t.run_ms, b.all_ms,
  i.num_inferred, i.inferred_ms,
  t.num_tasks, t.duration_ms, z.mean_bytes, z.files_read, z.format
FROM times AS t
INNER JOIN batch_time AS b
  ON b.platform = t.platform AND b.cluster_id = t.cluster_id
  AND b.application_id = t.application_id AND b.attempt_id = t.attempt_id AND b.streaming_query_id = t.streaming_query_id
INNER JOIN sizes AS z
  ON z.platform = t.platform AND z.cluster_id = t.cluster_id
  AND z.application_id = t.application_id AND z.attempt_id = t.attempt_id AND z.streaming_query_id = t.streaming_query_id AND z.source = t.source
LEFT JOIN inferred AS i
  ON i.platform = t.platform AND i.cluster_id = t.cluster_id
  AND i.application_id = t.application_id AND i.attempt_id = t.attempt_id AND i.streaming_query_id = t.streaming_query_id AND i.source = t.source
LEFT JOIN written AS w
  ON w.platform = t.platform AND w.cluster_id = t.cluster_id
  AND w.application_id = t.application_id AND w.attempt_id = t.attempt_id AND w.source = t.source
LEFT JOIN own_sources AS o
  ON o.platform = t.platform AND o.cluster_id = t.cluster_id
  AND o.application_id = t.application_id AND o.attempt_id = t.attempt_id AND o.streaming_query_id = t.streaming_query_id AND o.source = t.source
WHERE w.platform IS NULL AND o.platform IS NULL AND t.num_batches >= 2
