//go:build (linux || windows) && (amd64 || arm64)

package driver

// NewStream makes a stream that stream 0 does not wait for, nor it for stream 0 (CU_STREAM_NON_BLOCKING).
func (c *context) NewStream() (Stream, error) {
	s, code := c.newStream()
	if code != 0 {
		return 0, c.failed(code, "cuStreamCreate")
	}
	return s, nil
}

func (c *context) FreeStream(s Stream) error {
	if c.blas != nil {
		if err := c.blas.forget(s); err != nil {
			return err
		}
	}
	if code := c.freeStream(s); code != 0 {
		return c.failed(code, "cuStreamDestroy")
	}
	c.recent.done(s)
	return nil
}

func (c *context) Sync(s Stream) error {
	if code := c.sync(s); code != 0 {
		return c.failed(code, "cuStreamSynchronize")
	}
	c.recent.done(s)
	return nil
}

func (c *context) NewEvent() (Event, error) {
	e, code := c.newEvent()
	if code != 0 {
		return 0, c.failed(code, "cuEventCreate")
	}
	return e, nil
}

func (c *context) FreeEvent(e Event) error {
	if code := c.freeEvent(e); code != 0 {
		return c.failed(code, "cuEventDestroy")
	}
	return nil
}

func (c *context) Record(e Event, s Stream) error {
	if code := c.record(e, s); code != 0 {
		return c.failed(code, "cuEventRecord")
	}
	return nil
}

func (c *context) Wait(s Stream, e Event) error {
	if code := c.wait(s, e); code != 0 {
		return c.failed(code, "cuStreamWaitEvent")
	}
	return nil
}

func (c *context) Elapsed(from, to Event) (float64, error) {
	ms, code := c.elapsed(from, to)
	if code != 0 {
		return 0, c.failed(code, "cuEventElapsedTime")
	}
	return float64(ms), nil
}
