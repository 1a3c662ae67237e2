-- id: idle_executors
-- title: Executors are paid for but idle
-- category: resources
-- severity: medium
-- version: 22
-- description: Fires where the cores of an application's executors had no task for most of the time
--   they were held, or for a large time in all. Lost is the idle core time beyond the share that is
--   hard to avoid (start-up, ends of stages, driver work). The executors recommended carry the same
--   work with only that share idle, and the busiest stage with as many tasks side by side as it had
--   on average, and never more than ran a task. Cores that wait for single long tasks or slow executors are shown, but not counted, as far as view core_time_parts knows: task_skew and
--   slow_executor tell them; nor are those of tasks that never ended, and an application that hung on such tasks is not judged. What passed
--   in long stages with too few tasks, or in loops of stages of one task, is not lost twice: low_parallelism and single_task tell those, and alone where fewer executors are no way out. A cluster that
--   gives executors back gives those without a task, so that there only the free cores of executors with a task count as such; where at most one executor ran, nothing can be given back while jobs run. Without such a cluster
--   what passed in jobs that only open tables is not lost here either, which table_opening tells, nor anywhere what executors held on a host where they were lost before they ended a task, which lost_executors tells. Local mode has no executors to give back and is not judged;
--   nor is a short run, which is start-up for the most part, unless it held very many cores or nearly all of a smaller time was idle. An interactive session waits for its people:
--   that is reported once, from an hour of idle core time on, and nothing is counted as lost.
--   A history that was compacted lacks the tasks of jobs that had ended, and one of which events were dropped or removed those of others: they do not tell what was idle.
--   An idle timeout does not give back executors that wrote shuffle data which Spark tracks, or that filled a cache: where such hold most of the idle time to the end, the
--   setting or step that does is advised.
--   Like the waits for long tasks count those that uneven_end, unfinished_skew, locality_wait and failed_tasks tell (views uneven_ends, unfinished_tails, locality_waits, excluded_executors).
--   Where it runs streaming queries that wait for their triggers (view spaced_streams), the executors advised are those with which 95 in 100 batches would keep to a part of the trigger.
-- parameter: max_trigger_share double = 0.7 [ratio] that part
-- parameter: min_stream_idle_ms bigint = 36000000 [core_ms] idle core time of such an application, at least
-- parameter: max_stream_busy double = 0.25 [ratio] and busy part of its core time, at most
-- parameter: min_few_tasks_share double = 0.3 [ratio] share of the idle time that stages with fewer tasks than cores explain, from which it is told
-- parameter: min_idle_ratio double = 0.5 [ratio] idle over held core time, at least
-- parameter: large_idle_ms bigint = 36000000 [core_ms] idle core time from which half that share is enough
-- parameter: healthy_idle_ratio double = 0.2 [ratio] idle over held core time that is no loss
-- parameter: min_core_time_ms bigint = 600000 [core_ms] held core time, at least
-- parameter: min_duration_ms bigint = 120000 [ms] wall time of the application, at least
-- parameter: min_small_core_time_ms bigint = 300000 [core_ms] the same where nearly all of it was idle, at least
-- parameter: min_small_duration_ms bigint = 60000 [ms] wall time of such an application, at least
-- parameter: min_small_idle_ratio double = 0.7 [ratio] idle over held core time of such an application after its start-up, at least
-- parameter: min_small_told_ms bigint = 60000 [core_ms] idle core time of stages of such an application from which it is told with them
-- parameter: max_hung_ratio double = 0.02 [ratio] core time of tasks that never ended over that held, from which the application hung
-- parameter: max_kept double = 0.8 [ratio] executors that the work needs over those that ran, at most, for fewer to be advised
-- parameter: min_told_stage_ms bigint = 5000 [ms] wall time of a stage with too few tasks that low_parallelism or single_task tells, at least
-- parameter: max_told_core_share double = 0.5 [ratio] its tasks over held cores, at most
-- parameter: max_told_long_core_share double = 0.8 [ratio] the same where its tasks are long
-- parameter: min_told_long_task_ms bigint = 10000 [ms] median of such tasks, at least
-- parameter: min_told_loop_stage_ms bigint = 200 [ms] wall time of a stage of one task in a loop that single_task tells, at least
-- parameter: min_told_loop_stages bigint = 20 [count] such stages of one name, at least
-- parameter: min_told_loop_won_ms bigint = 30000 [ms] wall time to win in them, at least
-- parameter: min_told_loop_share double = 0.05 [ratio] the same over the wall time of the application, at least
-- parameter: min_told_lost_ms bigint = 600000 [core_ms] idle core time of such stages from which it is told there
-- parameter: medium_lost_ms bigint = 3600000 [core_ms] lost core time from which it is of medium severity
-- parameter: high_lost_ms bigint = 7200000 [core_ms] lost core time from which its share counts too
-- parameter: min_interactive_idle_ms bigint = 3600000 [core_ms] idle core time of an interactive session, at least
-- parameter: min_held_share double = 0.5 [ratio] idle core time of executors that shuffle or cached data keeps over that of all, at least
-- parameter: min_shuffle_timeout_ms bigint = 600000 [ms] how long executors with shuffle data should stay, at least
-- evidence: Executor cores were idle for {all_idle_ms:h} of {core_time_ms:h} of core time, {all_idle_ratio:pct}[, {skew_ms:h} of it in waits for single long tasks, slow executors,
--   the last tasks of stages or data locality{excluded_text}, which other rules tell][; {opening_ms:h} of it passed in jobs that only open tables, which another finding tells][; {host_ms:h} of it passed on a host whose executors were lost before they ended a task, which another finding tells][; {num_never_used:int} of
--   {num_workers:executor|executors} never ran a task][; the work fits on {executors_needed:executor|executors}, where up to
--   {num_executors_max:int} ran][; {few_tasks_ms:h} of it passed in stages with fewer tasks than cores: more tasks there would use them too][; {one_task_ms:h} of it passed in stages of a single task][; triggers of
--   its streaming queries are {trigger_ms:s} apart, and 95 in 100 batches take {batch_ms:s} or less].
-- advice: is_interactive AND is_working | - | - | Most of it passed while jobs of the session ran: see the findings about their stages, and let idle executors go meanwhile.
-- advice: is_interactive | - | - | This is an interactive session: let idle executors go, or stop it when it is not in use.
-- advice: stream_executors > 0 AND stream_executors < num_executors_max AND executor_instances > stream_executors AND NOT dynamic_allocation AND NOT is_databricks | spark.executor.instances | stream_executors | The stream waits for its
--   triggers most of the time: start fewer executors, so that batches take longer but stay below the trigger; run several queries in one application, or start it on a schedule with Trigger.AvailableNow where the
--   latency allows.
-- advice: stream_executors > 0 AND stream_executors < num_executors_max | - | - | The stream waits for its triggers most of the time: about {stream_executors:executor|executors} are enough for batches that stay below the
--   trigger. Run several queries in one application, or start it on a schedule with Trigger.AvailableNow where the latency allows.
-- advice: stream_executors > 0 | - | - | The stream waits for its triggers most of the time: run several queries in one application, or start it on a schedule with Trigger.AvailableNow where the latency allows.
-- advice: is_databricks AND num_executors_max = 1 AND NOT is_stuck | - | - | The cluster has one worker: run the job on a smaller instance, or on a single node, where the driver runs the tasks
--   too.
-- advice: is_databricks AND (NOT is_stuck OR executors_needed < num_executors_max) | - | - | Let the cluster scale down to fewer workers, or run the job on a smaller one.
-- advice: dynamic_allocation AND NOT is_databricks AND min_executors > executors_needed | spark.dynamicAllocation.minExecutors | executors_needed |
--   Let dynamic allocation go below the executors that it must keep.
-- advice: dynamic_allocation AND NOT is_databricks AND executors_needed < num_executors_max AND COALESCE(max_executors > executors_needed, TRUE) | spark.dynamicAllocation.maxExecutors | executors_needed |
--   Cap dynamic allocation near what the busiest stage needs.
-- advice: dynamic_allocation AND NOT is_stuck AND is_shuffle_held AND is_cache_held | - | - | Executors that hold shuffle data and cached blocks stay however long they are idle (spark.dynamicAllocation.shuffleTracking.timeout and
--   spark.dynamicAllocation.cachedExecutorIdleTimeout have no limit): call unpersist when a cache is not read any more, and set both beyond the longest pause before such data is read again. What goes with an executor is computed again.
-- advice: dynamic_allocation AND NOT is_stuck AND is_shuffle_held AND app_duration_ms >= 2 * shuffle_needed_ms AND spark_minor >= 300 | spark.dynamicAllocation.shuffleTracking.timeout |
--   CONCAT(CAST(TRY_CAST(shuffle_needed_ms / 1000 AS BIGINT) AS STRING), 's') | Executors that hold shuffle data stay however long they are idle, since this timeout has no limit: set it longer than such data waits to be read[ (up to {reuse_ms:s}
--   here)]. What goes with an executor is computed again[; {other_way}].
-- advice: dynamic_allocation AND NOT is_stuck AND is_shuffle_held | - | - | Executors that hold shuffle data stay however long they are idle (spark.dynamicAllocation.shuffleTracking.timeout has no limit), and a limit longer than such data
--   waits to be read comes late here: begin with fewer executors[; {other_way}].
-- advice: dynamic_allocation AND NOT is_stuck AND is_cache_held | - | - | Executors that hold cached blocks stay however long they are idle (spark.dynamicAllocation.cachedExecutorIdleTimeout has no limit): call unpersist when a cache is not
--   read any more, or set that timeout longer than the longest pause between its reads. What goes with an executor is computed again.
-- advice: dynamic_allocation AND NOT is_stuck AND NOT is_limited AND NOT is_cache_lost AND COALESCE(idle_timeout_ms > 30000, TRUE) AND COALESCE(num_executors_max > 1 OR longest_gap_ms > 30000, TRUE) | spark.dynamicAllocation.executorIdleTimeout | '30s' | The busiest stage needs the executors,
--   the rest of the application does not: let dynamic allocation give idle ones back sooner.
-- advice: can_allocate AND NOT dynamic_allocation AND num_executors_max > 1 AND NOT is_stuck | spark.dynamicAllocation.enabled | 'true' | Let dynamic allocation give idle
--   executors back{with_limit}, or start fewer of them.
-- advice: executor_instances > executors_needed AND NOT is_databricks | spark.executor.instances | executors_needed | Start fewer executors.
-- advice: executors_needed < num_executors_max | - | - | Start fewer executors: {executors_needed:executor carries|executors carry} the work.
-- advice: main_part = 'one task' | - | - | Stages of a single task (a limit, take or first, a total, one file) leave all other cores without work, and more partitions elsewhere do not
--   help: take fewer cores, or run other work beside these stages (threads).
-- advice: main_part = 'few tasks' | - | - | Its stages have fewer tasks than there are cores: give them at least one for each, better two or three (repartition, smaller splits, more
--   shuffle partitions), or take executors with fewer cores.
-- advice: main_part = 'driver' AND is_cache_lost | - | - | The driver works alone for most of that time: see the finding about it. What was cached in executors that went meanwhile was computed again (executor_churn).
-- advice: main_part = 'driver' | - | - | The driver works alone for most of that time: see the finding about it, and give the executors back meanwhile.
-- advice: main_part = 'start' | - | - | Most of it passed before the first task: start the session when the work is ready, and see that all executors come at once.
-- advice: main_part = 'stages' | - | - | Most of it passed while jobs ran, at the ends of stages and between them: make more and smaller partitions, so that the last tasks end closer together, and
--   run jobs that do not need each other side by side (threads).
-- recommendation: The work comes in bursts with pauses between: run more of it side by side, or give the executors
--   back in the pauses.
WITH cachers AS (
  -- Executors that ran tasks of a stage that filled a cache which nobody gave back.
  SELECT DISTINCT x.platform, x.cluster_id, x.application_id, x.attempt_id, x.executor_id
  FROM stage_executors AS x
  INNER JOIN (
    SELECT DISTINCT platform, cluster_id, application_id, attempt_id, first_stage_id
    FROM rdds
    WHERE is_persisted AND NOT is_unpersisted AND first_stage_id IS NOT NULL
  ) AS r
    ON r.platform = x.platform AND r.cluster_id = x.cluster_id
    AND r.application_id = x.application_id AND r.attempt_id = x.attempt_id AND r.first_stage_id = x.stage_id
),
-- Idle core time of executors that were not given back, by what keeps them.
held AS (
  SELECT
    e.platform, e.cluster_id, e.application_id, e.attempt_id,
    COALESCE(MAX(CASE WHEN s.tracks_shuffle AND s.shuffle_timeout_ms IS NULL THEN 1 ELSE 0 END) = 1
      AND SUM(CASE WHEN e.total_shuffle_write > 0 AND COALESCE(e.loss_kind <> 'idle', TRUE) THEN e.idle_ms ELSE 0e0 END)
        >= $min_held_share * SUM(e.idle_ms), FALSE) AS is_shuffle_held,
    COALESCE(MAX(CASE WHEN s.dynamic_allocation AND s.cached_timeout_ms IS NULL THEN 1 ELSE 0 END) = 1
      AND SUM(CASE WHEN c.executor_id IS NOT NULL AND COALESCE(e.loss_kind <> 'idle', TRUE) THEN e.idle_ms ELSE 0e0 END)
        >= $min_held_share * SUM(e.idle_ms), FALSE) AS is_cache_held,
    -- A limit of their own decides, not the idle timeout.
    COALESCE(SUM(CASE WHEN (s.tracks_shuffle AND s.shuffle_timeout_ms > 60000 AND e.total_shuffle_write > 0)
        OR (s.dynamic_allocation AND s.cached_timeout_ms > 60000 AND c.executor_id IS NOT NULL) THEN e.idle_ms ELSE 0e0 END)
      >= $min_held_share * SUM(e.idle_ms), FALSE) AS is_limited,
    -- Without a shuffle service dynamic allocation would track too.
    COALESCE(MAX(CASE WHEN NOT s.dynamic_allocation AND NOT s.has_shuffle_service AND s.shuffle_timeout_ms IS NULL THEN 1 ELSE 0 END) = 1
      AND SUM(CASE WHEN e.total_shuffle_write > 0 THEN e.idle_ms ELSE 0e0 END) >= $min_held_share * SUM(e.idle_ms), FALSE) AS is_shuffle_kept
  FROM (
    SELECT
      platform, cluster_id, application_id, attempt_id, executor_id, loss_kind, total_shuffle_write,
      GREATEST(CAST(total_cores AS DOUBLE) * lifetime_ms - COALESCE(total_duration, 0), 0e0) AS idle_ms
    FROM executors
    WHERE executor_id NOT IN ('driver', '<driver>')
  ) AS e
  INNER JOIN application_settings AS s
    ON s.platform = e.platform AND s.cluster_id = e.cluster_id
    AND s.application_id = e.application_id AND s.attempt_id = e.attempt_id
  LEFT JOIN cachers AS c
    ON c.platform = e.platform AND c.cluster_id = e.cluster_id
    AND c.application_id = e.application_id AND c.attempt_id = e.attempt_id AND c.executor_id = e.executor_id
  GROUP BY e.platform, e.cluster_id, e.application_id, e.attempt_id
),
-- How long after shuffle data was written a job began that read it instead of running its stage: stages get their ids in the order of jobs.
reuses AS (
  SELECT platform, cluster_id, application_id, attempt_id, MAX(reuse_ms) AS reuse_ms
  FROM (
    SELECT b.platform, b.cluster_id, b.application_id, b.attempt_id, b.stage_id, MIN(b.next_ms - w.end_ms) AS reuse_ms
    FROM (
      SELECT
        s.platform, s.cluster_id, s.application_id, s.attempt_id, s.stage_id, s.status, CAST(s.rdd_ids AS STRING) AS rdds,
        MIN(UNIX_MILLIS(s.submission_time)) OVER (
          PARTITION BY s.platform, s.cluster_id, s.application_id, s.attempt_id ORDER BY s.stage_id ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING
        ) AS next_ms
      FROM stages AS s
      INNER JOIN held AS h
        ON h.platform = s.platform AND h.cluster_id = s.cluster_id
        AND h.application_id = s.application_id AND h.attempt_id = s.attempt_id
      WHERE h.is_shuffle_held
    ) AS b
    INNER JOIN (
      SELECT
        platform, cluster_id, application_id, attempt_id, CAST(rdd_ids AS STRING) AS rdds, UNIX_MILLIS(completion_time) AS end_ms
      FROM stages
      WHERE status = 'COMPLETE' AND shuffle_write_bytes > 0
    ) AS w
      ON w.platform = b.platform AND w.cluster_id = b.cluster_id
      AND w.application_id = b.application_id AND w.attempt_id = b.attempt_id AND w.rdds = b.rdds
    WHERE b.status = 'SKIPPED' AND b.next_ms >= w.end_ms
    GROUP BY b.platform, b.cluster_id, b.application_id, b.attempt_id, b.stage_id
  ) AS k
  GROUP BY platform, cluster_id, application_id, attempt_id
),
worked AS (
  -- Executors that had a task of the stage, which no cluster takes back meanwhile.
  SELECT platform, cluster_id, application_id, attempt_id, stage_id, stage_attempt_id, COUNT(*) AS num_working
  FROM stage_executors
  GROUP BY platform, cluster_id, application_id, attempt_id, stage_id, stage_attempt_id
),
stages_worked AS (
  SELECT
    s.*,
    LEAST(s.held_cores, CAST(LEAST(COALESCE(w.num_working, s.num_tasks), s.num_tasks) AS DOUBLE) * COALESCE(s.executor_cores, 0)) AS working_cores,
    -- What low_parallelism and single_task look at.
    COALESCE(s.status = 'COMPLETE' AND NOT s.is_listing AND s.running_ms >= $min_told_stage_ms AND s.executor_run_time >= s.running_ms * s.num_tasks / 4e0
      AND (s.num_tasks > 1 OR (s.running_ms >= 2 * $min_told_stage_ms AND s.data_bytes >= 1048576))
      AND (s.num_tasks * s.task_cpus <= $max_told_core_share * s.held_cores
        OR (s.num_tasks * s.task_cpus <= $max_told_long_core_share * s.held_cores AND s.duration_median >= $min_told_long_task_ms)), FALSE) AS is_told
  FROM stage_cores AS s
  LEFT JOIN worked AS w
    ON w.platform = s.platform AND w.cluster_id = s.cluster_id
    AND w.application_id = s.application_id AND w.attempt_id = s.attempt_id
    AND w.stage_id = s.stage_id AND w.stage_attempt_id = s.stage_attempt_id
),
busiest AS (
  SELECT
    platform, cluster_id, application_id, attempt_id,
    -- While a stage waits for single long tasks it needs no more.
    MAX(CAST(attempts_time AS DOUBLE) / NULLIF(duration_ms - CASE WHEN duration_max >= 3 * duration_median
      THEN LEAST(COALESCE(tail_ms, 0), 0.9e0 * duration_ms) ELSE 0e0 END, 0)) AS tasks_side_by_side,
    SUM(GREATEST(held_cores - CAST(num_tasks AS DOUBLE) * task_cpus, 0e0) * running_ms) AS few_tasks_ms,
    SUM(CASE WHEN num_tasks = 1 THEN GREATEST(held_cores - task_cpus, 0e0) * running_ms ELSE 0e0 END) AS one_task_ms,
    SUM(GREATEST(working_cores - CAST(num_tasks AS DOUBLE) * task_cpus, 0e0) * running_ms) AS stuck_ms,
    SUM(CASE WHEN is_told THEN GREATEST(held_cores - CAST(num_tasks AS DOUBLE) * task_cpus, 0e0) * running_ms ELSE 0e0 END) AS told_few_ms,
    SUM(CASE WHEN is_told THEN GREATEST(working_cores - CAST(num_tasks AS DOUBLE) * task_cpus, 0e0) * running_ms ELSE 0e0 END) AS told_stuck_ms
  FROM stages_worked
  WHERE duration_ms >= 1000
  GROUP BY platform, cluster_id, application_id, attempt_id
),
-- Loops of stages of one task, which single_task tells too, however short each is; no stage twice.
loops AS (
  SELECT
    platform, cluster_id, application_id, attempt_id, SUM(told_ms) AS loop_ms, SUM(short_ms) AS short_loop_ms,
    SUM(stuck_ms) AS loop_stuck_ms, SUM(short_stuck_ms) AS short_loop_stuck_ms
  FROM (
    SELECT
      platform, cluster_id, application_id, attempt_id, stage_name,
      SUM(CASE WHEN running_ms >= 2 * $min_told_stage_ms AND data_bytes >= 1048576 THEN 0e0 ELSE GREATEST(held_cores - task_cpus, 0e0) * running_ms END) AS told_ms,
      SUM(CASE WHEN duration_ms < 1000 THEN GREATEST(held_cores - task_cpus, 0e0) * running_ms ELSE 0e0 END) AS short_ms,
      SUM(CASE WHEN running_ms >= 2 * $min_told_stage_ms AND data_bytes >= 1048576 THEN 0e0
        ELSE GREATEST(working_cores - task_cpus, 0e0) * running_ms END) AS stuck_ms,
      SUM(CASE WHEN duration_ms < 1000 THEN GREATEST(working_cores - task_cpus, 0e0) * running_ms ELSE 0e0 END) AS short_stuck_ms
    FROM stages_worked
    WHERE num_tasks = 1 AND status = 'COMPLETE' AND NOT is_listing AND held_cores >= 1.5e0 AND running_ms >= $min_told_loop_stage_ms
      AND executor_run_time >= running_ms / 2e0
    GROUP BY platform, cluster_id, application_id, attempt_id, stage_name
    HAVING COUNT(*) >= $min_told_loop_stages AND SUM(running_ms * (1e0 - 1e0 / NULLIF(held_cores, 0e0))) >= $min_told_loop_won_ms
      AND SUM(running_ms * (1e0 - 1e0 / NULLIF(held_cores, 0e0))) >= $min_told_loop_share * MAX(app_duration_ms)
  ) AS l
  GROUP BY platform, cluster_id, application_id, attempt_id
),
cut_off AS (
  SELECT platform, cluster_id, application_id, attempt_id, MAX(duration) AS waited_ms
  FROM failed_fetches
  WHERE cause = 'network'
  GROUP BY platform, cluster_id, application_id, attempt_id
),
-- What uneven_end, unfinished_skew, locality_wait, failed_tasks (of excluded executors) and slow_start (of a start that waits in vain for executors) tell beyond the waits for long tasks.
uneven AS (
  SELECT platform, cluster_id, application_id, attempt_id, SUM(more_core_ms) AS more_core_ms, SUM(excluded) AS num_excluded
  FROM (
    SELECT platform, cluster_id, application_id, attempt_id, more_core_ms, 0 AS excluded FROM uneven_ends
    UNION ALL
    SELECT platform, cluster_id, application_id, attempt_id, lost_core_ms AS more_core_ms, 0 AS excluded FROM unfinished_tails
    UNION ALL
    SELECT platform, cluster_id, application_id, attempt_id, idle_ms AS more_core_ms, 0 AS excluded FROM locality_waits
    UNION ALL
    SELECT platform, cluster_id, application_id, attempt_id, core_ms AS more_core_ms, 1 AS excluded FROM excluded_executors
    UNION ALL
    SELECT platform, cluster_id, application_id, attempt_id, held_core_ms AS more_core_ms, 0 AS excluded FROM registration_waits WHERE is_told
  ) AS e
  GROUP BY platform, cluster_id, application_id, attempt_id
),
-- What lost_executors tells of hosts where no task could be done.
useless_hosts AS (
  SELECT platform, cluster_id, application_id, attempt_id, SUM(held_ms) AS host_ms
  FROM lost_hosts
  GROUP BY platform, cluster_id, application_id, attempt_id
),
parts AS (
  SELECT
    c.platform, c.cluster_id, c.application_id, c.attempt_id, c.unfinished_core_ms, c.driver_only_core_ms, c.start_up_core_ms, COALESCE(u.num_excluded, 0) AS num_excluded,
    COALESCE(c.skew_core_ms, 0) + COALESCE(TRY_CAST(CASE WHEN u.more_core_ms > c.idle_core_ms THEN c.idle_core_ms ELSE u.more_core_ms END AS BIGINT), 0) AS skew_core_ms
  FROM core_time_parts AS c
  LEFT JOIN uneven AS u
    ON u.platform = c.platform AND u.cluster_id = c.cluster_id
    AND u.application_id = c.application_id AND u.attempt_id = c.attempt_id
),
judged AS (
  SELECT
    a.*,
    GREATEST(
      a.core_time_ms - CAST(total_task_time_ms AS DOUBLE) * task_cpus - COALESCE(p.unfinished_core_ms, 0) - COALESCE(p.skew_core_ms, 0), 0e0
    ) AS idle_ms,
    COALESCE(p.num_excluded, 0) AS num_excluded, COALESCE(p.unfinished_core_ms, 0) AS hung_ms, COALESCE(p.skew_core_ms, 0) AS skew_ms,
    COALESCE(p.driver_only_core_ms, 0) AS driver_ms, COALESCE(p.start_up_core_ms, 0) AS start_ms,
    COALESCE(b.tasks_side_by_side, 0e0) * task_cpus AS cores_side_by_side,
    -- Stages overlap, and while no job runs there is no stage to blame.
    LEAST(COALESCE(b.few_tasks_ms, 0e0) + COALESCE(l.short_loop_ms, 0e0), GREATEST(
      a.core_time_ms - CAST(total_task_time_ms AS DOUBLE) * task_cpus
        - COALESCE(p.driver_only_core_ms, 0) - COALESCE(p.start_up_core_ms, 0) - COALESCE(p.unfinished_core_ms, 0)
        - COALESCE(p.skew_core_ms, 0), 0e0
    )) AS few_tasks_ms,
    (COALESCE(b.one_task_ms, 0e0) + COALESCE(l.short_loop_ms, 0e0)) / NULLIF(COALESCE(b.few_tasks_ms, 0e0) + COALESCE(l.short_loop_ms, 0e0), 0e0) AS one_task_share,
    a.can_give AND COALESCE(a.num_executors_max > 1, TRUE) AS gives_back,
    -- A cluster that gives executors back keeps only those with a task.
    CASE WHEN a.can_give AND COALESCE(a.num_executors_max > 1, TRUE) THEN COALESCE(b.told_stuck_ms, 0e0) + COALESCE(l.loop_stuck_ms, 0e0)
      ELSE COALESCE(b.told_few_ms, 0e0) + COALESCE(l.loop_ms, 0e0) END AS told_few_ms,
    COALESCE(b.stuck_ms, 0e0) + COALESCE(l.short_loop_stuck_ms, 0e0) AS stuck_ms,
    COALESCE(n.lost_ms, 0e0) AS told_open_ms, COALESCE(u.host_ms, 0e0) AS told_host_ms
  FROM (
    SELECT f.*, COALESCE(f.dynamic_allocation, FALSE) OR COALESCE(f.can_allocate, FALSE) OR COALESCE(f.is_databricks, FALSE) AS can_give
    FROM application_facts AS f
  ) AS a
  LEFT JOIN table_openings AS n
    ON n.platform = a.platform AND n.cluster_id = a.cluster_id
    AND n.application_id = a.application_id AND n.attempt_id = a.attempt_id
  LEFT JOIN useless_hosts AS u
    ON u.platform = a.platform AND u.cluster_id = a.cluster_id
    AND u.application_id = a.application_id AND u.attempt_id = a.attempt_id
  LEFT JOIN busiest AS b
    ON b.platform = a.platform AND b.cluster_id = a.cluster_id
    AND b.application_id = a.application_id AND b.attempt_id = a.attempt_id
  LEFT JOIN loops AS l
    ON l.platform = a.platform AND l.cluster_id = a.cluster_id
    AND l.application_id = a.application_id AND l.attempt_id = a.attempt_id
  LEFT JOIN parts AS p
    ON p.platform = a.platform AND p.cluster_id = a.cluster_id
    AND p.application_id = a.application_id AND p.attempt_id = a.attempt_id
  LEFT JOIN cut_off AS h
    ON h.platform = a.platform AND h.cluster_id = a.cluster_id
    AND h.application_id = a.application_id AND h.attempt_id = a.attempt_id
  WHERE a.core_time_ms >= LEAST($min_core_time_ms, $min_small_core_time_ms) AND a.num_workers > 0 AND NOT a.is_local
    -- What waits for machines that do not answer needs another cure than fewer of them.
    AND COALESCE(h.waited_ms, 0) < 0.2e0 * COALESCE(a.app_duration_ms, 0)
),
sized AS (
  SELECT
    j.*,
    (idle_ms - LEAST(told_host_ms, idle_ms)) / NULLIF(core_time_ms, 0) AS idle_ratio,
    CASE WHEN LEAST(told_few_ms, few_tasks_ms) >= CASE WHEN core_time_ms < $min_core_time_ms THEN $min_small_told_ms ELSE $min_told_lost_ms END THEN LEAST(told_few_ms, few_tasks_ms) ELSE 0e0 END AS stage_idle_ms,
    LEAST(told_open_ms, idle_ms) AS opening_ms, LEAST(told_host_ms, idle_ms) AS host_ms,
    LEAST(
      TRY_CAST(CEIL(GREATEST(
        (core_time_ms - idle_ms - skew_ms) / (1e0 - $healthy_idle_ratio) / NULLIF(app_duration_ms, 0),
        cores_side_by_side, 1e0
      ) / GREATEST(executor_cores, 1)) AS BIGINT),
      -- Those that ran tasks did all of them.
      GREATEST(num_workers - COALESCE(num_never_used, 0), 1)
    ) AS executors_enough
  FROM judged AS j
),
told AS (
  SELECT
    s.*,
    -- What people think about is no loss.
    -- Without dynamic allocation at most what the executors that can go held, and not what the rules about stages tell.
    LEAST(GREATEST(
      idle_ms - opening_ms - host_ms - stage_idle_ms - $healthy_idle_ratio * core_time_ms, 0e0
    ),
      CASE WHEN NOT is_interactive AND app_duration_ms IS NOT NULL AND executors_enough <= $max_kept * num_executors_max AND NOT gives_back
        THEN core_time_ms * (1e0 - executors_enough / NULLIF(CAST(num_executors_max AS DOUBLE), 0e0)) ELSE CAST(core_time_ms AS DOUBLE) END
    ) AS lost_ms,
    CASE WHEN NOT is_interactive AND app_duration_ms IS NOT NULL AND executors_enough <= $max_kept * num_executors_max
      THEN executors_enough END AS executors_needed,
    stage_idle_ms + opening_ms >= CASE WHEN core_time_ms < $min_core_time_ms THEN $min_small_told_ms ELSE $min_told_lost_ms END AND stage_idle_ms + opening_ms >= 0.5e0 * idle_ms
      AND (NOT gives_back OR stage_idle_ms >= 0.5e0 * idle_ms) AS is_stages,
    -- While jobs run, a single executor has a task nearly always.
    COALESCE(LEAST(stuck_ms, few_tasks_ms) >= 0.5e0 * idle_ms OR (num_executors_max = 1 AND driver_ms + start_ms < 0.5e0 * idle_ms), FALSE) AS is_stuck,
    CASE
      WHEN few_tasks_ms >= 0.4e0 * idle_ms AND one_task_share >= 0.6e0 THEN 'one task'
      WHEN few_tasks_ms >= 0.4e0 * idle_ms THEN 'few tasks'
      WHEN driver_ms >= 0.4e0 * idle_ms THEN 'driver'
      WHEN start_ms >= 0.4e0 * idle_ms THEN 'start'
      -- Without pauses between jobs there are no bursts.
      WHEN driver_ms < 0.2e0 * idle_ms THEN 'stages'
      ELSE 'pauses'
    END AS main_part,
    driver_ms + start_ms > 0 AND driver_ms + start_ms < 0.5e0 * idle_ms AS is_working
  FROM sized AS s
)
SELECT
  platform, cluster_id, application_id, attempt_id, application_id AS subject_id,
  CASE
    WHEN is_interactive THEN 'info'
    -- The rules about stages of few tasks tell the same time with the same cure.
    WHEN is_stages THEN 'low'
    WHEN main_part IN ('few tasks', 'one task') AND executors_needed IS NULL AND (is_stuck OR NOT gives_back) THEN 'low'
    -- The share alone does not make a short run expensive.
    WHEN lost_ms < $medium_lost_ms THEN 'low'
    WHEN lost_ms < $high_lost_ms OR app_duration_ms < $min_duration_ms THEN 'medium'
  END AS severity,
  CASE WHEN is_interactive AND is_working THEN 'Most executors had nothing to do while an interactive session worked'
    WHEN is_interactive THEN 'Nobody worked in the interactive session for most of the time it held executors' END AS title,
  CASE WHEN is_interactive OR app_duration_ms IS NULL THEN 'low' ELSE 'high' END AS confidence,
  CASE WHEN NOT is_interactive THEN TRY_CAST(lost_ms AS BIGINT) END AS lost_core_ms,
  -- Fewer executors cost less; they do not make the application faster.
  CASE WHEN NOT is_interactive THEN 0 END AS recoverable_ms,
  CASE WHEN num_excluded > 0 THEN ', or on executors that Spark excluded' ELSE '' END AS excluded_text,
  TRY_CAST(idle_ms AS BIGINT) AS idle_ms, core_time_ms, idle_ratio, num_workers,
  TRY_CAST(idle_ms + skew_ms AS BIGINT) AS all_idle_ms, (idle_ms + skew_ms) / NULLIF(core_time_ms, 0) AS all_idle_ratio,
  CASE WHEN NOT is_interactive AND num_never_used > 0 THEN num_never_used END AS num_never_used,
  CASE WHEN opening_ms >= 0.005e0 * core_time_ms THEN TRY_CAST(opening_ms AS BIGINT) END AS opening_ms,
  CASE WHEN host_ms >= 0.005e0 * core_time_ms THEN TRY_CAST(host_ms AS BIGINT) END AS host_ms,
  num_executors_max,
  CASE WHEN stream_executors IS NULL THEN executors_needed END AS executors_needed, main_part,
  -- Less reads as 0.00 h.
  CASE WHEN skew_ms >= 0.005e0 * core_time_ms AND skew_ms >= 18000 THEN skew_ms END AS skew_ms,
  CASE WHEN NOT is_interactive AND main_part = 'one task' THEN TRY_CAST(LEAST(one_task_share * few_tasks_ms, idle_ms) AS BIGINT) END AS one_task_ms,
  CASE WHEN NOT is_interactive AND main_part <> 'one task' AND few_tasks_ms >= $min_few_tasks_share * idle_ms
    THEN TRY_CAST(LEAST(few_tasks_ms, idle_ms) AS BIGINT) END AS few_tasks_ms,
  executor_cores, is_interactive, is_working, is_databricks, dynamic_allocation, can_allocate, min_executors, max_executors, idle_timeout_ms, executor_instances, is_stuck, longest_gap_ms,
  app_duration_ms, spark_minor, is_shuffle_held, is_cache_held, is_limited, is_cache_lost, CASE WHEN is_shuffle_held AND reuse_ms >= 1000 THEN reuse_ms END AS reuse_ms,
  -- Half as long again as data waited here, in full minutes.
  CASE WHEN is_shuffle_held THEN GREATEST($min_shuffle_timeout_ms, TRY_CAST(CEIL(COALESCE(reuse_ms, 0) * 1.5e0 / 6e4) * 6e4 AS BIGINT)) END AS shuffle_needed_ms,
  CASE
    WHEN NOT is_shuffle_held THEN CAST(NULL AS STRING)
    WHEN master LIKE 'yarn%' OR master LIKE 'spark:%' THEN 'with the external shuffle service (spark.shuffle.service.enabled) they need not stay'
    WHEN master LIKE 'k8s%' AND spark_minor >= 301
      THEN 'where they hand it over when they go (spark.decommission.enabled, spark.storage.decommission.enabled and its shuffleBlocks.enabled, without spark.dynamicAllocation.shuffleTracking.enabled) they need not stay'
  END AS other_way,
  CASE WHEN is_shuffle_kept THEN ' (with a limit for those that hold shuffle data, spark.dynamicAllocation.shuffleTracking.timeout, or the external shuffle service: they stay otherwise)' ELSE '' END AS with_limit,
  stream_executors, CASE WHEN stream_executors IS NOT NULL THEN trigger_ms END AS trigger_ms, CASE WHEN stream_executors IS NOT NULL THEN batch_ms END AS batch_ms
