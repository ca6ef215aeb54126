//go:build libsim

package main

import "C"

import "github.com/sluice-ml/sluice/cuda/driver"

//export cuStreamCreate
func cuStreamCreate(s *uint64, flags C.uint) C.int {
	const nonBlocking = 1
	if flags != nonBlocking { // the simulator has no others
		return notSupported
	}
	return on(func(c *held) error {
		x, err := c.NewStream()
		return put(s, x, err)
	})
}

//export cuStreamDestroy_v2
func cuStreamDestroy_v2(s uint64) C.int {
	return on(func(c *held) error { return c.FreeStream(driver.Stream(s)) })
}

//export cuStreamSynchronize
func cuStreamSynchronize(s uint64) C.int {
	return on(func(c *held) error { return c.Sync(driver.Stream(s)) })
}

//export cuStreamWaitEvent
func cuStreamWaitEvent(s uint64, e uint64, _ C.uint) C.int {
	return on(func(c *held) error { return c.Wait(driver.Stream(s), driver.Event(e)) })
}

//export cuEventCreate
func cuEventCreate(e *uint64, _ C.uint) C.int {
	return on(func(c *held) error {
		x, err := c.NewEvent()
		return put(e, x, err)
	})
}

//export cuEventDestroy_v2
func cuEventDestroy_v2(e uint64) C.int {
	return on(func(c *held) error { return c.FreeEvent(driver.Event(e)) })
}

//export cuEventRecord
func cuEventRecord(e uint64, s uint64) C.int {
	return on(func(c *held) error { return c.Record(driver.Event(e), driver.Stream(s)) })
}

//export cuEventElapsedTime
func cuEventElapsedTime(ms *C.float, from, to uint64) C.int {
	return on(func(c *held) error {
		x, err := c.Elapsed(driver.Event(from), driver.Event(to))
		*ms = C.float(x)
		return err
	})
}

//export cuStreamBeginCapture_v2
func cuStreamBeginCapture_v2(s uint64, mode C.int) C.int {
	const threadLocal = 1
	if mode != threadLocal {
		return notSupported
	}
	return on(func(c *held) error { return c.BeginCapture(driver.Stream(s)) })
}

//export cuStreamEndCapture
func cuStreamEndCapture(s uint64, g *uint64) C.int {
	return on(func(c *held) error {
		x, err := c.EndCapture(driver.Stream(s))
		return put(g, x, err)
	})
}

//export cuGraphInstantiateWithFlags
func cuGraphInstantiateWithFlags(exec *uint64, g uint64, flags C.ulonglong) C.int {
	if flags != 0 {
		return notSupported
	}
	return on(func(c *held) error {
		x, err := c.Instantiate(driver.Graph(g))
		return put(exec, x, err)
	})
}

//export cuGraphLaunch
func cuGraphLaunch(x uint64, s uint64) C.int {
	return on(func(c *held) error { return c.Replay(driver.Exec(x), driver.Stream(s)) })
}

//export cuGraphDestroy
func cuGraphDestroy(g uint64) C.int {
	return on(func(c *held) error { return c.FreeGraph(driver.Graph(g)) })
}

//export cuGraphExecDestroy
func cuGraphExecDestroy(x uint64) C.int {
	return on(func(c *held) error { return c.FreeExec(driver.Exec(x)) })
}
