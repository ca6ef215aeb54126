package cuda

import (
	"errors"

	"github.com/sluice-ml/sluice/cuda/driver"
)

// This file is what the driver has lent an owner: each thing is written down and given back. Closing the context alone would not do: it is
// the card's primary one, whose memory goes with its last holder in the process, which may be another device or another library.

// lent is touched on the owner's thread alone.
type lent struct {
	memory map[driver.Ptr]struct{}
	pages  map[*byte][]byte // page-locked host memory by its first byte
	graphs map[driver.Exec]struct{}
}

func (o *owner) alloc(bytes int64) (driver.Ptr, error) {
	p, err := o.ctx.Alloc(bytes)
	if err == nil {
		o.lent.memory[p] = struct{}{}
	}
	return p, err
}

func (o *owner) free(p driver.Ptr) bool {
	delete(o.lent.memory, p)
	return o.check(o.ctx.Free(p))
}

func (o *owner) allocHost(bytes int) ([]byte, error) {
	b, err := o.ctx.AllocHost(bytes)
	if err == nil {
		o.lent.pages[&b[0]] = b
	}
	return b, err
}

func (o *owner) freeHost(b []byte) bool {
	delete(o.lent.pages, &b[0])
	return o.check(o.ctx.FreeHost(b))
}

// instantiate makes g ready to be replayed, after which g itself is needed no longer.
func (o *owner) instantiate(g driver.Graph) (driver.Exec, error) {
	x, err := o.ctx.Instantiate(g)
	if err == nil {
		o.lent.graphs[x] = struct{}{}
	}
	return x, errors.Join(err, o.ctx.FreeGraph(g))
}

func (o *owner) freeExec(x driver.Exec) bool {
	delete(o.lent.graphs, x)
	return o.check(o.ctx.FreeExec(x))
}

// giveBack ends all that the context holds for the owner, then its hold on the context. It goes on after an error.
func (o *owner) giveBack() error {
	if o.ctx == nil {
		return nil
	}
	var errs []error
	also := func(err error) { errs = append(errs, err) }
	if o.blas != nil {
		also(o.blas.Close())
	}
	for x := range o.lent.graphs {
		also(o.ctx.FreeExec(x))
	}
	for p := range o.lent.memory {
		also(o.ctx.Free(p))
	}
	for _, b := range o.lent.pages {
		also(o.ctx.FreeHost(b))
	}
	if o.event != 0 {
		also(o.ctx.FreeEvent(o.event))
	}
	for _, s := range o.stream {
		if s != 0 {
			also(o.ctx.FreeStream(s))
		}
	}
	if o.module != 0 {
		also(o.ctx.Unload(o.module))
	}
	also(o.ctx.Close())
	return errors.Join(errs...)
}
