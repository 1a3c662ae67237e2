"""Checks the schedules under `jobs/` against the published shapes of their platforms:
Kubernetes' own schemas, the AWS service models of botocore, the dataclasses of databricks-sdk,
`systemd-analyze verify` where it is installed.

    pip install kubernetes-validate pyyaml botocore databricks-sdk
    python tests/interop/schedules.py
"""

from __future__ import annotations

import dataclasses
import json
import pathlib
import shutil
import subprocess
import sys
import tempfile
import typing

JOBS = pathlib.Path(__file__).resolve().parents[2] / "jobs"


def kubernetes() -> str:
    import kubernetes_validate
    import yaml

    files = sorted((JOBS / "kubernetes").glob("*.yaml"))
    documents = [document for file in files for document in yaml.safe_load_all(file.read_text())]
    for document in documents:
        kubernetes_validate.validate(document, "1.29", strict=True)
    return f"{len(documents)} documents valid against the schemas of Kubernetes 1.29, unknown keys refused"


def aws() -> str:
    import botocore.session
    from botocore.validate import ParamValidator

    session = botocore.session.get_session()

    def check(service: str, operation: str, parameters: dict) -> None:
        shape = session.get_service_model(service).operation_model(operation).input_shape
        unknown = set(parameters) - set(shape.members)
        assert not unknown, f"{operation} does not know {unknown}"
        report = ParamValidator().validate(parameters, shape)
        assert not report.has_errors(), report.generate_report()

    schedule = json.loads((JOBS / "emr-step/schedule.json").read_text())
    check("scheduler", "CreateSchedule", schedule)
    step = json.loads(schedule["Target"]["Input"])
    check("emr", "AddJobFlowSteps", step)
    check("batch", "RegisterJobDefinition", json.loads((JOBS / "batch/job-definition.json").read_text()))
    alone = json.loads((JOBS / "emr-step/step.json").read_text())
    assert step["Steps"] == alone, "schedule.json and step.json differ"
    return "schedule.json, step.json and job-definition.json valid against the models of scheduler, emr and batch"


def shell() -> str:
    files = sorted(JOBS.rglob("*.sh"))
    for file in files:
        subprocess.run(["bash", "-n", str(file)], check=True)
    return f"{len(files)} scripts parse"


def databricks() -> str:
    from databricks.sdk.service import jobs

    job = json.loads((JOBS / "databricks-job/job.json").read_text())
    parsed = jobs.JobSettings.from_dict(job).as_dict()

    def lost(given: object, known: object, path: str = "") -> typing.Iterator[str]:
        if isinstance(given, dict):
            for key, value in given.items():
                below = known.get(key) if isinstance(known, dict) else None
                if below is None:
                    yield f"{path}.{key}"
                else:
                    yield from lost(value, below, f"{path}.{key}")
        elif isinstance(given, list):
            for index, value in enumerate(given):
                yield from lost(value, known[index], f"{path}[{index}]")
        elif given != known:
            yield f"{path}: {given!r} became {known!r}"

    wrong = list(lost(job, parsed))
    assert not wrong, wrong
    fields = len(dataclasses.fields(jobs.JobSettings))
    return f"job.json survives a round trip through JobSettings ({fields} fields known)"


def systemd() -> str:
    if not shutil.which("systemd-analyze"):
        return "not checked: no systemd-analyze here"
    with tempfile.TemporaryDirectory() as folder:
        units = []
        for unit in sorted((JOBS / "systemd").iterdir()):
            copy = pathlib.Path(folder) / unit.name
            copy.write_text(unit.read_text().replace("/usr/local/bin/sparklake", "/bin/true"))
            units.append(str(copy))
        verified = subprocess.run(["systemd-analyze", "verify", *units], capture_output=True, text=True)
        assert verified.returncode == 0 and not verified.stderr, verified.stderr
    return f"{len(units)} units verified"


def main() -> int:
    failed = 0
    for check in (kubernetes, aws, databricks, systemd, shell):
        try:
            print(f"{check.__name__}: {check()}")
        except Exception as error:  # noqa: BLE001: each check reports by itself
            failed += 1
            print(f"{check.__name__}: FAILED: {error}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
