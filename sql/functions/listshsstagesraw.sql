-- id: listshsstagesraw
-- title: Stages of an application as JSON
-- description: Returns all stage attempts of the newest application of a cluster as a JSON array, as the Spark
--   REST API gives them.
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
  ARRAY_SORT(COLLECT_LIST(NAMED_STRUCT('place', s.stage_id * 1000 + s.stage_attempt_id, 'row', NAMED_STRUCT(
    'status', s.status,
    'stageId', s.stage_id,
    'attemptId', s.stage_attempt_id,
    'name', s.stage_name,
    'description', s.description,
    'numTasks', s.num_tasks,
    'numCompleteTasks', s.num_complete_tasks,
    'numFailedTasks', s.num_failed_tasks,
    'numKilledTasks', s.num_killed_tasks,
    'submissionTime', DATE_FORMAT(s.submission_time, 'yyyy-MM-dd HH:mm:ss.SSS'),
    'completionTime', DATE_FORMAT(s.completion_time, 'yyyy-MM-dd HH:mm:ss.SSS'),
    'failureReason', s.failure_reason,
    'executorRunTime', s.executor_run_time,
    'executorCpuTime', s.executor_cpu_time,
    'jvmGcTime', s.jvm_gc_time,
    'memoryBytesSpilled', s.memory_bytes_spilled,
    'diskBytesSpilled', s.disk_bytes_spilled,
    'peakExecutionMemory', s.peak_execution_memory,
    'inputBytes', s.input_bytes,
    'inputRecords', s.input_records,
    'outputBytes', s.output_bytes,
    'outputRecords', s.output_records,
    'shuffleReadBytes', s.shuffle_read_bytes,
    'shuffleReadRecords', s.shuffle_read_records,
    'shuffleWriteBytes', s.shuffle_write_bytes,
    'shuffleWriteRecords', s.shuffle_write_records,
    'shuffleFetchWaitTime', s.shuffle_fetch_wait_time,
    'sqlId', s.sql_id
  )))),
  sorted -> sorted.row
)) AS json
FROM stages AS s
INNER JOIN app
  ON app.platform = s.platform AND app.cluster_id = s.cluster_id
  AND app.application_id = s.application_id AND app.attempt_id = s.attempt_id
