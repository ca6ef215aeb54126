package run

import (
	"errors"
	"fmt"
	"reflect"
	"regexp"
	"strings"

	"github.com/pelletier/go-toml/v2"
)

// This file says what is wrong with a run file in the words of the file, not of the program.

// ConfigError is a run that cannot be started as it is written down.
type ConfigError struct {
	Where string // the file, the preset or the flag
	Line  int    // 0: not one line
	Text  string // what is wrong, the key named
	Shown string // the lines around it with a caret; may be empty
}

func (e *ConfigError) Error() string {
	var b strings.Builder
	b.WriteString("config: ")
	if e.Where != "" {
		b.WriteString(e.Where + ": ")
	}
	if e.Line > 0 {
		fmt.Fprintf(&b, "line %d: ", e.Line)
	}
	b.WriteString(e.Text)
	if e.Shown != "" {
		b.WriteString("\n" + e.Shown)
	}
	return b.String()
}

// refusal is a decoder's error as a *ConfigError.
func refusal(where string, err error) error {
	if strict, ok := errors.AsType[*toml.StrictMissingError](err); ok {
		e := strict.Errors[0]
		line, _ := e.Position()
		text := fmt.Sprintf("unknown key %q; known%s", strings.Join(e.Key(), "."), knownKeys(e.Key()))
		return &ConfigError{Where: where, Line: line, Text: text, Shown: unknownNames.Replace(e.String())}
	}
	e, ok := errors.AsType[*toml.DecodeError](err)
	if !ok {
		return &ConfigError{Where: where, Text: strings.TrimPrefix(err.Error(), "toml: ")}
	}
	line, _ := e.Position()
	what := strings.TrimPrefix(e.Error(), "toml: ")
	text := plain(what)
	shown := strings.Replace(e.String(), what, text, 1)
	if key := strings.Join(e.Key(), "."); key != "" {
		text = key + ": " + text
	}
	return &ConfigError{Where: where, Line: line, Text: text, Shown: shown}
}

// unknownNames are the decoder's names for an unknown key.
var unknownNames = strings.NewReplacer("~ unknown field", "~ unknown key", "~ missing table", "~ unknown key")

var (
	mismatch = regexp.MustCompile(`^cannot decode TOML ([a-z ]+) into .*?(\S+)$`)
	tooSmall = regexp.MustCompile(`^(?:negative )?integer value (-?\d+) cannot be stored in (\S+)$`)
)

// plain puts the decoder's two messages that name Go types into the file's words.
func plain(message string) string {
	if m := mismatch.FindStringSubmatch(message); m != nil {
		return fmt.Sprintf("must be %s, is %s", kindText(m[2]), article(m[1]))
	}
	if m := tooSmall.FindStringSubmatch(message); m != nil {
		return fmt.Sprintf("must be %s, is %s", kindText(m[2]), m[1])
	}
	return message
}

func kindText(goType string) string {
	switch goType {
	case "int":
		return "an integer"
	case "uint64":
		return "an integer of at least 0"
	case "float64":
		return "a number"
	case "string", "run.Bytes", "run.DeviceKind":
		return "a string"
	case "[]int":
		return "an array of integers"
	}
	return "a table"
}

func article(noun string) string {
	if strings.ContainsRune("aeiou", rune(noun[0])) {
		return "an " + noun
	}
	return "a " + noun
}

// knownKeys lists the keys of the deepest table that a wrong path gets right.
func knownKeys(path []string) string {
	t, in := reflect.TypeFor[Config](), ""
	for len(path) > 1 {
		f, ok := fieldOf(t, path[0])
		if !ok || f.Type.Kind() != reflect.Struct {
			break
		}
		in, t, path = " in ["+path[0]+"]", f.Type, path[1:]
	}
	var keys []string
	for i := range t.NumField() {
		keys = append(keys, tag(t.Field(i)))
	}
	return fmt.Sprintf("%s: %s", in, strings.Join(keys, ", "))
}

func fieldOf(t reflect.Type, key string) (reflect.StructField, bool) {
	for i := range t.NumField() {
		if f := t.Field(i); tag(f) == key {
			return f, true
		}
	}
	return reflect.StructField{}, false
}

func tag(f reflect.StructField) string {
	name, _, _ := strings.Cut(f.Tag.Get("toml"), ",")
	return name
}
