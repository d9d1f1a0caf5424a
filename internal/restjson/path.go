package restjson

import (
	"strconv"
	"unicode/utf8"
)

const (
	maxPathLevels = 32 // a path shows no more levels
	maxPathName   = 64 // a path shows no more bytes of a name
)

// A pathLevel is an object or array that is open, and the place within it.
type pathLevel struct {
	array bool
	index int    // of the current element of an array
	name  string // of the current member of an object
	named bool   // the name was read
}

// pathTo returns the path of the value at offset, such as hooks.ports[2]["odd name"]. It
// scans the document again from its start, so that a Reader need not track the path for
// the rare error. The document must be valid up to offset.
func pathTo(src string, offset int) string {
	var open []pathLevel
	for pos := 0; pos < offset; pos++ {
		switch c := src[pos]; c {
		case '{', '[':
			open = append(open, pathLevel{array: c == '['})
			continue
		case '"':
			end, simple, bad := scanString(src, pos+1)
			if bad != "" || end >= offset {
				return formatPath(open)
			}
			if n := len(open); n > 0 && !open[n-1].array && !open[n-1].named {
				open[n-1].name, open[n-1].named = text(src[pos+1:end], simple), true
			}
			pos = end
		case '}', ']':
			if len(open) > 0 {
				open = open[:len(open)-1]
			}
		case ',':
			if n := len(open); n > 0 {
				open[n-1].index++
				open[n-1].named = false
			}
		}
	}
	return formatPath(open)
}

func formatPath(open []pathLevel) string {
	var path []byte
	for i, level := range open {
		if i == maxPathLevels {
			return string(path) + "…"
		}
		switch {
		case level.array:
			path = append(path, '[')
			path = strconv.AppendInt(path, int64(level.index), 10)
			path = append(path, ']')
		case !level.named:
			// The document ends or breaks before the name.
		case isPlainName(level.name):
			if len(path) > 0 {
				path = append(path, '.')
			}
			path = append(path, level.name...)
		default:
			path = append(path, '[')
			path = strconv.AppendQuote(path, cut(level.name, maxPathName))
			path = append(path, ']')
		}
	}
	return string(path)
}

// isPlainName reports whether a path can contain name without quotes.
func isPlainName(name string) bool {
	if name == "" || len(name) > maxPathName {
		return false
	}
	for i := 0; i < len(name); i++ {
		switch c := name[i]; {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '_', c == '-':
		default:
			return false
		}
	}
	return true
}

// cut shortens s to at most limit bytes, without splitting a character, and adds an
// ellipsis.
func cut(s string, limit int) string {
	if len(s) <= limit {
		return s
	}
	for limit > 0 && !utf8.RuneStart(s[limit]) {
		limit--
	}
	return s[:limit] + "…"
}
