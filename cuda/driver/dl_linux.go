//go:build amd64 || arm64

package driver

import (
	"errors"
	"runtime"
	"strings"

	"github.com/ebitengine/purego"
)

// libraries are the driver's names: the loader's path first, then where WSL keeps it.
var libraries = []string{"libcuda.so.1", "/usr/lib/wsl/lib/libcuda.so.1"}

// blasLibraries are cuBLAS's, newest first; the functions used here have kept their interface from 11 to 13.
var blasLibraries = []string{"libcublas.so.13", "libcublas.so.12", "libcublas.so.11"}

// openAny opens the first library there is; else the error holds what the loader said of each.
func openAny(files []string) (handle uintptr, file string, err error) {
	runtime.LockOSThread() // what the loader says it says to the thread that asked
	defer runtime.UnlockOSThread()
	var said []string
	for _, file := range files {
		h, e := purego.Dlopen(file, purego.RTLD_NOW|purego.RTLD_LOCAL)
		if e == nil {
			return h, file, nil
		}
		said = append(said, e.Error())
	}
	return 0, "", errors.New(strings.Join(said, "; "))
}

// symbol is a function's address, 0 if the library has none of that name.
func symbol(handle uintptr, name string) uintptr {
	p, err := purego.Dlsym(handle, name)
	if err != nil {
		return 0
	}
	return p
}
