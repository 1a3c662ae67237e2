-- id: unbounded_state
-- title: The state of a stream grows without an end
-- category: streaming
-- severity: low
-- version: 4
-- description: Fires for a streaming query whose state (of a join, a deduplication, an aggregate) has more rows after nearly every batch and never fewer, where nothing
--   tells it when a row is of no more use: it has no watermark, or, as its plan shows, one that the operator cannot use (a join without a limit in time for one of its
--   sides, a deduplication or groups without the event time); or functions keep it for each key without a timeout (mapGroupsWithState and the like with NoTimeout; with one the log cannot tell what it keeps, and no watermark is asked for); and where the watermark is so far behind that no row left, if that costs much (a week or more is told for information in any case). Checkpoints, memory and commits grow with it, until
--   batches get slow or an executor runs out of memory. An aggregate over a fixed set of keys stops growing and is not told. Where later batches took longer for as many rows as
--   the first ones, what they took more is the wall time to win; a loss of core time is not counted.
-- subject: application
-- parameter: min_batches bigint = 5 [count] batches with rows, at least
-- parameter: min_rows bigint = 100000 [rows] rows of state after the last batch, at least
-- parameter: min_growth double = 1.5 [ratio] rows of state after the last batch over those in the middle of the run, at least
-- parameter: min_growing_share double = 0.9 [ratio] batches after which the state had more rows than before over all, at least
-- parameter: large_bytes double = 1073741824 [bytes] memory of the state from which it is of medium severity
-- parameter: large_heap_share double = 0.3 [ratio] the same over the heap of all executors, where the state is in it, from which it is of medium severity
-- parameter: min_delay_ms double = 86400000 [ms] delay of a watermark that is too long, at least, where the state costs much
-- parameter: min_told_delay_ms double = 604800000 [ms] the same where it costs nothing yet, which is told for information
-- parameter: min_slowdown double = 1.5 [ratio] time of a batch in the last third over that in the faster third before, for as many rows, from which batches got slower
-- parameter: min_late_ms double = 1000 [ms] time of a batch in the last third, at least, for that
-- parameter: min_won_share double = 0.05 [ratio] what later batches took more over the wall time of the application, at least, for it to decide the severity
-- evidence: The state of the query {query} grew from {first_rows:row|rows} after the first of {num_batches:batch|batches} to {last_rows:row|rows} after the
--   last[, {state_bytes:bytes} in memory][, {heap_share:pct} of the heap]; {why}[. In the last third of them a batch took {late_ms:s}, in an earlier third {early_ms:s}, for about as many rows].
-- advice: cause = 'delay' | - | - | Make the delay of withWatermark as short as late rows allow: the query keeps each row for that long. What has to stay belongs into the RocksDB state store, outside of
--   the heap.
-- advice: operator = 'join' AND has_limit | - | - | Give both inputs of the join a watermark (withWatermark) on the event times that its condition compares: it has a limit in time already, which lets rows leave only behind
--   watermarks of both sides. The state of the checkpoint does not fit the new plan: start with a new one.
-- advice: operator = 'join' | - | - | Give both inputs of the join a watermark (withWatermark), and its condition a limit in time for both sides (paid_at BETWEEN ordered_at AND ordered_at + INTERVAL 1 HOUR),
--   so that rows leave that can find no partner. The state of the checkpoint does not fit the new plan: start with a new one.
-- advice: operator = 'dedupe' AND spark_minor >= 305 | - | - | Use dropDuplicatesWithinWatermark behind a watermark, or the event time as one of the columns of dropDuplicates where copies of a row agree in it, so
--   that old keys leave. The state of the checkpoint does not fit the new plan: start with a new one.
-- advice: operator = 'dedupe' | - | - | Use the event time, behind a watermark, as one of the columns of dropDuplicates where copies of a row agree in it, so that old keys leave (from Spark 3.5 on
--   dropDuplicatesWithinWatermark needs no such column). The state of the checkpoint does not fit the new plan: start with a new one.
-- advice: operator = 'function' | - | - | Give the function a timeout (GroupStateTimeout.ProcessingTimeTimeout, or EventTimeTimeout behind a watermark), set it for each key in the function, and let it remove the state (state.remove) of a key that timed out.
--   What has to stay belongs into the RocksDB state store, outside of the heap.
-- advice: operator = 'groups' AND is_complete | - | - | Output mode complete keeps all groups for ever: use append or update with a watermark, and group by a window of the event time too, so that old groups leave.
-- advice: operator = 'groups' | - | - | Group by the event time or a window of it too, behind a watermark, so that old groups leave. Groups that have to stay belong into the RocksDB state store, outside of the heap.
-- recommendation: Give the stream a watermark (withWatermark) that its stateful operators can use: the event time in the groups, keys or condition, so that old state is dropped. What has to stay belongs into the RocksDB state store, outside of the heap.
WITH batches AS (
  SELECT
    platform, cluster_id, application_id, attempt_id, query_run_id, query_id, COALESCE(query_name, query_id) AS query, streaming_batch_id,
    MAX(CAST(state_rows_total AS DOUBLE)) AS state_rows, MAX(CAST(state_memory_bytes AS DOUBLE)) AS state_bytes,
    MAX(watermark) AS watermark, MAX(CAST(batch_duration AS DOUBLE)) AS batch_ms, MAX(CAST(num_input_rows AS DOUBLE)) AS rows
  FROM streaming_progress
  WHERE num_input_rows > 0 AND state_rows_total IS NOT NULL
  GROUP BY platform, cluster_id, application_id, attempt_id, query_run_id, query_id, COALESCE(query_name, query_id), streaming_batch_id
),
ordered AS (
  SELECT
    b.*,
    ROW_NUMBER() OVER (PARTITION BY platform, cluster_id, application_id, attempt_id, query_run_id ORDER BY streaming_batch_id) AS place,
    COUNT(*) OVER (PARTITION BY platform, cluster_id, application_id, attempt_id, query_run_id) AS num_batches,
    LAG(state_rows) OVER (PARTITION BY platform, cluster_id, application_id, attempt_id, query_run_id ORDER BY streaming_batch_id) AS rows_before
  FROM batches AS b
),
grown AS (
  SELECT
    platform, cluster_id, application_id, attempt_id, query_run_id, query_id, query, num_batches,
    MAX(CASE WHEN place = 1 THEN state_rows END) AS first_rows,
    MAX(CASE WHEN place = num_batches THEN state_rows END) AS last_rows,
    MAX(CASE WHEN place = num_batches THEN state_bytes END) AS state_bytes,
    MAX(CASE WHEN 2 * place = num_batches OR 2 * place = num_batches + 1 THEN state_rows END) AS middle_rows,
    SUM(CASE WHEN state_rows > rows_before THEN 1 ELSE 0 END) AS num_growing,
    SUM(CASE WHEN state_rows < rows_before THEN 1 ELSE 0 END) AS num_shrinking,
    COUNT(watermark) AS num_watermarks,
    -- The first batch starts everything.
    AVG(CASE WHEN place > 1 AND 3 * place <= num_batches THEN batch_ms END) AS first_ms,
    AVG(CASE WHEN 3 * place > num_batches AND 3 * place <= 2 * num_batches THEN batch_ms END) AS middle_ms,
    AVG(CASE WHEN place > 1 AND 3 * place <= 2 * num_batches THEN rows END) AS early_batch_rows,
    AVG(CASE WHEN 3 * place > 2 * num_batches THEN batch_ms END) AS late_ms,
    AVG(CASE WHEN 3 * place > 2 * num_batches THEN rows END) AS late_batch_rows,
    SUM(CASE WHEN place > 1 THEN batch_ms END) AS all_ms, SUM(CASE WHEN place > 1 THEN rows END) AS all_rows
  FROM ordered
  GROUP BY platform, cluster_id, application_id, attempt_id, query_run_id, query_id, query, num_batches
),
-- What the plan of a batch says of its state: columns with a watermark bear its delay, as in at#5-T600000ms.
operators AS (
  SELECT
    n.platform, n.cluster_id, n.application_id, n.attempt_id, q.streaming_query_id,
    CASE WHEN n.node_name LIKE 'StreamingSymmetricHashJoin%' THEN 'join' WHEN n.node_name LIKE 'StateStoreSave%' THEN 'groups' WHEN n.node_name LIKE '%GroupsWithState%' OR n.node_name LIKE '%PandasWithState%' THEN 'function' ELSE 'dedupe' END AS operator,
    n.description LIKE '%NoTimeout%' AS has_no_timeout, n.description LIKE '%ProcessingTimeTimeout%' OR n.description LIKE '%EventTimeTimeout%' AS has_timeout,
    -- Within the watermark it needs no column.
    n.node_name NOT LIKE '%WithinWatermark%' AND CASE WHEN n.node_name LIKE 'StreamingSymmetricHashJoin%' THEN n.description LIKE '%state cleanup [%' ELSE n.description LIKE '%, state info%' END AS is_known,
    n.description LIKE '%state cleanup [ left = null%' AS keeps_left, n.description LIKE '%state cleanup [%, right = null%' AS keeps_right,
    -- From below and from above.
    SPLIT_PART(SPLIT_PART(n.description, 'both = ', 2), ', full = ', 1) LIKE '%INTERVAL%' AND SPLIT_PART(SPLIT_PART(n.description, 'both = ', 2), ', full = ', 1) LIKE '% >%'
      AND SPLIT_PART(SPLIT_PART(n.description, 'both = ', 2), ', full = ', 1) LIKE '% <%' AS has_limit,
    SPLIT_PART(n.description, ', state info', 1) LIKE '%-T%ms%' AS has_time, n.description LIKE '%, Complete,%' AS is_complete,
    TRY_CAST(REGEXP_REPLACE(SPLIT_PART(n.description, ', state info', 1), '^(?s:.*)-T([0-9]+)ms(?s:.*)$', '$1') AS DOUBLE) AS delay_ms
  FROM sql_nodes AS n
  INNER JOIN sql AS q
    ON q.platform = n.platform AND q.cluster_id = n.cluster_id
    AND q.application_id = n.application_id AND q.attempt_id = n.attempt_id AND q.sql_id = n.sql_id
  WHERE q.streaming_query_id IS NOT NULL
    AND (n.node_name LIKE 'StreamingSymmetricHashJoin%' OR n.node_name LIKE 'StateStoreSave%' OR n.node_name LIKE 'StreamingDeduplicate%'
      OR n.node_name LIKE '%GroupsWithState%' OR n.node_name LIKE '%PandasWithState%')
),
-- One that never lets rows go, of a query that may have several.
kept AS (
  SELECT
    platform, cluster_id, application_id, attempt_id, streaming_query_id,
    MAX(CASE WHEN operator = 'join' AND is_known AND (keeps_left OR keeps_right) THEN 1 ELSE 0 END) = 1 AS is_join,
    MIN(CASE WHEN operator = 'join' THEN CASE WHEN has_limit THEN 1 ELSE 0 END END) = 1 AS has_limit,
    MAX(CASE WHEN operator = 'join' AND keeps_left THEN 1 ELSE 0 END) = 1 AS keeps_left, MAX(CASE WHEN operator = 'join' AND keeps_right THEN 1 ELSE 0 END) = 1 AS keeps_right,
    MAX(CASE WHEN operator = 'dedupe' AND is_known AND NOT has_time THEN 1 ELSE 0 END) = 1 AS is_dedupe,
    MAX(CASE WHEN operator = 'groups' AND is_known AND (is_complete OR NOT has_time) THEN 1 ELSE 0 END) = 1 AS is_groups,
    MAX(CASE WHEN operator = 'groups' AND is_complete THEN 1 ELSE 0 END) = 1 AS is_complete,
    MAX(CASE WHEN operator = 'function' AND has_no_timeout THEN 1 ELSE 0 END) = 1 AS is_function, MAX(CASE WHEN operator = 'function' AND has_timeout THEN 1 ELSE 0 END) = 1 AS has_timeout,
    MAX(CASE WHEN operator <> 'function' THEN 1 ELSE 0 END) = 1 AS has_others, MAX(delay_ms) AS delay_ms
  FROM operators
  GROUP BY platform, cluster_id, application_id, attempt_id, streaming_query_id
),
timed AS (
  -- Code that is compiled yet makes the first batches slow.
  SELECT g.*, LEAST(COALESCE(first_ms, middle_ms), COALESCE(middle_ms, first_ms)) AS early_ms
  FROM grown AS g
),
providers AS (
  SELECT
    platform, cluster_id, application_id, attempt_id,
    MAX(CASE WHEN key = 'spark.sql.streaming.stateStore.providerClass' AND value LIKE '%RocksDB%' THEN 1 ELSE 0 END) = 1 AS is_rocksdb
  FROM (
    SELECT platform, cluster_id, application_id, attempt_id, key, value FROM spark_settings
    UNION ALL
    SELECT platform, cluster_id, application_id, attempt_id, key, value FROM session_settings
  ) AS s
  GROUP BY platform, cluster_id, application_id, attempt_id
),
caused AS (
  SELECT
    g.*, CASE WHEN NOT COALESCE(s.is_rocksdb, FALSE) AND NOT COALESCE(a.is_databricks, FALSE)
      THEN g.state_bytes / NULLIF(CAST(CASE WHEN a.is_local THEN a.driver_memory_bytes ELSE a.executor_memory_bytes * GREATEST(a.num_executors_max, 1) END AS DOUBLE), 0e0) END AS heap_share,
    k.keeps_left, k.keeps_right, COALESCE(k.has_limit, FALSE) AS has_limit, COALESCE(k.is_complete, FALSE) AS is_complete, k.delay_ms, a.app_duration_ms, COALESCE(a.spark_minor, 0) AS spark_minor,
    CASE WHEN k.is_join THEN 'join' WHEN k.is_dedupe THEN 'dedupe' WHEN k.is_groups THEN 'groups' WHEN k.is_function AND NOT k.has_others THEN 'function' END AS operator,
    CASE WHEN k.is_function AND NOT k.has_others THEN 'operator' WHEN k.has_timeout AND NOT k.has_others THEN NULL WHEN g.num_watermarks = 0 THEN 'none' WHEN k.is_join OR k.is_dedupe OR k.is_groups THEN 'operator' WHEN k.delay_ms >= $min_delay_ms THEN 'delay' END AS cause,
    -- As many rows take as long at first.
    g.early_ms * GREATEST(g.late_batch_rows / NULLIF(g.early_batch_rows, 0e0), 1e0) * $min_slowdown <= g.late_ms AND g.late_ms >= $min_late_ms AND r.platform IS NULL AS is_slow,
    g.all_ms - g.early_ms * GREATEST(g.all_rows / NULLIF(g.early_batch_rows, 0e0), CAST(g.num_batches - 1 AS DOUBLE)) AS won_ms
  FROM timed AS g
  LEFT JOIN kept AS k
    ON k.platform = g.platform AND k.cluster_id = g.cluster_id
    AND k.application_id = g.application_id AND k.attempt_id = g.attempt_id AND k.streaming_query_id = g.query_id
  LEFT JOIN application_facts AS a
    ON a.platform = g.platform AND a.cluster_id = g.cluster_id
    AND a.application_id = g.application_id AND a.attempt_id = g.attempt_id
  LEFT JOIN providers AS s
    ON s.platform = g.platform AND s.cluster_id = g.cluster_id
    AND s.application_id = g.application_id AND s.attempt_id = g.attempt_id
  LEFT JOIN rewritten_batches AS r
    ON r.platform = g.platform AND r.cluster_id = g.cluster_id
    AND r.application_id = g.application_id AND r.attempt_id = g.attempt_id AND r.query_id = g.query_id
)
SELECT
  platform, cluster_id, application_id, attempt_id, CONCAT(application_id, ' ', query_run_id) AS subject_id,
  CASE
    -- What half of the wall time goes into may be high.
    WHEN is_slow AND won_ms >= 0.5e0 * app_duration_ms THEN CAST(NULL AS STRING)
    WHEN state_bytes >= $large_bytes OR heap_share >= $large_heap_share THEN 'medium'
    WHEN is_slow AND won_ms >= $min_won_share * app_duration_ms THEN CAST(NULL AS STRING)
    WHEN cause = 'delay' THEN 'info'
    ELSE 'low'
  END AS severity,
  CASE WHEN cause = 'delay' THEN 'A stream keeps its state for very long' END AS title,
  CASE WHEN is_slow THEN 'medium' ELSE 'high' END AS confidence,
  CASE WHEN is_slow AND won_ms >= $min_won_share * app_duration_ms THEN TRY_CAST(won_ms AS BIGINT) END AS recoverable_ms,
  query, num_batches, TRY_CAST(first_rows AS BIGINT) AS first_rows, TRY_CAST(last_rows AS BIGINT) AS last_rows,
  TRY_CAST(NULLIF(state_bytes, 0e0) AS BIGINT) AS state_bytes, CASE WHEN heap_share >= $large_heap_share THEN heap_share END AS heap_share, cause, operator, is_complete, has_limit, spark_minor,
  CASE WHEN cause = 'delay' THEN delay_ms END AS delay_ms, CASE WHEN is_slow THEN early_ms END AS early_ms, CASE WHEN is_slow THEN late_ms END AS late_ms,
  CASE
    WHEN cause = 'delay' THEN CONCAT('its watermark is ', CAST(TRY_CAST(ROUND(delay_ms / 3.6e6) AS BIGINT) AS STRING), ' hours behind the latest event, so that no row has left yet')
    WHEN cause = 'none' THEN 'no watermark lets it drop any'
    WHEN operator = 'join' AND has_limit THEN CONCAT('the watermark lets ', CASE WHEN keeps_left AND keeps_right THEN 'none' ELSE CONCAT('no row of the ', CASE WHEN keeps_left THEN 'left' ELSE 'right' END, ' side of the join') END,
      ' go, because both inputs of the join need one')
    WHEN operator = 'join' AND keeps_left AND keeps_right THEN 'the watermark lets none go, because the join has no limit in time'
    WHEN operator = 'join' THEN CONCAT('the watermark lets no row of the ', CASE WHEN keeps_left THEN 'left' ELSE 'right' END, ' side of the join go, which has no limit in time')
    WHEN operator = 'function' THEN 'a function keeps it for each key, and without a timeout (NoTimeout) nothing calls it for a key that gets no more rows'
    WHEN operator = 'dedupe' THEN 'the watermark lets none go, because the event time is no column of the deduplication'
    WHEN is_complete THEN 'the watermark lets none go, because output mode complete keeps all groups'
    ELSE 'the watermark lets none go, because the event time is no column of the groups'
  END AS why
FROM caused
WHERE num_batches >= $min_batches AND num_shrinking = 0 AND last_rows >= $min_rows
  AND last_rows >= $min_growth * middle_rows AND num_growing >= $min_growing_share * (num_batches - 1)
  AND (cause IN ('none', 'operator') OR (cause = 'delay' AND (is_slow AND won_ms >= $min_won_share * app_duration_ms OR state_bytes >= $large_bytes OR heap_share >= $large_heap_share
    OR delay_ms >= $min_told_delay_ms)))
