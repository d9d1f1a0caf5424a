package restjson

// The functions of this file check the JSON grammar and do not interpret values. Each
// scans from pos and returns the position after the scanned text, or the position of the
// byte that does not fit and the reason.

// skipSpace returns the position of the next byte that is not white space.
func skipSpace(src string, pos int) int {
	for pos < len(src) {
		switch src[pos] {
		case ' ', '\n', '\t', '\r':
			pos++
		default:
			return pos
		}
	}
	return pos
}

// scanLiteral scans one of the words null, true and false.
func scanLiteral(src string, pos int, word string) (end int, bad problem) {
	for i := 0; i < len(word); i++ {
		if pos+i == len(src) {
			return pos + i, truncated
		}
		if src[pos+i] != word[i] {
			return pos + i, badCharacter
		}
	}
	return pos + len(word), ""
}

// scanNumber scans a number.
func scanNumber(src string, pos int) (end int, bad problem) {
	if pos < len(src) && src[pos] == '-' {
		pos++
	}
	switch {
	case pos < len(src) && src[pos] == '0':
		pos++ // no digit may follow, because JSON has no leading zeros
	default:
		if pos, bad = scanDigits(src, pos); bad != "" {
			return pos, bad
		}
	}
	if pos < len(src) && src[pos] == '.' {
		if pos, bad = scanDigits(src, pos+1); bad != "" {
			return pos, bad
		}
	}
	if pos < len(src) && (src[pos] == 'e' || src[pos] == 'E') {
		pos++
		if pos < len(src) && (src[pos] == '+' || src[pos] == '-') {
			pos++
		}
		if pos, bad = scanDigits(src, pos); bad != "" {
			return pos, bad
		}
	}
	return pos, ""
}

// scanDigits scans one digit or more.
func scanDigits(src string, pos int) (end int, bad problem) {
	start := pos
	for pos < len(src) && '0' <= src[pos] && src[pos] <= '9' {
		pos++
	}
	switch {
	case pos > start:
		return pos, ""
	case pos == len(src):
		return pos, truncated
	}
	return pos, badNumber
}

// scanName scans the name of a member and the colon after it.
func scanName(src string, pos int) (end int, bad problem) {
	pos = skipSpace(src, pos)
	if bad = expect(src, pos, '"'); bad != "" {
		return pos, bad
	}
	if pos, _, bad = scanString(src, pos+1); bad != "" {
		return pos, bad
	}
	pos = skipSpace(src, pos+1)
	if bad = expect(src, pos, ':'); bad != "" {
		return pos, bad
	}
	return pos + 1, ""
}

// expect returns the problem if the byte at pos is not c.
func expect(src string, pos int, c byte) problem {
	switch {
	case pos == len(src):
		return truncated
	case src[pos] != c:
		return badCharacter
	}
	return ""
}

// scanScalar scans a string, number, boolean or null.
func scanScalar(src string, pos int) (end int, bad problem) {
	switch kindAt(src, pos) {
	case stringKind:
		if pos, _, bad = scanString(src, pos+1); bad != "" {
			return pos, bad
		}
		return pos + 1, ""
	case numberKind:
		return scanNumber(src, pos)
	case nullKind:
		return scanLiteral(src, pos, "null")
	case booleanKind:
		if src[pos] == 't' {
			return scanLiteral(src, pos, "true")
		}
		return scanLiteral(src, pos, "false")
	}
	if pos == len(src) {
		return pos, truncated
	}
	return pos, badCharacter
}

// scanValue scans a value of any kind, and white space before it. The value is already
// nested in depth objects and arrays. Open levels are kept as bits rather than by
// recursion, which could exhaust the stack.
func scanValue(src string, pos, depth int) (end int, bad problem) {
	var objects [maxDepth/64 + 1]uint64 // a bit for each open level: set for an object
	level := 0
	for {
		pos = skipSpace(src, pos)
		kind := kindAt(src, pos)
		switch kind {
		case objectKind, arrayKind:
			if depth+level == maxDepth {
				return pos, badNesting
			}
			if kind == objectKind {
				objects[level/64] |= 1 << (level % 64)
			} else {
				objects[level/64] &^= 1 << (level % 64)
			}
			level++
			pos = skipSpace(src, pos+1)
			if kindAt(src, pos) == endKind {
				break // empty; the loop below checks that the bracket matches
			}
			if kind == objectKind {
				if pos, bad = scanName(src, pos); bad != "" {
					return pos, bad
				}
			}
			continue
		default:
			if pos, bad = scanScalar(src, pos); bad != "" {
				return pos, bad
			}
		}

		// After a value: close all levels that end here, until a comma.
		for {
			if level == 0 {
				return pos, ""
			}
			inObject := objects[(level-1)/64]&(1<<((level-1)%64)) != 0
			pos = skipSpace(src, pos)
			if pos == len(src) {
				return pos, truncated
			}
			c := src[pos]
			if c == ',' {
				pos++
				if inObject {
					if pos, bad = scanName(src, pos); bad != "" {
						return pos, bad
					}
				}
				break
			}
			if inObject && c != '}' || !inObject && c != ']' {
				return pos, badCharacter
			}
			pos++
			level--
		}
	}
}

// A kind is the kind of a value, as its first byte tells.
type kind uint8

const (
	noKind kind = iota
	endKind
	objectKind
	arrayKind
	stringKind
	numberKind
	booleanKind
	nullKind
)

func kindAt(src string, pos int) kind {
	if pos >= len(src) {
		return noKind
	}
	switch src[pos] {
	case '"':
		return stringKind
	case '{':
		return objectKind
	case '[':
		return arrayKind
	case '}', ']':
		return endKind
	case 'n':
		return nullKind
	case 't', 'f':
		return booleanKind
	case '-', '0', '1', '2', '3', '4', '5', '6', '7', '8', '9':
		return numberKind
	}
	return noKind
}

func (k kind) String() string {
	switch k {
	case objectKind:
		return "an object"
	case arrayKind:
		return "an array"
	case stringKind:
		return "a string"
	case numberKind:
		return "a number"
	case booleanKind:
		return "a boolean"
	}
	return "null"
}
