package main

import (
	"archive/zip"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
)

// This file fetches NVIDIA's assemblers. They are not redistributed: each machine gets its own from where NVIDIA publishes them.

// wheel is a package and the programs in it.
type wheel struct{ name, version, program string }

var (
	ptxas12 = wheel{"nvidia-cuda-nvcc-cu12", "12.9.86", "ptxas"}
	ptxas13 = wheel{"nvidia-cuda-nvcc", "13.5.37", "ptxas"}
	disasm  = wheel{"nvidia-cuda-nvdisasm", "13.5.37", "nvdisasm"}
)

// tools are the programs' paths.
type tools struct{ ptxas12, ptxas13, disasm string }

var errNoTools = errors.New("the assemblers are not to be had here")

// findTools looks into the cache and, if asked to, fetches what is not there.
func findTools(cache string, fetch bool) (t tools, err error) {
	if runtime.GOOS != "linux" || runtime.GOARCH != "amd64" {
		return t, fmt.Errorf("%w: they are for linux/amd64, this is %s/%s", errNoTools, runtime.GOOS, runtime.GOARCH)
	}
	for w, to := range map[wheel]*string{ptxas12: &t.ptxas12, ptxas13: &t.ptxas13, disasm: &t.disasm} {
		if *to, err = w.find(cache, fetch); err != nil {
			return t, err
		}
	}
	return t, nil
}

// find is the path of the program, unpacked.
func (w wheel) find(cache string, fetch bool) (string, error) {
	dir := filepath.Join(cache, w.name+"-"+w.version)
	at := filepath.Join(dir, w.program)
	if _, err := os.Stat(at); err == nil {
		return at, nil
	}
	if !fetch {
		return "", fmt.Errorf("%w: %s is not in the cache", errNoTools, w.program)
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", err
	}
	pip, err := findPip()
	if err != nil {
		return "", err
	}
	args := append(slices.Clone(pip[1:]), "--quiet", "--disable-pip-version-check", "download", "--no-deps", "--only-binary=:all:", "-d", dir, w.name+"=="+w.version)
	if text, err := exec.Command(pip[0], args...).CombinedOutput(); err != nil {
		return "", fmt.Errorf("%w: %s %s: %w\n%s", errNoTools, w.name, w.version, err, text)
	}
	files, err := filepath.Glob(filepath.Join(dir, "*.whl"))
	if err != nil || len(files) == 0 {
		return "", fmt.Errorf("%w: no wheel came for %s", errNoTools, w.name)
	}
	defer os.Remove(files[0])
	return at, unpack(files[0], "/bin/"+w.program, at)
}

func findPip() ([]string, error) {
	for _, c := range [][]string{{"pip3"}, {"pip"}, {"python3", "-m", "pip"}} {
		if exec.Command(c[0], append(c[1:], "--version")...).Run() == nil {
			return c, nil
		}
	}
	return nil, fmt.Errorf("%w: there is no pip to fetch them with", errNoTools)
}

// unpack writes the archive's file whose name ends so.
func unpack(archive, ends, to string) error {
	z, err := zip.OpenReader(archive)
	if err != nil {
		return err
	}
	defer z.Close() //nolint:errcheck // only read from
	for _, f := range z.File {
		if !strings.HasSuffix(f.Name, ends) {
			continue
		}
		from, err := f.Open()
		if err != nil {
			return err
		}
		defer from.Close() //nolint:errcheck // only read from
		out, err := os.OpenFile(to+".part", os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o755)
		if err != nil {
			return err
		}
		_, err = io.Copy(out, from)
		if err = errors.Join(err, out.Close()); err != nil {
			return err
		}
		return os.Rename(to+".part", to)
	}
	return fmt.Errorf("%s holds no %s", path.Base(archive), ends)
}
