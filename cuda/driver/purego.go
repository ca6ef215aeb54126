//go:build (windows || (linux && !cu && !cuda)) && (amd64 || arm64)

package driver

import (
	"fmt"
	"strings"
	"unsafe"

	"github.com/ebitengine/purego"
)

// This file is the binding that loads the driver's library at run time; purego_calls.go is its calls.

const binding = "purego"

// call is a function of the driver, an index into lib.fn.
type call int

const (
	cuDriverGetVersion call = iota // the first two are bound before the version is known to do
	cuGetErrorName
	cuGetErrorString
	cuInit
	cuDeviceGetCount
	cuDeviceGet
	cuDeviceGetName
	cuDeviceTotalMem
	cuDeviceGetAttribute
	cuDevicePrimaryCtxRetain
	cuDevicePrimaryCtxRelease
	cuCtxSetCurrent
	cuMemGetInfo
	cuMemAlloc
	cuMemFree
	cuMemAllocHost
	cuMemFreeHost
	cuMemcpyHtoDAsync
	cuMemcpyDtoHAsync
	cuMemcpyDtoDAsync
	cuMemsetD32Async
	cuModuleLoadDataEx
	cuModuleUnload
	cuModuleGetFunction
	cuFuncGetAttribute
	cuLaunchKernel
	cuStreamCreate
	cuStreamDestroy
	cuStreamSynchronize
	cuStreamWaitEvent
	cuEventCreate
	cuEventDestroy
	cuEventRecord
	cuEventElapsedTime
	cuStreamBeginCapture
	cuStreamEndCapture
	cuGraphInstantiate
	cuGraphLaunch
	cuGraphDestroy
	cuGraphExecDestroy
	calls
)

const early = cuGetErrorString + 1

// symbols are the exported names, the first that is found being taken. cuda.h renames a function whose meaning changed (_v2: sizes of
// 64 bits, since CUDA 3.2 and 4.0); a driver goes on exporting the older name, so each of these is in every driver from the release that
// brought it on, 13 included.
var symbols = [calls]string{
	cuDriverGetVersion:   "cuDriverGetVersion",
	cuGetErrorName:       "cuGetErrorName",
	cuGetErrorString:     "cuGetErrorString",
	cuInit:               "cuInit",
	cuDeviceGetCount:     "cuDeviceGetCount",
	cuDeviceGet:          "cuDeviceGet",
	cuDeviceGetName:      "cuDeviceGetName",
	cuDeviceTotalMem:     "cuDeviceTotalMem_v2",
	cuDeviceGetAttribute: "cuDeviceGetAttribute",

	cuDevicePrimaryCtxRetain:  "cuDevicePrimaryCtxRetain",
	cuDevicePrimaryCtxRelease: "cuDevicePrimaryCtxRelease_v2 cuDevicePrimaryCtxRelease", // _v2 since 11.0
	cuCtxSetCurrent:           "cuCtxSetCurrent",

	cuMemGetInfo:      "cuMemGetInfo_v2",
	cuMemAlloc:        "cuMemAlloc_v2",
	cuMemFree:         "cuMemFree_v2",
	cuMemAllocHost:    "cuMemAllocHost_v2",
	cuMemFreeHost:     "cuMemFreeHost",
	cuMemcpyHtoDAsync: "cuMemcpyHtoDAsync_v2",
	cuMemcpyDtoHAsync: "cuMemcpyDtoHAsync_v2",
	cuMemcpyDtoDAsync: "cuMemcpyDtoDAsync_v2",
	cuMemsetD32Async:  "cuMemsetD32Async",

	cuModuleLoadDataEx:  "cuModuleLoadDataEx",
	cuModuleUnload:      "cuModuleUnload",
	cuModuleGetFunction: "cuModuleGetFunction",
	cuFuncGetAttribute:  "cuFuncGetAttribute",
	cuLaunchKernel:      "cuLaunchKernel",

	cuStreamCreate:      "cuStreamCreate",
	cuStreamDestroy:     "cuStreamDestroy_v2",
	cuStreamSynchronize: "cuStreamSynchronize",
	cuStreamWaitEvent:   "cuStreamWaitEvent",
	cuEventCreate:       "cuEventCreate",
	cuEventDestroy:      "cuEventDestroy_v2",
	cuEventRecord:       "cuEventRecord",
	cuEventElapsedTime:  "cuEventElapsedTime",

	// _v2 takes the mode (10.1); the form of 10.0 has none, and ignores an argument too many.
	cuStreamBeginCapture: "cuStreamBeginCapture_v2 cuStreamBeginCapture",
	cuStreamEndCapture:   "cuStreamEndCapture",
	// WithFlags takes flags (11.4); the form of 10.0, dropped from the headers but not from drivers, takes a node, a log and the log's
	// size. Three zeros mean nothing asked for in both.
	cuGraphInstantiate: "cuGraphInstantiateWithFlags cuGraphInstantiate",
	cuGraphLaunch:      "cuGraphLaunch",
	cuGraphDestroy:     "cuGraphDestroy",
	cuGraphExecDestroy: "cuGraphExecDestroy",
}

// lib is the loaded library.
type lib struct {
	file   string
	handle uintptr
	fn     [calls]uintptr
}

// load opens the first of the files there is and finds what tells its version.
func load(files ...string) (*lib, error) {
	handle, file, err := openAny(files)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNoDriver, err)
	}
	l := &lib{file: file, handle: handle}
	return l, l.find(0, early)
}

// bind finds the rest.
func (l *lib) bind() error { return l.find(early, calls) }

func (l *lib) find(from, to call) error {
	for i := from; i < to; i++ {
		for name := range strings.FieldsSeq(symbols[i]) {
			if l.fn[i] = symbol(l.handle, name); l.fn[i] != 0 {
				break
			}
		}
		if l.fn[i] == 0 {
			return fmt.Errorf("cuda: %s has no %s", l.file, strings.ReplaceAll(symbols[i], " ", " or "))
		}
	}
	return nil
}

// call calls a function of the driver. Arguments that are addresses of Go values must be converted in the argument list.
//
//go:uintptrescapes
func (l *lib) call(f call, args ...uintptr) int {
	r, _, _ := purego.SyscallN(l.fn[f], args...)
	return int(int32(r)) // CUresult is 32 bits; the rest of the register is anything
}

// text reads a string of the driver's.
func (l *lib) text(f call, code int) string {
	p := new(*byte)
	if l.call(f, uintptr(code), uintptr(unsafe.Pointer(p))) != 0 || *p == nil {
		return ""
	}
	return cString(*p)
}

func cString(p *byte) string {
	n := 0
	for *(*byte)(unsafe.Add(unsafe.Pointer(p), n)) != 0 {
		n++
	}
	return string(unsafe.Slice(p, n))
}

func (l *lib) errorText(code int) string { return l.text(cuGetErrorString, code) }

func (l *lib) errorName(code int) string {
	if s := l.text(cuGetErrorName, code); s != "" {
		return s
	}
	return "an error without a name"
}