FROM (
  SELECT
    t.*, s.idle_timeout_ms, COALESCE(h.is_shuffle_held, FALSE) AS is_shuffle_held, COALESCE(h.is_cache_held, FALSE) AS is_cache_held,
    COALESCE(h.is_shuffle_kept, FALSE) AS is_shuffle_kept, COALESCE(h.is_limited, FALSE) AS is_limited, l.platform IS NOT NULL AS is_cache_lost, r.reuse_ms,
    p.trigger_ms, p.batch_ms,
    CASE WHEN p.platform IS NOT NULL AND NOT t.is_interactive AND t.idle_ms >= $min_stream_idle_ms AND t.core_time_ms - t.idle_ms - t.skew_ms <= $max_stream_busy * t.core_time_ms
      THEN GREATEST(TRY_CAST(CEIL(t.num_executors_max * p.busy_share / NULLIF($max_trigger_share, 0e0)) AS BIGINT), 1) END AS stream_executors
  FROM told AS t
  LEFT JOIN (
    SELECT platform, cluster_id, application_id, attempt_id, idle_timeout_ms FROM application_settings
  ) AS s
    ON s.platform = t.platform AND s.cluster_id = t.cluster_id
    AND s.application_id = t.application_id AND s.attempt_id = t.attempt_id
  LEFT JOIN spaced_streams AS p
    ON p.platform = t.platform AND p.cluster_id = t.cluster_id
    AND p.application_id = t.application_id AND p.attempt_id = t.attempt_id
  LEFT JOIN held AS h
    ON h.platform = t.platform AND h.cluster_id = t.cluster_id
    AND h.application_id = t.application_id AND h.attempt_id = t.attempt_id
  -- What executor_churn tells.
  LEFT JOIN (SELECT DISTINCT platform, cluster_id, application_id, attempt_id FROM lost_caches WHERE is_told) AS l
    ON l.platform = t.platform AND l.cluster_id = t.cluster_id
    AND l.application_id = t.application_id AND l.attempt_id = t.attempt_id
  LEFT JOIN reuses AS r
    ON r.platform = t.platform AND r.cluster_id = t.cluster_id
    AND r.application_id = t.application_id AND r.attempt_id = t.attempt_id
) AS t
WHERE hung_ms < $max_hung_ratio * core_time_ms
  -- Tasks whose events are gone kept executors busy.
  AND NOT COALESCE(lacks_jobs, FALSE) AND NOT COALESCE(lacks_tasks, FALSE)
  -- Then nothing is left to say here.
  AND NOT (is_stages AND executors_needed IS NULL AND NOT is_interactive)
  AND NOT (stage_idle_ms > 0e0 AND lost_ms = 0e0 AND executors_needed IS NULL AND NOT is_interactive)
  -- Where most of the waiting is for single long tasks, how many executors the rest needs shows only without them.
  AND skew_ms <= idle_ms AND CASE
  WHEN is_interactive THEN idle_ratio >= $min_idle_ratio AND idle_ms >= $min_interactive_idle_ms
  -- Of a small or short run only what is plain after its start-up; without a known end it is none.
  WHEN core_time_ms < $min_core_time_ms OR (app_duration_ms < $min_duration_ms AND idle_ms < 2 * $medium_lost_ms)
    THEN core_time_ms >= $min_small_core_time_ms AND app_duration_ms >= $min_small_duration_ms AND start_ms < 0.5e0 * idle_ms
      AND (idle_ratio * core_time_ms - start_ms) / NULLIF(CAST(core_time_ms AS DOUBLE) - start_ms, 0e0) >= $min_small_idle_ratio
  ELSE (COALESCE(app_duration_ms, $min_duration_ms) >= $min_duration_ms OR idle_ms >= 2 * $medium_lost_ms) AND (
    idle_ratio >= $min_idle_ratio OR (idle_ms >= $large_idle_ms AND idle_ratio >= $min_idle_ratio / 2e0)
  )
END
