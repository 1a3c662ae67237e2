-- id: folder_reads
-- title: Folders of one table are opened one by one
-- category: plans
-- severity: low
-- version: 4
-- description: Fires where an application opened many folders, or single files, that lie beside each other in calls of their own (a loop over days or files whose results
--   are united). Each call lists a folder and runs a job to find its schema before the first query (of CSV files a query for the header too), and the plan gets a scan for
--   each, which costs planning and a task for each. A call counts from the start of its job to that of the next one, at most two seconds or its own duration; where another job
--   follows, only its own duration (view opening_jobs). driver_gaps and schema_inference do not tell this time again.
-- evidence: {num_folders:int} {things} of {parent} were read each by itself, and {num_jobs:job|jobs}{outside} looked for
--   {sought} ({job_name}), theirs among them. Those jobs and the time between them took {open_ms:s} of {app_duration_ms:s}[, {between_ms:s} of it in the driver].[ {num_unions:query|queries} with up to {max_scans:int} such scans
--   in one plan took {plan_ms:s} more up to the first job.]
-- advice: is_file | - | - | Read all of them in one call and with a schema: spark.read.schema(...){method}("{parent}/*"), or a list of the paths. input_file_name() tells which file a row comes from. No job has to look into a file then, and the plan has
--   one scan, whose tasks take several small files each, in place of a union of {num_folders:int}.
-- advice: is_partitioned | - | - | Read {parent} itself: the values in the names of its folders become columns, and a filter on them reads only the
--   wanted folders. For some folders give the reader all paths in one call, with basePath.
-- recommendation: Give the reader all paths in one call, or the folder above them, and a schema (schema(...)) if they differ.
SELECT DISTINCT
  platform, cluster_id, application_id, attempt_id, parent AS subject_id,
  CASE WHEN is_file THEN 'Files of one folder are opened one by one' END AS title,
  CAST(NULL AS STRING) AS severity, 'medium' AS confidence,
  open_ms + COALESCE(plan_ms, 0) AS recoverable_ms,
  num_folders, is_file, is_partitioned, -- A Parquet table can be a folder with such a name.
  CASE WHEN is_file AND (job_name LIKE 'parquet at %' OR job_name LIKE 'orc at %') THEN 'paths' WHEN is_file THEN 'files' ELSE 'folders' END AS things, CASE WHEN is_file THEN '' ELSE ' outside of any query' END AS outside,
  CASE WHEN is_file AND job_name LIKE 'csv at %' THEN 'headers and schemas' ELSE 'schemas' END AS sought,
  CASE WHEN job_name LIKE 'load at %' THEN '.load' ELSE CONCAT('.', SPLIT_PART(job_name, ' ', 1)) END AS method,
  SUBSTR(parent, 1, 200) AS parent, num_jobs, job_name, open_ms,
  CASE WHEN open_ms - jobs_ms >= 50 THEN open_ms - jobs_ms END AS between_ms, num_unions, max_scans, CASE WHEN num_unions > 0 THEN plan_ms END AS plan_ms, app_duration_ms
FROM opening_jobs
