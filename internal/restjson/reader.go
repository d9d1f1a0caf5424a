package restjson

import "time"

// A Reader reads one JSON document in one pass. The zero value reads an empty document; a
// Reader must not be copied once in use.
//
// An object is read with
//
//	for r.Object(); r.Next(); {
//		switch r.Key() {
//		case "name":
//			v.Name = r.StringPtr()
//		default:
//			r.Unknown()
//		}
//	}
//
// where each iteration reads or skips exactly one value. If several members have the same
// name, the last one wins. After an error every method returns at once, with a zero value
// or false.
type Reader struct {
	// Mode says who wrote the document: the service or a person.
	Mode Mode

	src   string
	name  int // position of the member's name
	pos   int
	key   string
	state objectState
	depth int
	read  int // elements of lists and maps
	err   error

	unknown []int // positions of the values that UnknownSetting noted

	strings  slab[string]
	bools    slab[bool]
	int32s   slab[int32]
	int64s   slab[int64]
	float64s slab[float64]
	times    slab[time.Time]
}

// A Mode is how a Reader treats names, null and unknown members.
type Mode uint8

const (
	// Wire is for messages of the protocol. Names are exact. A member that is null counts
	// as absent: it does not clear an earlier member of the same name or of another name
	// for the same field. Unknown members are skipped.
	Wire Mode = iota

	// JSON is for UnmarshalJSON and does what encoding/json does: a name that is not
	// exact matches in any letter case, null clears, unknown members are skipped.
	JSON

	// StrictJSON is JSON, but an unknown member is an error.
	StrictJSON
)

// An objectState tells Next where it is in an object.
type objectState uint8

const (
	afterMember objectState = iota
	afterBrace              // no member was read yet
	afterNull               // the value was null instead of an object
	sameMember              // Next returns the member once more, under another name
)

// NewReader returns a Reader of the document src.
func NewReader(src string) *Reader { return &Reader{src: src} }

// Reset makes r what NewReader returns. What r returned before stays valid.
func (r *Reader) Reset(src string) { *r = Reader{src: src} }

// Err returns the first error.
func (r *Reader) Err() error { return r.err }

// End checks that only white space is left, and returns the first error.
func (r *Reader) End() error {
	if r.pos = skipSpace(r.src, r.pos); r.pos < len(r.src) {
		r.syntaxError(r.pos, trailingBytes)
	}
	return r.err
}

// Object begins an object. For null, Next returns false at once.
func (r *Reader) Object() {
	if r.IsNull() {
		r.state = afterNull
		return
	}
	if r.open(objectKind) {
		r.state = afterBrace
	}
}

// Next goes to the next member, sets Key, and reports whether there is one.
func (r *Reader) Next() bool {
	for r.nextName() {
		if r.Mode != Wire || !r.IsNull() {
			return true
		}
	}
	return false
}

func (r *Reader) nextName() bool {
	state := r.state
	r.state = afterMember
	switch state {
	case afterNull:
		return false
	case sameMember:
		return true
	}
	r.pos = skipSpace(r.src, r.pos)
	if r.pos == len(r.src) {
		r.syntaxError(r.pos, truncated)
		return false
	}
	switch c := r.src[r.pos]; {
	case c == '}':
		r.close()
		return false
	case state == afterBrace:
		return r.readName()
	case c == ',':
		r.pos = skipSpace(r.src, r.pos+1)
		return r.readName()
	}
	r.syntaxError(r.pos, badCharacter)
	return false
}

// readName reads the name of a member and the colon after it.
func (r *Reader) readName() bool {
	if bad := expect(r.src, r.pos, '"'); bad != "" {
		r.syntaxError(r.pos, bad)
		return false
	}
	start := r.pos + 1
	end, simple, bad := scanString(r.src, start)
	if bad != "" {
		r.syntaxError(end, bad)
		return false
	}
	colon := skipSpace(r.src, end+1)
	if bad := expect(r.src, colon, ':'); bad != "" {
		r.syntaxError(colon, bad)
		return false
	}
	r.key = text(r.src[start:end], simple)
	r.name = r.pos
	r.pos = colon + 1
	return true
}

