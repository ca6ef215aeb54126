package cuda

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sluice-ml/sluice/cuda/driver"
	"github.com/sluice-ml/sluice/graph"
)

// open is a device that is closed with the test.
func open(t testing.TB, drv driver.Driver, cfg Config) graph.Device {
	t.Helper()
	if cfg.Chunk == 0 {
		cfg.Chunk = 512
	}
	d, err := New(drv, cfg)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, d.Close()) })
	return d
}

// edited is a driver that loads other PTX, or fails where it is told to.
type edited struct {
	driver.Driver
	edit    func(ptx string) string
	version int                                      // if not 0
	fail    func(call string, n int, f string) error // n counts the calls of a name; f is the kernel launched
}

func (e *edited) Version() (int, error) {
	if e.version != 0 {
		return e.version, nil
	}
	return e.Driver.Version()
}

func (e *edited) Open(device int) (driver.Context, error) {
	c, err := e.Driver.Open(device)
	if err != nil {
		return nil, err
	}
	return &editedContext{Context: c, e: e, names: map[driver.Func]string{}, calls: map[string]int{}}, nil
}

type editedContext struct {
	driver.Context
	e     *edited
	names map[driver.Func]string
	calls map[string]int
}

// failing asks whether this call fails.
func (c *editedContext) failing(call, kernel string) error {
	if c.e.fail == nil {
		return nil
	}
	c.calls[call]++
	return c.e.fail(call, c.calls[call], kernel)
}

func (c *editedContext) Load(ptx []byte) (driver.Module, error) {
	if c.e.edit != nil {
		ptx = []byte(c.e.edit(string(ptx)))
	}
	return c.Context.Load(ptx)
}

func (c *editedContext) Function(m driver.Module, name string) (driver.Func, error) {
	f, err := c.Context.Function(m, name)
	c.names[f] = name
	return f, err
}

func (c *editedContext) Launch(f driver.Func, grid, block driver.Dim, shared int, s driver.Stream, args []byte) error {
	if err := c.failing("launch", c.names[f]); err != nil {
		return err
	}
	return c.Context.Launch(f, grid, block, shared, s, args)
}

func (c *editedContext) Alloc(bytes int64) (driver.Ptr, error) {
	if err := c.failing("alloc", ""); err != nil {
		return 0, err
	}
	return c.Context.Alloc(bytes)
}

func (c *editedContext) Sync(s driver.Stream) error {
	if err := c.failing("sync", ""); err != nil {
		return err
	}
	return c.Context.Sync(s)
}

// replaced edits one kernel's text: the first match of the pattern, or all of them; there must be one.
func replaced(t testing.TB, ptx, kernel, pattern, new string, all bool) string {
	t.Helper()
	at := strings.Index(ptx, ".entry "+kernel+"(")
	require.GreaterOrEqual(t, at, 0, kernel)
	end := at + strings.Index(ptx[at:], "\n}")
	matches := regexp.MustCompile(pattern).FindAllStringIndex(ptx[at:end], -1)
	require.NotEmpty(t, matches, "%s has no %q", kernel, pattern)
	if !all {
		matches = matches[:1]
	}
	for _, m := range slices.Backward(matches) {
		ptx = ptx[:at+m[0]] + new + ptx[at+m[1]:]
	}
	return ptx
}
