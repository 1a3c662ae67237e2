-- id: slow_start
-- title: The application waits long for its first executor
-- category: driver
-- severity: low
-- version: 13
-- description: Fires where a large part of the wall time went by before the first executor was there. No executor
--   is paid for meanwhile, so no core time is lost, only time. On Databricks the cluster starts first and
--   nothing can be told. A wait of less is told where it is a larger part. Where the driver submits its first job later than that, nobody waited for
--   executors: then what is told is a long time before the first job, in local mode too. That holds as well where dynamic allocation
--   begins with no executor, so that the first job asks for the first ones, and the driver took most of the time until they came. Where a job waited on after the first
--   executor had come, its first task ends the wait. Spark's own wait for a part of its executors (spark.scheduler.minRegisteredResourcesRatio) is
--   blamed only where it can have been: on a standalone cluster there is none unless it is set, and it ends half a minute after the driver is there.
--   Where so many were asked for that this wait passed in vain while executors were there (view registration_waits), the core time that these held meanwhile is lost, and the time from the first of them to its end is what can be won; in interactive sessions too.
--   What passed before the driver itself was ready (its block manager had registered) is no wait for room in the cluster: on YARN in client mode it
--   holds the upload of Spark's jars and the start of the application master. What a start takes in any case cannot be won, and what the driver does before its first
--   job may be needed: how much of it can be won is not known.
--   Where no executor ever registered, though a job with tasks waited for one (view unserved_jobs), the run did nothing, and this is of high severity; failed_launches tells it where executors ended before they registered.
--   Else it is medium where executors were waited for a fifth of the wall time, 40 s or more, or the driver took half of it (up to the first executor, where dynamic allocation asked for it only then); where the driver was late in local mode, whose cores wait with it, from ten minutes and a quarter of it on.
-- parameter: min_wait_ms bigint = 60000 [ms] from the start of the application to its first executor, at least
-- parameter: min_wait_ratio double = 0.1 [ratio] the same over the wall time, at least
-- parameter: min_short_wait_ms bigint = 20000 [ms] the first of these, at least, where the second is a larger part
-- parameter: min_short_ratio double = 0.25 [ratio] that part, at least
-- parameter: min_job_ms bigint = 60000 [ms] from the start of the application to its first job, at least, where no executor was waited for
-- parameter: min_job_ratio double = 0.3 [ratio] the same over the wall time, at least
-- parameter: usual_ms bigint = 10000 [ms] what the start of an executor takes in any case
-- parameter: medium_ms bigint = 40000 [ms] the wait from which it is medium, where it is a large part of the wall time
-- parameter: medium_ratio double = 0.2 [ratio] that part, at least
-- parameter: medium_driver_ratio double = 0.5 [ratio] the same where the driver was late, which may do what is needed
-- parameter: max_last_ms bigint = 3000 [ms] time from the last executor that came before it to the first task, up to which that one was waited for
-- parameter: max_registering_ms bigint = 33000 [ms] time from the driver to the first task, up to which Spark's own wait can have held it up
-- parameter: min_room_ms bigint = 15000 [ms] time from the driver to the first executor from which the cluster had no room
-- parameter: late_ms bigint = 10000 [ms] time from the first executor to the first job from which it was the driver that was late
-- evidence: {what} {wait_ms:s} {since}, {wait_ratio:pct} of its {app_duration_ms:s}[; each executor requests from {master_text} a heap of {asked_bytes:bytes}][ and {asked_cores:core|cores}][; its first task
--   began after {first_task_delay_ms:s}][; dynamic allocation asked for its first executor only then, which came after {asked_wait_ms:s}][; the driver itself was ready only after {driver_wait_ms:s}][, and {num_early:executor|executors} came within {spread_ms:s}
--   of each other][; its first executor came after {worker_wait_ms:s}][, the last one before that task after {last_worker_ms:s}][. Spark
--   waited for {needed_text} ({ratio_text:pct} of the {asked_text} that are asked for) to register, for {limit_ms:s} in vain: {had_text} did, and stood idle for {unmet_ms:s} of it, {held_core_ms:s} of core time].
-- advice: is_unmet AND unit = 'cores' AND num_most < num_needed | spark.cores.max | num_most | The cluster never gave more than {most_text}: ask for as many as it has, or lower spark.scheduler.minRegisteredResourcesRatio so far that they are enough.
--   Otherwise each run waits that long before its first job (spark.scheduler.maxRegisteredResourcesWaitingTime).
-- advice: is_unmet AND num_most < num_needed AND NOT has_dynamic | spark.executor.instances | num_most | The cluster never gave more than {most_text}: ask for as many as it has, or lower spark.scheduler.minRegisteredResourcesRatio so far that they are
--   enough. Otherwise each run waits that long before its first job (spark.scheduler.maxRegisteredResourcesWaitingTime).
-- advice: is_unmet AND num_had >= 0.5e0 * num_asked AND num_most >= num_needed | spark.scheduler.minRegisteredResourcesRatio | '0.5' | The others came later: let Spark begin with half of them (with fewer, splits and caches would be laid out for few cores), or look why
--   they came late.
-- advice: is_unmet | spark.scheduler.maxRegisteredResourcesWaitingTime | '10s' | Few of them were there in time: wait for them no longer than they take as a rule, begin with fewer ({asked_text} are asked for), or look why the others came late.
-- advice: is_never AND master LIKE 'spark:%' | - | - | Look at the master's web page whether workers are alive, and whether one of them has that much memory{core_text} free: the master starts no executor on a worker with less, and none while other
--   applications hold all cores (spark.cores.max limits what each of them takes). If workers are there and free, look whether the master sends executors to them and why they do not reach the driver (spark.driver.host, firewall).
-- advice: is_never AND master LIKE 'yarn%' | - | - | Look at the queue in YARN's web page: whether it has room for a container of that heap and its overhead (other applications, limits of the queue or the user, node labels), and whether a node
--   is large enough for one. If containers were given, look at their logs why they did not reach the driver.
-- advice: is_never AND master LIKE 'k8s%' | - | - | Look at the executor pods (kubectl describe pod): pending ones say what is missing (no node with so much memory and so many cores free, a quota, an image that cannot be pulled, a taint); the log of one
--   that started says why it did not reach the driver.
-- advice: is_never | - | - | Ask the cluster manager why it started no executor: free machines with so much memory and cores, and whether executors reach the driver.
-- advice: is_driver | - | - | Look at what the driver does before its first job: packages that it downloads, tables and files that it lists, data that it
--   reads by itself, a session that is opened long before it is used.
-- advice: is_task AND last_worker_ms IS NOT NULL AND is_registering | spark.scheduler.minRegisteredResourcesRatio | '0.5' | The first task began when the last of these {num_early:executor|executors}
--   was there: Spark waits for most of those that it asked for. Let it begin with half of them (with fewer, splits and caches would be laid out for few cores), or look why the others came late.
-- advice: is_task AND last_worker_ms IS NOT NULL | - | - | The first task began when the last of these {num_early:executor|executors} was there: look why they came late and far apart (workers, machines or containers that
--   start late, their logs), which is outside of Spark, and what in the application waits for all of them.
-- advice: is_task | - | - | A job waited although an executor was there: look at the logs of the driver and of that executor for this time (a plugin or library that starts,
--   a network that is slow to connect), and why other executors came late, if they did.
-- advice: driver_wait_ms IS NOT NULL AND master LIKE 'yarn%' AND NOT is_cluster_mode AND NOT has_archive | - | - | Most of it passed before the driver was ready, not in waiting for executors: it uploads
--   Spark's jars and those of the application (spark.jars, spark.jars.packages), and starts the application master. Put Spark's jars where all nodes find them (spark.yarn.archive or
--   spark.yarn.jars), and the application's on a file system that they share.
-- advice: driver_wait_ms IS NOT NULL | - | - | Most of it passed before the driver was ready, not in waiting for executors: look at its log for that time (files and packages that it uploads or downloads,
--   services that it connects to, an application master that starts late).
-- advice: master LIKE 'yarn%' AND has_no_room | - | - | Look why the queue had no room (other applications, a cluster that scales up first): keep some
--   nodes ready at the time of the job, or start it at another time.
-- advice: master LIKE 'k8s%' AND has_no_room | - | - | Look at pending pods: keep nodes and the image ready, or make executors small enough for the
--   room that there is.
-- recommendation: Look why the executors came late, which is outside of Spark: in the log of the driver up to its first executor, and in those of the cluster (workers
--   that are started late, a cluster without room).
WITH first_workers AS (
  SELECT
    e.platform, e.cluster_id, e.application_id, e.attempt_id, MIN(UNIX_MILLIS(e.add_time)) AS first_worker_ms,
    MAX(CASE WHEN UNIX_MILLIS(e.add_time) <= UNIX_MILLIS(a.start_time) + a.first_task_delay_ms THEN UNIX_MILLIS(e.add_time) END) AS last_early_ms,
    SUM(CASE WHEN UNIX_MILLIS(e.add_time) <= UNIX_MILLIS(a.start_time) + a.first_task_delay_ms THEN 1 ELSE 0 END) AS num_early
  FROM executors AS e
  INNER JOIN applications AS a
    ON a.platform = e.platform AND a.cluster_id = e.cluster_id
    AND a.application_id = e.application_id AND a.attempt_id = e.attempt_id
  WHERE e.executor_id NOT IN ('driver', '<driver>')
  GROUP BY e.platform, e.cluster_id, e.application_id, e.attempt_id
),
first_jobs AS (
  SELECT platform, cluster_id, application_id, attempt_id, MIN(UNIX_MILLIS(submission_time)) AS first_job_ms,
    MIN(job_id) AS first_job_id
  FROM jobs
  GROUP BY platform, cluster_id, application_id, attempt_id
),
drivers AS (
  SELECT platform, cluster_id, application_id, attempt_id, MIN(UNIX_MILLIS(add_time)) AS driver_ms
  FROM executors
  WHERE executor_id IN ('driver', '<driver>')
  GROUP BY platform, cluster_id, application_id, attempt_id
),
modes AS (
  SELECT
    platform, cluster_id, application_id, attempt_id,
    MAX(CASE WHEN key = 'spark.submit.deployMode' AND value = 'cluster' THEN 1 ELSE 0 END) = 1 AS is_cluster_mode,
    MAX(CASE WHEN key IN ('spark.yarn.archive', 'spark.yarn.jars', 'spark.yarn.jar') THEN 1 ELSE 0 END) = 1 AS has_archive
  FROM spark_settings
  WHERE key IN ('spark.submit.deployMode', 'spark.yarn.archive', 'spark.yarn.jars', 'spark.yarn.jar')
  GROUP BY platform, cluster_id, application_id, attempt_id
),
registered AS (
  SELECT
    platform, cluster_id, application_id, attempt_id,
    MAX(CASE WHEN key = 'spark.scheduler.minRegisteredResourcesRatio' THEN TRY_CAST(value AS DOUBLE) END) AS ratio,
    MAX(CASE WHEN key = 'spark.scheduler.maxRegisteredResourcesWaitingTime' THEN 1 ELSE 0 END) = 1 AS has_time
  FROM spark_settings
  WHERE key IN ('spark.scheduler.minRegisteredResourcesRatio', 'spark.scheduler.maxRegisteredResourcesWaitingTime')
  GROUP BY platform, cluster_id, application_id, attempt_id
),
waits AS (
  SELECT
    p.platform, p.cluster_id, p.application_id, p.attempt_id,
    f.first_worker_ms - UNIX_MILLIS(p.start_time) AS worker_wait_ms,
    f.first_worker_ms, f.last_early_ms,
    f.last_early_ms - UNIX_MILLIS(p.start_time) AS last_worker_ms, f.num_early,
    j.first_job_ms - UNIX_MILLIS(p.start_time) AS job_wait_ms,
    j.first_job_id,
    COALESCE(j.first_job_ms - f.first_worker_ms >= $late_ms, f.first_worker_ms IS NULL) AS is_driver
  FROM applications AS p
  LEFT JOIN first_workers AS f
    ON f.platform = p.platform AND f.cluster_id = p.cluster_id
    AND f.application_id = p.application_id AND f.attempt_id = p.attempt_id
  LEFT JOIN first_jobs AS j
    ON j.platform = p.platform AND j.cluster_id = p.cluster_id
    AND j.application_id = p.application_id AND j.attempt_id = p.attempt_id
),
-- What starts with no executor and is asked for the first ones by the first job.
lazy AS (
  SELECT
    a.platform, a.cluster_id, a.application_id, a.attempt_id,
    COALESCE(MAX(CASE WHEN s.key = 'spark.dynamicAllocation.initialExecutors' THEN TRY_CAST(s.value AS BIGINT) END), 0) AS num_initial
  FROM application_facts AS a
  LEFT JOIN spark_settings AS s
    ON s.platform = a.platform AND s.cluster_id = a.cluster_id
    AND s.application_id = a.application_id AND s.attempt_id = a.attempt_id
  WHERE a.dynamic_allocation AND COALESCE(a.min_executors, 0) = 0 AND COALESCE(a.executor_instances, 0) = 0 AND COALESCE(a.master, '') NOT LIKE 'spark:%'
  GROUP BY a.platform, a.cluster_id, a.application_id, a.attempt_id
),
asked AS (
  SELECT
    w.platform, w.cluster_id, w.application_id, w.attempt_id, w.worker_wait_ms, w.last_worker_ms, w.num_early, w.job_wait_ms, w.first_job_id,
    w.last_early_ms - w.first_worker_ms AS spread_ms,
    COALESCE(z.num_initial = 0, FALSE) AND w.worker_wait_ms >= w.job_wait_ms AND w.job_wait_ms >= 0.5e0 * w.worker_wait_ms AS is_lazy,
    w.is_driver OR COALESCE(z.num_initial = 0 AND w.worker_wait_ms >= w.job_wait_ms AND w.job_wait_ms >= 0.5e0 * w.worker_wait_ms, FALSE) AS is_driver
  FROM waits AS w
  LEFT JOIN lazy AS z
    ON z.platform = w.platform AND z.cluster_id = w.cluster_id
    AND z.application_id = w.application_id AND z.attempt_id = w.attempt_id
),
told AS (
  SELECT
    w.platform, w.cluster_id, w.application_id, w.attempt_id, w.worker_wait_ms, w.last_worker_ms, w.num_early, w.job_wait_ms, w.first_job_id, w.spread_ms,
    w.is_lazy, w.is_driver AND u.platform IS NULL AS is_driver,
    p.first_task_delay_ms, UNIX_MILLIS(p.start_time) AS start_ms,
    u.platform IS NOT NULL AS is_never, u.job_id, u.ended, u.asked_bytes, u.asked_cores, COALESCE(u.unregistered, 0) AS unregistered,
    NOT w.is_driver AND COALESCE(p.first_task_delay_ms - GREATEST(w.worker_wait_ms, w.job_wait_ms) >= $late_ms, FALSE) AS is_task,
    CASE
      WHEN u.platform IS NOT NULL THEN u.wait_ms
      WHEN w.is_driver THEN w.job_wait_ms
      WHEN p.first_task_delay_ms - GREATEST(w.worker_wait_ms, w.job_wait_ms) >= $late_ms THEN p.first_task_delay_ms
      ELSE w.worker_wait_ms
    END AS wait_ms
  FROM asked AS w
  INNER JOIN applications AS p
    ON p.platform = w.platform AND p.cluster_id = w.cluster_id
    AND p.application_id = w.application_id AND p.attempt_id = w.attempt_id
  LEFT JOIN unserved_jobs AS u
    ON u.platform = w.platform AND u.cluster_id = w.cluster_id
    AND u.application_id = w.application_id AND u.attempt_id = w.attempt_id
)
SELECT
  a.platform, a.cluster_id, a.application_id, a.attempt_id, a.application_id AS subject_id,
  CASE WHEN w.is_never THEN 'high' WHEN g.platform IS NOT NULL THEN CAST(NULL AS STRING) WHEN w.wait_ms >= 600000 AND w.wait_ms >= 0.25e0 * a.app_duration_ms THEN 'medium'
    WHEN w.wait_ms >= $medium_ms AND CASE WHEN w.is_lazy THEN GREATEST(w.wait_ms, w.worker_wait_ms) ELSE w.wait_ms END >= CASE WHEN w.is_driver THEN $medium_driver_ratio ELSE $medium_ratio END * a.app_duration_ms AND NOT (w.is_driver AND a.is_local) THEN 'medium'
    ELSE 'low' END AS severity,
  CASE WHEN w.is_driver AND g.platform IS NULL THEN 'medium' ELSE 'high' END AS confidence,
  TRY_CAST(g.held_core_ms AS BIGINT) AS lost_core_ms,
  COALESCE(g.wait_ms, GREATEST(w.wait_ms - $usual_ms, 0)) AS recoverable_ms,
  CASE WHEN w.is_never THEN CONCAT('No executor registered: job ', CAST(w.job_id AS STRING), ' waited') WHEN w.is_driver OR g.platform IS NOT NULL THEN 'The first job was submitted' WHEN w.is_task THEN 'The first task began' ELSE 'The first executor came' END AS what, w.is_driver AND g.platform IS NULL AS is_driver, w.is_task AND g.platform IS NULL AS is_task,
  g.platform IS NOT NULL AS is_unmet, g.unit, g.num_asked, g.num_needed, g.num_had, g.num_most, g.limit_ms, g.ratio AS ratio_text, g.wait_ms AS unmet_ms, TRY_CAST(g.held_core_ms AS BIGINT) AS held_core_ms, COALESCE(a.dynamic_allocation, FALSE) AS has_dynamic,
  CONCAT(CAST(g.num_needed AS STRING), CASE WHEN g.num_needed = 1 THEN SUBSTR(CONCAT(' ', g.unit), 1, LENGTH(g.unit)) ELSE CONCAT(' ', g.unit) END) AS needed_text,
  CONCAT(CAST(g.num_asked AS STRING), CASE WHEN g.num_asked = 1 THEN SUBSTR(CONCAT(' ', g.unit), 1, LENGTH(g.unit)) ELSE CONCAT(' ', g.unit) END) AS asked_text,
  CONCAT(CAST(g.num_had AS STRING), CASE WHEN g.num_had = 1 THEN SUBSTR(CONCAT(' ', g.unit), 1, LENGTH(g.unit)) ELSE CONCAT(' ', g.unit) END) AS had_text,
  CONCAT(CAST(g.num_most AS STRING), CASE WHEN g.num_most = 1 THEN SUBSTR(CONCAT(' ', g.unit), 1, LENGTH(g.unit)) ELSE CONCAT(' ', g.unit) END) AS most_text,
  CASE WHEN w.is_never THEN CONCAT('without a task ', w.ended) ELSE CONCAT('after the application', CHR(39), 's start') END AS since,
  CASE WHEN w.is_never THEN a.master END AS master_text, CASE WHEN w.is_never THEN w.asked_bytes END AS asked_bytes, w.asked_cores, w.is_never,
  CASE WHEN w.asked_cores > 1 THEN CONCAT(' and ', CAST(w.asked_cores AS STRING), ' cores') ELSE ' and a core' END AS core_text,
  CASE WHEN w.is_never THEN 'The application never got an executor' WHEN g.platform IS NOT NULL THEN 'The start waits in vain for executors that do not come' WHEN w.is_driver THEN 'Much time goes by before the first job' END AS title,
  CASE WHEN g.platform IS NULL THEN w.wait_ms ELSE w.job_wait_ms END AS wait_ms,
  CAST(CASE WHEN g.platform IS NULL THEN w.wait_ms ELSE w.job_wait_ms END AS DOUBLE) / NULLIF(a.app_duration_ms, 0) AS wait_ratio,
  CASE WHEN NOT w.is_task AND NOT w.is_never AND g.platform IS NULL THEN a.first_task_delay_ms END AS first_task_delay_ms,
  CASE WHEN w.is_lazy AND g.platform IS NULL THEN w.worker_wait_ms END AS asked_wait_ms,
  CASE WHEN w.is_task AND g.platform IS NULL THEN w.worker_wait_ms END AS worker_wait_ms, w.num_early,
  CASE WHEN w.is_task AND g.platform IS NULL AND w.last_worker_ms - w.worker_wait_ms >= $late_ms AND w.first_task_delay_ms - w.last_worker_ms <= $max_last_ms
    THEN w.last_worker_ms END AS last_worker_ms,
  COALESCE(COALESCE(r.ratio > 0.5e0, a.master LIKE 'yarn%' OR a.master LIKE 'k8s%') AND NOT COALESCE(r.has_time, FALSE)
    AND w.start_ms + w.first_task_delay_ms - d.driver_ms <= $max_registering_ms, FALSE) AS is_registering, a.app_duration_ms, COALESCE(a.master, '') AS master,
  CASE WHEN NOT w.is_driver AND NOT w.is_task AND g.platform IS NULL AND d.driver_ms - w.start_ms >= 0.5e0 * w.wait_ms THEN d.driver_ms - w.start_ms END AS driver_wait_ms,
  CASE WHEN NOT w.is_driver AND NOT w.is_task AND g.platform IS NULL AND d.driver_ms - w.start_ms >= 0.5e0 * w.wait_ms AND w.num_early > 1 THEN w.spread_ms END AS spread_ms,
  COALESCE(w.start_ms + w.wait_ms - d.driver_ms >= $min_room_ms, TRUE) AS has_no_room,
  COALESCE(m.is_cluster_mode, FALSE) AS is_cluster_mode, COALESCE(m.has_archive, FALSE) AS has_archive
