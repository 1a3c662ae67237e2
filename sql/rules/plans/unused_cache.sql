-- id: unused_cache
-- title: Data are cached and hardly read
-- category: plans
-- severity: low
-- version: 9
-- description: Fires for cached data that no query or job but the one that filled the cache has read, and for caches that counts
--   filled (CACHE TABLE does so itself), each of which one query read, once, where filling them took a large part of the task time (view unused_caches). Caches that
--   Spark's libraries and Delta make for themselves are not judged. A cache that nobody reads costs memory and the
--   writing of it. Where the cache holds the columns of a table as they are and the query takes a part of them, lost is the time of the stage that filled it by the part of the others: without the cache the query
--   reads its own columns alone. What building the cache costs beside that is not counted. One that does not fit into memory is told by cache_misses. A history without an end is not judged, since
--   what it does not tell of may read the cache; those of Databricks never have one.
-- group_by: call_site
-- evidence: {what}[ at {place}], {num_partitions:partition|partitions}[ ({storage_level})], {verdict}[, which takes {read_columns:int} of its {cached_columns:int} columns]. The stage that
--   filled it took {stage_ms:s} of task time.[ Tables used so: {tables}, filled in {tables_ms:s} of task time together.]
-- advice: is_sql AND is_once | - | - | Leave CACHE TABLE out: CREATE TEMPORARY VIEW {table_name} AS with the same SELECT in its place. The one query that uses it then reads only its own columns and rows from the files. CACHE TABLE pays when several queries read the
--   table; select only the columns that they need.
-- advice: is_sql | - | - | Leave CACHE TABLE out, or make a view in its place (CREATE TEMPORARY VIEW): no later query reads what it holds.
-- advice: is_once | - | - | Take the cache away, and the count if it only fills it: the query that reads the data computes them itself, and their rows can be counted on the way
--   (DataFrame.observe, or the rows that the write tells).
-- recommendation: Do not cache what is used once: remove the cache() or persist(), or unpersist the data after their last use. A
--   cache is filled with all of its columns, also with those that no later step reads.
WITH named AS (
  SELECT
    u.*, CASE WHEN rdd_name LIKE 'In-memory table %' THEN SUBSTR(REPLACE(rdd_name, 'In-memory table ', ''), 1, 60) END AS table_name,
    UPPER(TRIM(q.description)) LIKE 'CACHE %' AS is_sql
  FROM unused_caches AS u
  LEFT JOIN sql AS q
    ON q.platform = u.platform AND q.cluster_id = u.cluster_id
    AND q.application_id = u.application_id AND q.attempt_id = u.attempt_id AND CONCAT('query ', CAST(q.sql_id AS STRING)) = u.fill_owner
),
tables AS (
  SELECT platform, cluster_id, application_id, attempt_id, call_site, SUBSTR(ARRAY_JOIN(ARRAY_SORT(ARRAY_AGG(DISTINCT table_name)), ', '), 1, 200) AS tables, SUM(stage_ms) AS tables_ms
  FROM named
  WHERE is_once AND table_name IS NOT NULL
  GROUP BY platform, cluster_id, application_id, attempt_id, call_site
  HAVING COUNT(DISTINCT table_name) > 1
)
SELECT
  n.platform, n.cluster_id, n.application_id, n.attempt_id, CONCAT('rdd ', CAST(n.rdd_id AS STRING)) AS subject_id,
  CASE WHEN n.unread_share > 0e0 THEN NULL ELSE 'low' END AS severity,
  CASE WHEN n.is_unread THEN 'high' ELSE 'medium' END AS confidence,
  CASE WHEN n.is_unread THEN 'Data are cached and never read again' ELSE 'Data are cached for a single query' END AS title,
  TRY_CAST(CASE WHEN n.unread_share > 0e0 THEN n.stage_ms * n.unread_share END AS BIGINT) AS lost_core_ms,
  TRY_CAST(CASE WHEN n.unread_share > 0e0 THEN n.stage_wall_ms * n.unread_share END AS BIGINT) AS recoverable_ms,
  CASE WHEN n.table_name IS NOT NULL THEN CONCAT('Cached table ', n.table_name) WHEN n.rdd_name LIKE '%+-%' OR n.rdd_name LIKE '*(%' THEN 'A cached table' ELSE CONCAT('Cached RDD ', SUBSTR(n.rdd_name, 1, 60)) END
    AS what,
  n.call_site, CASE WHEN NOT COALESCE(n.is_sql, FALSE) THEN NULLIF(n.call_site, '') END AS place, n.num_partitions, CASE WHEN NOT COALESCE(n.is_sql, FALSE) THEN n.storage_level END AS storage_level,
  CASE
    WHEN n.is_unread THEN 'was read by nothing but the action that filled it'
    WHEN n.is_sql THEN 'was filled by CACHE TABLE and then read by one query only'
    ELSE 'was filled by a count and then read by one query only'
  END AS verdict,
  n.cached_columns, n.read_columns, n.table_name, COALESCE(n.is_sql, FALSE) AS is_sql, CASE WHEN n.is_once THEN t.tables END AS tables, CASE WHEN n.is_once THEN TRY_CAST(t.tables_ms AS BIGINT) END AS tables_ms,
  TRY_CAST(n.fill_ms AS BIGINT) AS fill_ms, TRY_CAST(n.stage_ms AS BIGINT) AS stage_ms, n.is_unread, n.is_once
FROM named AS n
LEFT JOIN tables AS t
  ON t.platform = n.platform AND t.cluster_id = n.cluster_id
  AND t.application_id = n.application_id AND t.attempt_id = n.attempt_id AND t.call_site = n.call_site
