#!/bin/sh
# Builds the binding to gorgonia.org/cu and runs the conformance test on it, with the simulator in the driver's place:
#
#   sh cuda/driver/tagged.sh
#
# It needs a C compiler, Go, and CUDA 12's cuda.h: from CUDA_HEADERS, a folder, if that is set, else from NVIDIA's package on PyPI, of
# which 3.5 MB are fetched once and kept in the user's cache. Where the compiler or the header cannot be had it says so and succeeds.
set -eu
cd "$(dirname "$0")"

skip() { echo "tagged: $*; the binding to gorgonia.org/cu was not tested"; exit 0; }
cc=${CC:-gcc}
command -v "$cc" >/dev/null || skip "no C compiler here"
[ "$(uname -s)" = Linux ] || skip "it is for Linux"

package=nvidia-cuda-runtime-cu12==12.9.79
# A fixed place: Go's build cache keeps what was compiled by these paths.
work=${XDG_CACHE_HOME:-$HOME/.cache}/sluice/$package
mkdir -p "$work"
headers=${CUDA_HEADERS:-$work/nvidia/cuda_runtime/include}
if [ ! -f "$headers/cuda.h" ]; then
  [ -z "${CUDA_HEADERS:-}" ] || skip "no cuda.h in $CUDA_HEADERS"
  python=$(command -v python3) || skip "no python3 to fetch cuda.h with"
  "$python" -m pip download -q --disable-pip-version-check --no-deps --only-binary :all: -d "$work" "$package" ||
    skip "the package with cuda.h cannot be fetched"
  "$python" -m zipfile -e "$work"/nvidia_cuda_runtime*.whl "$work" || skip "the package with cuda.h cannot be unpacked"
  rm -f "$work"/*.whl
fi

export CGO_ENABLED=1
go vet -tags libsim ./libsim
go build -tags libsim -buildmode=c-shared -ldflags '-extldflags=-Wl,-soname,libcuda.so.1' -o "$work/libcuda.so.1" ./libsim
ln -sf libcuda.so.1 "$work/libcublas.so.12"
# gorgonia.org/cu links every call there is. Those that the simulator does not have answer CUDA_ERROR_NOT_SUPPORTED.
grep -oE '\bcu[A-Z][A-Za-z0-9]*(_v[0-9]+)?\b' "$headers/cuda.h" | sort -u |
  sed 's/.*/int &(void) { return 801; }/' >"$work/rest.c"
"$cc" -w -shared -fPIC -Wl,-soname,libcudarest.so -o "$work/libcudarest.so" "$work/rest.c"
echo "INPUT($work/libcuda.so.1 $work/libcudarest.so)" >"$work/libcuda.so" # what -lcuda finds

export CGO_CFLAGS="${CGO_CFLAGS:--g -O2} -I$headers" CGO_LDFLAGS="${CGO_LDFLAGS:-} -L$work" LD_LIBRARY_PATH="$work"
for tag in cuda cu; do
  go vet -tags $tag .
  LIBSIM=1 go test -count=1 -tags $tag -run TestLinked -v . >"$work/log" 2>&1 || { cat "$work/log"; exit 1; }
  grep -E '^( *---|ok)' "$work/log"
done
# The whole command by tag cu alone: cuda also switches on Gorgonia's own code for it, which needs cuDNN's header.
go build -tags cu -o "$work/sluice" ../../cmd/sluice
echo "tagged: done"
