-- id: useless_sort
-- title: A global sort is undone by the next step
-- category: plans
-- severity: low
-- version: 12
-- description: Fires where a query sorts all of its rows (orderBy) and the next step orders or distributes them anew: a write into
--   partition columns, which sorts the rows of each task by them, or a further shuffle, as of a grouping. A global sort reads its input twice, once to find the
--   ranges, and moves every row. Lost is what the stage took that only looked for the ranges and, before a
--   further shuffle, half of the stage of the sort: it reads the shuffle of the ranges and sorts, and the next step works in it too (without the sort a test lost that much less). A grouping that takes the first or the
--   last row, or collects rows, reads the order of the sort, though Spark does not promise to keep it: the advice then first replaces that.
--   A sort that keeps its order is told, under a title of its own, where the search for the ranges computed so much that it is a good part of the
--   application: joins, windows and aggregates below the sort run once for it and once more for the sort, up to the shuffle before them. Lost is the
--   cheaper of both runs (a cache that the first one fills makes the second one cheap). Either counts by task time or by wall time, whichever is the larger part (view useless_sorts
--   says from where on, and what could be won; the sorts of a query together win no more than it took). Whether the order is needed only the author knows: never above medium, which it is where a fifth of the wall time (10 seconds or more) or three tenths (5 seconds or more) could be won.
-- subject: node
-- group_by: query_description
-- parameter: medium_again_ms double = 600000 [ms] the cheaper of both runs of what is below a sort that keeps its order, from which it is of medium severity
-- evidence: Query {sql_id:int} ({query_description:query}) sorts all rows by {sort_keys}[, and then {next_step}][, to {order_use} in an order that
--   Spark does not promise to keep]; the stages that look for its ranges, shuffle and sort
--   took {stage_ms:s} of {app_ms:s} of task time[ ({stage_wall_ms:s} of {app_wall_ms:s} of wall time)][, {sample_ms:s} of it to read the input once more for the ranges (stage
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
SELECT
  t.platform, t.cluster_id, t.application_id, t.attempt_id,
  CONCAT(CAST(t.sql_id AS STRING), '.', CAST(t.node_id AS STRING)) AS subject_id,
  CASE WHEN t.is_kept AND t.again_ms >= $medium_again_ms THEN 'medium' WHEN ((t.recoverable_ms >= 10000 AND t.recoverable_ms >= 0.2e0 * a.app_duration_ms) OR (t.recoverable_ms >= 5000 AND t.recoverable_ms >= 0.3e0 * a.app_duration_ms)) THEN 'medium' ELSE 'low' END AS severity, 'medium' AS confidence,
  CASE WHEN t.is_kept THEN 'A global sort computes its input twice' END AS title,
  TRY_CAST(t.lost_ms AS BIGINT) AS lost_core_ms, TRY_CAST(t.recoverable_ms AS BIGINT) AS recoverable_ms,
  t.sql_id, SUBSTR(q.description, 1, 200) AS query_description, SUBSTR(t.sort_keys, 1, 150) AS sort_keys,
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
  CASE WHEN NOT t.is_kept THEN t.sample_stage_id END AS sample_stage_id, CASE WHEN NOT t.is_kept THEN t.sample_ms END AS sample_ms, t.sort_ms, t.stage_ms, t.app_ms, t.stage_wall_ms, t.app_wall_ms
FROM useless_sorts AS t
INNER JOIN sql AS q
  ON q.platform = t.platform AND q.cluster_id = t.cluster_id
  AND q.application_id = t.application_id AND q.attempt_id = t.attempt_id AND q.sql_id = t.sql_id
LEFT JOIN (
  SELECT platform, cluster_id, application_id, attempt_id, sql_id, MIN(COALESCE(table_name, location)) AS location
  FROM sql_scans
  WHERE operation = 'write'
  GROUP BY platform, cluster_id, application_id, attempt_id, sql_id
) AS o
  ON o.platform = t.platform AND o.cluster_id = t.cluster_id
  AND o.application_id = t.application_id AND o.attempt_id = t.attempt_id AND o.sql_id = t.sql_id
LEFT JOIN application_facts AS a
  ON a.platform = t.platform AND a.cluster_id = t.cluster_id
  AND a.application_id = t.application_id AND a.attempt_id = t.attempt_id
