-- id: stage_wanted
-- title: The stage attempt that is meant
-- description: The newest attempt of a stage, or the one that is wanted.
-- parameter: platform string = - [text] platform of the application
-- parameter: cluster_id string = - [text] its cluster
-- parameter: application_id string = - [text] its id
-- parameter: attempt_id string = - [text] its attempt
-- parameter: app_date string = 1970-01-01 [date] UTC date of its start
-- parameter: stage_id bigint = 0 [id] the stage
-- parameter: stage_attempt_id bigint = -1 [id] its attempt; -1 for the newest
-- empty: there is no such stage in this application; `slowest` with kind=stages lists its stages
SELECT stage_id, MAX(stage_attempt_id) AS stage_attempt_id
FROM stages
WHERE platform = $platform AND cluster_id = $cluster_id
  AND application_id = $application_id AND attempt_id = $attempt_id
  AND app_date = CAST($app_date AS DATE)
  AND stage_id = $stage_id AND ($stage_attempt_id < 0 OR stage_attempt_id = $stage_attempt_id)
GROUP BY stage_id
