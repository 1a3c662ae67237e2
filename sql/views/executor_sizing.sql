-- id: executor_sizing
-- title: The size of each application's executors: what they have, what they needed, what fits
-- description: One row per application attempt. needed_… comes from measured peaks with 30 % of headroom and is
--   NULL where the log does not hold them or lacks the ends of more than a twentieth of the tasks, never 0. is_pressed says that tasks spilled or collected much
--   garbage while the heap was more than half full, or that executors ran out of heap or went over the limit of their container, so that
--   memory must not shrink. A container that was killed gets twice the memory outside of the heap, as in lost_executors; exit code 137
--   is a signal, and only where the heap was full a sign that it was too small: else the heap is kept. Where the heap was never half full, more of it would not help: it is kept as it is. Nodes come from the samples of
--   the cluster taken while the application ran, as if all nodes were alike; what fits leaves room for the application
--   master. target_… is the shape
--   recommended: where tasks need memory, fewer of them at once on the same memory; else the memory
--   needed, at least half of what there is; where the memory of the cluster is full and its cores are idle,
--   at most the share of a node's memory that goes with the executor's cores. Heaps between 31 and 48 GiB are
--   avoided, since the pointers of the JVM double there. The memory outside of the heap keeps its ratio:
--   0.1875 on EMR, else 0.10, at least 384 MiB, unless it was set. Off-heap memory and that of PySpark workers stay as they are set, and so does
--   memory outside of the heap up to the pinned pool of RAPIDS that lives in it: they do not shrink with the heap. On EMR Serverless, cores and memory are a
--   worker that it offers. A heap is not made smaller than the size at which Java options let it start (-Xms), with which
--   no executor would start. NULL on Databricks, where the instance type decides, and in local mode.
-- reads: application_facts, applications, cluster_metrics, executors, spark_settings, timed_stages
WITH pressure AS (
  SELECT
    platform, cluster_id, application_id, attempt_id,
    SUM(CAST(memory_bytes_spilled AS DOUBLE)) AS spilled_bytes,
    SUM(CAST(disk_bytes_spilled AS DOUBLE)) AS disk_spilled_bytes,
    COALESCE(SUM(CASE WHEN status = 'COMPLETE' THEN CAST(num_complete_tasks AS DOUBLE) END)
      >= 0.95e0 * SUM(CASE WHEN status = 'COMPLETE' THEN CAST(num_tasks AS DOUBLE) END), TRUE) AS is_whole,
    -- Of seconds of work the JVM's own start is much.
    CASE WHEN SUM(CAST(jvm_gc_time AS DOUBLE)) >= 30000e0
      THEN SUM(CAST(jvm_gc_time AS DOUBLE)) / NULLIF(SUM(CAST(executor_run_time AS DOUBLE)), 0e0) END AS gc_ratio
  FROM timed_stages
  GROUP BY platform, cluster_id, application_id, attempt_id
),
-- The last -Xms of a text holds.
first_heaps AS (
  SELECT
    platform, cluster_id, application_id, attempt_id,
    MAX(TRY_CAST(number AS DOUBLE) * CASE unit WHEN 'k' THEN 1024e0 WHEN 'm' THEN 1048576e0 WHEN 'g' THEN 1073741824e0 WHEN 't' THEN 1099511627776e0 ELSE 1e0 END)
      / 1073741824e0 AS first_heap_gib
  FROM (
    SELECT
      platform, cluster_id, application_id, attempt_id,
      REGEXP_REPLACE(value, '^(?s:.*)(-Xms|-XX:InitialHeapSize=)([0-9]+)([kKmMgGtT]?)(?s:.*)$', '$2') AS number,
      LOWER(REGEXP_REPLACE(value, '^(?s:.*)(-Xms|-XX:InitialHeapSize=)([0-9]+)([kKmMgGtT]?)(?s:.*)$', '$3')) AS unit
    FROM spark_settings
    WHERE key IN ('spark.executor.extraJavaOptions', 'spark.executor.defaultJavaOptions')
      AND (value LIKE '%-Xms%' OR value LIKE '%-XX:InitialHeapSize=%')
  ) AS o
  GROUP BY platform, cluster_id, application_id, attempt_id
),
-- The pinned pool of RAPIDS, in bytes where it has no unit; without the plugin nobody takes it.
pools AS (
  SELECT
    s.platform, s.cluster_id, s.application_id, s.attempt_id,
    MAX(TRY_CAST(REGEXP_REPLACE(LOWER(TRIM(s.value)), '[a-z]+$', '') AS DOUBLE) * CASE REGEXP_REPLACE(LOWER(TRIM(s.value)), '^[0-9.]+', '')
      WHEN 'k' THEN 1024e0 WHEN 'kb' THEN 1024e0 WHEN 'm' THEN 1048576e0 WHEN 'mb' THEN 1048576e0 WHEN 'g' THEN 1073741824e0 WHEN 'gb' THEN 1073741824e0
      WHEN 't' THEN 1099511627776e0 WHEN 'tb' THEN 1099511627776e0 WHEN '' THEN 1e0 WHEN 'b' THEN 1e0 END) AS pool_bytes
  FROM spark_settings AS s
  INNER JOIN spark_settings AS p
    ON p.platform = s.platform AND p.cluster_id = s.cluster_id
    AND p.application_id = s.application_id AND p.attempt_id = s.attempt_id
  WHERE s.key = 'spark.rapids.memory.pinnedPool.size' AND p.key = 'spark.plugins' AND p.value LIKE '%com.nvidia.spark.SQLPlugin%'
  GROUP BY s.platform, s.cluster_id, s.application_id, s.attempt_id
),
lost AS (
  SELECT
    platform, cluster_id, application_id, attempt_id,
    SUM(CASE WHEN cause = 'heap' THEN 1 ELSE 0 END) AS num_heap,
    SUM(CASE WHEN cause = 'container' THEN 1 ELSE 0 END) AS num_container,
    SUM(CASE WHEN cause = 'signal' THEN 1 ELSE 0 END) AS num_signal
  FROM (
    SELECT
      platform, cluster_id, application_id, attempt_id,
      -- The causes of lost_executors.
      CASE
        WHEN exit_code = 52 OR remove_reason LIKE '%JVM OOM%' OR remove_reason LIKE '%OutOfMemoryError%' THEN 'heap'
        WHEN remove_reason LIKE '%memory limit%' OR remove_reason LIKE '%possible container OOM%'
          OR remove_reason LIKE '%OOMKilled%' THEN 'container'
        WHEN (exit_code = 137 OR remove_reason LIKE '%code 137%')
          AND peak_jvm_heap_memory >= 0.9e0 * executor_memory_bytes THEN 'heap'
        WHEN exit_code = 137 OR remove_reason LIKE '%code 137%' THEN 'signal'
        ELSE 'container'
      END AS cause
    FROM executors
    WHERE loss_kind = 'oom'
  ) AS e
  GROUP BY platform, cluster_id, application_id, attempt_id
),
-- The cluster as it was while the application ran.
clusters AS (
  SELECT
    a.platform, a.cluster_id, a.application_id, a.attempt_id,
    AVG(m.memory_used_ratio) AS cluster_memory_ratio,
    -- The default calculator of YARN looks at memory alone and counts a core for each container.
    AVG(CASE WHEN a.executor_cores > 1 AND m.allocated_vcores <= m.allocated_containers THEN CAST(NULL AS DOUBLE)
      ELSE m.vcores_used_ratio END) AS cluster_cores_ratio,
    MAX(m.total_memory_mb) * 1048576e0 AS cluster_memory_bytes,
    MAX(m.total_vcores) AS cluster_cores,
    MAX(m.active_nodes) AS num_nodes,
    MAX(m.pending_containers) AS pending_containers
  FROM applications AS a
  INNER JOIN cluster_metrics AS m
    ON m.platform = a.platform AND m.cluster_id = a.cluster_id
  WHERE m.source <> 'yarn_queue'
    AND m.sampled_at >= a.start_time AND m.sampled_at <= COALESCE(a.observed_end_time, a.end_time)
  GROUP BY a.platform, a.cluster_id, a.application_id, a.attempt_id
),
measured AS (
  SELECT
    a.platform, a.cluster_id, a.cluster_name, a.application_id, a.attempt_id, a.app_date, a.application_name, a.job_key,
    a.is_local, a.is_databricks, a.is_serverless, a.is_emr, a.num_executors_max, a.executor_cores,
    a.executor_memory_bytes, a.memory_overhead_bytes, a.container_memory_bytes, a.task_cpus,
    a.core_time_ms, a.total_task_time_ms, a.cores_busy_time_ms, a.app_duration_ms,
    a.peak_heap_bytes, a.peak_rss_bytes, a.peak_unified_bytes,
    COALESCE(p.spilled_bytes, 0e0) >= 1073741824e0 OR COALESCE(p.disk_spilled_bytes, 0e0) >= 268435456e0 OR COALESCE(p.gc_ratio, 0e0) >= 0.1e0
      AS has_pressure,
    COALESCE(l.num_heap, 0) > 0 AS has_full_heap,
    COALESCE(l.num_container, 0) > 0 AS has_killed,
    COALESCE(l.num_signal, 0) > 0 AS has_signal,
    -- Not known is full.
    COALESCE(a.peak_heap_bytes >= 0.5e0 * a.executor_memory_bytes, TRUE) AS is_filled,
    c.cluster_memory_ratio, c.cluster_cores_ratio, c.cluster_memory_bytes, c.cluster_cores, c.num_nodes, c.pending_containers,
    -- The whole cluster as one node where their number is not known.
    c.cluster_memory_bytes / GREATEST(COALESCE(c.num_nodes, 1), 1) AS node_memory_bytes,
    FLOOR(CAST(c.cluster_cores AS DOUBLE) / GREATEST(COALESCE(c.num_nodes, 1), 1)) AS node_cores,
    COALESCE(c.cluster_memory_ratio >= 0.9e0 AND c.cluster_cores_ratio <= 0.7e0, FALSE) AS is_memory_bound,
    COALESCE(c.cluster_cores_ratio >= 0.9e0 AND c.cluster_memory_ratio <= 0.6e0, FALSE) AS is_core_bound,
    CASE
      WHEN a.memory_overhead_bytes > 402653184 THEN CAST(a.memory_overhead_bytes AS DOUBLE) / NULLIF(a.executor_memory_bytes, 0)
      WHEN a.is_emr AND NOT a.is_serverless THEN 0.1875e0
      ELSE 0.1e0
    END AS overhead_ratio,
    -- What is asked for beside the heap and its overhead.
    COALESCE(a.off_heap_memory_bytes, 0) + COALESCE(a.pyspark_memory_bytes, 0) AS beside_bytes,
    -- Room for the pool and what Spark takes at least. Where it ran with less, that was enough.
    CASE WHEN o.pool_bytes > 0e0 THEN CEIL(LEAST(o.pool_bytes + 402653184e0, COALESCE(CAST(a.memory_overhead_bytes AS DOUBLE), o.pool_bytes + 402653184e0)) / 1048576e0)
      ELSE 0e0 END AS pool_mib,
    h.first_heap_gib, CASE WHEN COALESCE(p.is_whole, TRUE) THEN CEIL(a.peak_heap_bytes * 1.3e0 / 1073741824e0) END AS needed_heap_gib
  FROM application_facts AS a
  LEFT JOIN pressure AS p
    ON p.platform = a.platform AND p.cluster_id = a.cluster_id
    AND p.application_id = a.application_id AND p.attempt_id = a.attempt_id
  LEFT JOIN first_heaps AS h
    ON h.platform = a.platform AND h.cluster_id = a.cluster_id
    AND h.application_id = a.application_id AND h.attempt_id = a.attempt_id
  LEFT JOIN pools AS o
    ON o.platform = a.platform AND o.cluster_id = a.cluster_id
    AND o.application_id = a.application_id AND o.attempt_id = a.attempt_id
  LEFT JOIN lost AS l
    ON l.platform = a.platform AND l.cluster_id = a.cluster_id
    AND l.application_id = a.application_id AND l.attempt_id = a.attempt_id
  LEFT JOIN clusters AS c
    ON c.platform = a.platform AND c.cluster_id = a.cluster_id
    AND c.application_id = a.application_id AND c.attempt_id = a.attempt_id
),
known AS (
  SELECT
    m.*,
    has_full_heap OR has_killed OR (has_pressure AND is_filled) AS is_pressed,
    -- More heap does not help a container that is killed for what lies outside of it.
    has_full_heap OR (has_pressure AND is_filled) AS is_short,
    (has_killed OR has_signal OR has_pressure) AND NOT has_full_heap AND NOT (has_pressure AND is_filled) AS is_kept
  FROM measured AS m
),
cores AS (
  SELECT
    k.*,
    executor_memory_bytes / 1073741824e0 AS heap_gib,
    CASE
      -- Fewer tasks at once come first; a core below 4 GiB of heap gets more memory instead.
      WHEN is_short AND executor_cores > 1 AND executor_memory_bytes >= 4294967296e0 * executor_cores
        THEN CASE WHEN is_serverless AND executor_cores > 8 THEN 8
          WHEN is_serverless AND executor_cores > 4 THEN 4
          ELSE TRY_CAST(CEIL(executor_cores / 2e0) AS BIGINT) END
      ELSE executor_cores
    END AS target_cores
  FROM known AS k
),
heaps AS (
  SELECT
    c.*,
    GREATEST(LEAST(
      CASE
        WHEN is_short AND target_cores < executor_cores THEN heap_gib
        WHEN is_short AND heap_gib >= 31e0 THEN heap_gib
        WHEN is_short THEN LEAST(CEIL(heap_gib * 1.5e0), 31e0)
        WHEN is_kept THEN heap_gib
        WHEN needed_heap_gib IS NOT NULL THEN LEAST(GREATEST(needed_heap_gib, CEIL(heap_gib / 2e0), 1e0), heap_gib)
        ELSE heap_gib
      END,
      CASE
        WHEN is_memory_bound AND NOT is_short AND NOT is_kept THEN GREATEST(FLOOR(LEAST(
          (node_memory_bytes / GREATEST(FLOOR(node_cores / NULLIF(target_cores, 0)), 1e0) - beside_bytes) / NULLIF(1e0 + overhead_ratio, 0),
          node_memory_bytes / GREATEST(FLOOR(node_cores / NULLIF(target_cores, 0)), 1e0) - beside_bytes - pool_mib * 1048576e0
        ) / 1073741824e0), 1e0)
        ELSE 1e6
      END
    ), CASE WHEN first_heap_gib <= heap_gib THEN first_heap_gib ELSE 0e0 END) AS wanted_heap_gib,
    -- Twice what it had, which by default is a tenth of the heap and at least 384 MiB.
    CASE WHEN has_killed THEN FLOOR(
      2e0 * COALESCE(CAST(memory_overhead_bytes AS DOUBLE), GREATEST(executor_memory_bytes * 0.1e0, 402653184e0)) / 1048576e0
    ) END AS raised_overhead_mib
  FROM cores AS c
),
-- A worker of EMR Serverless has 1, 2, 4, 8 or 16 cores and 2 to 7.5 GB a core, in steps; a tenth is overhead.
workers AS (
  SELECT
    s.*,
    LEAST(
      CEIL(GREATEST(
        beside_bytes / 1073741824e0 + CASE WHEN has_killed THEN wanted_heap_gib + raised_overhead_mib / 1024e0 ELSE wanted_heap_gib * 1.1e0 END,
        2e0 * target_cores
      ) / NULLIF(worker_step, 0)) * worker_step,
      CASE WHEN target_cores >= 16 THEN 120e0 WHEN target_cores >= 8 THEN 60e0 WHEN target_cores >= 4 THEN 30e0
        WHEN target_cores >= 2 THEN 16e0 ELSE 8e0 END
    ) AS worker_gib
  FROM (
    SELECT
      h.*,
      CASE WHEN target_cores >= 16 THEN 8e0 WHEN target_cores >= 8 THEN 4e0 ELSE 1e0 END AS worker_step
    FROM heaps AS h
  ) AS s
),
offered AS (
  SELECT
    h.*,
    CASE
      WHEN NOT is_serverless AND wanted_heap_gib > 31e0 AND wanted_heap_gib < 48e0 AND NOT is_short AND NOT is_kept AND COALESCE(first_heap_gib <= 31e0, TRUE) THEN 31e0
      WHEN NOT is_serverless THEN wanted_heap_gib
      -- What was killed outside of the heap leaves the rest of the worker to that.
      WHEN has_killed THEN GREATEST(LEAST(wanted_heap_gib, FLOOR(worker_gib - beside_bytes / 1073741824e0 - raised_overhead_mib / 1024e0)), 1e0)
      ELSE GREATEST(FLOOR((worker_gib - beside_bytes / 1073741824e0) / 1.1e0), 1e0)
    END AS target_heap_gib
  FROM workers AS h
),
shapes AS (
  SELECT
    o.*,
    GREATEST(CEIL(target_heap_gib * 1024e0 * overhead_ratio), 384e0, pool_mib, COALESCE(raised_overhead_mib, 0e0)) AS target_overhead_mib
  FROM offered AS o
),
fitted AS (
  SELECT
    s.*,
    (target_heap_gib * 1024e0 + target_overhead_mib) * 1048576e0 + beside_bytes AS target_container_bytes,
    LEAST(
      FLOOR(node_memory_bytes / NULLIF((target_heap_gib * 1024e0 + target_overhead_mib) * 1048576e0 + beside_bytes, 0)),
      FLOOR(node_cores / NULLIF(target_cores, 0))
    ) AS target_node_fit,
    LEAST(
      FLOOR(node_memory_bytes / NULLIF(container_memory_bytes, 0)), FLOOR(node_cores / NULLIF(executor_cores, 0))
    ) AS current_node_fit,
    -- The work with a fifth of the core time idle, as idle_executors allows.
    CEIL(CAST(total_task_time_ms AS DOUBLE) * task_cpus / 0.8e0 / NULLIF(app_duration_ms, 0) / GREATEST(target_cores, 1))
      AS executors_by_work
  FROM shapes AS s
),
-- The application master is a container too, of a gibibyte and a core at least: where executors leave no room for
-- it on any node, it takes the place of one of them.
counted AS (
  SELECT
    f.*,
    target_node_fit * GREATEST(COALESCE(num_nodes, 1), 1)
      - CASE WHEN target_node_fit > 0 AND (node_memory_bytes - target_node_fit * target_container_bytes < 1073741824e0
        OR node_cores - target_node_fit * target_cores < 1e0) THEN 1 ELSE 0 END AS target_fit,
    current_node_fit * GREATEST(COALESCE(num_nodes, 1), 1)
      - CASE WHEN current_node_fit > 0 AND (node_memory_bytes - current_node_fit * container_memory_bytes < 1073741824e0
        OR node_cores - current_node_fit * executor_cores < 1e0) THEN 1 ELSE 0 END AS current_fit
  FROM fitted AS f
)
SELECT
  platform, cluster_id, cluster_name, application_id, attempt_id, app_date, application_name, job_key,
  is_serverless, is_emr, is_local, is_databricks, is_pressed, is_memory_bound, is_core_bound,
  num_executors_max, executor_cores, executor_memory_bytes, memory_overhead_bytes, container_memory_bytes,
  core_time_ms, total_task_time_ms, cores_busy_time_ms, has_killed,
  peak_heap_bytes, peak_rss_bytes, peak_unified_bytes, overhead_ratio,
  TRY_CAST(needed_heap_gib * 1073741824e0 AS BIGINT) AS needed_memory_bytes,
  TRY_CAST(CEIL(peak_rss_bytes * 1.1e0) AS BIGINT) AS needed_container_bytes,
  TRY_CAST(executors_by_work AS BIGINT) AS needed_executors,
  cluster_memory_ratio, cluster_cores_ratio, cluster_memory_bytes, cluster_cores, num_nodes, pending_containers,
  node_memory_bytes, node_cores,
  TRY_CAST(current_fit AS BIGINT) AS current_fit,
  CASE WHEN NOT is_local AND NOT is_databricks THEN target_cores END AS target_cores,
  CASE WHEN NOT is_local AND NOT is_databricks THEN TRY_CAST(ROUND(target_heap_gib * 1024e0) AS BIGINT) END AS target_heap_mib,
  CASE WHEN NOT is_local AND NOT is_databricks THEN TRY_CAST(target_overhead_mib AS BIGINT) END AS target_overhead_mib,
  CASE WHEN NOT is_local AND NOT is_databricks THEN TRY_CAST(target_container_bytes AS BIGINT) END AS target_container_bytes,
  CASE WHEN NOT is_local AND NOT is_databricks THEN TRY_CAST(target_fit AS BIGINT) END AS target_fit
FROM counted
