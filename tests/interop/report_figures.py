"""Finds every figure of an application's report again in the lake, with DuckDB, and every sentence of it in each format.

    python report_figures.py SPARKLAKE LAKE APPLICATION [APPLICATION ...]

The JSON report is compared field by field with `applications`, `application_waste`, `jobs`, `stages`, `findings`, `executors`,
`task_quantiles`, `environment` and `application_costs`, and with sums computed here; the text, Markdown and HTML reports have to
hold the verdict, each bottleneck's evidence, each step of advice with its setting, and the costs. Status 1 if anything differs.
"""

from __future__ import annotations

import html
import json
import re
import subprocess
import sys
from pathlib import Path

import lake as lake_reader


class Report:
    """One application's report and the lake that it is about."""

    def __init__(self, sparklake: str, lake: Path, application: str):
        self.lake, self.application = lake, application
        self.texts = {
            form: subprocess.run([sparklake, "-q", "report", "--lake", str(lake), "--app", application, "--format", form],
                                 capture_output=True, text=True, check=True).stdout
            for form in ("json", "text", "markdown", "html")
        }
        self.json = json.loads(self.texts["json"])
        self.connection = lake_reader.connect()
        self.problems: list[str] = []
        self.figures = 0

    def columns(self, table: str) -> str:
        """All columns; times as microseconds since 1970, which need no time zone."""
        types = lake_reader.column_types(self.connection, self.lake / table)
        return ", ".join(f'epoch_us("{name}") AS "{name}"' if kind.startswith("TIMESTAMP") else f'"{name}"' for name, kind in types.items())

    def rows(self, table: str, where: str = "TRUE") -> list[dict]:
        """Rows of the application in a table."""
        head = self.json["application"]
        scan = lake_reader.scan(self.lake / table)
        result = self.connection.execute(
            f"SELECT {self.columns(table)} FROM {scan} WHERE platform = ? AND cluster_id = ? AND application_id = ? AND attempt_id = ? AND ({where})",
            [head["platform"], head["cluster_id"], head["application_id"], head["attempt_id"]])
        names = [column[0] for column in result.description]
        return [dict(zip(names, row, strict=True)) for row in result.fetchall()]

    def same(self, what: str, reported, stored) -> None:
        """Compares one figure."""
        self.figures += 1
        if reported == stored:
            return
        if isinstance(reported, (int, float)) and isinstance(stored, (int, float)) and not isinstance(reported, bool):
            if abs(reported - stored) <= 1e-9 * max(abs(reported), abs(stored), 1e-6):
                return
        self.problems.append(f"{what}: the report says {reported!r}, the lake {stored!r}")

    def check(self) -> None:
        """Everything."""
        self.check_application()
        self.check_time()
        self.check_findings()
        self.check_executors()
        self.check_cost()
        self.check_formats()

    def check_application(self) -> None:
        head = self.json["application"]
        [stored] = self.rows("applications")
        waste = self.rows("application_waste")
        for name, value in head.items():
            if name in stored and not name.endswith("_time") and name not in ("failure_reason", "start_time", "end_time"):
                kept = stored[name]
                # A time that runs backwards, or no end, is no duration.
                if name in ("duration_ms", "observed_duration_ms") and (kept is not None and kept <= 0 or value is None):
                    kept = value if kept is None or kept <= 0 or stored["end_time"] is None else kept
                self.same(f"application.{name}", value, kept)
            elif waste and name in waste[0]:
                self.same(f"application.{name}", value, waste[0][name])
        jobs = self.rows("jobs")
        self.same("num_failed_jobs", head["num_failed_jobs"], sum(job["status"] == "FAILED" for job in jobs))
        ran = [stage for stage in self.rows("stages") if stage["status"] not in ("SKIPPED", "PENDING")]
        self.same("input_records", head.get("input_records") or 0, sum(stage["input_records"] or 0 for stage in ran))
        set_values = {row["key"]: row["value"] for row in self.rows("environment", "section = 'spark'")}
        for setting in self.json["settings"]:
            if setting["origin"] == "set":
                self.same(f"setting {setting['key']}", setting["value"], (set_values.get(setting["key"]) or "")[:200])

    def check_time(self) -> None:
        time, waste = self.json["time"], self.rows("application_waste")
        for part in time["parts"]:
            for unit, column in (("core_ms", "core_ms"), ("usd", "usd")):
                stored = waste[0][f"{part['part']}_{column}"] if waste else None
                self.same(f"part {part['part']} {unit}", part[unit], stored)
        jobs = {job["job_id"]: job for job in self.rows("jobs")}
        for job in time["jobs"]:
            stored = jobs[job["job_id"]]
            self.same(f"job {job['job_id']} status", job["status"], stored["status"])
            if job["duration_ms"] is not None:
                self.same(f"job {job['job_id']} duration", job["duration_ms"], stored["duration_ms"])
            self.same(f"job {job['job_id']} tasks", job["num_tasks"], max(stored["num_tasks"] - (stored["num_skipped_tasks"] or 0), 0))
            self.same(f"job {job['job_id']} failed tasks", job["num_failed_tasks"], stored["num_failed_tasks"])
        stages = {(stage["stage_id"], stage["stage_attempt_id"]): stage for stage in self.rows("stages")}
        for stage in time["stages"]:
            key = (stage["stage_id"], stage["stage_attempt_id"])
            for name in ("num_tasks", "num_failed_tasks", "input_bytes", "output_bytes", "shuffle_read_bytes", "shuffle_write_bytes",
                         "memory_bytes_spilled", "disk_bytes_spilled"):
                self.same(f"stage {key} {name}", stage[name], stages[key][name])
            self.same(f"stage {key} run time", stage["run_time_ms"], stages[key]["executor_run_time"])
        self.same("stage attempts", time["num_stage_attempts"],
                  sum(stage["submission_time"] is not None and stage["status"] != "SKIPPED" for stage in stages.values()))
        quantiles = {(row["stage_id"], row["stage_attempt_id"]): row for row in self.rows("task_quantiles", "metric = 'duration'")}
        for stage in time["tasks"]:
            stored = quantiles.get((stage["stage_id"], stage["stage_attempt_id"]))
            if stored:
                for name, column in (("num_tasks", "num_tasks"), ("median_ms", "median"), ("p95_ms", "p95"), ("max_ms", "max")):
                    self.same(f"stage {stage['stage_id']} {name}", stage[name], stored[column])
                self.same(f"stage {stage['stage_id']} histogram", sum(bar["num_tasks"] for bar in stage["histogram"]), stored["num_tasks"])

    def check_findings(self) -> None:
        findings = {row["finding_id"]: row for row in self.rows("findings")}
        self.same("bottlenecks", self.json["num_bottlenecks"], len(findings))
        for found in self.json["bottlenecks"]:
            stored = findings[found["finding_id"]]
            for name in ("rule_id", "severity", "confidence", "subject_id", "evidence", "recommendation", "config_key", "config_current",
                         "config_recommended", "lost_core_ms", "recoverable_ms", "est_savings_usd"):
                self.same(f"finding {found['rule_id']} {name}", found[name], stored[name])
        # A step saves for each subject what its largest finding would.
        steps: dict[str, dict] = {}
        for row in findings.values():
            if not row["recommendation"]:
                continue
            has_setting = row["config_key"] is not None and row["config_recommended"] is not None
            step = row["config_key"] if has_setting else f"{row['rule_id']} {row['recommendation']}"
            subject = steps.setdefault(step, {}).setdefault((row["subject_type"], row["subject_id"]), [])
            subject.append(row)
        for step in self.json["advice"]:
            has_setting = step["config_key"] is not None
            subjects = steps[step["config_key"] if has_setting else f"{step['rule_id']} {step['recommendation']}"]
            for name, column in (("saving_core_ms", "lost_core_ms"), ("saving_ms", "recoverable_ms"), ("saving_usd", "est_savings_usd")):
                known = [max((row[column] for row in rows if row[column] is not None), default=None) for rows in subjects.values()]
                known = [value for value in known if value is not None]
                self.same(f"advice {step['rank']} {name}", step[name], sum(known) if known else None)
            self.same(f"advice {step['rank']} findings", step["num_findings"], sum(map(len, subjects.values())))

    def check_executors(self) -> None:
        executors = {row["executor_id"]: row for row in self.rows("executors")}
        for listed in self.json["executors"]:
            stored = executors[listed["executor_id"]]
            for name in ("total_cores", "core_time_ms", "completed_tasks", "failed_tasks", "loss_kind", "remove_reason"):
                self.same(f"executor {listed['executor_id']} {name}", listed[name], stored[name])

    def check_cost(self) -> None:
        cost, stored = self.json["cost"], self.rows("application_costs")
        preferred = [row for row in stored if row["is_preferred"]]
        self.same("cost", cost["now_usd"], preferred[0]["cost_usd"] if preferred else None)
        if preferred:
            for name in ("basis", "deployment", "purchase", "price_source"):
                self.same(f"cost {name}", cost[name], preferred[0][name])
            saved = cost["saving"]["saving_usd"] or 0.0
            self.same("cost with the advice", cost["then_usd"], max(cost["now_usd"] - saved, 0.0))
        if cost["runs_per_month"] is not None and cost["now_usd"] is not None:
            self.same("cost of a month", cost["now_usd_per_month"], cost["now_usd"] * cost["runs_per_month"])
        others = {(row["deployment"], row["purchase"]): row for row in stored if not row["is_preferred"]}
        for row in cost["alternatives"]:
            kept = others[row["deployment"], row["purchase"]]
            for name in ("cost_usd", "vcpu_hours", "memory_gb_hours", "instance_type"):
                self.same(f"{row['deployment']} {row['purchase']} {name}", row[name], kept[name])

    def check_formats(self) -> None:
        """Every sentence is in each format. They wrap, escape and shorten in ways of their own, so letters and figures count."""
        def letters(text: str) -> str:
            return re.sub(r"[^0-9A-Za-z]+", "", text)

        plain = re.sub(r"<(script|style).*?</\1>|<[^>]+>", "", self.texts["html"], flags=re.DOTALL)
        shown = {"text": letters(self.texts["text"]), "markdown": letters(self.texts["markdown"]), "html": letters(html.unescape(plain))}
        sentences = [self.json["verdict"]["summary"], *self.json["verdict"]["next_steps"]]
        sentences += [found["evidence"] for found in self.json["bottlenecks"]]
        for step in self.json["advice"]:
            sentences.append(step["recommendation"])
            sentences += [text for text in (step["config_key"], step["config_recommended"]) if text]
        for sentence in sentences:
            for form, text in shown.items():
                self.figures += 1
                if letters(sentence) not in text:
                    self.problems.append(f"{form} lacks: {sentence}")


def main() -> None:
    sparklake, lake, *applications = sys.argv[1:]
    failed = False
    for application in applications:
        report = Report(sparklake, Path(lake), application)
        report.check()
        print(f"{application}: {report.figures} figures and sentences, {len(report.problems)} problems")
        for problem in report.problems[:20]:
            print(f"  {problem[:300]}")
        failed |= bool(report.problems)
    sys.exit(failed)


if __name__ == "__main__":
    main()
