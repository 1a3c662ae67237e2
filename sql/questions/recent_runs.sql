-- id: recent_runs
-- title: Recent runs of sparklake
-- question: How did the last nightly runs go?
SELECT
  started_at, exit_code, discovered, loaded, partial, quarantined, failed, rows, error
FROM runs
ORDER BY started_at DESC
LIMIT 20
