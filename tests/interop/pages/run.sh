#!/usr/bin/env bash
# run.sh SPARKLAKE: loads fixtures, serves them, and looks at each kind of page in a real browser (check.mjs, app.mjs).
# Needs node, npm and a Chromium ($CHROMIUM, else /usr/bin/chromium).
set -euo pipefail
sparklake=$1
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'kill "${served:-}" 2>/dev/null || true; rm -rf "$work"' EXIT
cp "$here/package.json" "$here"/*.mjs "$work"
(cd "$work" && npm install --silent --no-audit --no-fund)
code=0
"$sparklake" -q run --event-logs "$here/../../fixtures/logs/spark43" --lake "$work/lake" >/dev/null || code=$?
# 3: a fixture that is cut off is loaded in part.
[ "$code" = 0 ] || [ "$code" = 3 ]
"$sparklake" serve --lake "$work/lake" --listen 127.0.0.1:0 2>"$work/log" &
served=$!
for _ in $(seq 100); do
    base=$(grep -o 'http://127.0.0.1:[0-9]*' "$work/log" | head -1) && break
    sleep 0.2
done
node "$work/check.mjs" "$base"
# The same pages inside of a client of MCP Apps.
node "$work/app.mjs" "$base"
