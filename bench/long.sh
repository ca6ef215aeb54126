#!/usr/bin/env bash
# The long run of the 20^4 hypergrid (easy): 62,500 iterations of 16 trajectories at three seeds, with the settings gfnx publishes: MLP of
# two hidden layers of 256, learned P_B on the shared torso, Adam at a constant 1e-3, log Z at .1, epsilon .1 -> 0 over 30,000 iterations.
# The preset lowers both rates in the last fifth; here they stay. Prints the exact metrics of every seed, their mean and spread.
#
#   bench/long.sh [SEEDS] [DIR]    by default 1..3, into runs/long; some minutes a seed
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
dir=${2:-runs/long}
program=$(mktemp -d)
trap 'rm -rf "$program"' EXIT
(cd "$here/.." && go build -o "$program/sluice" ./cmd/sluice)
# Twice the worst of the seeds recorded in hypergrid-20x4.csv.
most_tv=0.0885 most_log_z_error=0.172
time "$program/sluice" train hypergrid-20x4 --seeds "${1:-1..3}" --out "$dir" --set optim.final_share=0
for run in "$dir"/*/; do
  "$program/sluice" eval "$run" --json | tr -d ' ,"' | awk -F: -v tv="$most_tv" -v z="$most_log_z_error" -v run="$run" '
    $1 == "tv" { if ($2 > tv) { print run ": total variation " $2 ", at most " tv; bad = 1 } }
    $1 == "log_z_error" { if ($2 > z || $2 < -z) { print run ": log Z is off by " $2 ", at most " z; bad = 1 } }
    END { exit bad ? 3 : 0 }'
done
