-- id: adaptive_changes
-- title: What adaptive execution changed
-- question: What did adaptive query execution change in our plans?
SELECT change, COUNT(*) AS changes, COUNT(DISTINCT application_id) AS applications, MAX(description) AS example
FROM sql_plan_changes
GROUP BY change
ORDER BY changes DESC, change
