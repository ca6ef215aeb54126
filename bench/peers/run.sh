#!/usr/bin/env bash
# Times Sluice beside JAX, PyTorch, gfnx, torchgfn and OpenBLAS on the same cores, in interleaved rounds, and prints the table of ratios.
# The peers go into virtual environments in DIR (Python 3.11 or 3.12, about 6 GB, mostly PyTorch), made at the first call and kept.
#
#   bench/peers/run.sh [--dir DIR] [--quick] [--rounds N] [--only loss|iteration|gemm] [--no-compile] [--sluice PROGRAM] [--out DIR]
#
# --quick is 2 rounds without torch.compile, to see that all of it runs. Results go to DIR/results.json and DIR/results.md.
# PYTHON is the interpreter for the environments, CORES the processors to use, by default the first two (taskset's notation).
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
dir=${XDG_CACHE_HOME:-$HOME/.cache}/sluice-peers
out= sluice= args=()
while [ $# -gt 0 ]; do
  case $1 in
  --dir) dir=$2; shift ;;
  --out) out=$2; shift ;;
  --sluice) sluice=$2; shift ;;
  --rounds | --only) args+=("$1" "$2"); shift ;;
  --no-compile) args+=("$1") ;;
  --quick) args+=(--rounds 2 --no-compile) ;;
  *) sed -n '2,9s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" >&2; exit 2 ;;
  esac
  shift
done

# environment NAME REQUIREMENTS [PACKAGES without their dependencies]: makes it unless it is there with these requirements
environment() {
  local env=$dir/$1 mark
  mark=$(cat "$here/$2" && echo "${@:3}")
  if [ -f "$env/made-of" ] && [ "$(cat "$env/made-of")" = "$mark" ]; then return; fi
  echo "making $env" >&2
  rm -rf "$env"
  "${PYTHON:-python3}" -m venv "$env"
  "$env/bin/pip" -q install -U pip wheel
  "$env/bin/pip" -q install -r "$here/$2"
  if [ $# -gt 2 ]; then "$env/bin/pip" -q install --no-deps "${@:3}"; fi
  printf '%s\n' "$mark" >"$env/made-of"
}
mkdir -p "$dir"
environment jax requirements-jax.txt gfnx==0.0.1 jax_tqdm==0.4.0
environment gfnx-pinned requirements-gfnx-pinned.txt
environment torch requirements-torch.txt

if [ -z "$sluice" ]; then
  sluice=$dir/sluice
  (cd "$here/../.." && go build -o "$sluice" ./cmd/sluice)
fi
export PYTHONDONTWRITEBYTECODE=1
unset OPENBLAS_CORETYPE OPENBLAS_L2_SIZE # settings of a user would not be the peers' own choice
pin=()
if command -v taskset >/dev/null; then
  two=$("$dir/torch/bin/python" -c 'import os; print(",".join(map(str, sorted(os.sched_getaffinity(0))[:2])))')
  pin=(taskset -c "${CORES:-$two}")
fi
exec ${pin[@]+"${pin[@]}"} "$dir/torch/bin/python" "$here/compare.py" --venvs "$dir" --sluice "$sluice" --out "${out:-$dir}" ${args[@]+"${args[@]}"}
