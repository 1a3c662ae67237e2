-- id: executor_losses
-- title: Executors that were lost, and why
-- description: One row per executor that went for another reason than idleness or the end of the application, as far as lost_executors tells it: not
--   those that went after the last job, unless they ran out of memory or had given no answer since before it ended, nor those that a shutdown in the middle of a job stopped. One whose removal the log lacks counts where a task tells
--   that it was lost, at the end of that task. One that was decommissioned (by dynamic allocation too) counts
--   where it took work along: tasks that it ran, shuffle data that others missed, or, as far as it had written any, data that later was computed again. Where Spark copies shuffle blocks before an executor goes, that last sign
--   counts only in an application that lost no executor otherwise. cause is heap, container, signal, gc, decommissioned,
--   node, preempted, heartbeat, killed or unknown, as the description of that rule says. host is that of its block manager, gc_share the garbage collection over the time of its tasks (of all
--   tasks where it ended too few), heap_share the peak of its heap over the heap, both NULL where that is no more than usual; record_bytes the most that a task of it read without the end of a record.
-- parameter: min_gc_share double = 0.3 [ratio] garbage collection over the time of tasks from which it is what an executor went for, where nothing else tells
-- parameter: min_tasks_ms double = 1e4 [ms] time of ended tasks that tells it, at least
-- parameter: late_ms bigint = 300000 [ms] time before the loss of which tasks tell it too, where garbage collection only grew at the end
-- parameter: min_heap_share double = 0.95 [ratio] peak of the heap from which it was full, where an executor did not answer
-- parameter: max_error_ms bigint = 60000 [ms] time from a task that ran out of heap to the loss of its executor, at most
-- parameter: beat_ms bigint = 10000 [ms] time between two heartbeats, after which no answer is one that is missing
-- parameter: min_record_bytes bigint = 134217728 [bytes] read by a task without a single record, from which one record is taken to be that large
-- reads: application_settings, executors, jobs, reruns, run_time_cores, stages, tasks
WITH last_jobs AS (
  SELECT
    platform, cluster_id, application_id, attempt_id,
    -- NULL where a job never ended.
    CASE WHEN COUNT(*) = COUNT(completion_time) THEN MAX(completion_time) END AS last_end,
    MIN(CASE WHEN failure_reason LIKE '%SparkContext was shut down%' THEN completion_time END) AS cut_time
  FROM jobs
  GROUP BY platform, cluster_id, application_id, attempt_id
),
told_by_tasks AS (
  SELECT
    platform, cluster_id, application_id, attempt_id, executor_id, MAX(UNIX_MILLIS(launch_time) + duration) AS remove_ms,
    MAX(REGEXP_REPLACE(error_message, '^ExecutorLostFailure .* Reason: ', '')) AS reason
  FROM tasks
  WHERE status = 'FAILED' AND end_reason = 'ExecutorLostFailure'
  GROUP BY platform, cluster_id, application_id, attempt_id, executor_id
),
-- With loss_kind idle where dynamic allocation decommissions, and spot where the notice of a machine does.
removed AS (
  SELECT
    platform, cluster_id, application_id, attempt_id, executor_id, lifetime_ms, exit_code, UNIX_MILLIS(remove_time) AS remove_ms, host_port,
    peak_jvm_heap_memory, executor_memory_bytes, total_shuffle_write, remove_reason, loss_kind,
    loss_kind = 'decommissioned' OR COALESCE(loss_kind IN ('idle', 'spot') AND remove_reason LIKE '%ecommission%', FALSE) AS is_drained
  FROM executors
  WHERE executor_id NOT IN ('driver', '<driver>') AND loss_kind IN ('oom', 'spot', 'killed', 'lost', 'decommissioned', 'idle')
  UNION ALL
  -- The end of a task alone says that they were lost.
  SELECT
    e.platform, e.cluster_id, e.application_id, e.attempt_id, e.executor_id, t.remove_ms - UNIX_MILLIS(e.add_time) AS lifetime_ms,
    TRY_CAST(REGEXP_REPLACE(t.reason, '^.*(code|status):? (-?[0-9]+).*$', '$2') AS BIGINT) AS exit_code, t.remove_ms, e.host_port,
    e.peak_jvm_heap_memory, e.executor_memory_bytes, e.total_shuffle_write, t.reason AS remove_reason, 'lost' AS loss_kind, FALSE AS is_drained
  FROM executors AS e
  INNER JOIN told_by_tasks AS t
    ON t.platform = e.platform AND t.cluster_id = e.cluster_id
    AND t.application_id = e.application_id AND t.attempt_id = e.attempt_id AND t.executor_id = e.executor_id
  WHERE e.executor_id NOT IN ('driver', '<driver>') AND e.loss_kind = 'app_end' AND e.remove_time IS NULL
),
draining AS (
  SELECT
    d.platform, d.cluster_id, d.application_id, d.attempt_id,
    NOT COALESCE(s.has_shuffle_service, FALSE)
      AND (d.num_others = 0 OR NOT COALESCE(s.decommission AND s.storage_decommission AND s.shuffle_decommission, FALSE)) AS is_sign
  FROM (
    SELECT
      platform, cluster_id, application_id, attempt_id, SUM(CASE WHEN NOT is_drained AND loss_kind <> 'idle' THEN 1 ELSE 0 END) AS num_others
    FROM removed
    GROUP BY platform, cluster_id, application_id, attempt_id
    HAVING MAX(CASE WHEN is_drained THEN 1 ELSE 0 END) = 1
  ) AS d
  LEFT JOIN application_settings AS s
    ON s.platform = d.platform AND s.cluster_id = d.cluster_id
    AND s.application_id = d.application_id AND s.attempt_id = d.attempt_id
),
-- When what was computed again had ended, NULL where it never did.
again AS (
  SELECT r.platform, r.cluster_id, r.application_id, r.attempt_id, CASE WHEN COUNT(*) = COUNT(s.completion_time) THEN MAX(s.completion_time) END AS last_time
  FROM reruns AS r
  INNER JOIN draining AS d
    ON d.platform = r.platform AND d.cluster_id = r.cluster_id
    AND d.application_id = r.application_id AND d.attempt_id = r.attempt_id
  INNER JOIN stages AS s
    ON s.platform = r.platform AND s.cluster_id = r.cluster_id
    AND s.application_id = r.application_id AND s.attempt_id = r.attempt_id AND s.stage_id = r.stage_id
  WHERE d.is_sign
  GROUP BY r.platform, r.cluster_id, r.application_id, r.attempt_id
),
took AS (
  SELECT platform, cluster_id, application_id, attempt_id, executor_id
  FROM (
    SELECT
      t.platform, t.cluster_id, t.application_id, t.attempt_id,
      CASE WHEN t.end_reason = 'FetchFailed' THEN t.fetch_failed_executor_id ELSE t.executor_id END AS executor_id
    FROM tasks AS t
    INNER JOIN draining AS d
      ON d.platform = t.platform AND d.cluster_id = t.cluster_id
      AND d.application_id = t.application_id AND d.attempt_id = t.attempt_id
    WHERE t.status = 'FAILED' AND t.end_reason IN ('ExecutorLostFailure', 'FetchFailed')
    UNION ALL
    SELECT e.platform, e.cluster_id, e.application_id, e.attempt_id, e.executor_id
    FROM removed AS e
    INNER JOIN again AS r
      ON r.platform = e.platform AND r.cluster_id = e.cluster_id
      AND r.application_id = e.application_id AND r.attempt_id = e.attempt_id
    WHERE e.is_drained AND e.total_shuffle_write > 0 AND COALESCE(e.remove_ms <= UNIX_MILLIS(r.last_time), TRUE)
  ) AS k
  GROUP BY platform, cluster_id, application_id, attempt_id, executor_id
),
lost AS (
  SELECT
    e.platform, e.cluster_id, e.application_id, e.attempt_id, e.executor_id, e.lifetime_ms, e.exit_code, e.remove_ms,
    REGEXP_REPLACE(e.host_port, ':[0-9]+$', '') AS host,
    CASE WHEN e.peak_jvm_heap_memory > 0 THEN CAST(e.peak_jvm_heap_memory AS DOUBLE) / NULLIF(e.executor_memory_bytes, 0) END AS heap_share,
    -- On one line, without the stop that the sentence has of its own.
    REGEXP_REPLACE(
      TRIM(REGEXP_REPLACE(REPLACE(remove_reason, CHR(10), ' '), ' +', ' ')), '[.: ]+$', ''
    ) AS reason,
    CASE
      WHEN e.exit_code = 52 OR remove_reason LIKE '%JVM OOM%' OR remove_reason LIKE '%OutOfMemoryError%' THEN 'heap'
      WHEN remove_reason LIKE '%memory limit%' OR remove_reason LIKE '%possible container OOM%'
        OR remove_reason LIKE '%OOMKilled%' THEN 'container'
      WHEN remove_reason LIKE '%preempted%' AND loss_kind <> 'spot' THEN 'preempted'
      WHEN e.is_drained THEN 'decommissioned'
      WHEN loss_kind = 'spot' OR exit_code = -100 OR remove_reason LIKE '%lost% node%' OR remove_reason LIKE '%worker lost%'
        OR remove_reason LIKE '%Worker shutting down%' OR remove_reason LIKE '%node was terminated%' THEN 'node'
      WHEN exit_code = 137 OR remove_reason LIKE '%code 137%' THEN 'signal'
      WHEN remove_reason LIKE '%heartbeat timed out%' OR e.exit_code = 56 THEN 'heartbeat'
      WHEN loss_kind = 'oom' THEN 'container'
      WHEN loss_kind = 'killed' THEN 'killed'
      ELSE 'unknown'
    END AS told_cause,
    -- A machine that the cloud took back, or a worker that was shut down, has nothing to do with heaps.
    loss_kind = 'spot' OR e.exit_code <> 56 OR remove_reason LIKE '%lost% node%' OR remove_reason LIKE '%Worker shutting down%'
      OR remove_reason LIKE '%node was terminated%' AS is_explained
  FROM removed AS e
  LEFT JOIN last_jobs AS j
    ON j.platform = e.platform AND j.cluster_id = e.cluster_id
    AND j.application_id = e.application_id AND j.attempt_id = e.attempt_id
  LEFT JOIN took AS k
    ON k.platform = e.platform AND k.cluster_id = e.cluster_id
    AND k.application_id = e.application_id AND k.attempt_id = e.attempt_id AND k.executor_id = e.executor_id
  WHERE CASE WHEN e.is_drained THEN k.executor_id IS NOT NULL ELSE loss_kind <> 'idle' END
    AND (COALESCE(e.remove_ms < UNIX_MILLIS(j.last_end), TRUE)
      OR COALESCE(e.remove_ms - TRY_CAST(REGEXP_REPLACE(remove_reason, '^.*heartbeat timed out after ([0-9]+) ms.*$', '$1') AS BIGINT) + $beat_ms < UNIX_MILLIS(j.last_end), FALSE)
      OR e.exit_code = 52 OR remove_reason LIKE '%OutOfMemoryError%' OR loss_kind = 'oom')
    -- A shutdown in the middle of a job stops its executors first.
    AND NOT COALESCE(loss_kind = 'killed' AND e.remove_ms >= UNIX_MILLIS(j.cut_time) - 5000, FALSE)
),
-- Where nothing else tells why: no others are asked for the garbage collection of their tasks.
unclear AS (
  SELECT DISTINCT platform, cluster_id, application_id, attempt_id FROM lost WHERE told_cause IN ('node', 'heartbeat', 'unknown')
),
-- What tasks tell of garbage collection that ended well; the others do not count it.
collections AS (
  SELECT
    t.platform, t.cluster_id, t.application_id, t.attempt_id, t.executor_id,
    SUM(CAST(t.jvm_gc_time AS DOUBLE)) AS gc_ms, SUM(t.executor_run_time / COALESCE(z.run_cores, 1e0)) AS run_ms,
    SUM(CASE WHEN UNIX_MILLIS(t.launch_time) + t.duration >= e.remove_ms - $late_ms THEN CAST(t.jvm_gc_time AS DOUBLE) ELSE 0e0 END) AS late_gc_ms,
    SUM(CASE WHEN UNIX_MILLIS(t.launch_time) + t.duration >= e.remove_ms - $late_ms THEN t.executor_run_time / COALESCE(z.run_cores, 1e0) ELSE 0e0 END) AS late_run_ms
  FROM tasks AS t
  INNER JOIN unclear AS l
    ON l.platform = t.platform AND l.cluster_id = t.cluster_id
    AND l.application_id = t.application_id AND l.attempt_id = t.attempt_id
  LEFT JOIN lost AS e
    ON e.platform = t.platform AND e.cluster_id = t.cluster_id
    AND e.application_id = t.application_id AND e.attempt_id = t.attempt_id AND e.executor_id = t.executor_id
  LEFT JOIN run_time_cores AS z
    ON z.platform = t.platform AND z.cluster_id = t.cluster_id
    AND z.application_id = t.application_id AND z.attempt_id = t.attempt_id
    AND z.stage_id = t.stage_id AND z.stage_attempt_id = t.stage_attempt_id
  WHERE t.status = 'SUCCESS'
  GROUP BY t.platform, t.cluster_id, t.application_id, t.attempt_id, t.executor_id
),
all_collections AS (
  SELECT platform, cluster_id, application_id, attempt_id, SUM(gc_ms) AS gc_ms, SUM(run_ms) AS run_ms
  FROM collections
  GROUP BY platform, cluster_id, application_id, attempt_id
),
pressed AS (
  SELECT
    e.*,
    CASE WHEN c.run_ms >= $min_tasks_ms
        THEN GREATEST(c.gc_ms / NULLIF(c.run_ms, 0e0), CASE WHEN c.late_run_ms >= $min_tasks_ms THEN c.late_gc_ms / NULLIF(c.late_run_ms, 0e0) ELSE 0e0 END)
      WHEN a.run_ms >= $min_tasks_ms THEN a.gc_ms / NULLIF(a.run_ms, 0e0) END AS gc_share
  FROM lost AS e
  LEFT JOIN collections AS c
    ON c.platform = e.platform AND c.cluster_id = e.cluster_id
    AND c.application_id = e.application_id AND c.attempt_id = e.attempt_id AND c.executor_id = e.executor_id
  LEFT JOIN all_collections AS a
    ON a.platform = e.platform AND a.cluster_id = e.cluster_id
    AND a.application_id = e.application_id AND a.attempt_id = e.attempt_id
),
-- Tasks that ran out of heap, and the most that one read without a record.
memory_tasks AS (
  SELECT
    t.platform, t.cluster_id, t.application_id, t.attempt_id, t.executor_id,
    MAX(CASE WHEN t.status = 'FAILED' AND (t.error_message LIKE '%OutOfMemoryError: Java heap space%' OR t.error_message LIKE '%OutOfMemoryError: GC overhead%'
      OR t.error_message LIKE '%OutOfMemoryError: Requested array size%') THEN UNIX_MILLIS(t.launch_time) + t.duration END) AS error_ms,
    MAX(CASE WHEN t.input_records_read = 0 AND t.input_bytes_read >= $min_record_bytes THEN t.input_bytes_read END) AS record_bytes
  FROM tasks AS t
  INNER JOIN (
    SELECT DISTINCT platform, cluster_id, application_id, attempt_id FROM lost WHERE told_cause IN ('heap', 'heartbeat', 'unknown')
  ) AS l
    ON l.platform = t.platform AND l.cluster_id = t.cluster_id
    AND l.application_id = t.application_id AND l.attempt_id = t.attempt_id
  WHERE t.status = 'FAILED' OR t.input_records_read = 0 AND t.input_bytes_read >= $min_record_bytes
  GROUP BY t.platform, t.cluster_id, t.application_id, t.attempt_id, t.executor_id
),
full_heaps AS (
  SELECT
    p.*,
    CASE WHEN told_cause IN ('unknown', 'heartbeat') AND m.error_ms >= p.remove_ms - $max_error_ms AND m.error_ms <= p.remove_ms + 1000 THEN 1 ELSE 0 END AS num_full,
    m.record_bytes
  FROM pressed AS p
  LEFT JOIN memory_tasks AS m
    ON m.platform = p.platform AND m.cluster_id = p.cluster_id
    AND m.application_id = p.application_id AND m.attempt_id = p.attempt_id AND m.executor_id = p.executor_id
),
alike AS (
  SELECT
    p.*,
    -- At least half of those that went with the same message.
    SUM(num_full) OVER (PARTITION BY platform, cluster_id, application_id, attempt_id, told_cause, reason) * 2
      >= COUNT(*) OVER (PARTITION BY platform, cluster_id, application_id, attempt_id, told_cause, reason) AS is_like_full
  FROM full_heaps AS p
)
SELECT
  p.platform, p.cluster_id, p.application_id, p.attempt_id, p.executor_id, p.host, p.lifetime_ms, p.exit_code, p.remove_ms, p.reason,
  CASE WHEN p.gc_share >= $min_gc_share THEN p.gc_share END AS gc_share, CASE WHEN p.heap_share >= $min_heap_share THEN p.heap_share END AS heap_share, p.record_bytes,
  CASE
    WHEN num_full = 1 OR (told_cause = 'unknown' AND reason IS NOT NULL AND is_like_full) THEN 'heap'
    WHEN told_cause IN ('node', 'heartbeat', 'unknown') AND NOT COALESCE(is_explained, FALSE) AND gc_share >= $min_gc_share THEN 'gc'
    WHEN told_cause = 'heartbeat' AND heap_share >= $min_heap_share THEN 'gc'
    ELSE told_cause
  END AS cause
FROM alike AS p
