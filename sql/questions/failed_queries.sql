-- id: failed_queries
-- title: Failed queries
-- question: Which SQL queries failed, and why?
SELECT
  application_id, sql_id, submission_time, description, error_message
FROM sql
WHERE status = 'FAILED'
ORDER BY submission_time DESC, application_id, sql_id
LIMIT 20
