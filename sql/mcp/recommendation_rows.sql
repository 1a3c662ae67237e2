-- id: recommendation_rows
-- title: Recommendations
-- description: Settings that recurring jobs should change, the next step of each and the largest saving first.
-- parameter: job_key string = * [text] the recurring job; * for all
-- parameter: status string = * [text] proposed, applied, verified, regressed or another status; * for all
-- parameter: limit bigint = 10 [count] most rows
-- parameter: offset bigint = 0 [count] rows to pass over
-- verdict: {total_rows:recommendation|recommendations}; the first: set {config_key} of {job_key}[ from {current_value}] to {recommended_value} ({which} step, {status})[, expected to save {expected_saving_ratio:pct} of its core time].
-- empty: Nothing is recommended.
SELECT
  job_key, config_key, current_value, recommended_value, status, is_next, reason, expected_saving_ratio,
  expected_saving_ms, expected_saving_usd, confidence, risk, realized_saving_ratio, step, action, num_runs, rule_ids, finding_ids,
  expected_saving_core_ms, first_proposed_at, last_proposed_at, applied_at, runs_after, COUNT(*) OVER () AS total_rows,
  CASE WHEN is_next THEN 'next' ELSE 'a later' END AS which
FROM recommendations
WHERE ($job_key = '*' OR job_key = $job_key) AND ($status = '*' OR status = $status)
ORDER BY
  CASE WHEN status = 'proposed' THEN 0 ELSE 1 END, CASE WHEN is_next THEN 0 ELSE 1 END,
  COALESCE(expected_saving_core_ms, 0) DESC, job_key, step, config_key
LIMIT $limit OFFSET $offset
