#!/bin/sh
# A night on AWS Batch: hands units out, starts an array of workers, and commits what they reported.
#
# Usage: nightly.sh LAKE LOGS QUEUE [SHARDS]
# Once before: aws batch register-job-definition --cli-input-json file://job-definition.json
# Needs sparklake, aws and jq. Array children find their shard in AWS_BATCH_JOB_ARRAY_INDEX.
set -eu
lake=$1 logs=$2 queue=$3 shards=${4:-8}

handed_out=$(sparklake run --engine shards --event-logs "$logs" --lake "$lake" --summary json | tail -n 1)
if [ "$(echo "$handed_out" | jq -r .status)" != waiting ]; then
  # Nothing was new.
  echo "$handed_out"
  exit 0
fi
run=$(echo "$handed_out" | jq -r .run_id)

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
