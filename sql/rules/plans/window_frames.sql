-- id: window_frames
-- title: A window function goes through its frame again for each row
-- category: plans
-- severity: low
-- version: 3
-- description: Fires for window functions whose frame Spark goes through from its start for each row, in stages that took many microseconds for each row that the window got: frames that end with the partition
--   (BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING), and those that slide over many rows or a range of values (the last 30 days). For a frame from the start of the partition Spark adds one row at a time instead. A collect_list or
--   collect_set over such a growing frame is told too: each row then gets a list of all rows before it. How many rows a frame holds is not in the log, only the time of the stages; stages with other steps that can take long
--   (Python and other user functions, explode, joins that multiply rows) are left out. Lost is the time of the stages beyond scans, waiting for shuffle data, the sort below the window and what writing takes at most, and beyond what a row of a window
--   with cheap frames takes at most; for frames of a number of rows no more than going through so many rows takes at most. With Spark 4.3 rows with frames of 2,880 rows for avg and stddev took 130 µs and 12 µs with the segment tree; sums to the end of partitions of 15,000 rows 240 and 6 µs.
-- subject: node
-- group_by: query_description
-- parameter: min_frame_rows bigint = 100 [rows] rows of a sliding frame, where they are given as a number of rows, at least
-- parameter: min_row_us double = 30 [us] time of the stages for each row that the window gets, at least
-- parameter: step_ns double = 30 [ns] time to add a row to a sum, count, minimum, maximum, average or deviation, at most (16 to 19 ns were measured)
-- parameter: other_step_ns double = 300 [ns] the same for other functions, at most
-- parameter: output_byte_ns double = 50 [ns] time to write a byte of files or shuffle data, at most
-- parameter: row_us double = 5 [us] time of a row in a window whose frames are cheap, at most
-- parameter: min_lost_ms double = 5000 [ms] lost core time, at least
-- evidence: Window {node_id:int} of query {sql_id:int} ({query_description:query}) computes {functions}, whose frame {frame_text}; its stages took {work_ms:s} for {rows:row|rows}, {row_us:1} µs a row[ beside {sort_ms:s} for the sort], of {app_ms:s} of task time.
-- advice: is_simple AND has_shrinking AND NOT has_sliding | spark.sql.window.segmentTree.enabled | 'true' | Let Spark keep partial aggregates of the frame (segment tree), or turn the order around: ORDER BY the same columns descending with
--   ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW (RANGE where rows with equal order count together) holds the same rows, and Spark adds one row at a time.
-- advice: has_shrinking AND NOT has_sliding | - | - | Turn the order around: ORDER BY the same columns descending with ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW (RANGE where rows with equal order count together) holds the same rows, and Spark adds one row at a time. Sums
--   and counts are the total of the partition less what came before.
-- advice: is_simple | spark.sql.window.segmentTree.enabled | 'true' | Let Spark keep partial aggregates of the frame (segment tree), so that a row costs a few of them and not the whole frame. Else aggregate to the
--   grain that is needed (a row for each hour or day) before the window, which makes the frames smaller.
-- advice: has_sliding AND NOT has_growing | - | - | Make the frames smaller: aggregate to the grain that is needed (a row for each hour or day) before the window, or look back less far. Sums and averages over a number of rows are also the difference of two running
--   sums (lag of a sum over an unbounded preceding frame), which costs one step per row.
-- advice: has_growing AND NOT has_sliding AND NOT has_shrinking | - | - | Each row holds a list of all rows before it: collect once for each partition (groupBy with collect_list, sort_array or transform), or keep what is needed of the list (count, last, lag, first occurrence by
--   row_number) as a window function of its own.
-- recommendation: Make the frames smaller: aggregate to the grain that is needed before the window, and let frames begin at the start of the partition, where Spark adds one row at a time (turn the order around where they end with it).
WITH windows AS (
  SELECT
    platform, cluster_id, application_id, attempt_id, sql_id, node_id, last_node_id, SUBSTR(description, 1, 8000) AS description
  FROM sql_nodes
  WHERE TRIM(node_name) = 'Window' AND description LIKE '%specifiedwindowframe(%' AND NOT COALESCE(is_photon, FALSE) AND COALESCE(engine, 'spark') = 'spark'
),
-- Window [sum(x#1) windowspecdefinition(id#2L, ts#3 ASC NULLS FIRST, specifiedwindowframe(RowFrame, -6, currentrow$())) AS s#4, ...
parts AS (
  SELECT
    w.platform, w.cluster_id, w.application_id, w.attempt_id, w.sql_id, w.node_id,
    SPLIT_PART(SPLIT_PART(w.description, 'specifiedwindowframe(', n.place), ' windowspecdefinition(', 1) AS function,
    SPLIT_PART(w.description, 'specifiedwindowframe(', n.place + 1) AS frame
  FROM windows AS w
  INNER JOIN small_numbers AS n
    ON n.place <= 20 AND 21 * n.place <= LENGTH(w.description) - LENGTH(REPLACE(w.description, 'specifiedwindowframe(', ''))
),
bounds AS (
  SELECT
    platform, cluster_id, application_id, attempt_id, sql_id, node_id,
    REGEXP_REPLACE(REGEXP_REPLACE(REGEXP_REPLACE(function, '^(?s:.*) AS [^#]*#[0-9]+L?, ', ''), '^Window [^A-Za-z_]', ''), '#[0-9]+L?', '') AS function,
    SPLIT_PART(frame, ', ', 1) = 'RowFrame' AS is_rows,
    REPLACE(SPLIT_PART(frame, ', ', 2), 'currentrow$()', '0') AS lower, SPLIT_PART(REPLACE(SPLIT_PART(frame, ', ', 3), 'currentrow$()', '0'), ')', 1) AS upper
  FROM parts
),
frames AS (
  SELECT
    *,
    lower NOT LIKE 'unboundedpreceding%' AND upper LIKE 'unboundedfollowing%' AS is_shrinking,
    lower NOT LIKE 'unboundedpreceding%' AND upper NOT LIKE 'unboundedfollowing%'
      AND CASE WHEN is_rows THEN COALESCE(TRY_CAST(upper AS BIGINT) - TRY_CAST(lower AS BIGINT) >= $min_frame_rows, FALSE) ELSE lower <> upper END AS is_sliding,
    lower LIKE 'unboundedpreceding%' AND upper NOT LIKE 'unboundedfollowing%' AND (function LIKE 'collect_list(%' OR function LIKE 'collect_set(%') AS is_growing
  FROM bounds
),
told AS (
  SELECT
    f.*, w.last_node_id,
    -- What a segment tree can merge.
    SPLIT_PART(f.function, '(', 1) IN ('avg', 'sum', 'min', 'max', 'count', 'stddev', 'stddev_samp', 'stddev_pop', 'std', 'variance', 'var_samp', 'var_pop', 'first', 'last')
      AND f.function NOT LIKE '%(distinct %' AND f.function NOT LIKE '% FILTER %' AS is_mergeable,
    CASE WHEN f.is_sliding AND f.is_rows THEN CAST(TRY_CAST(f.upper AS BIGINT) - TRY_CAST(f.lower AS BIGINT) + 1 AS DOUBLE) END AS frame_rows
  FROM frames AS f
  INNER JOIN windows AS w
    ON w.platform = f.platform AND w.cluster_id = f.cluster_id
    AND w.application_id = f.application_id AND w.attempt_id = f.attempt_id AND w.sql_id = f.sql_id AND w.node_id = f.node_id
  WHERE f.is_shrinking OR f.is_sliding OR f.is_growing
),
-- Several windows work in one stage: it counts once, for the uppermost.
stage_windows AS (
  SELECT
    t.platform, t.cluster_id, t.application_id, t.attempt_id, t.sql_id, o.stage_id, MIN(t.node_id) AS node_id,
    MAX(CASE WHEN t.is_shrinking THEN 1 ELSE 0 END) AS shrinking, MAX(CASE WHEN t.is_sliding THEN 1 ELSE 0 END) AS sliding, MAX(CASE WHEN t.is_growing THEN 1 ELSE 0 END) AS growing,
    MIN(CASE WHEN t.is_mergeable AND NOT t.is_growing THEN 1 ELSE 0 END) AS simple,
    -- Known where all frames are numbers of rows.
    CASE WHEN COUNT(*) = COUNT(t.frame_rows) THEN SUM(t.frame_rows * CASE WHEN t.is_mergeable THEN $step_ns ELSE $other_step_ns END) / 1e3 END AS most_us,
    SUBSTR(ARRAY_JOIN(ARRAY_SORT(ARRAY_AGG(DISTINCT t.function)), ', '), 1, 150) AS functions
  FROM told AS t
  INNER JOIN operator_stages AS o
    ON o.platform = t.platform AND o.cluster_id = t.cluster_id
    AND o.application_id = t.application_id AND o.attempt_id = t.attempt_id AND o.sql_id = t.sql_id AND o.node_id = t.node_id
  GROUP BY t.platform, t.cluster_id, t.application_id, t.attempt_id, t.sql_id, o.stage_id
),
-- Rows that the window gets: as the nearest operator below counts them.
fed AS (
  SELECT t.platform, t.cluster_id, t.application_id, t.attempt_id, t.sql_id, t.node_id, MIN(n.node_id) AS counted_id
  FROM (SELECT DISTINCT platform, cluster_id, application_id, attempt_id, sql_id, node_id, last_node_id FROM told) AS t
  INNER JOIN sql_nodes AS n
    ON n.platform = t.platform AND n.cluster_id = t.cluster_id
    AND n.application_id = t.application_id AND n.attempt_id = t.attempt_id AND n.sql_id = t.sql_id
    AND n.node_id > t.node_id AND n.node_id <= t.last_node_id AND n.rows_output IS NOT NULL
  GROUP BY t.platform, t.cluster_id, t.application_id, t.attempt_id, t.sql_id, t.node_id
),
inputs AS (
  SELECT f.platform, f.cluster_id, f.application_id, f.attempt_id, f.sql_id, f.node_id, CAST(n.rows_output AS DOUBLE) AS rows
  FROM fed AS f
  INNER JOIN sql_nodes AS n
    ON n.platform = f.platform AND n.cluster_id = f.cluster_id
    AND n.application_id = f.application_id AND n.attempt_id = f.attempt_id AND n.sql_id = f.sql_id AND n.node_id = f.counted_id
),
-- What else works in these stages.
others AS (
  SELECT
    s.platform, s.cluster_id, s.application_id, s.attempt_id, s.sql_id, s.stage_id,
    SUM(CASE WHEN TRIM(n.node_name) = 'Sort' THEN CAST(o.own_ms AS DOUBLE) END) AS sort_ms,
    MAX(CASE
      WHEN n.operator_kind = 'udf' OR u.platform IS NOT NULL OR TRIM(n.node_name) IN ('Generate', 'Expand') OR n.node_name LIKE '%Python%' OR n.node_name LIKE '%Pandas%' OR n.node_name LIKE '%InArrow%'
        OR n.node_name LIKE '%NestedLoopJoin%' OR n.node_name LIKE 'CartesianProduct%' THEN 1
      WHEN n.operator_kind = 'join' AND n.rows_output > 2 * i.rows THEN 1
      ELSE 0
    END) AS has_other
  FROM stage_windows AS s
  INNER JOIN inputs AS i
    ON i.platform = s.platform AND i.cluster_id = s.cluster_id
    AND i.application_id = s.application_id AND i.attempt_id = s.attempt_id AND i.sql_id = s.sql_id AND i.node_id = s.node_id
  INNER JOIN operator_stages AS o
    ON o.platform = s.platform AND o.cluster_id = s.cluster_id
    AND o.application_id = s.application_id AND o.attempt_id = s.attempt_id AND o.sql_id = s.sql_id AND o.stage_id = s.stage_id
  INNER JOIN sql_nodes AS n
    ON n.platform = o.platform AND n.cluster_id = o.cluster_id
    AND n.application_id = o.application_id AND n.attempt_id = o.attempt_id AND n.sql_id = o.sql_id AND n.node_id = o.node_id
  LEFT JOIN (SELECT DISTINCT platform, cluster_id, application_id, attempt_id, sql_id, node_id FROM user_functions) AS u
    ON u.platform = o.platform AND u.cluster_id = o.cluster_id
    AND u.application_id = o.application_id AND u.attempt_id = o.attempt_id AND u.sql_id = o.sql_id AND u.node_id = o.node_id
  GROUP BY s.platform, s.cluster_id, s.application_id, s.attempt_id, s.sql_id, s.stage_id
),
attempts AS (
  SELECT
    s.platform, s.cluster_id, s.application_id, s.attempt_id, s.sql_id, s.stage_id,
    SUM(CAST(f.executor_run_time AS DOUBLE)) AS run_ms, SUM(CAST(f.executor_run_time AS DOUBLE) / NULLIF(CAST(f.task_slots AS DOUBLE), 0e0)) AS wall_ms,
    SUM(CAST(f.executor_run_time AS DOUBLE) - COALESCE(f.fetch_wait_ms, 0e0) - COALESCE(f.scan_ms, 0e0)
      - (COALESCE(f.output_bytes, 0) + COALESCE(f.shuffle_write_bytes, 0)) * $output_byte_ns / 1e6) AS work_ms,
    MAX(f.total_task_time_ms) AS app_ms, MAX(f.spark_minor) AS spark_minor
  FROM stage_windows AS s
  INNER JOIN stage_facts AS f
    ON f.platform = s.platform AND f.cluster_id = s.cluster_id
    AND f.application_id = s.application_id AND f.attempt_id = s.attempt_id AND f.stage_id = s.stage_id
  GROUP BY s.platform, s.cluster_id, s.application_id, s.attempt_id, s.sql_id, s.stage_id
),
summed AS (
  SELECT
    s.platform, s.cluster_id, s.application_id, s.attempt_id, s.sql_id, s.node_id,
    MAX(s.shrinking) = 1 AS has_shrinking, MAX(s.sliding) = 1 AS has_sliding, MAX(s.growing) = 1 AS has_growing, MAX(s.functions) AS functions, MIN(s.simple) = 1 AS is_simple, MAX(s.most_us) AS most_us,
    SUM(a.run_ms) AS run_ms, SUM(a.wall_ms) AS wall_ms, SUM(a.work_ms - COALESCE(o.sort_ms, 0e0)) AS work_ms, SUM(o.sort_ms) AS sort_ms, MAX(a.app_ms) AS app_ms, MAX(a.spark_minor) AS spark_minor
  FROM stage_windows AS s
  INNER JOIN others AS o
    ON o.platform = s.platform AND o.cluster_id = s.cluster_id
    AND o.application_id = s.application_id AND o.attempt_id = s.attempt_id AND o.sql_id = s.sql_id AND o.stage_id = s.stage_id
  INNER JOIN attempts AS a
    ON a.platform = s.platform AND a.cluster_id = s.cluster_id
    AND a.application_id = s.application_id AND a.attempt_id = s.attempt_id AND a.sql_id = s.sql_id AND a.stage_id = s.stage_id
  WHERE o.has_other = 0
  GROUP BY s.platform, s.cluster_id, s.application_id, s.attempt_id, s.sql_id, s.node_id
)
SELECT
  s.platform, s.cluster_id, s.application_id, s.attempt_id, CONCAT(CAST(s.sql_id AS STRING), '.', CAST(s.node_id AS STRING)) AS subject_id,
  'medium' AS confidence,
  TRY_CAST(LEAST(s.work_ms - i.rows * $row_us / 1e3, COALESCE(i.rows * s.most_us / 1e3, s.work_ms)) AS BIGINT) AS lost_core_ms,
  TRY_CAST(LEAST(s.work_ms - i.rows * $row_us / 1e3, COALESCE(i.rows * s.most_us / 1e3, s.work_ms)) / NULLIF(s.run_ms, 0e0) * s.wall_ms AS BIGINT) AS recoverable_ms,
  s.sql_id, s.node_id, SUBSTR(TRIM(q.description), 1, 200) AS query_description, s.functions, s.has_shrinking, s.has_sliding, s.has_growing, s.is_simple,
  CASE
    WHEN s.has_shrinking AND NOT s.has_sliding AND NOT s.has_growing THEN 'reaches from each row to the end of its partition'
    WHEN s.has_sliding AND NOT s.has_shrinking AND NOT s.has_growing THEN 'slides over many rows'
    WHEN s.has_growing AND NOT s.has_shrinking AND NOT s.has_sliding THEN 'grows to a list of all earlier rows for each row'
    ELSE 'Spark goes through again for each row'
  END AS frame_text,
  TRY_CAST(i.rows AS BIGINT) AS rows, s.work_ms, s.work_ms * 1e3 / NULLIF(i.rows, 0e0) AS row_us, NULLIF(s.sort_ms, 0e0) AS sort_ms, s.app_ms, s.spark_minor
FROM summed AS s
INNER JOIN inputs AS i
  ON i.platform = s.platform AND i.cluster_id = s.cluster_id
  AND i.application_id = s.application_id AND i.attempt_id = s.attempt_id AND i.sql_id = s.sql_id AND i.node_id = s.node_id
LEFT JOIN sql AS q
  ON q.platform = s.platform AND q.cluster_id = s.cluster_id
  AND q.application_id = s.application_id AND q.attempt_id = s.attempt_id AND q.sql_id = s.sql_id
WHERE s.work_ms * 1e3 >= $min_row_us * i.rows AND COALESCE(s.most_us >= $min_row_us, TRUE)
  AND LEAST(s.work_ms - i.rows * $row_us / 1e3, COALESCE(i.rows * s.most_us / 1e3, s.work_ms)) >= $min_lost_ms
