#!/usr/bin/env bash
# Judging a whole lake again after two rules changed: time, and the most memory that the run took, for
# growing numbers of applications. Memory has to stay flat.
#
#   cargo build --release && benches/rejudge.sh 1000 10000
#   PROGRAM=path/to/sparklake benches/rejudge.sh 500 2000
#
# The applications are copies of the logs in tests/fixtures with ids of their own.
set -euo pipefail

root=$(cd "$(dirname "$0")/.." && pwd)
program=${PROGRAM:-${CARGO_TARGET_DIR:-$root/target}/release/sparklake}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
[[ -x $program ]] || { echo "there is no program at $program; run: cargo build --release" >&2; exit 1; }

# Decoded logs, named by their application.
decode() {
  mkdir -p "$work/plain"
  local log name
  for log in "$root"/tests/fixtures/logs/spark35/local-*; do
    name=$(basename "$log")
    case $name in
      *.zstd) zstd -q -dc "$log" > "$work/plain/${name%.zstd}" ;;
      *.*) ;;
      *) cp "$log" "$work/plain/$name" ;;
    esac
  done
}

# Copies them so often that there are as many as wanted.
copy() {
  mkdir -p "$work/logs"
  local sources=("$work"/plain/*) number source id
  for ((number = $1; number < $2; number++)); do
    source=${sources[number % ${#sources[@]}]}
    id=$(basename "$source")
    # Packed: 10,000 plain logs take 25 GB.
    sed "s/$id/$id-$number/g" "$source" | zstd -q -1 > "$work/logs/$id-$number.zstd"
  done
}

# The rules folder: two rules with other thresholds than before.
change() {
  mkdir -p "$work/rules/rules/skew" "$work/rules/rules/partitioning"
  local rule
  for rule in skew/task_skew partitioning/tiny_tasks; do
    sed "s/^-- version: .*/-- version: $((100 + $1))/" "$root/sql/rules/$rule.sql" > "$work/rules/rules/$rule.sql"
  done
}

# Runs the program; prints wall time and peak memory.
measure() {
  /usr/bin/time -f '%e s, %M KiB at most' -o "$work/time.txt" \
    "$program" -q run --event-logs "$work/logs" --lake "$work/lake" --rules-dir "$work/rules" \
    > "$work/summary.json" 2> "$work/err.txt" || { tail -n 3 "$work/err.txt" >&2; [[ ${STRICT:-} ]] && exit 1; }
  cat "$work/time.txt"
}

decode
before=0
for applications in "$@"; do
  copy "$before" "$applications"
  change $((2 * applications))
  echo "$applications applications, loaded from $before: $(measure)"
  change $((2 * applications + 1))
  echo "$applications applications, two rules changed: $(measure), analyze $(grep -o '"analyze_ms":[0-9]*' "$work/summary.json" | tail -n 1 | cut -d: -f2) ms"
  before=$applications
done
