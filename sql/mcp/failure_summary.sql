-- id: failure_summary
-- title: Failures of the application
-- description: What failed in one application.
-- parameter: platform string = - [text] platform of the application
-- parameter: cluster_id string = - [text] its cluster
-- parameter: application_id string = - [text] its id
-- parameter: attempt_id string = - [text] its attempt
-- parameter: app_date string = 1970-01-01 [date] UTC date of its start
-- verdict: {application_name} ({application_id})[ failed: {failure_reason};] had {num_failed_tasks:failed task attempt|failed task attempts} of {num_tasks:int}[, {num_failed_jobs:failed job|failed jobs}][, {num_failed_sql:failed SQL execution|failed SQL executions}][, {num_lost_executors:lost executor|lost executors}].
SELECT
  a.application_id, a.application_name, a.num_failed_tasks, a.num_tasks, a.num_killed_tasks, a.failure_reason,
  NULLIF((SELECT COUNT(*) FROM jobs WHERE platform = $platform AND cluster_id = $cluster_id
      AND application_id = $application_id AND attempt_id = $attempt_id
      AND app_date = CAST($app_date AS DATE) AND status = 'FAILED'), 0) AS num_failed_jobs,
  NULLIF((SELECT COUNT(*) FROM sql WHERE platform = $platform AND cluster_id = $cluster_id
      AND application_id = $application_id AND attempt_id = $attempt_id
      AND app_date = CAST($app_date AS DATE) AND status = 'FAILED'), 0) AS num_failed_sql,
  NULLIF((SELECT COUNT(*) FROM executors WHERE platform = $platform AND cluster_id = $cluster_id
      AND application_id = $application_id AND attempt_id = $attempt_id
      AND app_date = CAST($app_date AS DATE)
    AND loss_kind IN ('oom', 'killed', 'lost', 'spot', 'decommissioned')), 0) AS num_lost_executors
FROM applications AS a
WHERE a.platform = $platform AND a.cluster_id = $cluster_id
  AND a.application_id = $application_id AND a.attempt_id = $attempt_id
  AND a.app_date = CAST($app_date AS DATE)
