-- id: loss_places
-- title: On which hosts executors were lost, by cause
-- description: One row per cause for which executors were lost and host on which they were (NULL where it is not known): num_lost there, num_all for the cause on all hosts, and place, 1 for
--   the host on which most went for the cause.
-- reads: executor_losses
SELECT
  c.platform, c.cluster_id, c.application_id, c.attempt_id, c.cause, c.host, c.num_lost,
  SUM(num_lost) OVER (PARTITION BY platform, cluster_id, application_id, attempt_id, cause) AS num_all,
  ROW_NUMBER() OVER (PARTITION BY platform, cluster_id, application_id, attempt_id, cause ORDER BY num_lost DESC, host) AS place
FROM (
  SELECT platform, cluster_id, application_id, attempt_id, cause, host, COUNT(*) AS num_lost
  FROM executor_losses
  GROUP BY platform, cluster_id, application_id, attempt_id, cause, host
) AS c
