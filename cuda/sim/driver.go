package sim

import (
	"errors"
	"fmt"

	"github.com/sluice-ml/sluice/cuda/driver"
)

// This file is the simulator as a driver. A device that is opened is a machine of its own, whose memory is taken from that of the card, which
// all its contexts share.

const defaultVersion = 12040

type simulator struct {
	cfg   Config
	cards []card
}

// Driver is a driver of simulated devices.
func Driver(cfg Config) driver.Driver { return simulator{cfg, make([]card, max(cfg.Devices, 1))} }

func (s simulator) Name() string { return "simulator" }

func (s simulator) Version() (int, error) {
	if s.cfg.Version != 0 {
		return s.cfg.Version, nil
	}
	return defaultVersion, nil
}

func (s simulator) Devices() ([]driver.Info, error) {
	if s.cfg.Devices < 0 {
		return nil, failed(driver.NoDevice, "cuInit")
	}
	memory := s.cfg.Memory
	if memory == 0 {
		memory = defaultMemory
	}
	var list []driver.Info
	for range max(s.cfg.Devices, 1) {
		list = append(list, driver.Info{Name: "simulator", Major: 7, Minor: 0, Memory: memory, Multiprocessors: 1,
			SharedPerBlock: maxShared, ThreadsPerBlock: maxThreads})
	}
	return list, nil
}

func (s simulator) Open(device int) (driver.Context, error) {
	list, err := s.Devices()
	if err != nil {
		return nil, err
	}
	if device < 0 || device >= len(list) {
		return nil, failed(invalidDevice, "cuDeviceGet of device %d of %d", device, len(list))
	}
	m := New(s.cfg)
	m.mem.card = &s.cards[device]
	m.mem.card.open()
	return &context{m: m, thread: thread(), streams: map[driver.Stream]*stream{0: {}}, events: map[driver.Event]*event{},
		modules: map[driver.Module]*Module{}, funcs: map[driver.Func]*Kernel{}, graphs: map[driver.Graph][]work{}, execs: map[driver.Exec][]work{},
		pinned: map[*byte]bool{}}, nil
}

// Codes beyond those that package driver names.
const (
	invalidDevice      = 101
	captureInvalidated = 901
	misalignedAddress  = 716
)

var names = map[int]string{
	driver.InvalidValue: "CUDA_ERROR_INVALID_VALUE", driver.OutOfMemory: "CUDA_ERROR_OUT_OF_MEMORY", driver.NoDevice: "CUDA_ERROR_NO_DEVICE",
	invalidDevice: "CUDA_ERROR_INVALID_DEVICE", driver.InvalidContext: "CUDA_ERROR_INVALID_CONTEXT", driver.InvalidPTX: "CUDA_ERROR_INVALID_PTX",
	driver.UnsupportedPTX: "CUDA_ERROR_UNSUPPORTED_PTX_VERSION", driver.NotFound: "CUDA_ERROR_NOT_FOUND",
	driver.IllegalAddress: "CUDA_ERROR_ILLEGAL_ADDRESS", misalignedAddress: "CUDA_ERROR_MISALIGNED_ADDRESS",
	driver.LaunchFailed: "CUDA_ERROR_LAUNCH_FAILED", driver.StreamCapture: "CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED",
	captureInvalidated: "CUDA_ERROR_STREAM_CAPTURE_INVALIDATED",
}

// failed is the error of a call.
func failed(code int, call string, args ...any) *driver.Error {
	return &driver.Error{Code: code, Name: names[code], Call: fmt.Sprintf(call, args...)}
}

// because is failed with what the machine said.
func because(err error, call string, args ...any) error {
	if err == nil {
		return nil
	}
	var f *Fault
	code := driver.InvalidValue
	if errors.As(err, &f) {
		switch f.Kind {
		case OutOfBounds, UseAfterFree:
			code = driver.IllegalAddress
		case Misaligned:
			code = misalignedAddress
		case LaunchRefused, DoubleFree:
		default:
			code = driver.LaunchFailed
		}
	}
	var short errMemory
	if errors.As(err, &short) {
		code = driver.OutOfMemory
	}
	e := failed(code, call, args...)
	e.Detail = err.Error()
	if f != nil {
		e.Kernel = f.Kernel
	}
	return e
}
