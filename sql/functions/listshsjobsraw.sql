-- id: listshsjobsraw
-- title: Jobs of an application as JSON
-- description: Returns all Spark jobs of the newest application of a cluster as a JSON array, as the Spark REST
--   API gives them.
-- parameter: clusterid string = - [cluster id] id or name of the cluster, whose newest application is taken; or
--   an application id
-- returns: STRING
WITH app AS (
  SELECT platform, cluster_id, application_id, attempt_id
  FROM (
    SELECT
      a.*,
      ROW_NUMBER() OVER (
        ORDER BY CASE WHEN a.application_id = $clusterid THEN 0 ELSE 1 END, a.start_time DESC, a.attempt_id DESC
      ) AS place
    FROM applications AS a
    WHERE a.cluster_id = $clusterid OR a.cluster_name = $clusterid OR a.application_id = $clusterid
  ) AS ranked
  WHERE place = 1
)
SELECT TO_JSON(TRANSFORM(
  ARRAY_SORT(COLLECT_LIST(NAMED_STRUCT('place', j.job_id, 'row', NAMED_STRUCT(
    'jobId', j.job_id,
    'name', j.job_name,
    'description', j.description,
    'submissionTime', DATE_FORMAT(j.submission_time, 'yyyy-MM-dd HH:mm:ss.SSS'),
    'completionTime', DATE_FORMAT(j.completion_time, 'yyyy-MM-dd HH:mm:ss.SSS'),
    'stageIds', j.stage_ids,
    'status', j.status,
    'numTasks', j.num_tasks,
    'numActiveTasks', j.num_active_tasks,
    'numCompletedTasks', j.num_completed_tasks,
    'numSkippedTasks', j.num_skipped_tasks,
    'numFailedTasks', j.num_failed_tasks,
    'numKilledTasks', j.num_killed_tasks,
    'numCompletedStages', j.num_completed_stages,
    'numSkippedStages', j.num_skipped_stages,
    'numFailedStages', j.num_failed_stages,
    'sqlId', j.sql_id,
    'failureReason', j.failure_reason
  )))),
  sorted -> sorted.row
)) AS json
FROM jobs AS j
INNER JOIN app
  ON app.platform = j.platform AND app.cluster_id = j.cluster_id
  AND app.application_id = j.application_id AND app.attempt_id = j.attempt_id
