-- id: known_jobs
-- title: Recurring jobs of the lake
-- description: Keys to suggest where a job is not known: those of the newest runs.
-- parameter: limit bigint = 20000 [count] most keys
SELECT job_key, MAX(start_time) AS newest_start
FROM applications
WHERE job_key IS NOT NULL
GROUP BY job_key
ORDER BY newest_start DESC NULLS LAST, job_key
LIMIT $limit
