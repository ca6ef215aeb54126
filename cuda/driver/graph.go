//go:build (linux || windows) && (amd64 || arm64)

package driver

// BeginCapture captures in thread-local mode: what other threads do meanwhile, another device's training or a library's own
// allocations, neither breaks the capture nor is refused; this thread's unsafe calls are.
func (c *context) BeginCapture(s Stream) error {
	if code := c.beginCapture(s); code != 0 {
		return c.failed(code, "cuStreamBeginCapture")
	}
	return nil
}

func (c *context) EndCapture(s Stream) (Graph, error) {
	g, code := c.endCapture(s)
	if code != 0 {
		return 0, c.failed(code, "cuStreamEndCapture")
	}
	return g, nil
}

func (c *context) Instantiate(g Graph) (Exec, error) {
	x, code := c.instantiate(g)
	if code != 0 {
		return 0, c.failed(code, "cuGraphInstantiate")
	}
	return x, nil
}

func (c *context) FreeGraph(g Graph) error {
	if code := c.freeGraph(g); code != 0 {
		return c.failed(code, "cuGraphDestroy")
	}
	return nil
}

func (c *context) FreeExec(x Exec) error {
	if code := c.freeExec(x); code != 0 {
		return c.failed(code, "cuGraphExecDestroy")
	}
	return nil
}

func (c *context) Replay(x Exec, s Stream) error {
	if code := c.replay(x, s); code != 0 {
		return c.failed(code, "cuGraphLaunch")
	}
	c.recent.add(0, s)
	return nil
}
