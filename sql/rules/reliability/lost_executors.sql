-- id: lost_executors
-- title: Executors are lost
-- category: reliability
-- severity: medium
-- version: 21
-- description: Fires where executors went for another reason than idleness or the end of
--   the application, one finding for each cause: heap (the JVM ran out of it, also where a task of the executor had failed for that shortly before and nothing else tells why it went, and others that went with the same message), container (killed by the cluster
--   manager for its memory), signal (killed with signal 9: the system's memory killer, or by hand), gc (no answer, a lost worker or a cut
--   connection, where garbage collection had taken a large part of the time of its tasks or of its last ones, or of all tasks where it ended none; no answer
--   with a full heap too), node (the
--   machine went, a spot instance among them), preempted (by another queue), decommissioned (drained on purpose, before a machine goes, by Kubernetes, by a resize or by dynamic allocation; only where it took work along), heartbeat (no answer for too
--   long, or exit code 56: it could not send its own), killed (by a user or the framework), unknown. Views executor_losses and lost_hosts find them. Lost is the time of tasks that failed with their
--   executor or for its shuffle data, and of finished tasks that had to run again; where executors went for
--   several causes it stands with the most frequent one. Executors that went after the last job took nothing
--   along and are not counted, since that is how clusters end, unless they ran out of memory or had given no answer since before it ended. The title names the cause. What could be won is the part that this time has of all task time, in the wall time in which jobs ran, and no less than that in which
--   all other tasks of a stage were done, but for stages of jobs that failed or were canceled, whose time is told with them. Where nearly all that went for a cause were of one host, and those of others stayed, the host is what they went for; where no executor
--   of it ended a task, lost is the core time that they held, too (once, with the most frequent cause there; driver_gaps and idle_executors do not count it again). The host of a single loss, or of all, is named in any case, and when new executors began there after a single one, or after lost machines.
-- parameter: min_lost bigint = 1 [count] executors lost, at least
-- parameter: min_lost_share double = 0.5 [ratio] executors lost for one cause over all, from which three or more are no chance
-- parameter: min_hung_ratio double = 3.0 [ratio] wait for tasks of a lost executor over their longest new run, from which they hung until the loss was noticed
-- parameter: max_back_ms bigint = 120000 [ms] time from a loss to a new executor on its host, at most, for the machine to have stayed
-- parameter: enough_heap_per_core bigint = 4294967296 [bytes] heap of a core from which fewer tasks at once come before more memory, as in gc_pressure
-- evidence: {num_lost:int} of {num_workers:executor|executors} lost ({cause}{lost_on}), after {mean_lifetime_ms:s}{on_average}[; {back_ms:s} later a new executor began there][; on the hosts of all of them new executors began within {all_back_ms:s}][; {host_all}{host_lost:int} of them on {host}, 1 of {num_hosts:int} hosts][, where none of {host_executors:int} executors ended a task: {host_held_ms:s} of core time held for nothing][, {host_held_share:pct} of all][;
--   tasks that failed with them or had to run again took {task_lost_ms:s}][, {again_ms:s} of it in {num_again:more run|more runs} of tasks of
--   {num_again_stages:stage|stages} (the first is stage {again_stage:int}) that had succeeded, but whose output was lost][;
--   for {wait_ms:s} a stage that was done otherwise waited for the tasks that they held and their new runs][, which took no more than {new_run_ms:s}][;
--   garbage collection took up to {gc_share:pct} of the time of tasks][; their heap was full to {heap_share:pct}][; {heartbeat_failures:heartbeat|heartbeats} of {heartbeat_ms:int} ms that failed in a row ended
--   them after {heartbeat_limit_ms:s}][: {reason}].
-- advice: cause = 'heap' AND gathers | - | - | A query gathers all values of a key in
--   one row (collect_list, collect_set, an exact percentile or median), which has to fit into the memory of one task: keep what is needed of them (max_by, a limit for each
--   key, an aggregate, percentile_approx), or take the key that has most of them out. More memory only moves the limit.
-- advice: cause = 'heap' AND record_bytes IS NOT NULL | - | - | Tasks read up to {record_bytes:bytes} without coming to the end of one record, which takes several times that as text in the heap.
--   More partitions do not help: write the records on lines of their own, or read them with a delimiter or an input format that cuts them.
-- advice: cause = 'heap' AND NOT is_databricks AND NOT is_roomy AND memory_doubled_gib <= 31 | spark.executor.memory |
--   CONCAT(CAST(memory_doubled_gib AS STRING), 'g') | The heap was full: give executors more of it for each core, or make partitions
--   smaller.
-- advice: cause = 'heap' AND executor_cores > 1 AND NOT is_databricks AND has_all_cores | - | - | The heap was full: run fewer tasks at once in an executor, which has all
--   {executor_cores:int} cores of its worker (spark.executor.cores={cores_halved:int} on the same memory), or make partitions smaller.
-- advice: cause = 'heap' AND executor_cores > 1 AND NOT is_databricks | spark.executor.cores |
--   TRY_CAST(CEIL(executor_cores / 2e0) AS BIGINT) | The heap was full: run fewer tasks at once in an executor, or make partitions
--   smaller.
-- advice: cause = 'gc' AND NOT is_databricks AND NOT is_roomy AND memory_doubled_gib <= 31 | spark.executor.memory |
--   CONCAT(CAST(memory_doubled_gib AS STRING), 'g') | The heap is nearly full, and executors that collect garbage do not answer: give them more of it for each core (or run fewer
--   tasks at once), and keep fewer objects alive. Where a whole host got slow, see whether all that runs there fits into its memory.
-- advice: cause = 'gc' AND executor_cores > 1 AND NOT is_databricks AND has_all_cores | - | - | The heap is nearly full, and executors that collect garbage do not answer: run fewer
--   tasks at once in an executor, which has all {executor_cores:int} cores of its worker (spark.executor.cores={cores_halved:int} on the same memory), or make partitions smaller.
-- advice: cause = 'gc' AND executor_cores > 1 AND NOT is_databricks | spark.executor.cores |
--   TRY_CAST(CEIL(executor_cores / 2e0) AS BIGINT) | The heap is nearly full, and executors that collect garbage do not answer: run fewer tasks at once in an executor, or
--   make partitions smaller.
-- advice: cause = 'gc' | - | - | The heap is nearly full, and executors that collect garbage do not answer: choose more memory for each core, or make partitions smaller.
-- advice: cause = 'heap' | - | - | The heap was full: choose more memory for each core, or make partitions smaller.
-- advice: cause = 'container' AND has_containers AND spark_minor >= 203 | spark.executor.memoryOverhead |
--   CONCAT(CAST(overhead_needed_mib AS STRING), 'm') | The container needs more room beside the heap (Python workers, network buffers,
--   native memory): raise it, or run fewer tasks at once. A larger heap alone does not help.
-- advice: cause = 'container' AND master LIKE 'yarn%' | spark.yarn.executor.memoryOverhead |
--   CAST(overhead_needed_mib AS STRING) | The container needs more room beside the heap (Python workers, network buffers, native
--   memory): raise it, or run fewer tasks at once. A larger heap alone does not help.
-- advice: cause = 'container' | - | - | The container needs more room beside the heap: give it more memory, or run fewer tasks at once
--   in it.
-- advice: host IS NOT NULL AND cause IN ('unknown', 'signal', 'heartbeat', 'node', 'killed') AND is_emr | - | - | The host is what they have in common: look at the logs of its NodeManager and of its
--   containers (disk, memory, drivers, Java), and replace the instance.
-- advice: host IS NOT NULL AND cause IN ('unknown', 'signal', 'heartbeat', 'node', 'killed') AND master LIKE 'yarn%' AND NOT is_databricks AND spark_minor >= 300 | - | - | The host is what they have in common: look at
--   the logs of its NodeManager and of its containers (disk, memory, drivers, Java), and keep the application off it until it is repaired (add it to spark.yarn.exclude.nodes).
-- advice: host IS NOT NULL AND cause IN ('unknown', 'signal', 'heartbeat', 'node', 'killed') AND master LIKE 'spark:%' | - | - | The host is what they have in common: look at stderr of such an
--   executor in the work folder of the worker on {host}, and at the log of that worker (disk, memory, devices and their drivers, Java); stop the worker until the host is repaired.
-- advice: host IS NOT NULL AND cause IN ('unknown', 'signal', 'heartbeat', 'node', 'killed') | - | - | The host is what they have in common: look at the logs of {host} (disk, memory, devices and
--   their drivers), and take it out of the cluster until it is repaired.
-- advice: cause = 'signal' AND is_databricks | - | - | Signal 9 comes from the system's memory killer as a rule: choose
--   instances with more memory for each core, or keep less in Python and native memory.
-- advice: cause = 'signal' | - | - | Signal 9 comes from the system's memory killer or from a person: look at the kernel's log of the host;
--   leave more of its memory free beside the heaps.
-- advice: cause = 'heartbeat' AND heartbeat_ms IS NOT NULL | spark.executor.heartbeatInterval | '10s' | Take the interval back to its default: so short, a busy driver or one garbage collection is enough to
--   end an executor.
-- advice: (cause = 'node' OR cause = 'heartbeat' OR cause = 'unknown') AND new_run_ms IS NOT NULL AND has_effects AND master LIKE 'spark://%' | - | - | Short tasks hung there until the
--   loss was noticed: a shorter spark.worker.timeout of the master and spark.network.timeout notice it sooner. Speculation starts a second run of them elsewhere: turn it on only where what foreach writes
--   may be written twice. Look at the logs of the worker and of its machine too.
-- advice: (cause = 'node' OR cause = 'heartbeat' OR cause = 'unknown') AND new_run_ms IS NOT NULL AND has_effects | - | - | Short tasks hung there until the loss was noticed: a shorter
--   spark.network.timeout notices it sooner. Speculation starts a second run of them elsewhere: turn it on only where what foreach writes may be written twice.
-- advice: (cause = 'node' OR cause = 'heartbeat' OR cause = 'unknown') AND new_run_ms IS NOT NULL AND master LIKE 'spark://%' | spark.speculation | 'true' | Short
--   tasks hung there until the loss was noticed: speculation starts a second run of them elsewhere, and a shorter spark.worker.timeout of the
--   master and spark.network.timeout notice it sooner. Look at the logs of the worker and of its machine too.
-- advice: (cause = 'node' OR cause = 'heartbeat' OR cause = 'unknown') AND new_run_ms IS NOT NULL | spark.speculation | 'true' | Short tasks hung there until the loss was
--   noticed: speculation starts a second run of them elsewhere, and a shorter spark.network.timeout notices it sooner.
-- advice: cause = 'decommissioned' AND is_output_lost AND can_copy AND NOT decommission | spark.decommission.enabled | 'true' | Executors were drained with the shuffle data that they held: let them copy
--   it to others before they go (with spark.storage.decommission.enabled=true{and_blocks}){patience}.
-- advice: cause = 'decommissioned' AND is_output_lost AND can_copy AND NOT storage_decommission | spark.storage.decommission.enabled | 'true' | Executors were drained with the shuffle data that they held:
--   let them copy it to others before they go{with_blocks}{patience}.
-- advice: cause = 'decommissioned' AND is_output_lost AND can_copy AND NOT shuffle_decommission | spark.storage.decommission.shuffleBlocks.enabled | 'true' | Executors were drained with the shuffle data that
--   they held: let them copy it to others before they go{patience}.
-- advice: cause = 'decommissioned' AND is_output_lost AND has_shuffle_service | - | - | Machines were drained with the data of their shuffle service: let them stay until it is read (a longer timeout of the graceful
--   decommissioning), have a remote shuffle service, or take more of the machines on demand.
-- advice: cause = 'decommissioned' AND is_output_lost AND can_copy AND has_fallback | - | - | Executors were drained before all of their shuffle data was copied: give them longer ({grace}), shorten the stages whose data later ones
--   still need, or take more of the machines on demand.
-- advice: cause = 'decommissioned' AND is_output_lost AND can_copy | - | - | Executors were drained before all of their shuffle data was copied to others: give them longer ({grace}), set spark.storage.decommission.fallbackStorage.path to a
--   store that takes what no other executor does, or take more of the machines on demand.
-- advice: cause = 'decommissioned' AND is_output_lost | - | - | Executors were drained with the shuffle data that they held: write what long stages give to a table before others read it, or take more of the machines on demand.
-- advice: cause = 'decommissioned' | - | - | Executors were drained before their tasks had ended: give them longer ({grace}), make tasks shorter (more partitions), or take more of the machines on demand.
-- advice: cause = 'node' AND is_databricks AND spark_minor >= 301 AND NOT decommission | spark.decommission.enabled | 'true' | The machines went (spot, scaled in, or broken): let
--   executors hand over their data before they go (with spark.storage.decommission.enabled), and take instances on demand, or spot instances that fall back to on demand.
-- advice: cause = 'node' AND is_databricks | - | - | The machines went (spot, scaled in, or broken): take instances on demand, or spot instances that fall back to on demand, and keep the driver on
--   demand.
-- advice: cause = 'node' AND is_serverless | - | - | The machines below the workers went, and EMR Serverless started others: shorter tasks lose less with them, and so does what is written to tables
--   between long steps.
-- advice: cause = 'node' AND master LIKE 'spark://%' AND back_ms <= $max_back_ms | - | - | The machine did not go: {back_ms:s} later a new executor began on it, so its worker was cut off from the master for a while,
--   or was restarted. Look at the log of that worker and at the network between them.
-- advice: cause = 'node' AND master LIKE 'spark://%' AND all_back_ms <= $max_back_ms | - | - | The machines did not go: new executors began on all of them, so their workers were cut off from the master for a
--   while, or were restarted. Look at the logs of these workers and at the network between them.
-- advice: cause = 'node' AND spark_minor >= 301 AND NOT decommission AND can_decommission | spark.decommission.enabled | 'true' |
--   The machines went (spot, scaled in, or broken): let executors hand over their data before they go (with
--   spark.storage.decommission.enabled), keep the driver on demand, and spread over more instance types.
-- advice: cause = 'node' AND master LIKE 'spark://%' | - | - | The workers of the standalone cluster went: look at their logs and at
--   those of their machines (memory, disk, network), and keep spare ones.
-- advice: cause = 'node' AND master LIKE 'k8s%' | - | - | The nodes went (spot, scaled in, or broken): keep the driver on nodes on demand (a node selector), and spread executors over more
--   instance types.
-- advice: cause = 'node' AND is_emr | - | - | The machines went (spot, scaled in, or broken): keep the driver and core nodes on demand, and spread over
--   more instance types.
-- advice: cause = 'node' | - | - | The machines went (spot, scaled in, or broken): keep the driver and the nodes that hold data on demand, and spread over
--   more instance types.
-- advice: cause = 'preempted' | - | - | Another queue took the room back: ask for no more than the queue's guaranteed share, or run the job
--   in a queue that is not preempted.
-- advice: cause = 'heartbeat' | - | - | They did not answer for too long: long garbage collection, a machine that swaps, or a cut network.
--   Give them more memory for each core before the timeouts are raised.
-- advice: cause = 'killed' | - | - | Somebody or something killed them: look at the log of the cluster manager for their ids.
-- recommendation: Look at the logs of the lost executors and of their hosts; out of memory, a lost node and a full disk
--   look alike from here.
WITH losers AS (
  SELECT DISTINCT platform, cluster_id, application_id, attempt_id FROM executor_losses
),
-- The most frequent reason of each cause.
reasons AS (
  SELECT
    c.*,
    ROW_NUMBER() OVER (
      PARTITION BY platform, cluster_id, application_id, attempt_id, cause ORDER BY num_same DESC, reason, executor_id
    ) AS reason_place
  FROM (
    SELECT
      k.*, CASE WHEN reason IS NULL THEN 0 ELSE COUNT(*) OVER (PARTITION BY platform, cluster_id, application_id, attempt_id, cause, reason) END AS num_same
    FROM executor_losses AS k
  ) AS c
),
losses AS (
  SELECT
    platform, cluster_id, application_id, attempt_id, cause,
    COUNT(*) AS num_lost,
    AVG(CAST(lifetime_ms AS DOUBLE)) AS mean_lifetime_ms, MAX(record_bytes) AS record_bytes, MAX(CASE WHEN exit_code = 56 THEN 1 ELSE 0 END) AS num_unsent,
    MAX(CASE WHEN reason_place = 1 THEN SUBSTR(reason, 1, 200) END) AS reason,
    MAX(CASE WHEN cause = 'gc' THEN gc_share END) AS gc_share,
    MAX(CASE WHEN cause = 'gc' THEN heap_share END) AS heap_share,
    ROW_NUMBER() OVER (
      PARTITION BY platform, cluster_id, application_id, attempt_id ORDER BY COUNT(*) DESC, cause
    ) AS place
  FROM reasons
  GROUP BY platform, cluster_id, application_id, attempt_id, cause
),
-- When the next executor began on the host of a lost one.
returns AS (
  SELECT platform, cluster_id, application_id, attempt_id, cause, CASE WHEN COUNT(*) = COUNT(back_ms) THEN MAX(back_ms) END AS back_ms
  FROM (
    SELECT
      c.platform, c.cluster_id, c.application_id, c.attempt_id, c.cause, c.executor_id,
      MIN(CASE WHEN UNIX_MILLIS(e.add_time) > c.remove_ms THEN UNIX_MILLIS(e.add_time) - c.remove_ms END) AS back_ms
    FROM executor_losses AS c
    LEFT JOIN executors AS e
      ON e.platform = c.platform AND e.cluster_id = c.cluster_id
      AND e.application_id = c.application_id AND e.attempt_id = c.attempt_id
      AND REGEXP_REPLACE(e.host_port, ':[0-9]+$', '') = c.host
    GROUP BY c.platform, c.cluster_id, c.application_id, c.attempt_id, c.cause, c.executor_id
  ) AS r
  GROUP BY platform, cluster_id, application_id, attempt_id, cause
),
-- What others did not get of an executor that had gone.
missed AS (
  SELECT DISTINCT platform, cluster_id, application_id, attempt_id FROM failed_fetches WHERE cause = 'loss'
),
-- Tasks that write for themselves, which a second copy does again.
effects AS (
  SELECT DISTINCT platform, cluster_id, application_id, attempt_id FROM stages WHERE stage_name LIKE 'foreach%'
),
work_lost AS (
  SELECT
    w.platform, w.cluster_id, w.application_id, w.attempt_id, SUM(COALESCE(w.failed_ms, 0e0) + COALESCE(w.again_ms, 0e0)) AS lost_ms,
    -- A job that failed is told with all of its time by failed_jobs or canceled_jobs.
    SUM(CASE WHEN f.platform IS NULL THEN COALESCE(w.failed_ms, 0e0) + COALESCE(w.again_ms, 0e0) ELSE 0e0 END) AS own_lost_ms,
    SUM(w.again_ms) AS again_ms, COALESCE(SUM(w.num_again), 0) AS num_again, COUNT(w.num_again) AS num_again_stages, MIN(CASE WHEN w.num_again > 0 THEN w.stage_id END) AS again_stage
  FROM loss_work AS w
  LEFT JOIN failed_stages AS f
    ON f.platform = w.platform AND f.cluster_id = w.cluster_id
    AND f.application_id = w.application_id AND f.attempt_id = w.attempt_id AND f.stage_id = w.stage_id
  GROUP BY w.platform, w.cluster_id, w.application_id, w.attempt_id
),
-- Tasks that went with an executor, and the last end of their new runs.
taken AS (
  SELECT DISTINCT t.platform, t.cluster_id, t.application_id, t.attempt_id, t.stage_id, t.stage_attempt_id, t.index
  FROM tasks AS t
  INNER JOIN losers AS l
    ON l.platform = t.platform AND l.cluster_id = t.cluster_id
    AND l.application_id = t.application_id AND l.attempt_id = t.attempt_id
  WHERE t.status = 'FAILED' AND t.end_reason = 'ExecutorLostFailure' AND t.index >= 0
),
-- How long a stage waited for nothing but those, after all its other tasks were done.
stage_waits AS (
  SELECT
    t.platform, t.cluster_id, t.application_id, t.attempt_id, t.stage_id, t.stage_attempt_id,
    MAX(CASE WHEN k.index IS NOT NULL THEN UNIX_MILLIS(t.launch_time) + t.duration END) AS taken_end_ms,
    MAX(CASE WHEN k.index IS NULL THEN UNIX_MILLIS(t.launch_time) + t.duration END) AS others_end_ms,
    MAX(CASE WHEN k.index IS NOT NULL AND t.status = 'SUCCESS' THEN t.duration END) AS new_run_ms,
    COUNT(DISTINCT k.index) AS num_taken, COUNT(DISTINCT t.index) AS num_indexes
  FROM tasks AS t
  INNER JOIN (SELECT DISTINCT platform, cluster_id, application_id, attempt_id, stage_id, stage_attempt_id FROM taken) AS l
    ON l.platform = t.platform AND l.cluster_id = t.cluster_id
    AND l.application_id = t.application_id AND l.attempt_id = t.attempt_id
    AND l.stage_id = t.stage_id AND l.stage_attempt_id = t.stage_attempt_id
  LEFT JOIN taken AS k
    ON k.platform = t.platform AND k.cluster_id = t.cluster_id
    AND k.application_id = t.application_id AND k.attempt_id = t.attempt_id
    AND k.stage_id = t.stage_id AND k.stage_attempt_id = t.stage_attempt_id AND k.index = t.index
  GROUP BY t.platform, t.cluster_id, t.application_id, t.attempt_id, t.stage_id, t.stage_attempt_id
),
waited AS (
  SELECT
    w.platform, w.cluster_id, w.application_id, w.attempt_id, SUM(GREATEST(taken_end_ms - others_end_ms, 0)) AS wait_ms,
    -- A job that failed is told with all of its time by failed_jobs or canceled_jobs.
    SUM(CASE WHEN f.platform IS NULL THEN GREATEST(taken_end_ms - others_end_ms, 0) ELSE 0 END) AS won_ms,
    -- So few that speculation begins (when nine of ten tasks are done in Spark 4, three of four before), and much shorter than the wait.
    SUM(CASE WHEN taken_end_ms - others_end_ms >= $min_hung_ratio * new_run_ms AND num_taken <= 0.1e0 * num_indexes
      THEN taken_end_ms - others_end_ms ELSE 0 END) AS hung_ms,
    MAX(CASE WHEN taken_end_ms - others_end_ms >= $min_hung_ratio * new_run_ms AND num_taken <= 0.1e0 * num_indexes
      THEN new_run_ms END) AS new_run_ms
  FROM stage_waits AS w
  LEFT JOIN failed_stages AS f
    ON f.platform = w.platform AND f.cluster_id = w.cluster_id
    AND f.application_id = w.application_id AND f.attempt_id = w.attempt_id AND f.stage_id = w.stage_id
  WHERE taken_end_ms IS NOT NULL AND others_end_ms IS NOT NULL
  GROUP BY w.platform, w.cluster_id, w.application_id, w.attempt_id
),
-- Queries with failed tasks that put all values of a key into one row.
gathering AS (
  SELECT DISTINCT s.platform, s.cluster_id, s.application_id, s.attempt_id
  FROM stages AS s
  INNER JOIN gathering_queries AS n
    ON n.platform = s.platform AND n.cluster_id = s.cluster_id
    AND n.application_id = s.application_id AND n.attempt_id = s.attempt_id AND n.sql_id = s.sql_id
  WHERE s.num_failed_tasks > 0
),
set_values AS (
  SELECT
    platform, cluster_id, application_id, attempt_id,
    -- Where it is not set, an executor of a standalone cluster has all cores of its worker.
    MAX(CASE WHEN key = 'spark.executor.cores' THEN 1 END) AS num_cores,
    MAX(CASE WHEN key = 'spark.decommission.enabled' THEN LOWER(value) END) = 'true' AS decommission,
    MAX(CASE WHEN key = 'spark.storage.decommission.fallbackStorage.path' AND value <> '' THEN 1 ELSE 0 END) = 1 AS has_fallback,
    -- Milliseconds where it has no unit.
    MAX(CASE WHEN key = 'spark.executor.heartbeatInterval' THEN TRY_CAST(REGEXP_REPLACE(LOWER(TRIM(value)), '[a-z]+$', '') AS DOUBLE)
      * CASE WHEN LOWER(value) LIKE '%ms' THEN 1e0 WHEN LOWER(value) LIKE '%s' THEN 1e3 WHEN LOWER(value) LIKE '%m' OR LOWER(value) LIKE '%min' THEN 6e4
        WHEN LOWER(value) LIKE '%h' THEN 3.6e6 ELSE 1e0 END END) AS heartbeat_ms,
    MAX(CASE WHEN key = 'spark.executor.heartbeat.maxFailures' THEN TRY_CAST(value AS BIGINT) END) AS heartbeat_failures
  FROM spark_settings
  GROUP BY platform, cluster_id, application_id, attempt_id
)
SELECT
  a.platform, a.cluster_id, a.application_id, a.attempt_id,
  CONCAT(a.application_id, ' ', l.cause) AS subject_id,
  -- Work that ends well although an executor went is no worry, nor are seconds of work.
  CASE
    -- Small beside a large application, which would not be told otherwise.
    WHEN w.lost_ms >= 600000 AND l.place = 1 AND w.lost_ms < 0.005e0 * GREATEST(a.core_time_ms, COALESCE(a.total_task_time_ms, 0))
      AND COALESCE(y.wait_ms < 0.05e0 * a.app_duration_ms, TRUE) THEN 'low'
    WHEN w.lost_ms >= 600000 AND l.place = 1 THEN CAST(NULL AS STRING)
    -- Seconds of work are much of a short run.
    WHEN l.place = 1 AND a.complete AND ((w.own_lost_ms * a.wall_ratio >= 10000 AND w.own_lost_ms * a.wall_ratio >= 0.2e0 * a.app_duration_ms) OR (w.own_lost_ms * a.wall_ratio >= 5000 AND w.own_lost_ms * a.wall_ratio >= 0.3e0 * a.app_duration_ms)) THEN 'medium'
    WHEN a.app_duration_ms < 60000 OR l.place > 1 THEN 'low'
    -- Most of the run was spent on it, however few cores waited.
    WHEN y.wait_ms >= 60000 AND y.wait_ms >= 0.5e0 * a.app_duration_ms THEN 'medium'
    WHEN NOT a.completed AND NOT COALESCE(a.is_databricks, FALSE) THEN 'medium'
    -- Memory goes again, and next time it may be the task that cannot be repeated.
    -- So many that it is no chance.
    WHEN l.num_lost >= 3 AND l.num_lost >= $min_lost_share * a.num_workers AND l.cause IN ('heartbeat', 'signal', 'unknown')
      AND NOT COALESCE(a.is_interactive, FALSE) THEN 'medium'
    WHEN l.num_lost > 1 AND (w.lost_ms >= 60000 OR l.cause IN ('heap', 'container', 'gc')) THEN 'medium'
    ELSE 'low'
  END AS severity,
  CONCAT('Executors are lost: ', CASE l.cause
    WHEN 'heap' THEN 'out of heap' WHEN 'container' THEN 'over the memory of the container' WHEN 'signal' THEN 'signal 9' WHEN 'gc' THEN 'garbage collection'
    WHEN 'node' THEN 'machines gone' WHEN 'preempted' THEN 'preempted' WHEN 'decommissioned' THEN 'decommissioned' WHEN 'heartbeat' THEN 'no heartbeat'
    WHEN 'killed' THEN 'killed' ELSE 'unknown cause' END) AS title,
  CASE WHEN l.cause IN ('signal', 'unknown') THEN 'medium' ELSE 'high' END AS confidence,
  TRY_CAST(NULLIF(CASE WHEN l.place = 1 THEN COALESCE(w.lost_ms, 0e0) ELSE 0e0 END + COALESCE(b.held_ms, 0e0), 0e0) AS BIGINT) AS lost_core_ms,
  CASE WHEN l.place = 1 AND w.lost_ms > 0e0 THEN TRY_CAST(w.lost_ms AS BIGINT) END AS task_lost_ms,
  CASE WHEN o.host IS NULL OR b.host IS NOT NULL THEN '' WHEN l.num_lost = 1 THEN CONCAT(', on ', o.host)
    WHEN l.num_lost = 2 THEN CONCAT(', both on ', o.host) ELSE CONCAT(', all on ', o.host) END AS lost_on,
  CASE WHEN l.num_lost = 1 THEN '' ELSE ' on average' END AS on_average, CASE WHEN l.num_lost = 1 THEN k.back_ms END AS back_ms,
  -- Of several only where the machines are what is asked about.
  CASE WHEN l.num_lost > 1 AND l.cause = 'node' THEN k.back_ms END AS all_back_ms, CASE WHEN b.num_lost = l.num_lost THEN 'all ' ELSE '' END AS host_all,
  b.host, b.num_lost AS host_lost, b.num_hosts, CASE WHEN b.held_ms IS NOT NULL THEN b.num_executors END AS host_executors, TRY_CAST(b.held_ms AS BIGINT) AS host_held_ms, b.held_ms / NULLIF(CAST(a.core_time_ms AS DOUBLE), 0e0) AS host_held_share,
  CASE WHEN l.place = 1 AND w.num_again > 0 THEN TRY_CAST(w.again_ms AS BIGINT) END AS again_ms,
  CASE WHEN l.place = 1 AND y.wait_ms >= 5000 AND y.wait_ms >= 0.05e0 * a.app_duration_ms THEN TRY_CAST(y.wait_ms AS BIGINT) END AS wait_ms,
  CASE WHEN l.place = 1 AND y.wait_ms >= 5000 AND y.wait_ms >= 0.05e0 * a.app_duration_ms THEN TRY_CAST(GREATEST(CAST(y.won_ms AS DOUBLE), COALESCE(w.own_lost_ms * a.wall_ratio, 0e0)) AS BIGINT)
    WHEN l.place = 1 THEN TRY_CAST(NULLIF(w.own_lost_ms, 0e0) * a.wall_ratio AS BIGINT) END AS recoverable_ms,
  CASE WHEN l.place = 1 AND y.wait_ms >= 5000 AND y.wait_ms >= 0.05e0 * a.app_duration_ms AND y.hung_ms >= 0.5e0 * y.wait_ms THEN y.new_run_ms END AS new_run_ms,
  CASE WHEN l.cause = 'heap' THEN l.record_bytes END AS record_bytes,
  CASE WHEN l.cause = 'heartbeat' AND l.num_unsent = 1 AND s.heartbeat_ms < 1e3 THEN TRY_CAST(s.heartbeat_ms AS BIGINT) END AS heartbeat_ms,
  CASE WHEN l.cause = 'heartbeat' AND l.num_unsent = 1 AND s.heartbeat_ms < 1e3 THEN COALESCE(s.heartbeat_failures, 60) END AS heartbeat_failures,
  CASE WHEN l.cause = 'heartbeat' AND l.num_unsent = 1 AND s.heartbeat_ms < 1e3 THEN TRY_CAST(s.heartbeat_ms * COALESCE(s.heartbeat_failures, 60) AS BIGINT) END AS heartbeat_limit_ms,
  l.gc_share, l.heap_share, g.platform IS NOT NULL AS gathers, w.num_again, w.num_again_stages, w.again_stage,
  l.cause, l.num_lost, a.num_workers, l.mean_lifetime_ms, l.reason,
  a.spark_minor, a.executor_cores, TRY_CAST(CEIL(a.executor_cores / 2e0) AS BIGINT) AS cores_halved,
  COALESCE((a.master LIKE 'spark:%' OR a.master LIKE 'mesos:%') AND s.num_cores IS NULL, FALSE) AS has_all_cores,
  -- A worker of EMR Serverless has no more memory for fewer cores.
  COALESCE(a.executor_cores > 1 AND a.executor_memory_bytes >= CAST($enough_heap_per_core AS DOUBLE) * a.executor_cores, FALSE) AND NOT COALESCE(a.is_serverless, FALSE) AS is_roomy,
  -- Databricks has a master of a standalone cluster that nobody looks after.
  CASE WHEN a.is_databricks THEN 'databricks' ELSE COALESCE(a.master, '') END AS master, COALESCE(a.is_serverless, FALSE) AS is_serverless, COALESCE(a.is_emr, FALSE) AS is_emr, COALESCE(s.decommission, FALSE) AS decommission,
  COALESCE(c.storage_decommission, FALSE) AS storage_decommission, COALESCE(c.shuffle_decommission, FALSE) AS shuffle_decommission,
  COALESCE(c.has_shuffle_service, FALSE) AS has_shuffle_service, COALESCE(s.has_fallback, FALSE) AS has_fallback,
  -- Where a service of the machine holds the data, executors have nothing to copy.
  a.spark_minor >= 301 AND NOT COALESCE(c.has_shuffle_service, FALSE) AND NOT COALESCE(a.is_serverless, FALSE) AS can_copy,
  COALESCE(w.num_again, 0) > 0 OR m.platform IS NOT NULL AS is_output_lost, f.platform IS NOT NULL AS has_effects,
  CASE WHEN NOT COALESCE(c.shuffle_decommission, FALSE) THEN ' and spark.storage.decommission.shuffleBlocks.enabled=true' ELSE '' END AS and_blocks,
  CASE WHEN NOT COALESCE(c.shuffle_decommission, FALSE) THEN ' (with spark.storage.decommission.shuffleBlocks.enabled=true)' ELSE '' END AS with_blocks,
  CASE
    WHEN a.master LIKE 'k8s%' THEN ', and give their pods longer for it than the copy takes (terminationGracePeriodSeconds)'
    WHEN a.master LIKE 'yarn%' THEN ', and give them longer for it than the copy takes (the timeout of the graceful decommissioning of nodes)'
    ELSE '' END AS patience, CASE
    WHEN a.master LIKE 'k8s%' THEN 'terminationGracePeriodSeconds of their pods' WHEN a.master LIKE 'yarn%' THEN 'the timeout of the graceful decommissioning of nodes'
    ELSE 'the notice before a machine goes' END AS grace,
  COALESCE(a.master LIKE 'k8s%' OR a.master LIKE 'spark:%', FALSE) AND NOT COALESCE(a.is_databricks, FALSE) AS can_decommission, COALESCE(a.is_databricks, FALSE) AS is_databricks,
  COALESCE(a.master LIKE 'yarn%' OR a.master LIKE 'k8s%' OR a.is_serverless, FALSE) AS has_containers,
  TRY_CAST(CEIL(a.executor_memory_bytes / 536870912e0) AS BIGINT) AS memory_doubled_gib,
  -- Twice what it had, which by default is a tenth of the heap and at least 384 MiB.
  TRY_CAST(2 * COALESCE(
    CAST(p.memory_overhead_bytes AS DOUBLE), a.overhead_bytes, GREATEST(a.executor_memory_bytes * 0.1e0, 402653184e0)
  ) / 1048576e0 AS BIGINT) AS overhead_needed_mib
