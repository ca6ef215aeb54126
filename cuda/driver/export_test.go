//go:build linux && !cu && !cuda && (amd64 || arm64)

package driver

import (
	"strings"
	"unsafe"
)

// OpenLibrary is Lib on a library of the test's.
func OpenLibrary(files ...string) (Driver, error) {
	l, err := open(files...)
	if err != nil {
		return nil, err
	}
	return native{l}, nil
}

// SetBLAS makes contexts look for cuBLAS elsewhere, until the returned function is called.
func SetBLAS(files ...string) func() {
	old := blasLibraries
	blasLibraries = files
	return func() { blasLibraries = old }
}

// Symbols are the names a driver's library must have: the newest, or the oldest that will do.
func Symbols(oldest bool) []string {
	var list []string
	for _, names := range symbols {
		f := strings.Fields(names)
		if oldest {
			f = f[len(f)-1:]
		}
		list = append(list, f[0])
	}
	return list
}

// BLASSymbols are those of cuBLAS.
func BLASSymbols() []string { return blasSymbols[:] }

// Set writes an int variable of the loaded library.
func Set(drv Driver, name string, value int32) {
	p := symbol(drv.(native).handle, name)
	**(**int32)(unsafe.Pointer(&p)) = value
}

// Read reads one.
func Read(drv Driver, name string) int32 {
	p := symbol(drv.(native).handle, name)
	return **(**int32)(unsafe.Pointer(&p))
}

// MaxParamBytes is a kernel's.
const MaxParamBytes = maxParamBytes
