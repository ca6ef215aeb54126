package gpu

import "github.com/sluice-ml/sluice/cuda/driver"

// This file is a driver without graphs: what is captured is kept, and replaying it launches each again.

type streamed struct {
	driver.Driver
	replays int
}

func (d *streamed) Open(device int) (driver.Context, error) {
	c, err := d.Driver.Open(device)
	return &streamedContext{Context: c, d: d, graphs: [][]func(driver.Stream) error{nil}}, err
}

type streamedContext struct {
	driver.Context
	d         *streamed
	graphs    [][]func(driver.Stream) error
	capturing bool
}

// now runs a call, or keeps it.
func (c *streamedContext) now(s driver.Stream, call func(driver.Stream) error) error {
	if !c.capturing {
		return call(s)
	}
	last := len(c.graphs) - 1
	c.graphs[last] = append(c.graphs[last], call)
	return nil
}

func (c *streamedContext) Launch(f driver.Func, grid, block driver.Dim, shared int, s driver.Stream, args []byte) error {
	args = append([]byte(nil), args...)
	return c.now(s, func(s driver.Stream) error { return c.Context.Launch(f, grid, block, shared, s, args) })
}

func (c *streamedContext) Fill32(dst driver.Ptr, value uint32, words int64, s driver.Stream) error {
	return c.now(s, func(s driver.Stream) error { return c.Context.Fill32(dst, value, words, s) })
}

func (c *streamedContext) Copy(dst, src driver.Ptr, bytes int64, s driver.Stream) error {
	return c.now(s, func(s driver.Stream) error { return c.Context.Copy(dst, src, bytes, s) })
}

func (c *streamedContext) ToDevice(dst driver.Ptr, src []byte, s driver.Stream) error {
	return c.now(s, func(s driver.Stream) error { return c.Context.ToDevice(dst, src, s) })
}

func (c *streamedContext) ToHost(dst []byte, src driver.Ptr, s driver.Stream) error {
	return c.now(s, func(s driver.Stream) error { return c.Context.ToHost(dst, src, s) })
}

func (c *streamedContext) BeginCapture(driver.Stream) error {
	c.capturing = true
	c.graphs = append(c.graphs, nil)
	return nil
}

func (c *streamedContext) EndCapture(driver.Stream) (driver.Graph, error) {
	c.capturing = false
	return driver.Graph(len(c.graphs) - 1), nil
}

func (c *streamedContext) Instantiate(g driver.Graph) (driver.Exec, error) {
	return driver.Exec(g), nil
}
func (c *streamedContext) FreeGraph(driver.Graph) error { return nil }
func (c *streamedContext) FreeExec(driver.Exec) error   { return nil }

func (c *streamedContext) Replay(e driver.Exec, s driver.Stream) error {
	c.d.replays++
	for _, call := range c.graphs[e] {
		if err := call(s); err != nil {
			return err
		}
	}
	return nil
}
