//go:build !linux

package sim

// thread is 0 where threads have no numbers that are cheap to ask: a call from a wrong one is not noticed there.
func thread() int { return 0 }
