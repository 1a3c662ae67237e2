-- id: last_runs
-- title: Last runs
-- description: The newest runs, and how they ended.
-- parameter: limit bigint = 10 [count] most runs to show
SELECT
  run_id, started_at, DATE_PART('EPOCH', ended_at - started_at) AS seconds,
  status, exit_code, discovered, loaded, partial, unchanged, skipped, quarantined, failed, rows, bytes,
  error
FROM runs
ORDER BY started_at DESC
LIMIT $limit
