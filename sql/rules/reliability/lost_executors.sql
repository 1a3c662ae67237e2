-- id: lost_executors
-- title: Executors are lost in the middle of their work
-- category: reliability
-- severity: medium
-- version: 1
-- description: Fires where executors went for another reason than idleness, decommissioning or the end of
--   the application. One finding for each kind of loss. Lost core time is what the failed_tasks findings
--   of the same application count, so none is counted here.
-- parameter: min_lost bigint = 1 [count] executors lost, at least
-- evidence: {num_lost:int} of {num_workers:int} executors were lost ({kind}), after {mean_lifetime_ms:s} on average[: {reason}].
-- advice: kind = 'oom' | - | - | The process ran out of memory: give executors more memory outside of the heap or in it, as the
--   reason says, or run fewer tasks at once in each.
-- advice: kind = 'spot' | - | - | The instances were taken back: keep the driver on demand, spread over more instance types, and
--   turn decommissioning on so that shuffle data moves first.
-- advice: kind = 'killed' | - | - | The cluster manager killed them: look for memory limits and preemption in its log.
-- recommendation: Look at the log of the lost executors and their hosts; out of memory, a lost node and a full disk
--   look alike from here.
WITH losses AS (
  SELECT
    platform, cluster_id, application_id, attempt_id, loss_kind AS kind,
    COUNT(*) AS num_lost,
    AVG(CAST(lifetime_ms AS DOUBLE)) AS mean_lifetime_ms,
    MIN(SUBSTR(remove_reason, 1, 200)) AS reason
  FROM executors
  WHERE executor_id <> 'driver' AND loss_kind IN ('oom', 'spot', 'killed', 'lost')
  GROUP BY platform, cluster_id, application_id, attempt_id, loss_kind
)
SELECT
  a.platform, a.cluster_id, a.application_id, a.attempt_id,
  CONCAT(a.application_id, ' ', l.kind) AS subject_id,
  -- Work that ends well although a single executor went is no worry.
  CASE WHEN l.num_lost > 1 OR NOT a.completed THEN 'medium' ELSE 'low' END AS severity,
  l.kind, l.num_lost, a.num_workers, l.mean_lifetime_ms, l.reason
FROM application_facts AS a
INNER JOIN losses AS l
  ON l.platform = a.platform AND l.cluster_id = a.cluster_id
  AND l.application_id = a.application_id AND l.attempt_id = a.attempt_id
WHERE l.num_lost >= $min_lost
