package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func committed(t *testing.T) []string {
	text, err := os.ReadFile(filepath.Join("..", output))
	require.NoError(t, err)
	return strings.SplitN(strings.ReplaceAll(string(text), "\r\n", "\n"), "\n", 4)
}

// A source that was changed without compiling it fails here, with or without a compiler.
func TestSourcesAreTheCompiled(t *testing.T) {
	sum, err := sourceHash("..")
	require.NoError(t, err)
	require.Equal(t, "// sources: sha256 "+sum, committed(t)[1], "run go generate ./cuda/kernel")
}

func TestSourceHashSeesNamesAndBytes(t *testing.T) {
	hash := func(files map[string]string) string {
		dir := t.TempDir()
		for name, text := range files {
			require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644))
		}
		sum, err := sourceHash(dir)
		require.NoError(t, err)
		return sum
	}
	base := hash(map[string]string{"a.cu": "x", "b.h": "y"})
	require.Equal(t, base, hash(map[string]string{"a.cu": "x", "b.h": "y", "c.txt": "z"}))
	require.NotEqual(t, base, hash(map[string]string{"a.cu": "y", "b.h": "x"}))
	require.NotEqual(t, base, hash(map[string]string{"a.cu": "x", "c.h": "y"}))
	require.Equal(t, hash(map[string]string{"a.cu": "x\n"}), hash(map[string]string{"a.cu": "x\r\n"}))
}

// The compiler takes some seconds for the unrolled matrix products.
func TestRegenerated(t *testing.T) {
	clang, err := exec.LookPath("clang-19")
	if err != nil {
		t.Skip("no clang-19")
	}
	lines := committed(t)
	version, err := compiler(clang)
	require.NoError(t, err)
	if lines[2] != "// compiler: "+version {
		t.Skipf("%s is not the committed file's compiler", version)
	}
	text, err := generate("..", clang)
	require.NoError(t, err)
	if !bytes.Equal(text, []byte(strings.Join(lines, "\n"))) { // not require.Equal: it would print a megabyte
		t.Fatal("kernels.ptx is not what its sources compile to; run go generate ./cuda/kernel")
	}
}