FROM application_facts AS a
INNER JOIN told AS w
  ON w.platform = a.platform AND w.cluster_id = a.cluster_id
  AND w.application_id = a.application_id AND w.attempt_id = a.attempt_id
LEFT JOIN drivers AS d
  ON d.platform = a.platform AND d.cluster_id = a.cluster_id
  AND d.application_id = a.application_id AND d.attempt_id = a.attempt_id
LEFT JOIN modes AS m
  ON m.platform = a.platform AND m.cluster_id = a.cluster_id
  AND m.application_id = a.application_id AND m.attempt_id = a.attempt_id
LEFT JOIN registration_waits AS g
  ON g.platform = a.platform AND g.cluster_id = a.cluster_id
  AND g.application_id = a.application_id AND g.attempt_id = a.attempt_id AND g.is_told AND NOT w.is_never
LEFT JOIN registered AS r
  ON r.platform = a.platform AND r.cluster_id = a.cluster_id
  AND r.application_id = a.application_id AND r.attempt_id = a.attempt_id
WHERE (NOT a.is_interactive OR w.is_never OR g.platform IS NOT NULL) AND w.unregistered < 3 AND a.platform <> 'databricks'
  AND a.application_name <> 'Databricks Shell'
  -- The first jobs of a history that was compacted are gone, and executors that went with them.
  AND NOT COALESCE(a.lacks_jobs, FALSE)
  AND CASE
    WHEN g.platform IS NOT NULL THEN TRUE
    WHEN w.is_driver THEN w.first_job_id = 0 AND w.wait_ms >= $min_job_ms AND w.wait_ms >= $min_job_ratio * a.app_duration_ms
    ELSE (w.is_never OR NOT a.is_local) AND ((w.wait_ms >= $min_wait_ms AND w.wait_ms >= $min_wait_ratio * a.app_duration_ms)
      OR (w.wait_ms >= $min_short_wait_ms AND w.wait_ms >= $min_short_ratio * a.app_duration_ms))
  END
