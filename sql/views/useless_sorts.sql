-- id: useless_sorts
-- title: Global sorts that cost much for nothing, and what they could win
-- description: One row per global sort that useless_sort tells, for that rule and for those that must not tell its time again: one whose order the next step undoes, or that
--   keeps its order, but computes much twice to look for the ranges (is_kept). Lost is of the first kind what the stage took that only looked for the ranges (sample_ms) and, before a further
--   shuffle, half of the stage of the sort (sort_ms); of the second the cheaper of both runs (again_ms). lost_stage_id is the stage that falls away as a whole. stage_ms counts the stages that look for the ranges, write the rows into them and sort. No stage counts for more wall time than its tasks took,
--   and all sorts of a query together for no more than the query. A sort is told where it is a large part of the task time or of the wall time: few tasks leave cores without work.
--   A cached sort that only limits read is left to sorted_take.
-- parameter: min_share double = 0.2 [ratio] task time of the stages of a sort that is undone over that of the application, at least
-- parameter: min_wall_share double = 0.1 [ratio] or their wall time over that of the application; of a sort that keeps its order that of the cheaper run
-- parameter: min_stage_ms double = 10000 [ms] task time of the stages of a sort that is undone, at least
-- parameter: min_again_ms double = 5000 [ms] the cheaper of both runs of what is below a sort that keeps its order, at least
-- parameter: min_again_share double = 0.1 [ratio] the same over the task time of the application, at least
-- reads: application_facts, application_run_times, global_sorts, sort_samples, sql, taken_sorts, timed_stages
WITH times AS (
  SELECT
    platform, cluster_id, application_id, attempt_id, sql_id, stage_id, shuffle_read_bytes,
    CAST(executor_run_time AS DOUBLE) AS run_ms,
    -- A stage can wait for others before its first task.
    LEAST(CAST(duration_ms AS DOUBLE), CAST(executor_run_time AS DOUBLE)) AS wall_ms
  FROM timed_stages
  WHERE status = 'COMPLETE' AND sql_id IS NOT NULL
),
sorts AS (
  -- A grouping can sort by its keys within the tasks first. A write keeps most of its stage.
  SELECT u.*, COALESCE(u.kind IN ('shuffle', 'grouping') OR (u.kind = 'local sort' AND u.functions IS NOT NULL), FALSE) AS is_halved
  FROM global_sorts AS u
  -- Of a cached sort that only limits read, sorted_take says more.
  LEFT JOIN taken_sorts AS k
    ON k.platform = u.platform AND k.cluster_id = u.cluster_id
    AND k.application_id = u.application_id AND k.attempt_id = u.attempt_id AND k.sql_id = u.sql_id AND k.node_id = u.node_id
  WHERE k.platform IS NULL
),
timed AS (
  SELECT
    u.platform, u.cluster_id, u.application_id, u.attempt_id, u.sql_id, u.node_id, u.sort_keys, u.kind, u.is_write, u.functions, u.next_description,
    p.sample_stage_id, p.first_stage_id, p.has_join, p.has_window, p.has_aggregate, p.has_scan,
    SUM(CASE WHEN t.stage_id = p.first_stage_id THEN t.run_ms END) AS first_ms,
    SUM(CASE WHEN t.stage_id = p.first_stage_id THEN t.wall_ms END) AS first_wall_ms,
    -- The stage that writes the ranges computes what the sort gets as well: it does not decide.
    SUM(CASE WHEN ARRAY_CONTAINS(u.stage_ids, t.stage_id) OR t.stage_id = p.sample_stage_id THEN t.run_ms ELSE 0e0 END) AS own_ms,
    SUM(CASE WHEN ARRAY_CONTAINS(u.stage_ids, t.stage_id) OR t.stage_id = p.sample_stage_id THEN t.wall_ms ELSE 0e0 END) AS own_wall_ms,
    SUM(t.run_ms) AS stage_ms, SUM(t.wall_ms) AS stage_wall_ms,
    SUM(CASE WHEN u.is_halved AND ARRAY_CONTAINS(u.stage_ids, t.stage_id) AND t.shuffle_read_bytes > 0 THEN t.run_ms END) AS sort_ms,
    SUM(CASE WHEN u.is_halved AND ARRAY_CONTAINS(u.stage_ids, t.stage_id) AND t.shuffle_read_bytes > 0 THEN t.wall_ms END) AS sort_wall_ms,
    SUM(CASE WHEN t.stage_id = p.sample_stage_id THEN t.run_ms END) AS sample_ms,
    SUM(CASE WHEN t.stage_id = p.sample_stage_id THEN t.wall_ms END) AS sample_wall_ms
  FROM sorts AS u
  LEFT JOIN sort_samples AS p
    ON p.platform = u.platform AND p.cluster_id = u.cluster_id
    AND p.application_id = u.application_id AND p.attempt_id = u.attempt_id AND p.sql_id = u.sql_id AND p.node_id = u.node_id
  INNER JOIN times AS t
    ON t.platform = u.platform AND t.cluster_id = u.cluster_id
    AND t.application_id = u.application_id AND t.attempt_id = u.attempt_id AND t.sql_id = u.sql_id
  WHERE ARRAY_CONTAINS(u.stage_ids, t.stage_id) OR t.stage_id = p.sample_stage_id OR t.stage_id = p.first_stage_id
  GROUP BY
    u.platform, u.cluster_id, u.application_id, u.attempt_id, u.sql_id, u.node_id, u.sort_keys, u.kind, u.is_write, u.functions, u.next_description, p.sample_stage_id,
    p.first_stage_id, p.has_join, p.has_window, p.has_aggregate, p.has_scan
),
weighed AS (
  SELECT
    t.*, t.kind IS NULL AS is_kept, -- Both have to be known.
    CASE WHEN t.sample_ms < t.first_ms THEN t.sample_ms WHEN t.sample_ms >= t.first_ms THEN t.first_ms END AS again_ms,
    CASE WHEN t.sample_wall_ms < t.first_wall_ms THEN t.sample_wall_ms WHEN t.sample_wall_ms >= t.first_wall_ms THEN t.first_wall_ms END AS again_wall_ms,
    CASE WHEN t.kind IS NULL AND t.first_ms < t.sample_ms THEN t.first_stage_id ELSE t.sample_stage_id END AS lost_stage_id
  FROM timed AS t
),
lost AS (
  SELECT
    w.*, CAST(a.executor_run_time AS DOUBLE) AS app_ms, CAST(f.app_duration_ms AS DOUBLE) AS app_wall_ms, CASE WHEN q.duration_ms > 0 THEN CAST(q.duration_ms AS DOUBLE) END AS query_wall_ms,
    CASE WHEN w.is_kept THEN w.again_ms
      WHEN w.sample_ms IS NOT NULL OR w.sort_ms IS NOT NULL THEN COALESCE(w.sample_ms, 0e0) + COALESCE(w.sort_ms, 0e0) / 2e0 END AS lost_ms,
    CASE WHEN w.is_kept THEN w.again_wall_ms
      WHEN w.sample_wall_ms IS NOT NULL OR w.sort_wall_ms IS NOT NULL THEN COALESCE(w.sample_wall_ms, 0e0) + COALESCE(w.sort_wall_ms, 0e0) / 2e0 END AS lost_wall_ms,
    COALESCE(CASE WHEN w.is_kept THEN w.again_wall_ms ELSE w.own_wall_ms END >= $min_wall_share * f.app_duration_ms, FALSE) AS is_long
  FROM weighed AS w
  INNER JOIN application_run_times AS a
    ON a.platform = w.platform AND a.cluster_id = w.cluster_id
    AND a.application_id = w.application_id AND a.attempt_id = w.attempt_id
  LEFT JOIN application_facts AS f
    ON f.platform = w.platform AND f.cluster_id = w.cluster_id
    AND f.application_id = w.application_id AND f.attempt_id = w.attempt_id
  INNER JOIN sql AS q
    ON q.platform = w.platform AND q.cluster_id = w.cluster_id
    AND q.application_id = w.application_id AND q.attempt_id = w.attempt_id AND q.sql_id = w.sql_id
),
told AS (
  SELECT l.*, SUM(lost_wall_ms) OVER (PARTITION BY platform, cluster_id, application_id, attempt_id, sql_id) AS query_lost_ms
  FROM lost AS l
  WHERE (NOT is_kept AND own_ms >= $min_stage_ms AND (own_ms >= $min_share * app_ms OR is_long))
    OR (is_kept AND again_ms >= $min_again_ms AND (again_ms >= $min_again_share * app_ms OR is_long))
)
SELECT
  platform, cluster_id, application_id, attempt_id, sql_id, node_id, sort_keys, kind, is_write, functions, next_description, is_kept,
  sample_stage_id, first_stage_id, lost_stage_id, has_join, has_window, has_aggregate, has_scan,
  first_ms, stage_ms, sort_ms, sample_ms, again_ms, app_ms, lost_ms,
  lost_wall_ms * COALESCE(LEAST(1e0, query_wall_ms / NULLIF(query_lost_ms, 0e0)), 1e0) AS recoverable_ms,
  CASE WHEN is_long THEN stage_wall_ms END AS stage_wall_ms, CASE WHEN is_long THEN app_wall_ms END AS app_wall_ms
FROM told
