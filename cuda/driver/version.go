package driver

import "fmt"

// oldest is the first CUDA whose driver takes PTX 6.3 (PTX ISA, release notes).
const oldest = 10000

// Release writes a Version as people do: 12040 is 12.4.
func Release(version int) string { return fmt.Sprintf("%d.%d", version/1000, version%1000/10) }

// CheckVersion is an ErrOldDriver where a driver of that Version does not know the kernels' PTX.
func CheckVersion(version int) error {
	if version >= oldest {
		return nil
	}
	return fmt.Errorf("%w: it knows CUDA %s, the kernels need %s", ErrOldDriver, Release(version), Release(oldest))
}