FROM application_facts AS a
INNER JOIN applications AS p
  ON p.platform = a.platform AND p.cluster_id = a.cluster_id
  AND p.application_id = a.application_id AND p.attempt_id = a.attempt_id
INNER JOIN losses AS l
  ON l.platform = a.platform AND l.cluster_id = a.cluster_id
  AND l.application_id = a.application_id AND l.attempt_id = a.attempt_id
LEFT JOIN work_lost AS w
  ON w.platform = a.platform AND w.cluster_id = a.cluster_id
  AND w.application_id = a.application_id AND w.attempt_id = a.attempt_id
LEFT JOIN waited AS y
  ON y.platform = a.platform AND y.cluster_id = a.cluster_id
  AND y.application_id = a.application_id AND y.attempt_id = a.attempt_id
LEFT JOIN gathering AS g
  ON g.platform = a.platform AND g.cluster_id = a.cluster_id
  AND g.application_id = a.application_id AND g.attempt_id = a.attempt_id
LEFT JOIN lost_hosts AS b
  ON b.platform = a.platform AND b.cluster_id = a.cluster_id
  AND b.application_id = a.application_id AND b.attempt_id = a.attempt_id AND b.cause = l.cause
LEFT JOIN loss_places AS o
  ON o.platform = a.platform AND o.cluster_id = a.cluster_id
  AND o.application_id = a.application_id AND o.attempt_id = a.attempt_id AND o.cause = l.cause AND o.num_lost = o.num_all
LEFT JOIN returns AS k
  ON k.platform = a.platform AND k.cluster_id = a.cluster_id
  AND k.application_id = a.application_id AND k.attempt_id = a.attempt_id AND k.cause = l.cause
LEFT JOIN missed AS m
  ON m.platform = a.platform AND m.cluster_id = a.cluster_id
  AND m.application_id = a.application_id AND m.attempt_id = a.attempt_id
LEFT JOIN effects AS f
  ON f.platform = a.platform AND f.cluster_id = a.cluster_id
  AND f.application_id = a.application_id AND f.attempt_id = a.attempt_id
LEFT JOIN (
  SELECT platform, cluster_id, application_id, attempt_id, storage_decommission, shuffle_decommission, has_shuffle_service FROM application_settings
) AS c
  ON c.platform = a.platform AND c.cluster_id = a.cluster_id
  AND c.application_id = a.application_id AND c.attempt_id = a.attempt_id
LEFT JOIN set_values AS s
  ON s.platform = a.platform AND s.cluster_id = a.cluster_id
  AND s.application_id = a.application_id AND s.attempt_id = a.attempt_id
WHERE l.num_lost >= $min_lost AND NOT a.is_local
