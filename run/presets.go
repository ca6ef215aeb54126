package run

import (
	"embed"
	"io/fs"
	"path"
	"slices"
	"strings"
)

// This file is the runs that come with the program.

//go:embed presets/*.toml
var presetFiles embed.FS

// Preset is a run file that is part of the program.
type Preset struct {
	Name    string `json:"name"`
	Summary string `json:"summary"` // first line of its opening comment
	Text    string `json:"toml"`
}

// Presets are sorted by name.
func Presets() []Preset {
	files, err := fs.Glob(presetFiles, "presets/*.toml")
	if err != nil {
		return nil // the pattern is a constant and well-formed
	}
	var out []Preset
	for _, f := range files {
		text, err := presetFiles.ReadFile(f)
		if err != nil {
			continue // embedded files are readable
		}
		summary, _, _ := strings.Cut(strings.TrimPrefix(string(text), "# "), "\n")
		out = append(out, Preset{Name: strings.TrimSuffix(path.Base(f), ".toml"), Summary: summary, Text: string(text)})
	}
	slices.SortFunc(out, func(a, b Preset) int { return strings.Compare(a.Name, b.Name) })
	return out
}

func presetText(name string) ([]byte, bool) {
	if strings.ContainsAny(name, `/\.`) {
		return nil, false
	}
	text, err := presetFiles.ReadFile("presets/" + name + ".toml")
	return text, err == nil
}
