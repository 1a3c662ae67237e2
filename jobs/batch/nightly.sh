#!/bin/sh
# A night on AWS Batch: hands units out, starts an array of workers, and commits what they reported.
#
# Usage: nightly.sh LAKE LOGS QUEUE [SHARDS]
# Once before: aws batch register-job-definition --cli-input-json file://job-definition.json
# Needs sparklake and aws. Array children find their shard in AWS_BATCH_JOB_ARRAY_INDEX.
# Exit codes are those of sparklake. 4: an earlier night was handed out and never resumed; see
# `sparklake status`, and end it with `sparklake run --resume latest`.
set -eu
lake=$1 logs=$2 queue=$3 shards=${4:-8}

# Not in a pipe: the shell would take the exit code of the pipe's last command for that of the run.
handed_out=$(sparklake run --engine shards --event-logs "$logs" --lake "$lake" --summary json)
case $handed_out in
  *'"status":"waiting"'*) ;;
  *)
    # Nothing was new.
    printf '%s\n' "$handed_out"
    exit 0
    ;;
esac
run=$(printf '%s\n' "$handed_out" | sed -n 's/.*"run_id":"\([^"]*\)".*/\1/p')

# An array has 2 to 10,000 children.
job=$(aws batch submit-job --job-name sparklake-worker --job-queue "$queue" \
  --job-definition sparklake-worker --array-properties "size=$shards" \
  --parameters "lake=$lake,run=$run,shards=$shards" \
  --query jobId --output text)

while :; do
  status=$(aws batch describe-jobs --jobs "$job" --query 'jobs[0].status' --output text)
  case $status in
    SUCCEEDED | FAILED) break ;;
  esac
  sleep 30
done
# Also after FAILED: what was reported is committed, exit code 3 says that something is missing.
exec sparklake run --resume "$run" --lake "$lake" --summary json