// Key returns the name of the member that Next went to. Reading its value, if that is an
// object itself, changes Key.
func (r *Reader) Key() string { return r.key }

// Skip skips a value of any kind.
func (r *Reader) Skip() { r.RawValue() }

// RawValue returns the JSON text of a value of any kind.
func (r *Reader) RawValue() string {
	r.pos = skipSpace(r.src, r.pos)
	start := r.pos
	end, bad := scanValue(r.src, start, r.depth)
	if bad != "" {
		r.syntaxError(end, bad)
		return ""
	}
	r.pos = end
	return r.src[start:end]
}

// IsNull reports whether the next value is null, and skips it if so.
func (r *Reader) IsNull() bool {
	if r.kind() != nullKind {
		return false
	}
	return r.readLiteral("null")
}

// readLiteral reads a word; the next byte must be its first.
func (r *Reader) readLiteral(word string) bool {
	end, bad := scanLiteral(r.src, r.pos, word)
	if bad != "" {
		r.syntaxError(end, bad)
		return false
	}
	r.pos = end
	return true
}

// kind skips white space and returns the kind of the next value.
func (r *Reader) kind() kind {
	r.pos = skipSpace(r.src, r.pos)
	return kindAt(r.src, r.pos)
}

// mismatch handles a value that is not of the wanted kind: it skips a null, and fails for
// anything else. It always returns false.
func (r *Reader) mismatch(want string) bool {
	switch got := r.kind(); got {
	case nullKind:
		r.readLiteral("null")
	case noKind, endKind:
		_, bad := scanScalar(r.src, r.pos)
		r.syntaxError(r.pos, bad)
	default:
		r.typeError(r.pos, "want "+want+", got "+got.String())
	}
	return false
}

// open begins an object or array that is not null.
func (r *Reader) open(want kind) bool {
	if r.kind() != want {
		return r.mismatch(want.String())
	}
	if r.depth == maxDepth {
		r.syntaxError(r.pos, badNesting)
		return false
	}
	r.pos++
	r.depth++
	return true
}

// maxElements limits the elements of all lists and maps of a document together. Without
// it a few megabytes could exhaust memory, since {} takes three bytes in a list and
// hundreds in memory. A response of the service has a few thousand elements at most.
const maxElements = 100_000

// element counts the next element of a list or map, and reports whether it is within the
// limit.
func (r *Reader) element() bool {
	if r.read == maxElements {
		r.syntaxError(r.pos, badCount)
		return false
	}
	r.read++
	return true
}

// close skips the end of an object or array.
func (r *Reader) close() {
	r.pos++
	r.depth--
}

func (r *Reader) syntaxError(offset int, bad problem) {
	if r.err == nil {
		r.err = &SyntaxError{
			Offset:    int64(offset),
			Position:  r.position(offset),
			Path:      pathTo(r.src, offset),
			Problem:   string(bad),
			truncated: bad == truncated,
		}
	}
	r.stop()
}

func (r *Reader) typeError(offset int, problem string) {
	if r.err == nil {
		r.err = &TypeError{
			Offset:   int64(offset),
			Position: r.position(offset),
			Path:     pathTo(r.src, offset),
			Problem:  problem,
		}
	}
	r.stop()
}

// nameError fails with a TypeError about the name of the current member.
func (r *Reader) nameError(problem string) {
	if r.err == nil {
		r.err = &TypeError{
			Offset:   int64(r.name),
			Position: r.position(r.name),
			Path:     pathTo(r.src, r.pos),
			Problem:  problem,
		}
	}
	r.stop()
}

// stop discards the rest of the document. Every method then fails by itself, and need not
// check for an earlier error.
func (r *Reader) stop() {
	r.pos = len(r.src)
	r.state = afterMember
}
