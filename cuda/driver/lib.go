//go:build (linux || windows) && (amd64 || arm64)

package driver

import "sync"

var loaded = sync.OnceValues(func() (*lib, error) { return open(libraries...) })

// Lib is NVIDIA's driver, loaded once a process. Any error means that no device can be used, and says why: ErrNoDriver, ErrOldDriver,
// ErrNoDevice, or what the driver itself answered.
func Lib() (Driver, error) {
	l, err := loaded()
	if err != nil {
		return nil, err
	}
	return native{l}, nil
}

// open loads the first library that is found and asks it to start.
func open(files ...string) (*lib, error) {
	l, err := load(files...)
	if err != nil {
		return nil, err
	}
	v, code := l.version()
	if code != 0 {
		return nil, l.fail(code, "cuDriverGetVersion")
	}
	if err := CheckVersion(v); err != nil {
		return nil, err
	}
	if err := l.bind(); err != nil {
		return nil, err
	}
	if code := l.init(); code != 0 {
		e := l.fail(code, "cuInit")
		e.Detail = l.errorText(code)
		return nil, e
	}
	return l, nil
}

// native is the Driver of a loaded library.
type native struct{ *lib }

func (d native) Name() string { return "libcuda (" + binding + ")" }

func (d native) Version() (int, error) {
	v, code := d.version()
	if code != 0 {
		return 0, d.fail(code, "cuDriverGetVersion")
	}
	return v, nil
}

func (d native) Devices() ([]Info, error) {
	n, code := d.count()
	if code == 0 && n == 0 {
		code = NoDevice
	}
	if code != 0 {
		return nil, d.fail(code, "cuDeviceGetCount")
	}
	list := make([]Info, n)
	for i := range list {
		if err := d.describe(i, &list[i]); err != nil {
			return nil, err
		}
	}
	return list, nil
}

// Device attributes (cuda.h, CUdevice_attribute).
const (
	attrThreads   = 1
	attrShared    = 8
	attrClock     = 13
	attrProcs     = 16
	attrMemClock  = 36
	attrBusWidth  = 37
	attrL2        = 38
	attrMajor     = 75
	attrMinor     = 76
	nameBytes     = 256
	maxParamBytes = 4096 // of a kernel, before CUDA 12.1 and sm_70's longer ones
)

func (d native) describe(device int, info *Info) error {
	dev, code := d.device(device)
	if code != 0 {
		return d.fail(code, "cuDeviceGet of device %d", device)
	}
	if info.Name, code = d.name(dev); code != 0 {
		return d.fail(code, "cuDeviceGetName of device %d", device)
	}
	if info.Memory, code = d.totalMem(dev); code != 0 {
		return d.fail(code, "cuDeviceTotalMem of device %d", device)
	}
	for _, a := range []struct {
		attr int
		dst  *int
	}{
		{attrMajor, &info.Major}, {attrMinor, &info.Minor}, {attrProcs, &info.Multiprocessors}, {attrShared, &info.SharedPerBlock},
		{attrThreads, &info.ThreadsPerBlock}, {attrClock, &info.ClockKHz}, {attrMemClock, &info.MemoryClockKHz},
		{attrBusWidth, &info.MemoryBusWidthBit}, {attrL2, &info.L2},
	} {
		if *a.dst, code = d.attribute(a.attr, dev); code != 0 {
			return d.fail(code, "cuDeviceGetAttribute %d of device %d", a.attr, device)
		}
	}
	return nil
}

func (d native) Open(device int) (Context, error) {
	dev, code := d.device(device)
	if code != 0 {
		return nil, d.fail(code, "cuDeviceGet of device %d", device)
	}
	handle, code := d.retain(dev)
	if code != 0 {
		return nil, d.fail(code, "cuDevicePrimaryCtxRetain of device %d", device)
	}
	if code := d.setCurrent(handle); code != 0 {
		d.release(dev)
		return nil, d.fail(code, "cuCtxSetCurrent of device %d", device)
	}
	return &context{lib: d.lib, device: dev, names: map[Func]string{}, params: new(params),
		recent: recent{streams: map[Stream]launched{}}}, nil
}
