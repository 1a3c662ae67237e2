-- id: user_code_in_queries
-- title: Queries that spend time in user code
-- question: Which queries spend the most time in Python or other user-defined functions?
SELECT
  application_name, application_id, sql_id, description, num_udf_operators, udf_time_ms / 1e3 AS udf_task_seconds,
  duration_ms / 1e3 AS seconds
FROM query_overview
WHERE num_udf_operators > 0
ORDER BY udf_time_ms DESC, application_id, attempt_id, sql_id
LIMIT 20
