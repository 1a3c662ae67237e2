-- id: not_judged
-- title: Not judged
-- description: Applications that a rule or table could not judge; every run tries them again.
SELECT step, COUNT(*) AS applications, MIN(application_id) AS example, MIN(error) AS error
FROM analysis_failures
GROUP BY step
ORDER BY step
