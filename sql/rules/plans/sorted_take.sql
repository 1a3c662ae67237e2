-- id: sorted_take
-- title: All rows are sorted for the first few
-- category: plans
-- severity: low
-- version: 6
-- description: Fires where RDD code sorts everything (sortBy, sortByKey) and then takes the first elements: only a small part of what the sort wrote into
--   its shuffle was read (view taken_rdd_sorts). Before, the sort looks for its ranges in jobs of its own (PySpark counts the elements and then samples them), each of which computes what
--   is not cached once more. takeOrdered computes it once: lost are all of these stages but the longest. Spark plans a query with ORDER BY and LIMIT without a shuffle, but not through a cache:
--   so it fires too where a DataFrame is sorted and then cached, and all that reads the cache is limits (and counts). Of these the stage that looks for the
--   ranges and the one that sorts are lost; the read of the input is needed once. In a history without an end useless_sort tells such a sort (view taken_sorts).
-- subject: stage
-- parameter: min_run_ms double = 5000 [ms] task time of the stage that writes them, at least
-- parameter: min_share double = 0.1 [ratio] the same over the task time of the application, at least
-- evidence: [The stage of {stage_name} wrote {written_bytes:bytes} into its shuffle in {run_ms:s} of task time, {share:pct} of all, and {read_bytes:bytes} of it were read][;
--   {samples:stage|stages} before it computed the same elements to look for its ranges, in {sample_ms:s}][Query
--   {sql_id:int} ({query_description:query}) sorts {sorted_rows:int} rows by {sort_keys} into a cache, of which {readers:query reads|queries read} no more than
--   {limit_rows:row|rows}{counted}. To find the ranges, to shuffle and to sort took {cached_ms:s} of task time, {cached_share:pct} of all, {again_ms:s} of it
--   in stages that a limit before the cache does not need ({again_stages})].
-- advice: is_cached AND is_counted | - | - | Put the limit before the cache: orderBy(…).limit(n), then persist these rows, and count the DataFrame before the orderBy. Spark then plans
--   a top-n: each task keeps n rows, and nothing is shuffled or sorted as a whole.
-- advice: is_cached | - | - | Put the limit before the cache: orderBy(…).limit(n), then persist these rows. Spark then plans a top-n: each task keeps n rows, and nothing is
--   shuffled or sorted as a whole.
-- recommendation: Ask for the first elements instead of a sort: takeOrdered(n, key) or top(n) on the RDD, orderBy(…).limit(n) on a DataFrame. Each task keeps
--   n rows, and nothing is shuffled.
WITH sorts AS (
  SELECT
    platform, cluster_id, application_id, attempt_id, stage_id, stage_attempt_id, stage_name, written_bytes, read_bytes, run_ms, wall_ms, app_ms,
    NULLIF(COUNT(sample_stage_id), 0) AS samples, SUM(sample_ms) AS sample_ms, MAX(sample_ms) AS longest_ms, SUM(sample_wall_ms) AS sample_wall_ms, MAX(sample_wall_ms) AS longest_wall_ms
  FROM taken_rdd_sorts
  GROUP BY platform, cluster_id, application_id, attempt_id, stage_id, stage_attempt_id, stage_name, written_bytes, read_bytes, run_ms, wall_ms, app_ms
),
cached AS (
  SELECT
    k.platform, k.cluster_id, k.application_id, k.attempt_id, k.sql_id, k.limit_rows, k.sorted_rows, k.queries, k.is_counted, g.sort_keys, p.first_stage_id, p.sample_stage_id,
    MAX(CASE WHEN t.stage_id = p.first_stage_id THEN t.stage_attempt_id END) AS stage_attempt_id,
    SUM(CAST(t.executor_run_time AS DOUBLE)) AS cached_ms,
    SUM(CASE WHEN t.stage_id <> p.first_stage_id THEN CAST(t.executor_run_time AS DOUBLE) END) AS again_ms,
    SUM(CASE WHEN t.stage_id <> p.first_stage_id THEN CAST(t.duration_ms AS DOUBLE) END) AS again_wall_ms,
    CONCAT_WS(' and ', CAST(p.sample_stage_id AS STRING), CAST(MAX(CASE WHEN ARRAY_CONTAINS(k.stage_ids, t.stage_id) THEN t.stage_id END) AS STRING)) AS again_stages
  FROM taken_sorts AS k
  INNER JOIN global_sorts AS g
    ON g.platform = k.platform AND g.cluster_id = k.cluster_id
    AND g.application_id = k.application_id AND g.attempt_id = k.attempt_id AND g.sql_id = k.sql_id AND g.node_id = k.node_id
  INNER JOIN sort_samples AS p
    ON p.platform = k.platform AND p.cluster_id = k.cluster_id
    AND p.application_id = k.application_id AND p.attempt_id = k.attempt_id AND p.sql_id = k.sql_id AND p.node_id = k.node_id
  INNER JOIN timed_stages AS t
    ON t.platform = k.platform AND t.cluster_id = k.cluster_id
    AND t.application_id = k.application_id AND t.attempt_id = k.attempt_id AND t.sql_id = k.sql_id
  WHERE t.status = 'COMPLETE' AND (t.stage_id = p.first_stage_id OR t.stage_id = p.sample_stage_id OR ARRAY_CONTAINS(k.stage_ids, t.stage_id))
  GROUP BY
    k.platform, k.cluster_id, k.application_id, k.attempt_id, k.sql_id, k.node_id, k.limit_rows, k.sorted_rows, k.queries, k.is_counted, g.sort_keys, p.first_stage_id, p.sample_stage_id
)
SELECT
  s.platform, s.cluster_id, s.application_id, s.attempt_id,
  CONCAT(CAST(s.stage_id AS STRING), '.', CAST(s.stage_attempt_id AS STRING)) AS subject_id,
  'medium' AS confidence, FALSE AS is_cached, TRY_CAST(s.sample_ms + s.run_ms - GREATEST(s.longest_ms, s.run_ms) AS BIGINT) AS lost_core_ms,
  TRY_CAST(s.sample_wall_ms + s.wall_ms - GREATEST(s.longest_wall_ms, s.wall_ms) AS BIGINT) AS recoverable_ms,
  SUBSTR(s.stage_name, 1, 100) AS stage_name, s.written_bytes, s.run_ms, s.run_ms / NULLIF(s.app_ms, 0e0) AS share,
  s.read_bytes, s.samples, s.sample_ms,
  CAST(NULL AS BIGINT) AS sql_id, CAST(NULL AS STRING) AS query_description, CAST(NULL AS DOUBLE) AS sorted_rows, CAST(NULL AS STRING) AS sort_keys,
  CAST(NULL AS BIGINT) AS readers, CAST(NULL AS DOUBLE) AS limit_rows, FALSE AS is_counted, CAST(NULL AS STRING) AS counted, CAST(NULL AS DOUBLE) AS cached_ms,
  CAST(NULL AS DOUBLE) AS cached_share, CAST(NULL AS DOUBLE) AS again_ms, CAST(NULL AS STRING) AS again_stages
