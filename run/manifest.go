package run

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"runtime"
	"runtime/debug"
	"time"
)

// This file is what a run was made by.

// Manifest is manifest.json: the program, the machine and the moment.
type Manifest struct {
	Version string    `json:"version"`
	Commit  string    `json:"commit"`
	Go      string    `json:"go"`
	OS      string    `json:"os"`
	Arch    string    `json:"arch"`
	Seed    uint64    `json:"seed"`
	Device  string    `json:"device"`
	Lanes   int       `json:"lanes"`
	Args    []string  `json:"args"`
	Start   time.Time `json:"start"`

	Resumed []Resumed `json:"resumed,omitempty"`
}

// Resumed is one time the run was taken up again.
type Resumed struct {
	Iteration int       `json:"iteration"`
	Version   string    `json:"version"`
	Commit    string    `json:"commit"`
	Go        string    `json:"go"`
	Device    string    `json:"device"`
	Args      []string  `json:"args"`
	Start     time.Time `json:"start"`
}

// Build is which program this is.
type Build struct {
	Version string `json:"version"`
	Commit  string `json:"commit"`
	Dirty   bool   `json:"dirty"` // built from files that differ from the commit
	Go      string `json:"go"`
	OS      string `json:"os"`
	Arch    string `json:"arch"`
}

// ReadBuild is this program, by what the Go tool wrote into it.
func ReadBuild() Build {
	b := Build{Version: "unknown", Commit: "unknown", Go: runtime.Version(), OS: runtime.GOOS, Arch: runtime.GOARCH}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return b
	}
	if info.Main.Version != "" {
		b.Version = info.Main.Version
	}
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision":
			b.Commit = s.Value
		case "vcs.modified":
			b.Dirty = s.Value == "true"
		}
	}
	return b
}

// record writes the manifest, or adds a resume at iteration to it.
func (d *Dir) record(resume bool, iteration int, m Manifest) error {
	b := ReadBuild()
	m.Version, m.Commit, m.Go, m.OS, m.Arch, m.Start = b.Version, b.Commit, b.Go, b.OS, b.Arch, time.Now().UTC().Truncate(time.Second)
	if resume {
		old, err := readManifest(d.file(manifestName))
		switch {
		case err == nil:
			r := Resumed{Iteration: iteration, Version: m.Version, Commit: m.Commit, Go: m.Go, Device: m.Device, Args: m.Args, Start: m.Start}
			m = old
			m.Resumed = append(m.Resumed, r)
		case !errors.Is(err, fs.ErrNotExist): // killed before there was one
			return err
		}
	}
	return d.write(manifestName, func(w io.Writer) error {
		enc := json.NewEncoder(w)
		enc.SetIndent("", "  ")
		return enc.Encode(m)
	})
}

func readManifest(path string) (Manifest, error) {
	var m Manifest
	text, err := os.ReadFile(path)
	if err != nil {
		return m, fmt.Errorf("run: %w", err)
	}
	if err := json.Unmarshal(text, &m); err != nil {
		return m, fmt.Errorf("run: %s: %w", path, err)
	}
	return m, nil
}
