//go:build (linux || windows) && (amd64 || arm64)

package driver

import "fmt"

// fail describes a call that returned code.
func (l *lib) fail(code int, format string, args ...any) *Error {
	return &Error{Code: code, Name: l.errorName(code), Call: fmt.Sprintf(format, args...)}
}

// late says that a code is a running kernel's: whichever call comes next returns it, and so does every call after that.
func late(code int) bool {
	return code == IllegalAddress || code == LaunchTimeout || code == LaunchFailed ||
		code == 710 || code >= 714 && code <= 718 // assert; stack, instruction, alignment, address space, counter
}

// recent is what was launched on each stream since it was last waited for: the driver does not say which kernel failed.
type recent struct {
	streams map[Stream]launched
	seq     int
}

type launched struct {
	last       Func // 0: a graph, or cuBLAS
	count, seq int
}

func (r *recent) add(f Func, s Stream) {
	r.seq++
	r.streams[s] = launched{f, r.streams[s].count + 1, r.seq}
}

// done says that a stream's work has ended.
func (r *recent) done(s Stream) { r.streams[s] = launched{} }

// latest is the newest launch, and how many there are.
func (r *recent) latest() (last Func, count int) {
	seq := 0
	for _, l := range r.streams {
		count += l.count
		if l.seq > seq {
			last, seq = l.last, l.seq
		}
	}
	return last, count
}

// failed is fail, with what is known of the kernel if the code is one's.
func (c *context) failed(code int, format string, args ...any) *Error {
	e := c.fail(code, format, args...)
	if !late(code) {
		return e
	}
	last, count := c.recent.latest()
	e.Kernel = c.names[last]
	switch {
	case count > 0 && last == 0:
		e.Detail = "in a captured graph or cuBLAS, or launched before it"
	case count > 1:
		e.Detail = fmt.Sprintf("or one of the %d launched before it and not waited for", count-1)
	}
	return e
}
