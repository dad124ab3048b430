#!/usr/bin/env bash
# Trains on a made data set in memory, and again under a memory limit of a third of what its slices take: steps in a second, whether the
# weights are the same, and that a run that is killed while slices are written continues.
#
#   benches/larger_than_memory.sh [path to lamella] [scans] [steps of an epoch]
#
# The limit is `ulimit -d`, which bounds what the process takes for itself. A limit of a container also bounds what the system
# keeps of files; so that it helps no more here, the slices are dropped from that store all the time ("from the disk").
set -euo pipefail
lamella=$(realpath "${1:-target/release/lamella}")
exec python3 "$(dirname "$0")/larger_than_memory.py" "$lamella" "${2:-36}" "${3:-16}"