FROM sorts AS s
UNION ALL
SELECT
  c.platform, c.cluster_id, c.application_id, c.attempt_id,
  CONCAT(CAST(c.first_stage_id AS STRING), '.', CAST(c.stage_attempt_id AS STRING)) AS subject_id,
  'high' AS confidence, TRUE AS is_cached, TRY_CAST(c.again_ms AS BIGINT) AS lost_core_ms, TRY_CAST(c.again_wall_ms AS BIGINT) AS recoverable_ms,
  CAST(NULL AS STRING) AS stage_name, CAST(NULL AS DOUBLE) AS written_bytes, CAST(NULL AS DOUBLE) AS run_ms, CAST(NULL AS DOUBLE) AS share,
  CAST(NULL AS DOUBLE) AS read_bytes, CAST(NULL AS BIGINT) AS samples, CAST(NULL AS DOUBLE) AS sample_ms,
  c.sql_id, SUBSTR(q.description, 1, 200) AS query_description, c.sorted_rows, SUBSTR(c.sort_keys, 1, 150) AS sort_keys,
  c.queries AS readers, c.limit_rows, c.is_counted, CASE WHEN c.is_counted THEN ' or count the rows' ELSE '' END AS counted, c.cached_ms,
  c.cached_ms / NULLIF(CAST(a.executor_run_time AS DOUBLE), 0e0) AS cached_share, c.again_ms, c.again_stages
FROM cached AS c
INNER JOIN sql AS q
  ON q.platform = c.platform AND q.cluster_id = c.cluster_id
  AND q.application_id = c.application_id AND q.attempt_id = c.attempt_id AND q.sql_id = c.sql_id
INNER JOIN application_run_times AS a
  ON a.platform = c.platform AND a.cluster_id = c.cluster_id
  AND a.application_id = c.application_id AND a.attempt_id = c.attempt_id
WHERE c.cached_ms >= $min_run_ms AND c.cached_ms >= $min_share * a.executor_run_time
