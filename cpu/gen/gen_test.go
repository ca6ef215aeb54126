// This file tests that the committed assembly is what this source writes.

package main

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
)

func TestOutputIsCommitted(t *testing.T) {
	for _, u := range units {
		files, err := generate(u.name, u.emit)
		if err != nil {
			t.Fatal(err)
		}
		if len(files) != 2 {
			t.Fatalf("%s: %d files, want assembly and declarations", u.name, len(files))
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
}
