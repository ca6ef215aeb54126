package cuda

import (
	"errors"
	"fmt"
	"runtime"
	"sync"

	"github.com/sluice-ml/sluice/cuda/driver"
	"github.com/sluice-ml/sluice/cuda/kernel"
	"github.com/sluice-ml/sluice/graph"
)

// Mode says which arithmetic a device does.
type Mode uint8

const (
	// Deterministic is the defined arithmetic: the bits of package cpu.
	Deterministic Mode = iota
	// Fast hands dense products of whole chunks to cuBLAS, on tensor cores with inputs rounded to 10 bits (TF32, which cards before
	// Ampere have not: float32 there), where that library is found. Results are near the defined ones and depend on library and card.
	Fast
)

// Config are a GPU device's settings; zero is the default.
type Config struct {
	Device int   // number of the card, in the driver's order
	Memory int64 // bytes a program may hold before it drops Saved values and recomputes them; 0 means what the card has
	Chunk  int   // rows over all lanes in one launch of Backward and Eval; 0 means 8,192. It never shows in a result
	Mode   Mode
}

// leastMajor is the compute capability of sm_70, for which the PTX is.
const leastMajor = 7

// defaultChunk keeps a chunk's activations in a large card's L2: 8,192 rows of 512 floats are 16 MiB.
const defaultChunk = 8192

type device struct {
	o       *owner
	cfg     Config
	info    driver.Info
	name    string
	copyMu  sync.Mutex
	copy    copying
	copyJob func()
}

var _ graph.Device = (*device)(nil)

// New opens a card of drv, or says what is missing: errors wrap driver.ErrOldDriver, driver.ErrNoDevice (no such card, or one that is older
// than the kernels), or the driver's *driver.Error.
func New(drv driver.Driver, cfg Config) (graph.Device, error) {
	if cfg.Memory < 0 {
		return nil, fmt.Errorf("cuda: Memory is %d bytes, must not be negative", cfg.Memory)
	}
	if cfg.Chunk < 0 {
		return nil, fmt.Errorf("cuda: Chunk is %d rows, must not be negative", cfg.Chunk)
	}
	if cfg.Chunk == 0 {
		cfg.Chunk = defaultChunk
	}
	version, err := drv.Version()
	if err != nil {
		return nil, err
	}
	if err := driver.CheckVersion(version); err != nil {
		return nil, err
	}
	cards, err := drv.Devices()
	if err != nil {
		return nil, err
	}
	if cfg.Device < 0 || cfg.Device >= len(cards) {
		return nil, fmt.Errorf("%w %d: the driver finds %d", driver.ErrNoDevice, cfg.Device, len(cards))
	}
	d := &device{cfg: cfg, info: cards[cfg.Device]}
	if d.info.Major < leastMajor {
		return nil, fmt.Errorf("%w: %s is sm_%d%d, the kernels need sm_%d0", driver.ErrNoDevice, d.info.Name, d.info.Major, d.info.Minor, leastMajor)
	}
	d.name = fmt.Sprintf("cuda/sm_%d%d", d.info.Major, d.info.Minor)
	if drv.Name() == "simulator" {
		d.name = "cuda/simulator"
	}
	d.o, err = start(drv, func(o *owner) error { return o.open(cfg.Device, cfg.Mode) })
	if err != nil {
		return nil, err
	}
	switch {
	case d.o.blas != nil:
		d.name += "/fast"
	case cfg.Mode == Fast:
		d.name += "/fast without cuBLAS" // so with the defined products
	}
	d.copyJob = d.copyAll
	// The thread holds the owner, never the device: one nobody closed gives its card back when it is collected.
	runtime.AddCleanup(d, func(o *owner) { _ = o.close() }, d.o)
	return d, nil
}

// open loads the kernels, on the owner's thread.
func (o *owner) open(card int, mode Mode) (err error) {
	if o.ctx, err = o.drv.Open(card); err != nil {
		return err
	}
	if o.module, err = o.ctx.Load(kernel.PTX()); err != nil {
		return fmt.Errorf("cuda: the kernels: %w", err)
	}
	for id := range o.funcs {
		if o.funcs[id], err = o.ctx.Function(o.module, kernel.ID(id).String()); err != nil {
			return fmt.Errorf("cuda: kernel %s: %w", kernel.ID(id), err)
		}
	}
	for i := range o.stream {
		if o.stream[i], err = o.ctx.NewStream(); err != nil {
			return err
		}
	}
	if o.event, err = o.ctx.NewEvent(); err != nil {
		return err
	}
	if o.stage, err = o.allocHost(stageBytes); err != nil {
		return err
	}
	if mode == Fast {
		if o.blas, err = o.ctx.BLAS(); errors.Is(err, driver.ErrNoBLAS) {
			o.blas, err = nil, nil // the name says so
		}
		return err
	}
	return nil
}

func (d *device) Name() string { return d.name }

func (d *device) Close() error { return d.o.close() }

func (d *device) Compile(p *graph.Plan) (graph.Program, error) { return compile(d, p) }
