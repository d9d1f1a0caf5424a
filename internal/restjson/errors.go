package restjson

import (
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// A Position is a place in a document written by a person. Line and Column count from 1,
// Column in characters. Both are 0 for a message of the protocol, which is a single line.
type Position struct {
	Line, Column int
}

// position returns the place of the byte at offset.
func (r *Reader) position(offset int) Position {
	if r.Mode == Wire {
		return Position{}
	}
	before := r.src[:offset]
	line := strings.LastIndexByte(before, '\n') + 1
	return Position{
		Line:   strings.Count(before, "\n") + 1,
		Column: utf8.RuneCountInString(before[line:]) + 1,
	}
}

// at returns the words for a place in an error.
func at(offset int64, p Position) string {
	if p == (Position{}) {
		return fmt.Sprintf("offset %d", offset)
	}
	return fmt.Sprintf("line %d, column %d", p.Line, p.Column)
}

// A SyntaxError says that a document is not JSON. It unwraps to [io.ErrUnexpectedEOF] if
// the document is truncated, as after a broken connection.
type SyntaxError struct {
	Offset   int64  // of the byte that does not fit, from the start of the document
	Position        // the same place
	Path     string // of the member around it, "" at the top
	Problem  string

	truncated bool
}

func (e *SyntaxError) Error() string {
	return fmt.Sprintf("invalid JSON%s at %s: %s", in(e.Path), at(e.Offset, e.Position), e.Problem)
}

func (e *SyntaxError) Unwrap() error {
	if e.truncated {
		return io.ErrUnexpectedEOF
	}
	return nil
}

// A TypeError says that a document is JSON, but does not fit the Go type: a value has
// another type, a number is out of range, a member is unknown to StrictJSON, or a union
// has two members.
type TypeError struct {
	Offset   int64  // of the value or the unknown name, from the start of the document
	Position        // the same place
	Path     string // of the value, "" at the top
	Problem  string
}

func (e *TypeError) Error() string {
	return fmt.Sprintf("unexpected JSON%s at %s: %s", in(e.Path), at(e.Offset, e.Position), e.Problem)
}

// A ValueError says that a value cannot be written as JSON.
type ValueError struct {
	Path    string // of the value, "" at the top
	Problem string
}

func (e *ValueError) Error() string {
	return fmt.Sprintf("cannot write JSON%s: %s", in(e.Path), e.Problem)
}

func in(path string) string {
	if path == "" {
		return ""
	}
	return " in " + path
}

// A problem is the reason why a scan stopped; "" means success. Problems are constants,
// because errors must not contain parts of a document, which may be secret.
type problem string

const (
	truncated     problem = "unexpected end of input"
	badCharacter  problem = "unexpected character"
	badControl    problem = "control character in a string"
	badEscape     problem = "invalid escape in a string"
	badNumber     problem = "invalid number"
	badNesting    problem = "nested too deeply"
	badCount      problem = "too many elements"
	trailingBytes problem = "unexpected data after the value"
)
