//go:build (!amd64 && !arm64) || noasm

// This file is the choice where there is none: a build without assembly.

package cpu

const hasAssembly = false

func hasTier(t tier) bool { return t == tierGo }

func distrusted(tier) bool { return false }
