package sim

import (
	"time"

	"github.com/sluice-ml/sluice/cuda/driver"
)

// This file is streams: work runs only when something waits for it, in the latest order that is allowed, so that whoever touches a
// host buffer too early, or forgets to wait, sees it.

// work is one piece, with its place among all that was queued.
type work struct {
	number uint64
	call   string
	do     func() error
}

type stream struct{ queue []work }

type event struct {
	stream driver.Stream
	number uint64 // of the last work before it was recorded; 0: never recorded
	happen *time.Time
}

// captured is a graph under construction.
type captured struct {
	work   []work
	joined map[driver.Stream]bool
	events map[driver.Event]bool
	broken bool
}

// enqueue adds work to a stream, or to the capture the stream is in.
func (c *context) enqueue(s driver.Stream, call string, do func() error) error {
	if err := c.enter("%s", call); err != nil {
		return err
	}
	q, ok := c.streams[s]
	if !ok {
		return failed(driver.InvalidValue, "%s on a stream that is not there", call)
	}
	c.queued++
	w := work{c.queued, call, do}
	if c.capture != nil && c.capture.joined[s] {
		c.capture.work = append(c.capture.work, w)
		return nil
	}
	q.queue = append(q.queue, w)
	return nil
}

// upTo runs a stream's work up to a number. Work on stream 0 waits for all that came before it anywhere, and all waits for it.
func (c *context) upTo(s driver.Stream, number uint64) error {
	q := c.streams[s]
	for q != nil && len(q.queue) > 0 && q.queue[0].number <= number {
		w := q.queue[0]
		q.queue = q.queue[1:]
		for other := range c.streams {
			if other != s && (s == 0 || other == 0) {
				if err := c.upTo(other, w.number-1); err != nil {
					return err
				}
			}
		}
		if err := w.do(); err != nil {
			if c.broken == nil {
				c.broken = because(err, "cuStreamSynchronize after %s", w.call)
			}
			return c.broken
		}
	}
	return nil
}

// all runs everything.
func (c *context) all() error {
	for s := range c.streams {
		if err := c.upTo(s, c.queued); err != nil {
			return err
		}
	}
	return nil
}

func (c *context) NewStream() (driver.Stream, error) {
	if err := c.enterUncaptured("cuStreamCreate"); err != nil {
		return 0, err
	}
	s := driver.Stream(c.next())
	c.streams[s] = &stream{}
	return s, nil
}

// FreeStream lets what is queued run first.
func (c *context) FreeStream(s driver.Stream) error {
	if err := c.enterUncaptured("cuStreamDestroy"); err != nil {
		return err
	}
	if _, ok := c.streams[s]; !ok || s == 0 {
		return failed(driver.InvalidValue, "cuStreamDestroy")
	}
	err := c.upTo(s, c.queued)
	delete(c.streams, s)
	return err
}

func (c *context) Sync(s driver.Stream) error {
	if err := c.enterUncaptured("cuStreamSynchronize"); err != nil {
		return err
	}
	if _, ok := c.streams[s]; !ok {
		return failed(driver.InvalidValue, "cuStreamSynchronize")
	}
	return c.upTo(s, c.queued)
}

func (c *context) NewEvent() (driver.Event, error) {
	if err := c.enter("cuEventCreate"); err != nil {
		return 0, err
	}
	e := driver.Event(c.next())
	c.events[e] = &event{}
	return e, nil
}

func (c *context) FreeEvent(e driver.Event) error {
	if err := c.enter("cuEventDestroy"); err != nil {
		return err
	}
	if _, ok := c.events[e]; !ok {
		return failed(driver.InvalidValue, "cuEventDestroy")
	}
	delete(c.events, e)
	return nil
}

func (c *context) Record(e driver.Event, s driver.Stream) error {
	if err := c.enter("cuEventRecord"); err != nil {
		return err
	}
	ev, ok := c.events[e]
	if !ok {
		return failed(driver.InvalidValue, "cuEventRecord")
	}
	if c.capture != nil && c.capture.joined[s] {
		c.capture.events[e] = true
		return nil
	}
	happened := new(time.Time)
	if err := c.enqueue(s, "cuEventRecord", func() error { *happened = time.Now(); return nil }); err != nil {
		return err
	}
	ev.stream, ev.number, ev.happen = s, c.queued, happened
	return nil
}

