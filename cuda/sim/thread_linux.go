package sim

import "syscall"

// thread is the number of the calling thread: contexts are current on one.
func thread() int { return syscall.Gettid() }
