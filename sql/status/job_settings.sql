-- id: job_settings
-- title: Settings of a job to change
-- description: What `sparklake export settings` writes for one recurring job: the next change, or all that
--   are proposed. Going back from a value that made it worse is proposed too, and comes first.
-- parameter: job_key string = - [job key] the recurring job
-- parameter: all boolean = false [flag] whether steps after the next one are wanted too
SELECT config_key, current_value, recommended_value, reason, is_next
FROM recommendations
WHERE job_key = $job_key AND status = 'proposed' AND (is_next OR $all)
  AND COALESCE(LOWER(recommended_value) <> LOWER(current_value), TRUE)
ORDER BY step
