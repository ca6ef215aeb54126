#!/usr/bin/env bash
# Everything there is to ask a GPU, in under ten minutes: do the driver's calls do what is relied on, does the card compute the defined bits,
# does it keep the device contract, what do NVIDIA's sanitizers find, is captured the same as streamed, is the fast mode near the
# deterministic one, and how fast is it, beside gfnx where JAX is installed for the GPU.
#
#   bench/gpu.sh [--out DIR] [--sluice PROGRAM] [--tests PROGRAM] [--sim]
#
# Results go to DIR (default $OUT or ./gpu-report): report.md is the page for docs/cuda.md, beside it stands what each part said. On a machine
# without Go give it the programs: go build -o sluice ./cmd/sluice && go test -c -o gpu.test ./cuda/check/gpu. --sim is a small dry run
# on the simulator. PYTHON is the interpreter that may have jax and gfnx. Without a GPU it runs doctor, says so, and ends with 0; it
# ends with 1 if a part fails.
set -uo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
out=${OUT:-./gpu-report} sluice= tests= sim=
while [ $# -gt 0 ]; do
  case $1 in
  --out) out=$2; shift ;;
  --sluice) sluice=$2; shift ;;
  --tests) tests=$2; shift ;;
  --sim) sim=1 ;;
  *) sed -n '2,12s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" >&2; exit 2 ;;
  esac
  shift
done
mkdir -p "$out" || exit 1
out=$(cd "$out" && pwd)
report=$out/report.md failed=0
made=$(mktemp -d)
trap 'rm -rf "$made"' EXIT

say() { printf '%s\n' "$*" | tee -a "$report"; }

# outcome NAME FILE SECONDS BEGIN RC: the report's line of a part that ended so
outcome() {
  local took=$((SECONDS - $4))
  case $5 in
  0) say "| $1 | passed | $took |" ;;
  124) say "| $1 | stopped after $3 s | $3 |"; failed=1 ;;
  *) say "| $1 | **failed** ($5): see $2 | $took |"; failed=1 ;;
  esac
}

# part NAME SECONDS COMMAND...: runs it, keeps what it says in NAME.txt and how it ended in the report
part() {
  local name=$1 limit=$2 begin=$SECONDS
  shift 2
  timeout "$limit" "$@" >"$out/$name.txt" 2>&1
  outcome "$name" "$name.txt" "$limit" "$begin" $?
}

: >"$report"
say "# A GPU's report"
say
if [ -z "$sluice" ] || [ -z "$tests" ]; then
  command -v go >/dev/null || { say "There is no Go here: give the programs by --sluice and --tests."; exit 1; }
fi
if [ -z "$sluice" ]; then
  sluice=$made/sluice
  (cd "$here/.." && go build -o "$sluice" ./cmd/sluice) || exit 1
fi
if [ -z "$tests" ]; then
  tests=$made/gpu.test
  (cd "$here/.." && go test -c -o "$tests" ./cuda/check/gpu) || exit 1
fi
sluice=$(readlink -f "$sluice") tests=$(readlink -f "$tests")
say "$("$sluice" version | head -1), $(date -u +%Y-%m-%d)"
if command -v nvidia-smi >/dev/null; then
  say "$(nvidia-smi --query-gpu=name,driver_version,memory.total,clocks.max.sm --format=csv,noheader 2>&1 | head -4)"
fi
say
say "| part | outcome | s |"
say "|---|---|---|"
device=auto
[ -n "$sim" ] && device=sim
begin=$SECONDS
timeout 40 "$sluice" doctor --json --device "$device" >"$out/doctor.json" 2>"$out/doctor.txt"
rc=$?
outcome doctor doctor.json 40 "$begin" "$rc"
if [ -z "$sim" ] && ! grep -q '"name": "cuda/' "$out/doctor.json"; then
  say
  [ "$rc" = 124 ] && say "Doctor did not end, so nothing else ran." && exit 1
  say "No GPU was found that opens, so nothing else ran: $(grep -hm1 -E '"(missing|unusable|error)": *"[^"]' "$out/doctor.json" | sed -E 's/^ *"(missing|unusable|error)": *"//; s/",*$//')"
  exit $failed
fi

export SLUICE_GPU=lib SLUICE_GPU_OUT=$out
[ -n "$sim" ] && export SLUICE_GPU=sim
# All limits together, with the programs' builds left out, are 585 s.
part driver 15 "$tests" -test.v -test.run 'TestDriver$'
part selftest 30 "$tests" -test.v -test.run 'TestSelf$'
part contract 110 "$tests" -test.v -test.short -test.run 'TestContract$'
part large 30 "$tests" -test.v -test.run 'TestLargeBatch$'
part streamed 30 "$tests" -test.v -test.run 'TestStreamed$'
part fast 20 "$tests" -test.v -test.run 'TestFast$'
sanitizer=$(command -v compute-sanitizer || ls /usr/local/cuda*/bin/compute-sanitizer 2>/dev/null | head -1)
if [ -n "$sanitizer" ] && [ -z "$sim" ]; then
  for tool in memcheck racecheck initcheck synccheck; do
    part "sanitizer-$tool" 20 "$sanitizer" --tool "$tool" --error-exitcode 9 "$tests" -test.run 'TestSelf$'
  done
else
  say "| compute-sanitizer | not here | |"
fi
part speed 130 "$tests" -test.v -test.run 'TestSpeed$'

# gfnx's iteration on the same card: JAX must see it.
python=${PYTHON:-python3}
if [ -z "$sim" ] && JAX_PLATFORMS=cuda timeout 20 "$python" -c 'import jax, equinox, gfnx, optax; assert jax.devices()' >"$out/gfnx.txt" 2>&1; then
  peer() {
    for batch in 16 256 4096 16384; do echo "{\"kind\": \"iteration\", \"policy\": \"fresh\", \"batch\": $batch, \"width\": 256}"; done |
      (cd "$here/peers" && JAX_PLATFORMS=cuda PYTHONDONTWRITEBYTECODE=1 "$python" iteration_gfnx.py)
  }
  export -f peer
  export here python
  part gfnx 80 bash -c peer
else
  say "| gfnx | JAX or gfnx is not here, or sees no GPU | |"
fi

say
say "## The card"
say
say '```'
say "$(sed -n '/"driver"/p; /"cuda"/p; /"card"/p; /"training"/p; /"speed"/,/}/p' "$out/doctor.json")"
say '```'
say
say "## Speed"
say
[ -s "$out/speed.md" ] && cat "$out/speed.md" >>"$report"
if grep -q '"ms"' "$out/gfnx.txt" 2>/dev/null; then
  say
  say "**gfnx on the same card, fresh policy, batches of 16, 256, 4,096 and 16,384** (it pads every rollout to 81 steps)"
  say
  say '```'
  say "$(cat "$out/gfnx.txt")"
  say '```'
fi
printf '\nThe report is %s; it took %d s.\n' "$report" "$SECONDS"
exit $failed
