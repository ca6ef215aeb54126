//go:build (!amd64 && !arm64) || noasm

package cpu

// rowTable is empty in a build without assembly.
var rowTable [tierCount]*rowKernels
