-- id: configuration_defaults
-- title: Settings in force
-- description: The Spark settings of one application: what was set, and the defaults of its Spark
--   version for what was not.
-- parameter: platform string = - [text] platform of the application
-- parameter: cluster_id string = - [text] its cluster
-- parameter: application_id string = - [text] its id
-- parameter: attempt_id string = - [text] its attempt
-- parameter: app_date string = 1970-01-01 [date] UTC date of its start
-- parameter: text string = * [text] part of a setting's name; * for all
-- parameter: limit bigint = 10 [count] most rows
-- parameter: offset bigint = 0 [count] rows to pass over
-- verdict: {total_rows:setting|settings} in force; the first is {key} = {value}.
-- empty: No setting matches, or the history holds no environment.
SELECT
  key, value, default_value, is_default, is_known, category, unit, COUNT(*) OVER () AS total_rows
FROM application_configuration
WHERE platform = $platform AND cluster_id = $cluster_id
  AND application_id = $application_id AND attempt_id = $attempt_id
  AND app_date = CAST($app_date AS DATE)
  AND ($text = '*' OR STRPOS(LOWER(key), LOWER(CAST($text AS STRING))) > 0)
ORDER BY is_default, key
LIMIT $limit OFFSET $offset
