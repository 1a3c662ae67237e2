-- id: cache_passes
-- title: Stages that read a cache, and their tasks that computed it again, as their bytes show
-- description: One row per stage that reads a cached RDD (a cached table is one too), of a history without block updates, as it is by default: of stages after the one that filled it and with as
--   many tasks, the tasks that read it (tasks_read, run_ms), and those that read just as many bytes from storage or shuffles as the task of the same partition that had filled the cache
--   (missed, missed_ms): what a task finds in the cache has another size, in memory or on disk. So are those that read nearly as many records of files: in a cached table a task finds batches
--   of thousands of rows, and the bytes and records of a task that fills one are counted short where its partition did not fit. Partitions that read little from storage or shuffles are left out, and of a cache that was given
--   back (unpersist) the stages after the last one in which a task found its partition: they may have come later.
--   found_bytes is what those read that found their partition. A stage that begins at a newer cache, which was made of this one, does not read this one, as in a loop that caches each of its rounds. Nor do
--   equal bytes tell anything of a cache that was itself made of an older one, unless a task found a partition of another size.
-- parameter: min_fill_records bigint = 10000 [count] records of files that filled a partition of a table, at least, for these to tell
-- parameter: min_record_share double = 0.5 [ratio] records of files that a task read over those, at least, to have computed it again
-- parameter: min_read_bytes bigint = 16384 [bytes] bytes from which a partition was filled, at least
-- reads: rdds, run_time_cores, stages, tasks
WITH cached AS (
  SELECT r.platform, r.cluster_id, r.application_id, r.attempt_id, r.rdd_id, r.first_stage_id, r.num_partitions, r.is_unpersisted,
    r.rdd_name LIKE '%+-%' OR r.rdd_name LIKE '*(%' OR r.rdd_name LIKE 'In-memory table %' AS is_table
  FROM rdds AS r
  WHERE r.is_persisted AND r.first_stage_id IS NOT NULL AND r.num_reads > 0 AND r.blocks_stored IS NULL AND r.rdd_name NOT LIKE 'Delta Table State%'
),
-- The stage that filled it, and those that read it.
passes AS (
  SELECT
    c.platform, c.cluster_id, c.application_id, c.attempt_id, c.rdd_id, c.is_unpersisted, c.is_table, s.stage_id, s.stage_attempt_id, s.stage_id = c.first_stage_id AS is_fill
  FROM cached AS c
  INNER JOIN stages AS s
    ON s.platform = c.platform AND s.cluster_id = c.cluster_id
    AND s.application_id = c.application_id AND s.attempt_id = c.attempt_id
  WHERE s.status = 'COMPLETE' AND s.stage_attempt_id = 0 AND s.num_tasks = c.num_partitions AND s.stage_id >= c.first_stage_id
    AND ARRAY_CONTAINS(s.rdd_ids, c.rdd_id)
),
-- The newest cache that a stage of these began at.
newest AS (
  SELECT p.platform, p.cluster_id, p.application_id, p.attempt_id, p.stage_id, MAX(p.rdd_id) AS rdd_id
  FROM passes AS p
  WHERE NOT p.is_fill
  GROUP BY p.platform, p.cluster_id, p.application_id, p.attempt_id, p.stage_id
),
-- Caches of which that one was made.
behind AS (
  SELECT p.platform, p.cluster_id, p.application_id, p.attempt_id, p.rdd_id, p.stage_id, n.rdd_id AS newest_id
  FROM passes AS p
  INNER JOIN newest AS n
    ON n.platform = p.platform AND n.cluster_id = p.cluster_id
    AND n.application_id = p.application_id AND n.attempt_id = p.attempt_id AND n.stage_id = p.stage_id
  INNER JOIN passes AS f
    ON f.platform = n.platform AND f.cluster_id = n.cluster_id
    AND f.application_id = n.application_id AND f.attempt_id = n.attempt_id AND f.rdd_id = n.rdd_id AND f.is_fill
  INNER JOIN stages AS s
    ON s.platform = f.platform AND s.cluster_id = f.cluster_id
    AND s.application_id = f.application_id AND s.attempt_id = f.attempt_id
    AND s.stage_id = f.stage_id AND s.stage_attempt_id = f.stage_attempt_id
  WHERE p.rdd_id < n.rdd_id AND ARRAY_CONTAINS(s.rdd_ids, p.rdd_id)
),
children AS (
  SELECT c.platform, c.cluster_id, c.application_id, c.attempt_id, c.rdd_id, x.rdd_id AS child_id
  FROM cached AS c
  INNER JOIN rdds AS x
    ON x.platform = c.platform AND x.cluster_id = c.cluster_id
    AND x.application_id = c.application_id AND x.attempt_id = c.attempt_id
  WHERE x.rdd_id > c.rdd_id AND ARRAY_CONTAINS(x.parent_ids, c.rdd_id)
),
-- But for what is made of them again beside it, as the links are in each round of a ranking.
used AS (
  SELECT DISTINCT b.platform, b.cluster_id, b.application_id, b.attempt_id, b.rdd_id, b.stage_id
  FROM behind AS b
  INNER JOIN children AS x
    ON x.platform = b.platform AND x.cluster_id = b.cluster_id
    AND x.application_id = b.application_id AND x.attempt_id = b.attempt_id AND x.rdd_id = b.rdd_id
  INNER JOIN stages AS s
    ON s.platform = b.platform AND s.cluster_id = b.cluster_id
    AND s.application_id = b.application_id AND s.attempt_id = b.attempt_id AND s.stage_id = b.stage_id AND s.stage_attempt_id = 0
  WHERE x.child_id > b.newest_id AND ARRAY_CONTAINS(s.rdd_ids, x.child_id)
),
read_passes AS (
  SELECT p.*
  FROM passes AS p
  LEFT JOIN behind AS b
    ON b.platform = p.platform AND b.cluster_id = p.cluster_id
    AND b.application_id = p.application_id AND b.attempt_id = p.attempt_id AND b.rdd_id = p.rdd_id AND b.stage_id = p.stage_id
  LEFT JOIN used AS u
    ON u.platform = p.platform AND u.cluster_id = p.cluster_id
    AND u.application_id = p.application_id AND u.attempt_id = p.attempt_id AND u.rdd_id = p.rdd_id AND u.stage_id = p.stage_id
  WHERE b.platform IS NULL OR u.platform IS NOT NULL
),
from_caches AS (
  SELECT DISTINCT f.platform, f.cluster_id, f.application_id, f.attempt_id, f.rdd_id
  FROM passes AS f
  INNER JOIN passes AS o
    ON o.platform = f.platform AND o.cluster_id = f.cluster_id
    AND o.application_id = f.application_id AND o.attempt_id = f.attempt_id AND o.stage_id = f.stage_id
  WHERE f.is_fill AND NOT o.is_fill AND o.rdd_id < f.rdd_id
),
reads AS (
  SELECT
    p.platform, p.cluster_id, p.application_id, p.attempt_id, p.rdd_id, p.is_unpersisted, p.stage_id, p.is_fill, t.index, t.executor_run_time / COALESCE(z.run_cores, 1e0) AS run_ms,
    COALESCE(t.input_bytes_read, 0) + COALESCE(t.shuffle_read_local_bytes_read, 0) + COALESCE(t.shuffle_read_remote_bytes_read, 0) AS read_bytes,
    CASE WHEN p.is_table AND COALESCE(t.shuffle_read_records_read, 0) = 0 THEN t.input_records_read END AS file_records
  FROM read_passes AS p
  INNER JOIN tasks AS t
    ON t.platform = p.platform AND t.cluster_id = p.cluster_id
    AND t.application_id = p.application_id AND t.attempt_id = p.attempt_id AND t.stage_id = p.stage_id AND t.stage_attempt_id = p.stage_attempt_id
  LEFT JOIN run_time_cores AS z
    ON z.platform = p.platform AND z.cluster_id = p.cluster_id
    AND z.application_id = p.application_id AND z.attempt_id = p.attempt_id
    AND z.stage_id = p.stage_id AND z.stage_attempt_id = p.stage_attempt_id
  WHERE t.status = 'SUCCESS'
),
-- A speculative copy can succeed beside the task.
fills AS (
  SELECT platform, cluster_id, application_id, attempt_id, rdd_id, index, MAX(read_bytes) AS read_bytes, MAX(file_records) AS file_records
  FROM reads
  WHERE is_fill AND read_bytes >= $min_read_bytes
  GROUP BY platform, cluster_id, application_id, attempt_id, rdd_id, index
),
judged AS (
  SELECT
    r.platform, r.cluster_id, r.application_id, r.attempt_id, r.rdd_id, r.is_unpersisted, r.stage_id, r.run_ms, r.read_bytes,
    r.read_bytes = f.read_bytes OR COALESCE(f.file_records >= $min_fill_records AND r.file_records >= $min_record_share * f.file_records, FALSE) AS is_missed
  FROM fills AS f
  INNER JOIN reads AS r
    ON r.platform = f.platform AND r.cluster_id = f.cluster_id
    AND r.application_id = f.application_id AND r.attempt_id = f.attempt_id AND r.rdd_id = f.rdd_id AND r.index = f.index
  WHERE NOT r.is_fill AND r.read_bytes > 0
),
dated AS (
  SELECT
    j.*, MAX(CASE WHEN NOT is_missed THEN stage_id END) OVER (PARTITION BY platform, cluster_id, application_id, attempt_id, rdd_id) AS last_found
  FROM judged AS j
)
SELECT
  d.platform, d.cluster_id, d.application_id, d.attempt_id, d.rdd_id, d.stage_id, COUNT(*) AS tasks_read, SUM(d.run_ms) AS run_ms,
  SUM(CASE WHEN d.is_missed THEN 1 ELSE 0 END) AS missed, SUM(CASE WHEN d.is_missed THEN d.run_ms ELSE 0e0 END) AS missed_ms,
  SUM(CASE WHEN NOT d.is_missed THEN CAST(d.read_bytes AS DOUBLE) END) AS found_bytes
FROM dated AS d
LEFT JOIN from_caches AS c
  ON c.platform = d.platform AND c.cluster_id = d.cluster_id
  AND c.application_id = d.application_id AND c.attempt_id = d.attempt_id AND c.rdd_id = d.rdd_id
WHERE (NOT d.is_unpersisted OR d.stage_id <= d.last_found) AND (c.platform IS NULL OR d.last_found IS NOT NULL)
GROUP BY d.platform, d.cluster_id, d.application_id, d.attempt_id, d.rdd_id, d.stage_id
