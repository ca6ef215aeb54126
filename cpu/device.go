package cpu

import (
	"errors"
	"fmt"
	"runtime"

	"github.com/sluice-ml/sluice/f32"
	"github.com/sluice-ml/sluice/graph"
)

// Config are a CPU device's settings; zero is the default.
type Config struct {
	Workers int   // goroutines that share the lanes; 0 means GOMAXPROCS
	Chunk   int   // rows handled at a time, 1..256; 0 means 128. It never shows in a result
	Memory  int64 // bytes a program may hold before it drops Saved values and recomputes them; 0 means no limit
}

// New is a float32 device on this machine's best tier (see SLUICE_CPU in doc.go). What is wrong with cfg or the environment is
// returned by Compile.
func New(cfg Config) graph.Device {
	d, err := Open(cfg)
	if err != nil {
		return &device[float32]{err: err}
	}
	return d
}

// Open is New with the error at once.
func Open(cfg Config) (graph.Device, error) {
	t, err := tierFromEnv()
	if err != nil {
		return nil, err
	}
	return open[float32](cfg, t)
}

// Ref64 is the same device in float64, with package math for exp, log and tanh: for finite differences and identities to 1e-9.
// It is never hashed.
func Ref64() graph.Device {
	d, err := open[float64](Config{Workers: 1}, tierGo)
	if err != nil {
		return &device[float64]{err: err}
	}
	return d
}

type device[T f32.Float] struct {
	err    error
	cfg    Config
	tier   tier
	pool   *pool[T]
	closed bool
}

var errClosed = errors.New("cpu: the device is closed")

func open[T f32.Float](cfg Config, t tier) (*device[T], error) {
	if cfg.Workers < 0 {
		return nil, fmt.Errorf("cpu: Workers is %d, must not be negative", cfg.Workers)
	}
	if cfg.Workers == 0 {
		cfg.Workers = runtime.GOMAXPROCS(0)
	}
	if cfg.Chunk < 0 || cfg.Chunk > graph.BlockRows {
		return nil, fmt.Errorf("cpu: Chunk is %d, must be 1..%d", cfg.Chunk, graph.BlockRows)
	}
	if cfg.Chunk == 0 {
		cfg.Chunk = 128
	}
	if cfg.Memory < 0 {
		return nil, fmt.Errorf("cpu: Memory is %d bytes, must not be negative", cfg.Memory)
	}
	d := &device[T]{cfg: cfg, tier: t, pool: newPool[T](cfg.Workers)}
	// A device nobody closed stops its goroutines when it is collected: they hold the pool, never the device.
	runtime.AddCleanup(d, func(p *pool[T]) { p.stop() }, d.pool)
	return d, nil
}

// Name says the tier and the instance; the number of workers is left out, since it changes no result.
func (d *device[T]) Name() string {
	if _, ref := any(d).(*device[float64]); ref {
		return "cpu/ref64"
	}
	return "cpu/" + d.tier.String()
}

func (d *device[T]) Close() error {
	if d.pool != nil && !d.closed {
		d.closed = true
		d.pool.stop()
	}
	return nil
}

func (d *device[T]) Alloc(n int) (graph.Buffer, error) {
	if d.err != nil {
		return nil, d.err
	}
	return &buffer[T]{x: make([]T, n)}, nil
}

func (d *device[T]) Compile(p *graph.Plan) (graph.Program, error) {
	if d.err != nil {
		return nil, d.err
	}
	if d.closed {
		return nil, errClosed
	}
	return compile(d, p)
}

type buffer[T f32.Float] struct{ x []T }

func (b *buffer[T]) Len() int { return len(b.x) }

func (b *buffer[T]) Write(src []float64, at int) {
	x := b.x[at : at+len(src)]
	for i, v := range src {
		x[i] = T(v)
	}
}

func (b *buffer[T]) Read(dst []float64, at int) {
	for i, v := range b.x[at : at+len(dst)] {
		dst[i] = float64(v)
	}
}
