-- id: getsloweststages
-- title: Slowest stages of an application
-- description: Lists the stage attempts of the newest application of a cluster, the slowest first; runtimesec
--   is the wall time in seconds.
-- parameter: clusterid string = - [cluster id] id or name of the cluster, whose newest application is taken; or
--   an application id
-- returns: TABLE(stageId BIGINT, attemptId BIGINT, name STRING, description STRING, submissionTime TIMESTAMP,
--   completionTime TIMESTAMP, status STRING, numTasks BIGINT, numCompletedTasks BIGINT, numFailedTasks BIGINT,
--   numKilledTasks BIGINT, memoryBytesSpilled BIGINT, diskBytesSpilled BIGINT, inputBytes BIGINT,
--   inputRecords BIGINT, outputBytes BIGINT, outputRecords BIGINT, shuffleReadBytes BIGINT,
--   shuffleReadRecords BIGINT, shuffleWriteBytes BIGINT, shuffleWriteRecords BIGINT, runtimesec DOUBLE)
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
SELECT
  s.stage_id AS stageId, s.stage_attempt_id AS attemptId, s.stage_name AS name, s.description,
  s.submission_time AS submissionTime, s.completion_time AS completionTime, s.status, s.num_tasks AS numTasks,
  s.num_complete_tasks AS numCompletedTasks, s.num_failed_tasks AS numFailedTasks,
  s.num_killed_tasks AS numKilledTasks, s.memory_bytes_spilled AS memoryBytesSpilled,
  s.disk_bytes_spilled AS diskBytesSpilled, s.input_bytes AS inputBytes, s.input_records AS inputRecords,
  s.output_bytes AS outputBytes, s.output_records AS outputRecords, s.shuffle_read_bytes AS shuffleReadBytes,
  s.shuffle_read_records AS shuffleReadRecords, s.shuffle_write_bytes AS shuffleWriteBytes,
  s.shuffle_write_records AS shuffleWriteRecords, s.duration_ms / CAST(1000 AS DOUBLE) AS runtimesec
FROM stages AS s
INNER JOIN app
  ON app.platform = s.platform AND app.cluster_id = s.cluster_id
  AND app.application_id = s.application_id AND app.attempt_id = s.attempt_id
ORDER BY runtimesec DESC, stageId, attemptId
