-- id: price_book
-- title: The prices in force on each day on which an application started
-- description: One row per day, service, item, region, way of buying and unit: of the rows of
--   reference/prices.csv the newest that was valid by then, else the first. The job file's own prices
--   are in it already; they replace those of the same service, item, region, purchase and unit.
-- reads: applications, ref_prices
WITH days AS (
  SELECT DISTINCT app_date FROM applications
),
ranked AS (
  SELECT
    d.app_date, p.service, p.item, p.region, p.purchase, p.unit,
    CAST(p.price AS DOUBLE) AS price, CAST(p.as_of AS DATE) AS as_of, p.source,
    ROW_NUMBER() OVER (
      PARTITION BY d.app_date, p.service, p.item, p.region, p.purchase, p.unit
      ORDER BY
        CASE WHEN CAST(p.valid_from AS DATE) <= d.app_date THEN 0 ELSE 1 END,
        CASE WHEN CAST(p.valid_from AS DATE) <= d.app_date THEN CAST(p.valid_from AS DATE) END DESC,
        CAST(p.valid_from AS DATE)
    ) AS place
  FROM ref_prices AS p
  CROSS JOIN days AS d
)
SELECT app_date, service, item, region, purchase, unit, price, as_of, source
FROM ranked
WHERE place = 1
