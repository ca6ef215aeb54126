// This file tests that the committed assembly is what this source writes.

package main

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
)

func TestOutputIsCommitted(t *testing.T) {
	files, err := generateAll()
	if err != nil {
		t.Fatal(err)
	}
	if want := 2 * (len(units) + len(neonUnits)); len(files) != want {
		t.Fatalf("%d files, want assembly and declarations of each unit, %d", len(files), want)
	}
	for name, want := range files {
		got, err := os.ReadFile(filepath.Join("..", name))
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, want) {
			t.Errorf("%s is not what gen writes; run go generate ./cpu", name)
		}
	}
}
