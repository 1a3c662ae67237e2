-- id: applications_found
-- title: Applications
-- description: Applications by text, team, user, time and state.
-- parameter: text string = * [text] part of a name, id, job key, cluster or user; * for all
-- parameter: team string = * [text] team; * for all
-- parameter: since string = 1970-01-01 [date] first UTC date of starts
-- parameter: until string = 9999-12-31 [date] last UTC date of starts
-- parameter: state string = * [text] failed, unfinished, completed or inefficient; * for all
-- parameter: order string = newest [text] newest, slowest, most_wasted, most_expensive
-- parameter: limit bigint = 10 [count] most rows
-- parameter: offset bigint = 0 [count] rows to pass over
-- verdict: {total_rows:application|applications} found[, {total_failed:int} of them failed]; the first is {application_name} ({application_id}), {state}[ after {duration_ms:s}][, {wasted_ratio:pct} of its core time wasted].
-- empty: No application matches.
WITH known AS (
  SELECT
    a.application_id, a.attempt_id, a.application_name, a.job_key, a.platform, a.cluster_id, a.cluster_name,
    a.spark_user, a.team, a.start_time,
    COALESCE(NULLIF(a.duration_ms, 0), a.observed_duration_ms) AS duration_ms,
    CASE
      WHEN a.failure_reason IS NOT NULL THEN 'failed' WHEN a.completed THEN 'completed' ELSE 'unfinished'
    END AS state,
    a.core_time_ms, w.wasted_core_ms, w.wasted_ratio, w.largest_waste, w.cost_usd, w.cost_basis, w.wasted_usd,
    i.top_rule, COALESCE(i.is_inefficient, FALSE) AS is_inefficient, a.num_failed_tasks, a.num_tasks,
    a.spark_version, a.num_executors_max, a.cores_max, a.input_bytes, a.shuffle_read_bytes,
    a.disk_bytes_spilled, a.failure_reason, a.source_uri
  FROM applications AS a
  LEFT JOIN application_waste AS w
    ON w.platform = a.platform AND w.cluster_id = a.cluster_id
    AND w.application_id = a.application_id AND w.attempt_id = a.attempt_id
  LEFT JOIN ineffjobagg AS i
    ON i.platform = a.platform AND i.cluster_id = a.cluster_id
    AND i.application_id = a.application_id AND i.attempt_id = a.attempt_id
  WHERE a.app_date >= CAST($since AS DATE) AND a.app_date <= CAST($until AS DATE)
    AND ($team = '*' OR a.team = $team)
    AND ($text = '*' OR STRPOS(
      LOWER(CONCAT_WS(' ', a.application_id, a.application_name, a.job_key, a.cluster_id, a.cluster_name, a.spark_user)),
      LOWER(CAST($text AS STRING))
    ) > 0)
)
SELECT
  *, COUNT(*) OVER () AS total_rows,
  NULLIF(SUM(CASE WHEN state = 'failed' THEN 1 ELSE 0 END) OVER (), 0) AS total_failed
FROM known
WHERE $state = '*' OR state = $state OR ($state = 'inefficient' AND is_inefficient)
ORDER BY
  CASE
    WHEN $order = 'slowest' THEN CAST(duration_ms AS DOUBLE)
    WHEN $order = 'most_wasted' THEN CAST(wasted_core_ms AS DOUBLE)
    WHEN $order = 'most_expensive' THEN cost_usd
    ELSE CAST(UNIX_MILLIS(start_time) AS DOUBLE)
  END DESC,
  application_id, attempt_id DESC
LIMIT $limit OFFSET $offset
