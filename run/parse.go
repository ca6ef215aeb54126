package run

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/pelletier/go-toml/v2"
)

// This file reads a run file, strictly, and applies --set to the same typed tree.

// Load is the run a preset's name or a file's path stands for, after the given "key=value" settings. Settings that are refused
// are a *ConfigError. The name is the one a run directory is called after.
func Load(preset string, set []string) (c Config, name string, err error) {
	text, ok := presetText(preset)
	name = preset
	if !ok {
		name = strings.TrimSuffix(filepath.Base(preset), ".toml")
		if text, err = os.ReadFile(preset); errors.Is(err, os.ErrNotExist) && !strings.ContainsAny(preset, `./\`) {
			names := make([]string, 0, 8)
			for _, p := range Presets() {
				names = append(names, p.Name)
			}
			return c, "", &ConfigError{Text: fmt.Sprintf("no preset and no file is called %q; presets are %s", preset, strings.Join(names, ", "))}
		} else if err != nil {
			return c, "", &ConfigError{Text: err.Error()}
		}
	}
	c, err = Parse(preset, text, set)
	return c, name, err
}

// Parse reads a run file over the defaults, applies the settings in order, fills in what is derived and checks the whole.
func Parse(where string, text []byte, set []string) (Config, error) {
	c := Default()
	if err := decode(where, text, &c); err != nil {
		return Config{}, err
	}
	if err := c.check(where); err != nil {
		if e, ok := errors.AsType[*ConfigError](err); ok {
			e.Line = lineOf(text, e.Text)
		}
		return Config{}, err
	}
	for _, s := range set {
		if err := c.set(s); err != nil {
			return Config{}, err
		}
	}
	c.resolve()
	return c, nil
}

// check is Validate with the place to blame.
func (c Config) check(where string) error {
	c.resolve() // on a copy: what is derived must not stand in the way of a later setting
	if err := c.Validate(); err != nil {
		return &ConfigError{Where: where, Text: err.Error()}
	}
	return nil
}

// Encode is the run file of c, defaults and their meaning included.
func (c Config) Encode() ([]byte, error) {
	var b bytes.Buffer
	if err := toml.NewEncoder(&b).SetIndentTables(false).Encode(c); err != nil {
		return nil, fmt.Errorf("config: %w", err)
	}
	return b.Bytes(), nil
}

func decode(where string, text []byte, c *Config) error {
	if err := toml.NewDecoder(bytes.NewReader(text)).DisallowUnknownFields().Decode(c); err != nil {
		return refusal(where, err)
	}
	return nil
}

var setKey = regexp.MustCompile(`^[a-z0-9_]+(\.[a-z0-9_]+)*$`)

// bareFraction is a number as people write it, .2, where TOML wants 0.2.
var bareFraction = regexp.MustCompile(`^([+-]?)\.`)

// set applies "key=value". The value is TOML; what is no TOML is a text, so that balance.kind=db needs no quotes.
// A reward preset and reward levels exclude each other, so the later of the two stands.
func (c *Config) set(s string) error {
	where := "--set " + s
	key, value, ok := strings.Cut(s, "=")
	key, value = strings.TrimSpace(key), strings.TrimSpace(value)
	if !ok || !setKey.MatchString(key) || strings.ContainsAny(value, "\n\r") {
		return &ConfigError{Where: where, Text: "want key=value, such as train.batch=64"}
	}
	value = bareFraction.ReplaceAllString(value, "${1}0.")
	var any map[string]any
	if toml.Unmarshal([]byte("x = "+value), &any) != nil {
		value = fmt.Sprintf("%q", value)
	}
	switch {
	case key == "reward.preset":
		c.Reward.R0, c.Reward.R1, c.Reward.R2 = nil, nil, nil
	case strings.HasPrefix(key, "reward.r"):
		c.Reward.Preset = ""
	}
	err := decode(where, []byte(key+" = "+value), c)
	if e, ok := errors.AsType[*ConfigError](err); ok {
		e.Line, e.Shown = 0, "" // there is one line, and the flag shows it
	}
	if err != nil {
		return err
	}
	return c.check(where)
}
