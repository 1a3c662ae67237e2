-- id: lost_hosts
-- title: Hosts that executors were lost for
-- description: One row per cause for which executors were lost and the host on which nearly all of those were, in an application that had three hosts or more: those of others stayed
--   (lost_executors names it). num_lost are the executors lost there for the cause, num_executors all that it had, num_hosts the hosts of the application. held_ms is the
--   core time that they held, NULL where any of them ended a task: no task could be done there. Where a host was lost for several causes it stands with the most frequent one alone.
-- parameter: min_host_lost bigint = 3 [count] executors lost on one host, at least, from which the host is what they went for
-- parameter: min_host_share double = 0.9 [ratio] the same over all that were lost for the cause, at least
-- reads: executors, loss_places
WITH hosts AS (
  SELECT
    platform, cluster_id, application_id, attempt_id, host, COUNT(*) AS num_executors, SUM(completed_tasks) AS completed_tasks,
    SUM(total_cores * GREATEST(CAST(lifetime_ms AS DOUBLE), 0e0)) - SUM(CAST(total_duration AS DOUBLE)) AS idle_ms,
    COUNT(*) OVER (PARTITION BY platform, cluster_id, application_id, attempt_id) AS num_hosts
  FROM (
    SELECT e.*, REGEXP_REPLACE(e.host_port, ':[0-9]+$', '') AS host FROM executors AS e
    WHERE executor_id NOT IN ('driver', '<driver>') AND host_port IS NOT NULL
  ) AS e
  GROUP BY platform, cluster_id, application_id, attempt_id, host
),
-- The host on which most went for a cause. Where most went for several causes on one host, what it held stands with the first of them alone.
named AS (
  SELECT
    l.platform, l.cluster_id, l.application_id, l.attempt_id, l.cause, l.host, l.num_lost, h.num_hosts, h.num_executors, h.completed_tasks, h.idle_ms,
    ROW_NUMBER() OVER (PARTITION BY l.platform, l.cluster_id, l.application_id, l.attempt_id, l.host ORDER BY l.num_lost DESC, l.cause) AS place
  FROM loss_places AS l
  INNER JOIN hosts AS h
    ON h.platform = l.platform AND h.cluster_id = l.cluster_id
    AND h.application_id = l.application_id AND h.attempt_id = l.attempt_id AND h.host = l.host
  -- Two hosts that lose and do not are no rule yet.
  WHERE l.place = 1 AND l.num_lost >= $min_host_lost AND l.num_lost >= $min_host_share * l.num_all AND h.num_hosts >= 3
)
SELECT
  platform, cluster_id, application_id, attempt_id, cause, host, num_lost, num_hosts, num_executors,
  CASE WHEN place = 1 AND completed_tasks = 0 AND idle_ms > 0e0 THEN idle_ms END AS held_ms
FROM named
