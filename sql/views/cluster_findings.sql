-- id: cluster_findings
-- title: Findings about clusters
-- description: What is wrong with a cluster as a whole, seen from its own metrics, instances and the applications and runs that it
--   had; what is wrong with one application is in findings. One row per cluster and rule. memory_bound: containers had
--   nine tenths of its memory but seven tenths of its cores or less, so that the others cannot be used. Where YARN
--   counts one core a container, whatever it has, its cores are not known. capacity_bound:
--   containers waited in a quarter of the samples while the cluster was as large as it ever was, so its upper
--   bound holds work up. scaling_thrash: three times it grew again within an hour after it had shrunk.
--   idle_cluster: a fifth of its memory or less was given to containers on average. left_running: it lived on
--   for an hour or more after its last application. long_queue: the median run waited five minutes or more.
--   on_demand_workers: task nodes are bought on demand. spot_core: nodes that hold data or the driver are
--   spot instances. one_spot_type: all spot instances are of one type. old_instances: instances of old
--   generations. old_release: EMR before 6.15, Databricks runtimes before 13. Metrics are those of the whole
--   cluster (YARN, else CloudWatch), and twelve samples are needed to judge them; instances are judged from 24
--   instance hours on. No price is known here.
-- reads: applications, cluster_instances, cluster_metrics, cluster_summaries, job_runs
WITH newest_summaries AS (
  SELECT *
  FROM (
    SELECT
      s.*,
      ROW_NUMBER() OVER (PARTITION BY platform, cluster_id ORDER BY ingested_at DESC, run_id DESC) AS place
    FROM cluster_summaries AS s
  ) AS ranked
  WHERE place = 1
),
-- A moment that several runs saw, or that two sources measured, counts once.
samples AS (
  SELECT
    platform, cluster_id, sampled_at,
    UNIX_MILLIS(sampled_at) AS sampled_ms,
    MAX(memory_used_ratio) AS memory_used_ratio,
    -- The default calculator of YARN looks at memory alone and counts a core for each container.
    MAX(CASE WHEN allocated_vcores <= allocated_containers THEN CAST(NULL AS DOUBLE) ELSE vcores_used_ratio END) AS vcores_used_ratio,
    MAX(total_vcores) AS total_vcores, MAX(pending_containers) AS pending_containers, MAX(total_memory_mb) AS total_memory_mb,
    MAX(active_nodes) AS active_nodes, MAX(running_applications) AS running_applications
  FROM cluster_metrics
  WHERE source IN ('yarn', 'cloudwatch')
  GROUP BY platform, cluster_id, sampled_at
),
sized AS (
  SELECT
    s.*,
    COALESCE(active_nodes, total_memory_mb) AS size,
    MAX(COALESCE(active_nodes, total_memory_mb)) OVER (PARTITION BY platform, cluster_id) AS largest_size,
    LAG(COALESCE(active_nodes, total_memory_mb)) OVER (PARTITION BY platform, cluster_id ORDER BY sampled_ms) AS previous_size
  FROM samples AS s
),
steps AS (
  SELECT
    s.*,
    MAX(CASE WHEN size < previous_size THEN sampled_ms END) OVER (
      PARTITION BY platform, cluster_id ORDER BY sampled_ms ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
    ) AS last_shrunk_ms
  FROM sized AS s
),
measured AS (
  SELECT
    platform, cluster_id,
    COUNT(*) AS num_samples,
    AVG(memory_used_ratio) AS memory_used_ratio, AVG(vcores_used_ratio) AS vcores_used_ratio,
    MAX(total_vcores) AS total_vcores, MAX(total_memory_mb) AS total_memory_mb,
    SUM(CASE WHEN pending_containers > 0e0 AND size >= largest_size THEN 1 ELSE 0 END) AS num_bound,
    AVG(CASE WHEN pending_containers > 0e0 AND size >= largest_size THEN pending_containers END) AS mean_pending,
    MAX(largest_size) AS largest_size, MAX(active_nodes) AS most_nodes,
    SUM(CASE WHEN size > previous_size AND sampled_ms - last_shrunk_ms <= 3600000 THEN 1 ELSE 0 END) AS num_thrashes,
    MAX(sampled_ms) AS last_sample_ms
  FROM steps
  GROUP BY platform, cluster_id
),
last_work AS (
  SELECT
    platform, cluster_id, COUNT(*) AS num_applications,
    MAX(UNIX_MILLIS(observed_end_time)) AS last_end_ms
  FROM applications
  GROUP BY platform, cluster_id
),
newest_instances AS (
  SELECT *
  FROM (
    SELECT
      i.*,
      ROW_NUMBER() OVER (
        PARTITION BY platform, cluster_id, group_id, instance_type, market ORDER BY ingested_at DESC, run_id DESC
      ) AS place
    FROM cluster_instances AS i
  ) AS ranked
  WHERE place = 1
),
bought AS (
  SELECT
    platform, cluster_id,
    SUM(CASE WHEN market = 'ON_DEMAND' AND role IN ('TASK', 'WORKER') THEN instance_hours ELSE 0e0 END) AS on_demand_hours,
    SUM(CASE WHEN market = 'SPOT' AND role IN ('MASTER', 'CORE', 'DRIVER') THEN instance_hours ELSE 0e0 END) AS spot_core_hours,
    SUM(CASE WHEN market = 'SPOT' THEN instance_hours ELSE 0e0 END) AS spot_hours,
    COUNT(DISTINCT CASE WHEN market = 'SPOT' THEN instance_type END) AS num_spot_types,
    MIN(CASE WHEN market = 'SPOT' THEN instance_type END) AS spot_type,
    -- m4.xlarge, c3.large, r4.2xlarge, i3.xlarge … of Amazon: a letter or two and the generation.
    SUM(CASE WHEN REGEXP_REPLACE(instance_type, '^([cmr][1-4]|i[23]|d2|t[12]|g[23]|p[23]|x1)[.].*$', 'old') = 'old'
      THEN instance_hours ELSE 0e0 END) AS old_hours,
    MIN(CASE WHEN REGEXP_REPLACE(instance_type, '^([cmr][1-4]|i[23]|d2|t[12]|g[23]|p[23]|x1)[.].*$', 'old') = 'old'
      THEN instance_type END) AS old_type
  FROM newest_instances
  GROUP BY platform, cluster_id
),
newest_runs AS (
  SELECT *
  FROM (
    SELECT
      r.*,
      ROW_NUMBER() OVER (PARTITION BY platform, cluster_id, job_run_id ORDER BY ingested_at DESC, run_id DESC) AS place
    FROM job_runs AS r
  ) AS ranked
  WHERE place = 1
),
queues AS (
  SELECT
    platform, cluster_id, COUNT(*) AS num_runs, MEDIAN(CAST(queued_ms AS DOUBLE)) AS median_queued_ms,
    MAX(queued_ms) AS longest_queued_ms
  FROM newest_runs
  WHERE queued_ms IS NOT NULL
  GROUP BY platform, cluster_id
),
clusters AS (
  SELECT platform, cluster_id, MAX(cluster_name) AS cluster_name
  FROM (
    SELECT platform, cluster_id, cluster_name FROM newest_summaries
    UNION ALL
    SELECT platform, cluster_id, cluster_name FROM cluster_metrics
    UNION ALL
    SELECT platform, cluster_id, cluster_name FROM newest_instances
    UNION ALL
    SELECT platform, cluster_id, cluster_name FROM newest_runs
  ) AS named
  GROUP BY platform, cluster_id
),
facts AS (
  SELECT
    c.platform, c.cluster_id, c.cluster_name,
    s.release_label, s.is_finished,
    UNIX_MILLIS(s.ended_at) AS ended_ms, UNIX_MILLIS(s.ingested_at) AS seen_ms, UNIX_MILLIS(s.created_at) AS created_ms,
    CASE
      WHEN s.release_label LIKE 'emr-%' THEN TRY_CAST(CONCAT(
        SPLIT_PART(SPLIT_PART(s.release_label, '-', 2), '.', 1), '.',
        LPAD(SPLIT_PART(SPLIT_PART(s.release_label, '-', 2), '.', 2), 2, '0')
      ) AS DOUBLE)
    END AS emr_release,
    CASE
      WHEN c.platform = 'databricks' THEN TRY_CAST(CONCAT(
        SPLIT_PART(s.release_label, '.', 1), '.', LPAD(SPLIT_PART(s.release_label, '.', 2), 2, '0')
      ) AS DOUBLE)
    END AS databricks_release,
    m.num_samples, m.memory_used_ratio, m.vcores_used_ratio, m.total_vcores, m.total_memory_mb, m.num_bound, m.mean_pending, m.most_nodes, m.num_thrashes,
    w.num_applications, w.last_end_ms,
    b.on_demand_hours, b.spot_core_hours, b.spot_hours, b.num_spot_types, b.spot_type, b.old_hours, b.old_type,
    q.num_runs, q.median_queued_ms, q.longest_queued_ms
  FROM clusters AS c
  LEFT JOIN newest_summaries AS s ON s.platform = c.platform AND s.cluster_id = c.cluster_id
  LEFT JOIN measured AS m ON m.platform = c.platform AND m.cluster_id = c.cluster_id
  LEFT JOIN last_work AS w ON w.platform = c.platform AND w.cluster_id = c.cluster_id
  LEFT JOIN bought AS b ON b.platform = c.platform AND b.cluster_id = c.cluster_id
  LEFT JOIN queues AS q ON q.platform = c.platform AND q.cluster_id = c.cluster_id
),
judged AS (
  SELECT
    platform, cluster_id, cluster_name, 'memory_bound' AS rule_id,
    CASE WHEN (1e0 - vcores_used_ratio) * total_vcores >= 200e0 THEN 'high' ELSE 'medium' END AS severity, 'high' AS confidence,
    'The memory of the cluster is full while its cores are idle' AS title,
    CONCAT(
      'Containers had ', CAST(ROUND(1e2 * memory_used_ratio, 1) AS STRING), ' % of its memory but ',
      CAST(ROUND(1e2 * vcores_used_ratio, 1) AS STRING), ' % of its ', CAST(TRY_CAST(total_vcores AS BIGINT) AS STRING),
      ' cores on average over ', CAST(num_samples AS STRING), ' samples: about ',
      CAST(TRY_CAST(ROUND((1e0 - vcores_used_ratio) * total_vcores) AS BIGINT) AS STRING), ' cores are paid for and cannot be used.'
    ) AS evidence,
    CONCAT(
      'Executors may hold no more memory for each core than the nodes have, ',
      CAST(TRY_CAST(FLOOR(total_memory_mb / NULLIF(total_vcores, 0)) AS BIGINT) AS STRING),
      ' MB with all that lies outside of their heap: application_sizing says the cores, memory and overhead that fit for each application, and',
      ' how many of them. Where tasks need their memory, run fewer of them at once, or choose instances with more memory for each core.'
    ) AS recommendation
  FROM facts
  WHERE num_samples >= 12 AND memory_used_ratio >= 0.9e0 AND vcores_used_ratio <= 0.7e0
  UNION ALL
  SELECT
    platform, cluster_id, cluster_name, 'capacity_bound' AS rule_id, 'medium' AS severity, 'medium' AS confidence,
    'Containers wait while the cluster is at its largest' AS title,
    CONCAT(
      'In ', CAST(num_bound AS STRING), ' of ', CAST(num_samples AS STRING), ' samples containers waited, ',
      CAST(TRY_CAST(ROUND(mean_pending) AS BIGINT) AS STRING), ' on average, while the cluster was as large as ever',
      CASE WHEN most_nodes IS NULL THEN '' ELSE CONCAT(' (', CAST(TRY_CAST(most_nodes AS BIGINT) AS STRING), ' nodes)') END, '.'
    ) AS evidence,
    CASE WHEN vcores_used_ratio <= 0.7e0
      THEN 'Its cores are idle: let applications ask for less memory before its upper bound is raised, or spread the work over time.'
      ELSE 'Raise the upper bound of its scaling, spread the work over time, or let applications ask for less at once.'
    END AS recommendation
  FROM facts
  -- Where most of it is idle, something else holds them up, such as the limit of a queue.
  WHERE num_samples >= 12 AND COALESCE(memory_used_ratio, 1e0) >= 0.5e0 AND num_bound >= 0.25e0 * num_samples AND mean_pending >= 1e0
  UNION ALL
  SELECT
    platform, cluster_id, cluster_name, 'scaling_thrash', 'low', 'medium',
    'The cluster shrinks and grows again',
    CONCAT(
      CAST(num_thrashes AS STRING), ' times the cluster grew again within an hour after it had shrunk, in ',
      CAST(num_samples AS STRING), ' samples.'
    ),
    'Let it shrink later or in smaller steps: every new node starts empty, and shuffle data went with the old one.'
  FROM facts
  WHERE num_samples >= 12 AND num_thrashes >= 3
  UNION ALL
  SELECT
    platform, cluster_id, cluster_name, 'idle_cluster', 'medium', 'high',
    'The cluster is mostly idle',
    CONCAT(
      'Containers had ', CAST(TRY_CAST(ROUND(1e2 * memory_used_ratio) AS BIGINT) AS STRING),
      ' % of its memory on average over ', CAST(num_samples AS STRING), ' samples.'
    ),
    'Make it smaller or let it scale down, share it, or run its jobs on clusters that end with them or serverless.'
  FROM facts
  WHERE num_samples >= 12 AND memory_used_ratio <= 0.2e0
  UNION ALL
  SELECT
    platform, cluster_id, cluster_name, 'left_running', 'medium',
    CASE WHEN ended_ms IS NULL THEN 'medium' ELSE 'high' END,
    'The cluster lives on after its last application',
    CONCAT(
      'Its last application ended ',
      CAST(TRY_CAST(ROUND((COALESCE(ended_ms, seen_ms) - last_end_ms) / 6e4) AS BIGINT) AS STRING), ' minutes before ',
      CASE WHEN ended_ms IS NULL THEN 'it was seen alive.' ELSE 'it ended.' END
    ),
    'Set auto-termination to the minutes that it may be idle, or run the jobs on clusters that end with them.'
  FROM facts
  WHERE num_applications > 0 AND (ended_ms IS NOT NULL OR NOT COALESCE(is_finished, TRUE))
    AND COALESCE(ended_ms, seen_ms) - last_end_ms >= 3600000
    -- The applications of an earlier look at a cluster that works on say nothing of now.
    AND last_end_ms > created_ms
  UNION ALL
  SELECT
    platform, cluster_id, cluster_name, 'long_queue', 'low', 'high',
    'Runs wait long before they begin',
    CONCAT(
      'The median of ', CAST(num_runs AS STRING), ' runs waited ',
      CAST(TRY_CAST(ROUND(median_queued_ms / 6e4) AS BIGINT) AS STRING), ' minutes before it began, the longest ',
      CAST(TRY_CAST(ROUND(longest_queued_ms / 6e4) AS BIGINT) AS STRING), '.'
    ),
    'Give the queue more room, allow more runs side by side, keep capacity ready, or start runs at other times.'
  FROM facts
  WHERE num_runs >= 3 AND median_queued_ms >= 300000
  UNION ALL
  SELECT
    platform, cluster_id, cluster_name, 'on_demand_workers', 'low', 'medium',
    'Task nodes are bought on demand',
    CONCAT(
      CAST(TRY_CAST(ROUND(on_demand_hours) AS BIGINT) AS STRING), ' instance hours of task nodes were on demand, ',
      CAST(TRY_CAST(ROUND(spot_hours) AS BIGINT) AS STRING), ' of all nodes spot.'
    ),
    'Buy task nodes as spot instances where tasks are short and losses bearable; keep the driver and core nodes on demand.'
  FROM facts
  WHERE on_demand_hours >= 24e0 AND on_demand_hours > spot_hours
  UNION ALL
  SELECT
    platform, cluster_id, cluster_name, 'spot_core', 'medium', 'high',
    'Nodes that must not go are spot instances',
    CONCAT(
      CAST(TRY_CAST(ROUND(spot_core_hours) AS BIGINT) AS STRING),
      ' instance hours of primary, core or driver nodes were spot: when one goes, the application or its data go with it.'
    ),
    'Buy primary, core and driver nodes on demand, and save with spot task nodes.'
  FROM facts
  WHERE spot_core_hours > 0e0
  UNION ALL
  SELECT
    platform, cluster_id, cluster_name, 'one_spot_type', 'low', 'medium',
    'All spot instances are of one type',
    CONCAT(
      CAST(TRY_CAST(ROUND(spot_hours) AS BIGINT) AS STRING), ' instance hours of spot are all ', spot_type,
      ': where that type runs out, all go at once.'
    ),
    'Name several types of similar size (an instance fleet, allocation by capacity), over several zones.'
  FROM facts
  WHERE spot_hours >= 24e0 AND num_spot_types = 1
  UNION ALL
  SELECT
    platform, cluster_id, cluster_name, 'old_instances', 'low', 'high',
    'Instances of an old generation',
    CONCAT(
      CAST(TRY_CAST(ROUND(old_hours) AS BIGINT) AS STRING), ' instance hours were of old generations, ', old_type, ' among them.'
    ),
    'Move to the newest generation of the same family (Graviton where the libraries allow it): more work for about the same price.'
  FROM facts
  WHERE old_hours >= 24e0
  UNION ALL
  SELECT
    platform, cluster_id, cluster_name, 'old_release', 'low', 'high',
    'The release is old',
    CONCAT('It runs ', release_label, '.'),
    'Move to a current release: newer Spark versions are faster, with adaptive execution on, and get security fixes.'
  FROM facts
  WHERE emr_release < 6.15e0 OR databricks_release < 13e0
)
SELECT
  platform, cluster_id, cluster_name, rule_id, severity, confidence, title, evidence, recommendation
FROM judged