// Wait lets the stream's later work wait for what was recorded. Within a capture, a stream that waits for it joins it: pieces of a graph
// run in the order they were captured in.
func (c *context) Wait(s driver.Stream, e driver.Event) error {
	if err := c.enter("cuStreamWaitEvent"); err != nil {
		return err
	}
	ev, ok := c.events[e]
	if !ok {
		return failed(driver.InvalidValue, "cuStreamWaitEvent")
	}
	if c.capture != nil && c.capture.events[e] {
		c.capture.joined[s] = true
		return nil
	}
	from, number := ev.stream, ev.number
	return c.enqueue(s, "cuStreamWaitEvent", func() error { return c.upTo(from, number) })
}

func (c *context) Elapsed(from, to driver.Event) (float64, error) {
	if err := c.enter("cuEventElapsedTime"); err != nil {
		return 0, err
	}
	a, b := c.events[from], c.events[to]
	if a == nil || b == nil || a.happen == nil || b.happen == nil || a.happen.IsZero() || b.happen.IsZero() {
		return 0, failed(driver.InvalidValue, "cuEventElapsedTime of events that have not happened")
	}
	return b.happen.Sub(*a.happen).Seconds() * 1e3, nil
}

func (c *context) BeginCapture(s driver.Stream) error {
	if err := c.enterUncaptured("cuStreamBeginCapture"); err != nil {
		return err
	}
	if _, ok := c.streams[s]; !ok || s == 0 {
		return failed(driver.InvalidValue, "cuStreamBeginCapture")
	}
	c.capturing = s
	c.capture = &captured{joined: map[driver.Stream]bool{s: true}, events: map[driver.Event]bool{}}
	return nil
}

func (c *context) EndCapture(s driver.Stream) (driver.Graph, error) {
	if err := c.enter("cuStreamEndCapture"); err != nil {
		return 0, err
	}
	done := c.capture
	if done == nil || c.capturing != s {
		return 0, failed(driver.InvalidValue, "cuStreamEndCapture of what was not begun")
	}
	c.capture = nil
	if done.broken {
		return 0, failed(captureInvalidated, "cuStreamEndCapture")
	}
	g := driver.Graph(c.next())
	c.graphs[g] = done.work
	return g, nil
}

func (c *context) Instantiate(g driver.Graph) (driver.Exec, error) {
	if err := c.enter("cuGraphInstantiate"); err != nil {
		return 0, err
	}
	list, ok := c.graphs[g]
	if !ok {
		return 0, failed(driver.InvalidValue, "cuGraphInstantiate")
	}
	x := driver.Exec(c.next())
	c.execs[x] = list
	return x, nil
}

func (c *context) FreeGraph(g driver.Graph) error {
	if err := c.enter("cuGraphDestroy"); err != nil {
		return err
	}
	if _, ok := c.graphs[g]; !ok {
		return failed(driver.InvalidValue, "cuGraphDestroy")
	}
	delete(c.graphs, g)
	return nil
}

func (c *context) FreeExec(x driver.Exec) error {
	if err := c.enter("cuGraphExecDestroy"); err != nil {
		return err
	}
	if _, ok := c.execs[x]; !ok {
		return failed(driver.InvalidValue, "cuGraphExecDestroy")
	}
	delete(c.execs, x)
	return nil
}

func (c *context) Replay(x driver.Exec, s driver.Stream) error {
	if err := c.enter("cuGraphLaunch"); err != nil {
		return err
	}
	list, ok := c.execs[x]
	if !ok {
		return failed(driver.InvalidValue, "cuGraphLaunch")
	}
	return c.enqueue(s, "cuGraphLaunch", func() error {
		for _, w := range list {
			if err := w.do(); err != nil {
				return err
			}
		}
		return nil
	})
}
