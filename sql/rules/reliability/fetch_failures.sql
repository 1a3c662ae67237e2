-- id: fetch_failures
-- title: Shuffle data cannot be fetched
-- category: reliability
-- severity: medium
-- version: 6
-- description: Fires where task attempts ended because shuffle data could not be fetched from an executor that lived, one finding for each cause (view
--   failed_fetches): each ends its stage attempt, and the stage that wrote the data runs again. What went with a lost executor is
--   what lost_executors tells. Lost is the time of these attempts and, where no executor was lost, of finished tasks that ran again.
--   What could be won is the wall time of the longest one in each stage attempt, and the part that what ran again has of all task time.
-- parameter: min_lost_ms bigint = 30000 [ms] time of these attempts and of what ran again, at least
-- parameter: min_told_share double = 0.005 [ratio] share of the application below which findings are not told as a rule
-- evidence: {num_failed:task attempt|task attempts} of {num_stages:stage attempt|stage attempts} failed because shuffle data could not be fetched[ from {from_host}][
--   to {on_host}]; they took {failed_ms:s} of task time, the longest {longest_ms:s}[, finished tasks that ran again {again_ms:s}][; {num_again:more stage attempt|more stage attempts} had to follow][: {message}].
-- advice: cause = 'network' AND is_databricks | - | - | The executors do not reach one another: look at the network of the cluster (security groups, peering) and at the
--   health of the host.
-- advice: cause = 'network' | - | - | The executors do not reach one another: give each an address that all others reach (SPARK_LOCAL_IP on the workers;
--   not one of a loopback, of a container or of WSL), and open the ports between them (firewall; spark.blockManager.port makes them fixed). How long
--   a fetch waits is decided by spark.shuffle.io.maxRetries and spark.shuffle.io.connectionTimeout; more retries do not help.
-- advice: cause = 'idle' AND is_databricks | - | - | The worker had been given back as idle with the shuffle data that it held: raise the minimum of the autoscaling workers, or let workers hand over
--   their data before they go (spark.decommission.enabled, spark.storage.decommission.enabled).
-- advice: cause = 'idle' AND has_no_service | - | - | The executor had been given back as idle with the shuffle data that it held: have executors with shuffle data kept
--   (spark.dynamicAllocation.shuffleTracking.enabled, and its timeout).
-- advice: cause = 'idle' | - | - | The executor had been given back as idle with the shuffle data that it held: turn on the external shuffle service
--   (spark.shuffle.service.enabled), or have executors with shuffle data kept (spark.dynamicAllocation.shuffleTracking.enabled, and its timeout).
-- advice: cause = 'files' AND is_databricks | - | - | The data was not on the disks of its worker any more, or was not whole: check the event log of the cluster for full or broken disks.
-- advice: cause = 'files' | - | - | The data was not on the disks of its host any more, or was not whole: see whether something clears the local directories (spark.local.dir in /tmp),
--   and check these disks.
-- recommendation: Look at the log of the executor that held the data for the same time: a long garbage collection, full or broken disks, and a
--   cut network look alike from here.
WITH waits AS (
  SELECT
    platform, cluster_id, application_id, attempt_id, cause, stage_id, stage_attempt_id,
    COUNT(*) AS num_failed, SUM(CAST(duration AS DOUBLE)) AS failed_ms, MAX(duration) AS longest_ms,
    MIN(fetch_failed_host) AS first_from, MAX(fetch_failed_host) AS last_from, MIN(host) AS first_on, MAX(host) AS last_on,
    -- That no output is registered any more follows from a fetch that failed before.
    MAX(CASE WHEN message NOT LIKE '%MetadataFetchFailed%' THEN short_message END) AS first_message, MAX(short_message) AS message
  FROM (
    -- Long paths leave no room for the name of the file.
    SELECT f.*, SUBSTR(CASE WHEN LENGTH(message) > 200 THEN REGEXP_REPLACE(message, '/[^ ,]*/', '.../') ELSE message END, 1, 200) AS short_message
    FROM failed_fetches AS f
  ) AS f
  WHERE cause <> 'loss'
  GROUP BY platform, cluster_id, application_id, attempt_id, cause, stage_id, stage_attempt_id
),
summed AS (
  SELECT
    platform, cluster_id, application_id, attempt_id, cause,
    SUM(num_failed) AS num_failed, COUNT(*) AS num_stages, SUM(failed_ms) AS failed_ms, MAX(longest_ms) AS longest_ms,
    SUM(CAST(longest_ms AS DOUBLE)) AS wall_ms,
    CASE WHEN MIN(first_from) = MAX(last_from) THEN MIN(first_from) WHEN MIN(first_from) IS NOT NULL THEN 'several hosts' END AS from_host,
    CASE WHEN MIN(first_on) = MAX(last_on) THEN MIN(first_on) END AS on_host,
    REGEXP_REPLACE(COALESCE(MAX(first_message), MAX(message)), '[.: ]+$', '') AS message,
    ROW_NUMBER() OVER (PARTITION BY platform, cluster_id, application_id, attempt_id ORDER BY SUM(failed_ms) DESC, cause) AS place
  FROM waits
  GROUP BY platform, cluster_id, application_id, attempt_id, cause
),
losers AS (
  SELECT platform, cluster_id, application_id, attempt_id
  FROM executors
  WHERE executor_id NOT IN ('driver', '<driver>') AND loss_kind IN ('oom', 'spot', 'killed', 'lost')
  UNION
  SELECT platform, cluster_id, application_id, attempt_id
  FROM executor_losses
  WHERE cause = 'decommissioned'
),
later AS (
  SELECT g.platform, g.cluster_id, g.application_id, g.attempt_id, COUNT(*) AS num_again
  FROM stages AS g
  INNER JOIN (SELECT DISTINCT platform, cluster_id, application_id, attempt_id FROM summed) AS s
    ON s.platform = g.platform AND s.cluster_id = g.cluster_id
    AND s.application_id = g.application_id AND s.attempt_id = g.attempt_id
  WHERE g.stage_attempt_id > 0 AND g.status NOT IN ('SKIPPED', 'PENDING')
  GROUP BY g.platform, g.cluster_id, g.application_id, g.attempt_id
),
again AS (
  SELECT platform, cluster_id, application_id, attempt_id, SUM(again_ms) AS again_ms
  FROM reruns
  GROUP BY platform, cluster_id, application_id, attempt_id
),
judged AS (
  SELECT
    s.*, a.app_duration_ms, a.wall_ratio, CAST(GREATEST(a.core_time_ms, a.total_task_time_ms) AS DOUBLE) AS all_core_ms, COALESCE(a.is_databricks, FALSE) AS is_databricks, COALESCE(a.master LIKE 'k8s%' OR a.is_serverless, FALSE) AS has_no_service,
    CASE WHEN s.place = 1 THEN n.num_again END AS num_again,
    CASE WHEN s.place = 1 AND l.platform IS NULL THEN COALESCE(r.again_ms, 0e0) ELSE 0e0 END AS again_ms,
    COALESCE(a.task_cpus, 1) AS task_cpus
  FROM summed AS s
  INNER JOIN application_facts AS a
    ON a.platform = s.platform AND a.cluster_id = s.cluster_id
    AND a.application_id = s.application_id AND a.attempt_id = s.attempt_id
  LEFT JOIN losers AS l
    ON l.platform = s.platform AND l.cluster_id = s.cluster_id
    AND l.application_id = s.application_id AND l.attempt_id = s.attempt_id
  LEFT JOIN later AS n
    ON n.platform = s.platform AND n.cluster_id = s.cluster_id
    AND n.application_id = s.application_id AND n.attempt_id = s.attempt_id
  LEFT JOIN again AS r
    ON r.platform = s.platform AND r.cluster_id = s.cluster_id
    AND r.application_id = s.application_id AND r.attempt_id = s.attempt_id
)
SELECT
  platform, cluster_id, application_id, attempt_id, CONCAT(application_id, ' ', cause) AS subject_id,
  CASE
    -- Most of the run was spent on it, however few cores waited.
    WHEN failed_ms + again_ms < 600000 AND wall_ms >= 60000 AND wall_ms >= 0.5e0 * app_duration_ms THEN 'medium'
    WHEN failed_ms + again_ms < 600000 THEN CAST(NULL AS STRING)
    -- Small beside a large application, which would not be told otherwise.
    WHEN GREATEST((failed_ms + again_ms) * task_cpus / NULLIF(all_core_ms, 0e0), wall_ms / NULLIF(CAST(app_duration_ms AS DOUBLE), 0e0)) < $min_told_share THEN 'low'
  END AS severity,
  CASE WHEN cause = 'network' THEN 'high' ELSE 'medium' END AS confidence,
  TRY_CAST((failed_ms + again_ms) * task_cpus AS BIGINT) AS lost_core_ms,
  TRY_CAST(LEAST(wall_ms + again_ms * COALESCE(wall_ratio, 0e0), COALESCE(CAST(app_duration_ms AS DOUBLE), wall_ms)) AS BIGINT) AS recoverable_ms,
  cause, num_failed, num_stages, TRY_CAST(failed_ms AS BIGINT) AS failed_ms, CASE WHEN again_ms >= 1000 THEN TRY_CAST(again_ms AS BIGINT) END AS again_ms, longest_ms, from_host, on_host, num_again, message, is_databricks, has_no_service
FROM judged
WHERE failed_ms + again_ms >= $min_lost_ms
