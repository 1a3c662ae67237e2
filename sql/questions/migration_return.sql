-- id: migration_return
-- title: Jobs with the best return of a migration
-- question: Which jobs have the best return on moving them to another platform?
SELECT
  application_name, application_id, deployment AS best_deployment, purchase, preferred_cost_usd, cost_usd,
  preferred_cost_usd - cost_usd AS saving_usd, 100e0 * (1e0 - cost_ratio) AS saving_percent
FROM (
  SELECT
    application_name, application_id, attempt_id, deployment, purchase, preferred_cost_usd, cost_usd, cost_ratio,
    ROW_NUMBER() OVER (
      PARTITION BY platform, cluster_id, application_id, attempt_id ORDER BY cost_usd, deployment, purchase
    ) AS place
  FROM cost_overview
  WHERE basis = 'hypothetical' AND cost_usd < preferred_cost_usd
) AS ranked
WHERE place = 1
ORDER BY saving_usd DESC, application_id, attempt_id
LIMIT 20
