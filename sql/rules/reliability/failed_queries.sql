-- id: failed_queries
-- title: Queries fail
-- category: reliability
-- severity: medium
-- version: 6
-- description: Fires for every query that ended with an error of its own, not that of a job (failed_jobs): a broadcast that took too
--   long, a plan that could not be made, a write that could not be committed. Its jobs were canceled, or all succeeded. Lost is the task
--   time of all its stages. Whether the program expects and catches the failure is not known: where a later query ended well it is
--   of low severity, and a note only where it was short. Logs before Spark 3.4 hold no such error.
-- subject: sql
-- group_by: kind
-- parameter: min_survived_ms bigint = 10000 [ms] duration of a query after which others ended well, at least, for it to be more than a note
-- evidence: Query {sql_id:int} ({query_description:query}) failed[ after {duration_ms:s}]: {root_cause}[. Its stages took {stages_ms:s} of task
--   time]{after}.
-- advice: cause = 'broadcast_timeout' AND broadcast_timeout_s < 300 | spark.sql.broadcastTimeout | '300' | The time that was set for broadcasts is
--   shorter than the default: set it back to the default. If the side is not small, do not broadcast it.
-- advice: cause = 'broadcast_timeout' | - | - | The side to broadcast was not computed in time: write it to a table first, or do not broadcast it (take
--   back the hint, lower spark.sql.autoBroadcastJoinThreshold). A longer spark.sql.broadcastTimeout helps where it is small and slow to compute.
-- advice: cause = 'broadcast' | - | - | A table was too large to broadcast: remove the broadcast hint, or lower
--   spark.sql.autoBroadcastJoinThreshold.
-- advice: cause = 'result_size' | - | - | More came to the driver than spark.driver.maxResultSize lets through: write the result from
--   the executors, or collect less; raise the limit only as far as the rows fit into a half of the driver's memory.
-- advice: cause = 'heap' | - | - | The heap of the driver was full: collect and broadcast less, or give the driver more memory.
-- advice: cause = 'local_path' | - | - | The output path is on the local disk of the driver, and the folder could not be made there: give the user that runs Spark the right to write there, or, with executors on other machines, write to storage that
--   all of them reach under the same path. Retries cannot help.
-- advice: cause = 'access' | - | - | The job may not read or write there: give its role the permission. Retries cannot help.
-- advice: cause = 'missing' | - | - | What it reads is not there, or was replaced while it was read: write to a new path or use a table
--   format, and refresh the table. Retries cannot help.
-- advice: cause = 'conflict' | - | - | Another writer changed the table in the meantime: try again, and give writers partitions of their own or one after the other.
-- advice: cause = 'credentials' | - | - | It had no credentials, or they had expired: give it a role or a key that is good for as long as it runs.
-- advice: cause = 'timeout' | - | - | The driver or an executor did not answer in time: look for long garbage collection there, a driver that does too much, a cut network.
-- recommendation: The error comes from the query or what it writes to: fix it there; a retry meets it again.
WITH queries AS (
  SELECT
    platform, cluster_id, application_id, attempt_id, sql_id, COALESCE(root_execution_id, sql_id) AS root_id, status, description,
    submission_time, duration_ms, error_message
  FROM sql
),
-- Queries with a job that failed by itself are told with it.
told_with_job AS (
  SELECT DISTINCT q.platform, q.cluster_id, q.application_id, q.attempt_id, q.root_id
  FROM job_failures AS f
  INNER JOIN queries AS q
    ON q.platform = f.platform AND q.cluster_id = f.cluster_id
    AND q.application_id = f.application_id AND q.attempt_id = f.attempt_id AND q.sql_id = f.sql_id
),
failed AS (
  SELECT
    q.*,
    TRIM(SPLIT_PART(CASE
      WHEN q.error_message LIKE '%Traceback (most recent call last)%' THEN REGEXP_REPLACE(
        q.error_message,
        CONCAT('^(?s:.*?)Traceback [(]most recent call last[)]:(?s:.*?)', CHR(10), '([A-Za-z_][^', CHR(10), ']*)(?s:.*)$'), '$1'
      )
      -- Databricks and spark.sql.error.messageFormat write it as JSON: its message until the first escaped character, else its class.
      WHEN TRIM(q.error_message) LIKE '{%' THEN COALESCE(
        NULLIF(SPLIT_PART(SPLIT_PART(SPLIT_PART(q.error_message, CONCAT(CHR(34), 'message', CHR(34), ' : ', CHR(34)), 2), CHR(92), 1), CHR(34), 1), ''),
        NULLIF(SPLIT_PART(SPLIT_PART(q.error_message, CONCAT(CHR(34), 'errorClass', CHR(34), ' : ', CHR(34)), 2), CHR(34), 1), ''), q.error_message
      )
      ELSE q.error_message
    END, CHR(10), 1)) AS first_line
  FROM queries AS q
  LEFT JOIN told_with_job AS j
    ON j.platform = q.platform AND j.cluster_id = q.cluster_id
    AND j.application_id = q.application_id AND j.attempt_id = q.attempt_id AND j.root_id = q.root_id
  WHERE q.status = 'FAILED' AND q.root_id = q.sql_id AND j.platform IS NULL AND q.error_message IS NOT NULL
    AND LOWER(q.error_message) NOT LIKE '%cancelled%' AND LOWER(q.error_message) NOT LIKE '%canceled%'
    AND q.error_message NOT LIKE '%SparkContext was shut down%' AND q.error_message NOT LIKE '%stopped SparkContext%'
    AND q.error_message NOT LIKE '%InterruptedException%'
),
last_successes AS (
  SELECT platform, cluster_id, application_id, attempt_id, MAX(submission_time) AS last_success_time
  FROM queries
  WHERE status = 'COMPLETED'
  GROUP BY platform, cluster_id, application_id, attempt_id
),
worked AS (
  SELECT
    f.platform, f.cluster_id, f.application_id, f.attempt_id, f.sql_id,
    SUM(CAST(GREATEST(s.attempts_time, s.executor_run_time) AS DOUBLE)) AS task_time_ms
  FROM failed AS f
  INNER JOIN queries AS q
    ON q.platform = f.platform AND q.cluster_id = f.cluster_id
    AND q.application_id = f.application_id AND q.attempt_id = f.attempt_id AND q.root_id = f.sql_id
  INNER JOIN stage_facts AS s
    ON s.platform = q.platform AND s.cluster_id = q.cluster_id
    AND s.application_id = q.application_id AND s.attempt_id = q.attempt_id AND s.sql_id = q.sql_id
  GROUP BY f.platform, f.cluster_id, f.application_id, f.attempt_id, f.sql_id
),
set_values AS (
  SELECT
    platform, cluster_id, application_id, attempt_id,
    MAX(TRY_CAST(REGEXP_REPLACE(LOWER(TRIM(value)), 's$', '') AS BIGINT)) AS broadcast_timeout_s
  FROM spark_settings
  WHERE key = 'spark.sql.broadcastTimeout'
  GROUP BY platform, cluster_id, application_id, attempt_id
),
told AS (
  SELECT
    f.platform, f.cluster_id, f.application_id, f.attempt_id, CAST(f.sql_id AS STRING) AS subject_id,
    CASE
      WHEN w.task_time_ms >= 600000 THEN CAST(NULL AS STRING)
      WHEN COALESCE(l.last_success_time > f.submission_time, FALSE) AND f.duration_ms < $min_survived_ms THEN 'info'
      WHEN COALESCE(l.last_success_time > f.submission_time, FALSE) OR a.is_interactive THEN 'low'
      ELSE 'medium'
    END AS severity,
    'high' AS confidence,
    TRY_CAST(w.task_time_ms AS BIGINT) AS lost_core_ms, f.duration_ms AS recoverable_ms,
    CASE WHEN w.task_time_ms >= 1e3 THEN TRY_CAST(w.task_time_ms AS BIGINT) END AS stages_ms,
    f.sql_id, SUBSTR(f.description, 1, 200) AS query_description, f.duration_ms,
    CASE WHEN LENGTH(f.first_line) > 250 THEN CONCAT(SUBSTR(f.first_line, 1, 247), '…') ELSE REGEXP_REPLACE(f.first_line, '[. ]+$', '') END AS root_cause,
    CASE
      WHEN f.error_message LIKE '%Could not execute broadcast in%' THEN 'broadcast_timeout'
      WHEN f.error_message LIKE '%Not enough memory to build and broadcast%' OR f.error_message LIKE '%Cannot broadcast the table%' THEN 'broadcast'
      WHEN f.error_message LIKE '%spark.driver.maxResultSize%' THEN 'result_size'
      WHEN f.error_message LIKE '%OutOfMemoryError%' OR f.error_message LIKE '%Java heap space%' THEN 'heap'
      WHEN f.error_message LIKE '%ConcurrentAppendException%' OR f.error_message LIKE '%ConcurrentDeleteReadException%'
        OR f.error_message LIKE '%ConcurrentDeleteDeleteException%' OR f.error_message LIKE '%ConcurrentWriteException%'
        OR f.error_message LIKE '%ConcurrentTransactionException%' OR f.error_message LIKE '%MetadataChangedException%'
        OR f.error_message LIKE '%DELTA_CONCURRENT_%' OR f.error_message LIKE '%org.apache.iceberg.exceptions.CommitFailedException%' THEN 'conflict'
      WHEN f.error_message LIKE '%ExpiredToken%' OR f.error_message LIKE '%InvalidAccessKeyId%' OR f.error_message LIKE '%NoAuthWithAWSException%'
        OR f.error_message LIKE '%No AWS Credentials provided%' OR f.error_message LIKE '%GSS initiate failed%' THEN 'credentials'
      WHEN f.error_message LIKE '%AccessDenied%' OR f.error_message LIKE '%Access Denied%' OR f.error_message LIKE '%AccessControlException%'
        OR f.error_message LIKE '%Permission denied%' OR f.error_message LIKE '%Status Code: 403%' THEN 'access'
      WHEN f.error_message LIKE '%Mkdirs failed to create file:%' OR f.error_message LIKE '%Mkdirs failed to create %cwd=file:%' THEN 'local_path'
      WHEN f.error_message LIKE '%FileNotFoundException%' OR f.error_message LIKE '%NoSuchKey%' OR f.error_message LIKE '%Path does not exist%'
        OR f.error_message LIKE '%PATH_NOT_FOUND%' OR f.error_message LIKE '%FILE_NOT_EXIST%' OR f.error_message LIKE '%TABLE_OR_VIEW_NOT_FOUND%'
        THEN 'missing'
      WHEN f.error_message LIKE '%RpcTimeoutException%' OR f.error_message LIKE '%Cannot receive any reply%' THEN 'timeout'
      ELSE 'program'
    END AS cause,
    s.broadcast_timeout_s,
    COALESCE(l.last_success_time > f.submission_time, FALSE) AND f.duration_ms < $min_survived_ms AS is_note,
    CASE WHEN l.last_success_time > f.submission_time THEN '; another query ended well later' ELSE '' END AS after
  FROM failed AS f
  INNER JOIN application_facts AS a
    ON a.platform = f.platform AND a.cluster_id = f.cluster_id
    AND a.application_id = f.application_id AND a.attempt_id = f.attempt_id
  LEFT JOIN worked AS w
    ON w.platform = f.platform AND w.cluster_id = f.cluster_id
    AND w.application_id = f.application_id AND w.attempt_id = f.attempt_id AND w.sql_id = f.sql_id
  LEFT JOIN last_successes AS l
    ON l.platform = f.platform AND l.cluster_id = f.cluster_id
    AND l.application_id = f.application_id AND l.attempt_id = f.attempt_id
  LEFT JOIN set_values AS s
    ON s.platform = f.platform AND s.cluster_id = f.cluster_id
    AND s.application_id = f.application_id AND s.attempt_id = f.attempt_id
  WHERE f.duration_ms >= $min_survived_ms OR NOT a.is_interactive
)
SELECT
  t.*,
  -- A program that looks whether tables are there meets one such error for each.
  CASE WHEN is_note THEN cause ELSE root_cause END AS kind
FROM told AS t
