package run

import (
	"slices"
	"strings"

	"github.com/pelletier/go-toml/v2/unstable"
)

// This file finds the line of a run file that a refusal by Validate is about; the decoder knows it of its own.

// lineOf is the line on which text, a well-formed run file, gives the key that a refusal begins with ("policy.hidden[1]: must be ..."), or
// 0 where it does not: a value may be a default.
func lineOf(text []byte, refusal string) int {
	key, _, _ := strings.Cut(refusal, ":")
	key, _, _ = strings.Cut(key, "[")
	want := strings.Split(key, ".")
	var p unstable.Parser
	p.Reset(text)
	var table []string
	for p.NextExpression() {
		e := p.Expression()
		path, line := []string(nil), 0
		for it := e.Key(); it.Next(); {
			path = append(path, string(it.Node().Data))
			line = p.Shape(it.Node().Raw).Start.Line
		}
		switch e.Kind {
		case unstable.Table:
			table = path
		case unstable.KeyValue: // of an inline table its own line, which is the only one it has
			path = slices.Concat(table, path)
			if len(path) <= len(want) && slices.Equal(path, want[:len(path)]) {
				return line
			}
		}
	}
	return 0
}
