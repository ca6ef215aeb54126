// This file cuts a text into words.

package ptx

// word is one token: a name with its dots, a number, a string with its quotes, or one character.
type word struct {
	text       string
	line       int
	start, end int // in the source
}

// scan cuts src; comments are left out. It takes any bytes and never fails: what no rule knows is a word of one byte.
func scan(src string) []word {
	var out []word
	line := 1
	for i := 0; i < len(src); {
		start, startLine := i, line
		switch c := src[i]; {
		case c == '\n':
			line++
			i++
			continue
		case c == ' ' || c == '\t' || c == '\r':
			i++
			continue
		case c == '/' && i+1 < len(src) && src[i+1] == '/':
			for i < len(src) && src[i] != '\n' {
				i++
			}
			continue
		case c == '/' && i+1 < len(src) && src[i+1] == '*':
			for i += 2; i < len(src) && !(src[i] == '/' && src[i-1] == '*'); i++ {
				if src[i] == '\n' {
					line++
				}
			}
			i = min(i+1, len(src))
			continue
		case c == '"':
			for i++; i < len(src) && src[i] != '"' && src[i] != '\n'; i++ {
			}
			if i < len(src) && src[i] == '"' {
				i++
			}
		case inWord(c):
			for i < len(src) && inWord(src[i]) {
				i++
			}
		default:
			i++
		}
		out = append(out, word{src[start:i], startLine, start, i})
	}
	return out
}

func inWord(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_' || c == '$' || c == '%' || c == '.'
}
