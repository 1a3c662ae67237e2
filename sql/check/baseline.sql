-- id: baseline
-- title: What earlier runs took
-- description: The medians of the last runs of a job that began before a time: complete, not failed, of each
--   application the newest attempt. Or of one named application, whenever it ran and whatever job it is of.
--   num_runs of a measure counts the runs that know it; num_named the attempts of the named application that the lake
--   holds at all.
-- parameter: job_key string = - [job key] the recurring job; empty where an application is named
-- parameter: before string = - [timestamp] only runs that began before it
-- parameter: application string = - [application id] the run to compare with; empty for the job's
-- parameter: except string = - [application id] the run that is checked, which is no baseline of itself
-- parameter: runs bigint = 10 [count] most runs
WITH attempts AS (
  SELECT
    a.*,
    ROW_NUMBER() OVER (
      PARTITION BY platform, cluster_id, application_id ORDER BY start_time DESC, attempt_id DESC
    ) AS age
  FROM applications AS a
  WHERE complete AND failure_reason IS NULL AND observed_duration_ms > 0
    AND application_id <> $except
    AND (
      ($application <> '' AND application_id = $application)
      OR ($application = '' AND job_key = $job_key AND start_time < TRY_CAST($before AS TIMESTAMP))
    )
),
newest AS (
  SELECT t.*
  FROM attempts AS t
  WHERE age = 1
  ORDER BY start_time DESC, application_id
  LIMIT $runs
),
costs AS (
  SELECT n.application_id, n.cluster_id, MAX(c.cost_usd) AS cost_usd
  FROM newest AS n
  INNER JOIN application_costs AS c
    ON c.platform = n.platform AND c.cluster_id = n.cluster_id
    AND c.application_id = n.application_id AND c.attempt_id = n.attempt_id AND c.is_preferred
  GROUP BY n.application_id, n.cluster_id
),
named AS (
  SELECT COUNT(*) AS num_named FROM applications WHERE application_id = $application
),
measures AS (
  SELECT *
  FROM (
    VALUES ('duration_ms'), ('core_time_ms'), ('cost_usd'), ('memory_bytes_spilled'), ('disk_bytes_spilled'),
    ('shuffle_write_bytes'), ('input_bytes'), ('duration_per_gb_ms')
  ) AS m (metric)
),
long AS (
  SELECT
    m.metric, n.application_id,
    CASE m.metric
      WHEN 'duration_ms' THEN CAST(n.observed_duration_ms AS DOUBLE)
      WHEN 'core_time_ms' THEN CAST(n.core_time_ms AS DOUBLE)
      WHEN 'cost_usd' THEN c.cost_usd
      WHEN 'memory_bytes_spilled' THEN CAST(n.memory_bytes_spilled AS DOUBLE)
      WHEN 'disk_bytes_spilled' THEN CAST(n.disk_bytes_spilled AS DOUBLE)
      WHEN 'shuffle_write_bytes' THEN CAST(n.shuffle_write_bytes AS DOUBLE)
      WHEN 'input_bytes' THEN CAST(n.input_bytes AS DOUBLE)
      WHEN 'duration_per_gb_ms' THEN CAST(n.observed_duration_ms AS DOUBLE) / NULLIF(n.input_bytes, 0) * 1e9
    END AS value
  FROM newest AS n
  LEFT JOIN costs AS c ON c.application_id = n.application_id AND c.cluster_id = n.cluster_id
  CROSS JOIN measures AS m
)
SELECT
  m.metric, MEDIAN(l.value) AS value, COUNT(l.value) AS num_runs, MAX(l.application_id) AS example,
  MAX(d.num_named) AS num_named
FROM measures AS m
CROSS JOIN named AS d
LEFT JOIN long AS l ON l.metric = m.metric
GROUP BY m.metric
ORDER BY m.metric
