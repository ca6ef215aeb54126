//go:build amd64 || arm64

package driver

import (
	"errors"
	"strings"

	"golang.org/x/sys/windows"
)

// libraries is the driver's; only the system's folder, where an installed driver puts it, is searched.
var libraries = []string{"nvcuda.dll"}

// blasLibraries are cuBLAS's, newest first; they are looked for as Windows does.
var blasLibraries = []string{"cublas64_13.dll", "cublas64_12.dll", "cublas64_11.dll"}

// openAny opens the first library there is; else the error holds what the loader said of each.
func openAny(files []string) (handle uintptr, file string, err error) {
	var said []string
	for _, file := range files {
		var flags uintptr
		if file == libraries[0] {
			flags = windows.LOAD_LIBRARY_SEARCH_SYSTEM32
		}
		h, e := windows.LoadLibraryEx(file, 0, flags)
		if e == nil {
			return uintptr(h), file, nil
		}
		said = append(said, file+": "+e.Error())
	}
	return 0, "", errors.New(strings.Join(said, "; "))
}

// symbol is a function's address, 0 if the library has none of that name.
func symbol(handle uintptr, name string) uintptr {
	p, err := windows.GetProcAddress(windows.Handle(handle), name)
	if err != nil {
		return 0
	}
	return p
}
