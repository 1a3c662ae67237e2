-- id: failure_causes
-- title: What jobs and tasks failed of, in a word and in a line
-- description: One row per job that failed (kind job, its id) and per stage attempt with tasks that failed of their own accord (kind stage, such as
--   4.0): not with an executor or its shuffle data. root_cause is the first line of
--   the exception of the task, without what Spark puts before it, of one that only wraps another the first line of
--   its cause; of a Python exception the line that names it.
--   Where a task of a job ran out of memory that is taken, even if the last attempt was lost with its executor; of the tasks of a stage one that names a cause before one that only says
--   that a Python worker died. cause is its kind: heap, driver_heap, direct_memory (buffers outside of the heap), threads (none could be made), gpu_memory, container (killed
--   for its memory), python_memory (Python or native code got no memory), python_crash (a Python worker died), python_version (driver and workers differ), result_size,
--   message_size (of a task or its closure), kryo_buffer, broadcast, killed (the application, by its cluster manager or through it), launch (its executors did not come up), no_master (no master answered),
--   network (fetches of shuffle data that did not connect), shuffle_files (shuffle data that was not there), disk, access
--   (permission denied), local_path (a folder on a local disk could not be made), credentials (none, or expired), region (of a bucket), missing (no such file or table), blocks (of HDFS), corrupt (a file is not what it should be), conflict (another
--   writer changed the table), dependency (a module or class is not there), throttled (by the store), rate_limit (a service refuses so many calls), service (what tasks call does not answer),
--   timeout (Spark's own processes do not answer), slots (a barrier stage has more tasks than cores), serialization, excluded (no executor is left that may run the task), lost (an executor), or
--   program: an error of the code or the data.
-- reads: jobs, tasks
WITH stage_errors AS (
  SELECT
    platform, cluster_id, application_id, attempt_id, stage_id, stage_attempt_id,
    MIN(CASE
      WHEN error_message LIKE '%OutOfMemoryError%' OR error_message LIKE CONCAT('%', CHR(10), 'MemoryError%')
        OR error_message LIKE '%ArrayMemoryError%' OR error_message LIKE '%std::bad_alloc%' OR error_message LIKE '%Cannot allocate memory%'
        THEN SUBSTR(error_message, 1, 20000)
    END) AS memory_error,
    COALESCE(
      MAX(CASE WHEN is_own AND error NOT LIKE '%exited unexpectedly%' AND error NOT LIKE '%Connection reset%' THEN error END),
      MAX(CASE WHEN is_own THEN error END)
    ) AS own_error
  FROM (
    SELECT
      platform, cluster_id, application_id, attempt_id, stage_id, stage_attempt_id, error_message, COALESCE(error_message, end_reason) AS error,
      COALESCE(end_reason NOT IN ('ExecutorLostFailure', 'FetchFailed', 'Resubmitted'), TRUE) AS is_own
    FROM tasks
    WHERE status = 'FAILED'
  ) AS t
  GROUP BY platform, cluster_id, application_id, attempt_id, stage_id, stage_attempt_id
),
failed AS (
  SELECT
    platform, cluster_id, application_id, attempt_id, job_id, stage_ids,
    -- The text after the last thing that Spark says of its own accord.
    REGEXP_REPLACE(
      failure_reason,
      '^Job aborted due to stage failure: (.*?most recent failure: Lost task [^:]*[)]: )?', ''
    ) AS reason
  FROM jobs
  WHERE status = 'FAILED' AND failure_reason IS NOT NULL
),
out_of_memory AS (
  SELECT f.platform, f.cluster_id, f.application_id, f.attempt_id, f.job_id, MIN(e.memory_error) AS memory_error
  FROM failed AS f
  INNER JOIN stage_errors AS e
    ON e.platform = f.platform AND e.cluster_id = f.cluster_id
    AND e.application_id = f.application_id AND e.attempt_id = f.attempt_id
  WHERE e.memory_error IS NOT NULL AND ARRAY_CONTAINS(f.stage_ids, e.stage_id)
  GROUP BY f.platform, f.cluster_id, f.application_id, f.attempt_id, f.job_id
),
errors AS (
  SELECT
    f.platform, f.cluster_id, f.application_id, f.attempt_id, 'job' AS kind, CAST(f.job_id AS STRING) AS subject_id,
    COALESCE(m.memory_error, f.reason) AS reason
  FROM failed AS f
  LEFT JOIN out_of_memory AS m
    ON m.platform = f.platform AND m.cluster_id = f.cluster_id
    AND m.application_id = f.application_id AND m.attempt_id = f.attempt_id AND m.job_id = f.job_id
  UNION ALL
  SELECT
    platform, cluster_id, application_id, attempt_id, 'stage' AS kind,
    CONCAT(CAST(stage_id AS STRING), '.', CAST(stage_attempt_id AS STRING)) AS subject_id, own_error AS reason
  FROM stage_errors
  WHERE own_error IS NOT NULL
)
SELECT
  platform, cluster_id, application_id, attempt_id, kind, subject_id,
  TRIM(REGEXP_REPLACE(REGEXP_REPLACE(CASE
    WHEN reason LIKE '%Caused by: java.lang.OutOfMemoryError%'
      THEN CONCAT('java.lang.OutOfMemoryError', SPLIT_PART(SPLIT_PART(reason, 'Caused by: java.lang.OutOfMemoryError', 2), CHR(10), 1))
    WHEN reason LIKE '%Traceback (most recent call last)%' THEN REGEXP_REPLACE(
      reason,
      CONCAT('^(?s:.*?)Traceback [(]most recent call last[)]:(?s:.*?)', CHR(10), '([A-Za-z_][^', CHR(10), ']*)(?s:.*)$'), '$1'
    )
    -- These say only that something else went wrong.
    WHEN reason LIKE '%Caused by: %' AND (
      SPLIT_PART(reason, CHR(10), 1) LIKE '%Exception thrown in awaitResult%' OR SPLIT_PART(reason, CHR(10), 1) LIKE '%Job aborted%'
      OR SPLIT_PART(reason, CHR(10), 1) LIKE '%Task failed while writing rows%' OR SPLIT_PART(reason, CHR(10), 1) LIKE '%TASK_WRITE_FAILED%'
      OR SPLIT_PART(reason, CHR(10), 1) LIKE '%ExecutionException%'
    ) THEN SPLIT_PART(SPLIT_PART(reason, 'Caused by: ', 2), CHR(10), 1)
    ELSE SPLIT_PART(reason, CHR(10), 1)
  END, 'FileStatus[{]path=([^;]*);.*$', '$1'), '[. ]*The current attempt: .*$', '')) AS root_cause,
  CASE
    WHEN reason LIKE '%Not enough memory to build and broadcast%' OR reason LIKE '%Could not execute broadcast%'
      OR reason LIKE '%Cannot broadcast the table%' OR reason LIKE '%spark.sql.broadcastTimeout%'
      OR (reason LIKE '%Futures timed out%' AND reason LIKE '%BroadcastExchangeExec%') THEN 'broadcast'
    WHEN reason LIKE '%spark.driver.maxResultSize%' THEN 'result_size'
    WHEN reason LIKE '%spark.rpc.message.maxSize%' OR reason LIKE '%spark.akka.frameSize%' THEN 'message_size'
    WHEN reason LIKE '%spark.kryoserializer.buffer.max%' THEN 'kryo_buffer'
    WHEN reason LIKE '%PYTHON_VERSION_MISMATCH%' OR reason LIKE '%Python in worker has different version%' THEN 'python_version'
    WHEN reason LIKE '%Master removed our application: FAILED%' OR reason LIKE '%Max number of executor failures%' THEN 'launch'
    WHEN reason LIKE '%Master removed our application%' OR reason LIKE '%was killed by user%' OR reason LIKE '%KILLED by user%'
      OR reason LIKE '%Yarn application has already ended%' THEN 'killed'
    WHEN reason LIKE '%All masters are unresponsive%' THEN 'no_master'
    WHEN reason LIKE '%code 137%' OR reason LIKE '%code was 137%' OR reason LIKE '%code is 137%' OR reason LIKE '%status: 137%'
      OR reason LIKE '%exceeding%memory limits%' OR reason LIKE '%beyond%memory limits%' OR reason LIKE '%OOMKilled%' THEN 'container'
    WHEN reason LIKE '%GpuSplitAndRetryOOM%' OR reason LIKE '%GpuRetryOOM%' OR reason LIKE '%CUDA out of memory%' THEN 'gpu_memory'
    WHEN reason LIKE '%OutOfMemoryError: unable to create%native thread%' THEN 'threads'
    WHEN reason LIKE '%OutOfMemoryError: Direct buffer memory%' OR reason LIKE '%OutOfDirectMemoryError%' THEN 'direct_memory'
    WHEN reason LIKE 'Task serialization failed%OutOfMemoryError%' OR reason LIKE 'Job aborted due to stage failure: Task serialization failed%OutOfMemoryError%'
      THEN 'driver_heap'
    WHEN reason LIKE '%OutOfMemoryError%' THEN 'heap'
    WHEN reason LIKE CONCAT('%', CHR(10), 'MemoryError%') OR reason LIKE '%ArrayMemoryError%' OR reason LIKE '%std::bad_alloc%'
      OR reason LIKE '%Cannot allocate memory%' THEN 'python_memory'
    WHEN reason LIKE '%ModuleNotFoundError%' OR reason LIKE '%ClassNotFoundException%' OR reason LIKE '%NoClassDefFoundError%' THEN 'dependency'
    WHEN reason LIKE '%Python worker exited unexpectedly%' OR reason LIKE '%Python worker failed to connect back%'
      OR (reason LIKE '%SocketException: Connection reset%' AND reason LIKE '%.api.python.%') THEN 'python_crash'
    WHEN LOWER(reason) LIKE '%no space left on device%' OR LOWER(reason) LIKE '%disk quota exceeded%' THEN 'disk'
    WHEN reason LIKE '%FetchFailed%' OR reason LIKE '%issing an output location%' THEN CASE
      WHEN reason LIKE '%Failed to connect to%' OR reason LIKE '%Connecting to %' OR reason LIKE '%Connection refused%'
        OR reason LIKE '%Connection reset%' OR reason LIKE '%Connection from % closed%' OR reason LIKE '%Connection timed out%'
        OR reason LIKE '%No route to host%' OR reason LIKE '%UnknownHostException%' THEN 'network'
      ELSE 'shuffle_files'
    END
    WHEN reason LIKE '%Slow Down%' OR reason LIKE '%SlowDown%' OR reason LIKE '%Status Code: 503%' OR reason LIKE '%ServerBusy%'
      OR reason LIKE '%over the account limit%' THEN 'throttled'
    WHEN LOWER(reason) LIKE '%too many requests%' OR LOWER(reason) LIKE '%toomanyrequests%' OR LOWER(reason) LIKE '%429 client error%' OR LOWER(reason) LIKE '%throttlingexception%'
      OR LOWER(reason) LIKE '%throughputexceeded%' OR LOWER(reason) LIKE '%rate exceeded%' OR LOWER(reason) LIKE '%rate limit exceeded%' OR LOWER(reason) LIKE '%ratelimitexceeded%' OR LOWER(reason) LIKE '%ratelimiterror%'
      OR LOWER(reason) LIKE '%quota exceeded%' OR LOWER(reason) LIKE '%quota exhausted%' THEN 'rate_limit'
    WHEN reason LIKE '%ExpiredToken%' OR reason LIKE '%token included in the request is expired%' OR reason LIKE '%InvalidAccessKeyId%'
      OR reason LIKE '%SignatureDoesNotMatch%' OR reason LIKE '%NoAuthWithAWSException%' OR reason LIKE '%Unable to load%credentials%'
      OR reason LIKE '%No AWS Credentials provided%' OR reason LIKE '%be found in cache%token%' OR reason LIKE '%token%be found in cache%'
      OR reason LIKE '%GSS initiate failed%' THEN 'credentials'
    WHEN reason LIKE '%Unable to find a region%' OR reason LIKE '%Unable to load region%' OR reason LIKE '%PermanentRedirect%'
      OR reason LIKE '%AuthorizationHeaderMalformed%' THEN 'region'
    WHEN reason LIKE '%AccessDenied%' OR reason LIKE '%Access Denied%' OR reason LIKE '%AccessControlException%'
      OR reason LIKE '%Permission denied%' OR reason LIKE '%Status Code: 403%' THEN 'access'
    WHEN reason LIKE '%Mkdirs failed to create file:%' OR reason LIKE '%Mkdirs failed to create %cwd=file:%' THEN 'local_path'
    WHEN reason LIKE '%FileNotFoundException%' OR reason LIKE '%NoSuchKey%' OR reason LIKE '%Path does not exist%' OR reason LIKE '%PATH_NOT_FOUND%'
      OR reason LIKE '%FILE_NOT_EXIST%' OR reason LIKE '%TABLE_OR_VIEW_NOT_FOUND%' THEN 'missing'
    WHEN reason LIKE '%BlockMissingException%' OR reason LIKE '%Could not obtain block%' THEN 'blocks'
    WHEN reason LIKE '%is not a Parquet file%' OR reason LIKE '%Could not read footer%' OR reason LIKE '%Malformed ORC file%'
      OR reason LIKE '%incorrect header check%' OR reason LIKE '%Not a valid Avro data file%' THEN 'corrupt'
    WHEN reason LIKE '%ConcurrentAppendException%' OR reason LIKE '%ConcurrentDeleteReadException%' OR reason LIKE '%ConcurrentDeleteDeleteException%'
      OR reason LIKE '%ConcurrentWriteException%' OR reason LIKE '%ConcurrentTransactionException%' OR reason LIKE '%MetadataChangedException%'
      OR reason LIKE '%DELTA_CONCURRENT_%' OR reason LIKE '%org.apache.iceberg.exceptions.CommitFailedException%' THEN 'conflict'
    WHEN reason LIKE '%ExecutorLostFailure%' THEN 'lost'
    WHEN reason LIKE '%more slots than the total number of slots%' THEN 'slots'
    WHEN reason LIKE '%RpcTimeoutException%' OR reason LIKE '%Futures timed out after%' OR reason LIKE '%Cannot receive any reply%' THEN 'timeout'
    WHEN reason LIKE '%java.net.ConnectException%' OR reason LIKE '%ConnectionRefusedError%' OR reason LIKE '%java.net.SocketTimeoutException%'
      OR reason LIKE '%UnknownHostException%' OR reason LIKE '%NoRouteToHostException%' OR reason LIKE '%ConnectTimeoutException%'
      OR reason LIKE '%HttpHostConnectException%' OR reason LIKE '%CommunicationsException%' OR reason LIKE '%requests.exceptions.ConnectionError%'
      OR reason LIKE '%NoHostAvailableException%' OR reason LIKE '%requests.exceptions.ReadTimeout%'
      OR reason LIKE '%HTTP Error 50_: %' OR reason LIKE '%50_ Server Error: %' THEN 'service'
    WHEN reason LIKE '%NotSerializableException%' OR reason LIKE '%Task not serializable%' THEN 'serialization'
    WHEN reason LIKE '%cannot run anywhere due to%' THEN 'excluded'
    ELSE 'program'
  END AS cause
FROM errors
