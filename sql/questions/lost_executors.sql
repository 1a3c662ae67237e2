-- id: lost_executors
-- title: Lost executors
-- question: Which applications lost executors, and how?
SELECT
  application_id, loss_kind, COUNT(*) AS executors, MIN(remove_time) AS first_lost,
  MAX(remove_reason) AS example
FROM executors
WHERE loss_kind IN ('spot', 'oom', 'killed', 'decommissioned', 'lost')
GROUP BY application_id, loss_kind
ORDER BY executors DESC, application_id, loss_kind
LIMIT 20
