-- id: runs
-- title: Runs of sparklake
-- description: The newest runs that loaded the lake, the newest first.
-- parameter: limit bigint = 10 [count] most runs
SELECT
  run_id, status, started_at, UNIX_MILLIS(ended_at) - UNIX_MILLIS(started_at) AS duration_ms, discovered, loaded, partial, skipped,
  quarantined, failed, unchanged, version, LEFT(error, 300) AS error
FROM runs
ORDER BY started_at DESC, run_id
LIMIT $limit
