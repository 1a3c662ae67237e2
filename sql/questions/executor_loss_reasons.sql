-- id: executor_loss_reasons
-- title: Why executors went
-- question: Why do executors go away, and how often?
SELECT loss_kind, COUNT(*) AS executors, COUNT(DISTINCT application_id) AS applications, MAX(remove_reason) AS example
FROM executor_overview
WHERE NOT is_driver AND loss_kind IS NOT NULL
GROUP BY loss_kind
ORDER BY executors DESC, loss_kind
