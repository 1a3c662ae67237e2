-- id: where_core_time_goes
-- title: Where core time goes
-- question: Where does the core time that we pay for go?
SELECT
  SUM(core_time_ms) / 36e5 AS core_hours,
  100e0 * SUM(useful_core_ms) / SUM(core_time_ms) AS useful_percent,
  100e0 * SUM(idle_core_ms) / SUM(core_time_ms) AS idle_percent,
  100e0 * SUM(driver_only_core_ms) / SUM(core_time_ms) AS driver_only_percent,
  100e0 * SUM(start_up_core_ms) / SUM(core_time_ms) AS start_up_percent,
  100e0 * SUM(skew_core_ms) / SUM(core_time_ms) AS skew_percent,
  100e0 * SUM(retry_core_ms + speculation_core_ms) / SUM(core_time_ms) AS retry_percent,
  100e0 * SUM(gc_core_ms) / SUM(core_time_ms) AS gc_percent,
  100e0 * SUM(spill_core_ms) / SUM(core_time_ms) AS spill_percent,
  100e0 * SUM(scheduling_core_ms + fetch_wait_core_ms) / SUM(core_time_ms) AS scheduling_percent
FROM application_waste
WHERE core_time_ms > 0
