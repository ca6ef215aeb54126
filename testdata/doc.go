// Package testdata is what the tests of several packages, and sluice reproduce, compare with: hashes.txt, parameters after trainings by
// the definitions in package cpu, to which every tier and device has come since.
//
//	want := testdata.Hashes()["tb-uniform-20"]
//
// It imports nothing and is imported by cmd/sluice and by tests. The go command leaves it out of ./... for its name; house_test.go names it.
package testdata
