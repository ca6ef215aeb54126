//go:build linux && !cu && !cuda && (amd64 || arm64)

package driver_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sluice-ml/sluice/cuda/driver"
)

// fake describes a library in C with a driver's names. Its functions do nothing and answer fake_code, once fake_after calls have gone well;
// driver.Set changes both.
type fake struct {
	version, init, count int
	names                []string
	own                  string // C of functions that do more than answer fake_code
}

// working is a fake of a driver in order.
func working() fake { return fake{version: 12040, count: 1, names: driver.Symbols(false)} }

func (f fake) without(name string) fake {
	f.names = slices.DeleteFunc(slices.Clone(f.names), func(s string) bool { return s == name })
	return f
}

// build compiles the library, or skips where there is no C compiler.
func (f fake) build(t testing.TB) string {
	t.Helper()
	cc := os.Getenv("CC")
	if cc == "" {
		cc = "cc"
	}
	cc, err := exec.LookPath(cc)
	if err != nil {
		t.Skip("no C compiler here, so no library to load:", err)
	}
	var c strings.Builder
	fmt.Fprintf(&c, `int fake_code, fake_after, fake_held;
static int code(void) { return fake_code && fake_after-- <= 0 ? fake_code : 0; }
static int answer(int code, int *p, int v) { *p = v; return code; }
int cuDriverGetVersion(int *v) { return answer(code(), v, %d); }
int cuInit(unsigned f) { return %d; }
int cuDeviceGetCount(int *n) { return answer(code(), n, %d); }
int cuGetErrorName(int code, const char **s) {
  *s = code == 100 ? "CUDA_ERROR_NO_DEVICE" : code == 719 ? "CUDA_ERROR_LAUNCH_FAILED" : code == 700 ? "CUDA_ERROR_ILLEGAL_ADDRESS" : 0;
  return *s ? 0 : 1;
}
int cuGetErrorString(int code, const char **s) { *s = "what it means"; return 0; }
int cuMemAllocHost_v2(void **p, unsigned long n) { static char page[4096]; *p = page; return code(); }
int cuDevicePrimaryCtxRetain(void **h, int d) { int c = code(); fake_held += !c; return c; }
int cuDevicePrimaryCtxRelease_v2(int d) { fake_held--; return code(); }
int cuModuleGetFunction(unsigned long *f, void *m, const char *name) { *f = name[0]; return code(); }
`, f.version, f.init, f.count)
	c.WriteString(f.own)
	written := c.String()
	for _, name := range f.names {
		if !strings.Contains(written, "int "+name+"(") {
			fmt.Fprintf(&c, "int %s() { return code(); }\n", name)
		}
	}
	dir := t.TempDir()
	source, library := filepath.Join(dir, "fake.c"), filepath.Join(dir, "libfake.so")
	require.NoError(t, os.WriteFile(source, []byte(c.String()), 0o600))
	out, err := exec.Command(cc, "-w", "-shared", "-fPIC", "-O1", "-o", library, source).CombinedOutput()
	require.NoError(t, err, "%s", out)
	return library
}

// open loads the fake and opens its device.
func (f fake) open(t testing.TB) (driver.Driver, driver.Context) {
	t.Helper()
	drv, err := driver.OpenLibrary(f.build(t))
	require.NoError(t, err)
	c, err := drv.Open(0)
	require.NoError(t, err)
	return drv, c
}
