-- id: useless_sort
-- title: A global sort is undone by the next step
-- category: plans
-- severity: low
-- version: 9
-- description: Fires where a query sorts all of its rows (orderBy) and the next step orders or distributes them anew: a write into
--   partition columns, which sorts the rows of each task by them, or a further shuffle, as of a grouping. A global sort reads its input twice, once to find the
--   ranges, and moves every row. Lost is what the stage took that only looked for the ranges and, before a
--   further shuffle, half of the stage of the sort: it reads the shuffle of the ranges and sorts, and the next step works in it too (without the sort a test lost that much less). A grouping that takes the first or the
--   last row, or collects rows, reads the order of the sort, though Spark does not promise to keep it: the advice then first replaces that.
--   A sort that keeps its order is told, under a title of its own, where the search for the ranges computed so much that it is a good part of the
--   application: joins, windows and aggregates below the sort run once for it and once more for the sort, up to the shuffle before them. Lost is the
--   cheaper of both runs (a cache that the first one fills makes the second one cheap). Whether the order is needed only the author knows: never above medium.
-- subject: node
-- group_by: query_description
-- parameter: min_share double = 0.2 [ratio] task time of the stages of the sort over that of the application, at least
-- parameter: min_stage_ms double = 10000 [ms] that task time, at least
-- parameter: min_again_ms double = 10000 [ms] the cheaper of both runs of what is below a sort that keeps its order, at least
-- parameter: min_again_share double = 0.1 [ratio] the same over the task time of the application, at least
-- parameter: medium_again_ms double = 600000 [ms] the same, from which it is of medium severity
-- evidence: Query {sql_id:int} ({query_description}) sorts all rows by {sort_keys}[, and then {next_step}][, to {order_use} in an order that
--   Spark does not promise to keep]; the stages that the sort works in
--   took {stage_ms:s} of {app_ms:s} of task time[, {sample_ms:s} of it to read the input once more for the ranges (stage
--   {sample_stage_id:int})][, and {sort_ms:s} to fetch and sort the ranges and to take the next step, of which half would be left][; to look for the ranges, {again_steps} ran
--   in stage {again_stage_id:int} ({again_ms:s}), and once more in stage {first_stage_id:int} ({first_ms:s}) for the sort, which read the same].
-- advice: takes_rows | - | - | First replace first and last by min_by and max_by of the column that orders the rows (on ties or for whole rows, of a struct): they
--   need no order. Then drop the orderBy; to drop it alone would change the result.
-- advice: collects_rows | - | - | First sort what is collected (array_sort of collected structs that begin with the column that orders them).
--   Then drop the orderBy; to drop it alone would change the result.
-- advice: is_write | - | - | Drop the orderBy: the write sorts by its partition columns anyhow. To have the rows of each file in order, shuffle by the
--   partition columns (repartition) and sort within the tasks by these and then by the wanted columns (sortWithinPartitions).
-- advice: is_group | - | - | Drop the orderBy: a grouping need not keep its order.
-- advice: is_kept AND is_output AND does_more | - | - | Drop the orderBy where no reader needs one order over all files; where order within each file is enough, sortWithinPartitions does without the pass that
--   looks for the ranges, and without the shuffle. Else write the result unsorted first and sort what is read from there: then only cheap reading is done twice. persist helps only
--   where the result fits into memory.
-- advice: is_kept AND is_output | - | - | Drop the orderBy where no reader needs one order over all files; where order within each file is enough, sortWithinPartitions does without the pass that
--   looks for the ranges, and without the shuffle.
-- advice: is_kept AND NOT does_more | - | - | Drop the orderBy where nobody needs the order of all rows; where order within each task is enough, sortWithinPartitions does without
--   the pass that looks for the ranges; where only the first rows are needed, add a limit, which needs no ranges.
-- advice: is_kept | - | - | Drop the orderBy where nobody needs the order of all rows; where only the first rows are needed, add a limit, which needs no ranges. Else write
--   what is sorted to a table first and sort what is read from there: then only cheap reading is done twice. persist helps only where it fits into memory.
-- recommendation: Drop the orderBy, or move it to the end, where its order reaches the result.
WITH timed AS (
  SELECT
    u.platform, u.cluster_id, u.application_id, u.attempt_id, u.sql_id, u.node_id, u.sort_keys, u.kind, u.is_write, u.functions, u.next_description,
    p.sample_stage_id, p.first_stage_id, p.has_join, p.has_window, p.has_aggregate, p.has_scan,
    SUM(CASE WHEN t.stage_id = p.first_stage_id THEN CAST(t.executor_run_time AS DOUBLE) END) AS first_ms,
    SUM(CASE WHEN t.stage_id = p.first_stage_id THEN CAST(t.duration_ms AS DOUBLE) END) AS first_wall_ms,
    SUM(CASE WHEN ARRAY_CONTAINS(u.stage_ids, t.stage_id) OR t.stage_id = p.sample_stage_id THEN CAST(t.executor_run_time AS DOUBLE) ELSE 0e0 END) AS stage_ms,
    -- A grouping can sort by its keys within the tasks first. A write keeps most of its stage.
    SUM(CASE WHEN (u.kind IN ('shuffle', 'grouping') OR (u.kind = 'local sort' AND u.functions IS NOT NULL)) AND ARRAY_CONTAINS(u.stage_ids, t.stage_id) AND t.shuffle_read_bytes > 0
      THEN CAST(t.executor_run_time AS DOUBLE) END) AS sort_ms,
    SUM(CASE WHEN (u.kind IN ('shuffle', 'grouping') OR (u.kind = 'local sort' AND u.functions IS NOT NULL)) AND ARRAY_CONTAINS(u.stage_ids, t.stage_id) AND t.shuffle_read_bytes > 0
      THEN CAST(t.duration_ms AS DOUBLE) END) AS sort_wall_ms,
    SUM(CASE WHEN t.stage_id = p.sample_stage_id THEN CAST(t.executor_run_time AS DOUBLE) END) AS sample_ms,
    SUM(CASE WHEN t.stage_id = p.sample_stage_id THEN CAST(t.duration_ms AS DOUBLE) END) AS sample_wall_ms
  FROM global_sorts AS u
  LEFT JOIN sort_samples AS p
    ON p.platform = u.platform AND p.cluster_id = u.cluster_id
    AND p.application_id = u.application_id AND p.attempt_id = u.attempt_id AND p.sql_id = u.sql_id AND p.node_id = u.node_id
  INNER JOIN stages AS t
    ON t.platform = u.platform AND t.cluster_id = u.cluster_id
    AND t.application_id = u.application_id AND t.attempt_id = u.attempt_id AND t.sql_id = u.sql_id
  -- Of a cached sort that only limits read, sorted_take says more.
  LEFT JOIN taken_sorts AS k
    ON k.platform = u.platform AND k.cluster_id = u.cluster_id
    AND k.application_id = u.application_id AND k.attempt_id = u.attempt_id AND k.sql_id = u.sql_id AND k.node_id = u.node_id
  WHERE k.platform IS NULL AND t.status = 'COMPLETE' AND (ARRAY_CONTAINS(u.stage_ids, t.stage_id) OR t.stage_id = p.sample_stage_id OR t.stage_id = p.first_stage_id)
  GROUP BY
    u.platform, u.cluster_id, u.application_id, u.attempt_id, u.sql_id, u.node_id, u.sort_keys, u.kind, u.is_write, u.functions, u.next_description, p.sample_stage_id,
    p.first_stage_id, p.has_join, p.has_window, p.has_aggregate, p.has_scan
),
weighed AS (
  SELECT
    t.*, t.kind IS NULL AS is_kept, -- Both have to be known.
    CASE WHEN t.sample_ms < t.first_ms THEN t.sample_ms WHEN t.sample_ms >= t.first_ms THEN t.first_ms END AS again_ms,
    CASE WHEN t.sample_wall_ms < t.first_wall_ms THEN t.sample_wall_ms WHEN t.sample_wall_ms >= t.first_wall_ms THEN t.first_wall_ms END AS again_wall_ms
  FROM timed AS t
)
SELECT
  t.platform, t.cluster_id, t.application_id, t.attempt_id,
  CONCAT(CAST(t.sql_id AS STRING), '.', CAST(t.node_id AS STRING)) AS subject_id,
  CASE WHEN t.is_kept AND t.again_ms >= $medium_again_ms THEN 'medium' ELSE 'low' END AS severity, 'medium' AS confidence,
  CASE WHEN t.is_kept THEN 'A global sort computes its input twice' END AS title,
  TRY_CAST(CASE WHEN t.is_kept THEN t.again_ms WHEN t.sample_ms IS NOT NULL OR t.sort_ms IS NOT NULL THEN COALESCE(t.sample_ms, 0e0) + COALESCE(t.sort_ms, 0e0) / 2e0 END AS BIGINT) AS lost_core_ms,
  TRY_CAST(CASE WHEN t.is_kept THEN t.again_wall_ms WHEN t.sample_wall_ms IS NOT NULL OR t.sort_wall_ms IS NOT NULL THEN COALESCE(t.sample_wall_ms, 0e0) + COALESCE(t.sort_wall_ms, 0e0) / 2e0 END AS BIGINT) AS recoverable_ms,
  t.sql_id, SUBSTR(q.description, 1, 100) AS query_description, SUBSTR(t.sort_keys, 1, 150) AS sort_keys,
  CASE WHEN t.is_kept THEN CAST(NULL AS STRING)
    WHEN t.kind = 'shuffle' THEN 'shuffles them again'
    WHEN t.kind = 'grouping' OR t.functions IS NOT NULL THEN 'groups them, for which they are shuffled again'
    ELSE CONCAT('sorts the rows of each task again by ', SUBSTR(t.next_description, 7, POSITION('], false' IN t.next_description) - 7), CASE WHEN t.is_write THEN COALESCE(CONCAT(' to write ', SUBSTR(o.location, 1, 150)), '') ELSE '' END)
  END AS next_step,
  COALESCE(t.kind = 'local sort' AND t.is_write, FALSE) AS is_write, COALESCE(t.kind = 'grouping', FALSE) AS is_group,
  t.is_kept, o.platform IS NOT NULL AS is_output,
  -- To write the input first is cheaper than to compute it twice, but not than to read it twice.
  COALESCE(t.has_join, FALSE) OR COALESCE(t.has_window, FALSE) OR COALESCE(t.has_aggregate, FALSE) AS does_more,
  CASE WHEN t.is_kept THEN CASE
    WHEN t.has_join OR t.has_window OR t.has_aggregate THEN CONCAT('the ', CONCAT_WS(' and ', CASE WHEN t.has_join THEN 'join' END,
      CASE WHEN t.has_window THEN 'window' END, CASE WHEN t.has_aggregate THEN 'aggregate' END), ' below it')
    WHEN t.has_scan THEN 'the read below it'
    ELSE 'the steps below it'
  END END AS again_steps,
  CASE WHEN t.is_kept THEN t.sample_stage_id END AS again_stage_id, CASE WHEN t.is_kept THEN t.sample_ms END AS again_ms,
  t.first_stage_id, t.first_ms,
  t.functions RLIKE '(first|last)[(]' AS takes_rows, t.functions RLIKE 'collect_list[(]' AS collects_rows,
  CASE
    WHEN t.functions RLIKE 'first[(]' AND t.functions RLIKE 'last[(]' THEN 'take the first and last of each group'
    WHEN t.functions RLIKE 'first[(]' THEN 'take the first of each group'
    WHEN t.functions RLIKE 'last[(]' THEN 'take the last of each group'
    WHEN t.functions RLIKE 'collect_list[(]' THEN 'collect lists'
  END AS order_use,
  CASE WHEN NOT t.is_kept THEN t.sample_stage_id END AS sample_stage_id, CASE WHEN NOT t.is_kept THEN t.sample_ms END AS sample_ms, t.sort_ms, t.stage_ms, a.executor_run_time AS app_ms
FROM weighed AS t
INNER JOIN sql AS q
  ON q.platform = t.platform AND q.cluster_id = t.cluster_id
  AND q.application_id = t.application_id AND q.attempt_id = t.attempt_id AND q.sql_id = t.sql_id
INNER JOIN application_run_times AS a
  ON a.platform = t.platform AND a.cluster_id = t.cluster_id
  AND a.application_id = t.application_id AND a.attempt_id = t.attempt_id
LEFT JOIN (
  SELECT platform, cluster_id, application_id, attempt_id, sql_id, MIN(COALESCE(table_name, location)) AS location
  FROM sql_scans
  WHERE operation = 'write'
  GROUP BY platform, cluster_id, application_id, attempt_id, sql_id
) AS o
  ON o.platform = t.platform AND o.cluster_id = t.cluster_id
  AND o.application_id = t.application_id AND o.attempt_id = t.attempt_id AND o.sql_id = t.sql_id
WHERE (NOT t.is_kept AND t.stage_ms >= $min_stage_ms AND t.stage_ms >= $min_share * a.executor_run_time)
  OR (t.is_kept AND t.again_ms >= $min_again_ms AND t.again_ms >= $min_again_share * a.executor_run_time)
