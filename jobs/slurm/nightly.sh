#!/bin/sh
# A night on Slurm: the lake and the logs are on a file system that all nodes have mounted.
#
# Usage: nightly.sh LAKE LOGS [SHARDS]
set -eu
lake=$1 logs=$2 shards=${3:-8}

sparklake run --engine shards --event-logs "$logs" --lake "$lake"
# Workers find their shard in SLURM_ARRAY_TASK_ID and SLURM_ARRAY_TASK_COUNT. A night without new logs
# hands nothing out; they then end at once.
workers=$(sbatch --parsable --array="0-$((shards - 1))" --requeue --cpus-per-task=4 --mem=8G \
  --job-name=sparklake-worker --wrap="sparklake worker --run latest --lake '$lake'")
# afterany: also where a worker failed. What is not reported is left to the next night.
sbatch --dependency="afterany:$workers" --cpus-per-task=2 --mem=8G \
  --job-name=sparklake-resume --wrap="sparklake run --resume latest --lake '$lake'"
