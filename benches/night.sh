#!/usr/bin/env bash
# Two nights over many applications: how long the first takes, how many files it leaves a table, and
# how soon the second sees that nothing is new.
#
#   cargo build --release && benches/night.sh            500 applications
#   APPLICATIONS=5000 PROGRAM=path/to/sparklake benches/night.sh
#
# The applications are copies of the logs in tests/fixtures with ids of their own, packed as Spark
# packs them where `zstd` is installed, with gzip otherwise.
set -euo pipefail

root=$(cd "$(dirname "$0")/.." && pwd)
applications=${APPLICATIONS:-500}
program=${PROGRAM:-${CARGO_TARGET_DIR:-$root/target}/release/sparklake}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

[[ -x $program ]] || { echo "there is no program at $program; run: cargo build --release" >&2; exit 1; }

if command -v zstd > /dev/null; then
  pack=(zstd -q -c) extension=zstd
else
  pack=(gzip -c) extension=gz
fi

# Decoded logs, named by their application.
decode() {
  mkdir "$work/plain"
  local log name
  for log in "$root"/tests/fixtures/logs/spark35/*; do
    name=$(basename "$log")
    [[ -f $log ]] || continue
    case $name in
      *.zstd) [[ $extension == zstd ]] && zstd -q -dc "$log" > "$work/plain/${name%.zstd}" ;;
      *.inprogress | *.snappy | *.lz4 | *.lzf | *.gz | *.tsv) ;;
      *) cp "$log" "$work/plain/$name" ;;
    esac
  done
}

copy() {
  mkdir "$work/logs"
  local sources=("$work"/plain/*) number source id
  for ((number = 0; number < applications; number++)); do
    source=${sources[number % ${#sources[@]}]}
    id=$(basename "$source")
    sed "s/$id/$id-$number/g" "$source" | "${pack[@]}" > "$work/logs/$id-$number.$extension"
  done
}

# Runs a night; its wall time on standard output.
night() {
  local started ended
  started=$(date +%s%N)
  "$program" -q run --event-logs "$work/logs" --lake "$work/lake" > "$work/summary.json" 2> "$work/err.txt" \
    || { cat "$work/err.txt" >&2; exit 1; }
  ended=$(date +%s%N)
  echo "$(((ended - started) / 1000000)) ms"
}

# The last of that name: clusters have counts of the same names, and come first.
number_of() {
  grep -o "\"$1\":[0-9]*" "$work/summary.json" | tail -n 1 | cut -d: -f2
}

decode
copy
echo "logs:         $applications, $(du -sh "$work/logs" | cut -f1) packed"
took=$(night)
echo "first night:  $took; $(number_of rows) rows; extract $(number_of extract_ms) ms, load $(number_of load_ms) ms, analyze $(number_of analyze_ms) ms"
echo "lake:         $(du -sh "$work/lake" | cut -f1)"
took=$(night)
echo "second night: $took; unchanged $(number_of unchanged) of $(number_of discovered), $(number_of bytes) bytes read"
echo "files and partitions a table:"
for table in "$work"/lake/*/_delta_log; do
  table=$(dirname "$table")
  files=$(find "$table" -name '*.parquet' | wc -l)
  partitions=$(find "$table" -maxdepth 1 -type d -name 'app_date=*' | wc -l)
  printf '  %-20s %4d %4d\n' "$(basename "$table")" "$files" "$partitions"
done
