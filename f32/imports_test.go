package f32

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// Nothing but the representation of numbers may come from package math: its functions differ between machines.
func TestNothingFromMath(t *testing.T) {
	files, err := filepath.Glob("*.go")
	require.NoError(t, err)
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.SkipObjectResolution)
		require.NoError(t, err)
		for _, i := range f.Imports {
			require.Equal(t, `"math"`, i.Path.Value, name)
		}
		ast.Inspect(f, func(n ast.Node) bool {
			if s, ok := n.(*ast.SelectorExpr); ok {
				if x, ok := s.X.(*ast.Ident); ok && x.Name == "math" {
					require.Contains(t, []string{"Float32bits", "Float32frombits", "Float64bits", "Float64frombits", "Inf", "NaN"},
						s.Sel.Name, name)
				}
			}
			return true
		})
	}
}
