// Package configuration changes and compares the configuration of an image as a document:
// paths such as hooks.port and environmentVariables["A"], the changes of --set and
// --unset, and files with a desired configuration.
package configuration

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/microvm-go/lambdamicrovms/cmd/lambda-microvms/internal/api"
	"github.com/microvm-go/lambdamicrovms/cmd/lambda-microvms/internal/argparse"
	"github.com/microvm-go/lambdamicrovms/cmd/lambda-microvms/internal/value"
)

// step is a part of a path: the name of a member, the key of a map, or the index of an
// element.
type step struct {
	text    string
	bracket bool // [text] or ["text"]
}

// splitPath reads a path at the start of a text, and returns what follows it.
func splitPath(text string) (path []step, rest string, err error) {
	for first := true; ; first = false {
		switch {
		case strings.HasPrefix(text, `["`):
			quoted, err := strconv.QuotedPrefix(text[1:])
			if err != nil || !strings.HasPrefix(text[1+len(quoted):], "]") {
				return nil, "", errors.New(`["…"] is not closed`)
			}
			key, err := strconv.Unquote(quoted)
			if err != nil {
				return nil, "", errors.New(`["…"] is not closed`)
			}
			path, text = append(path, step{key, true}), text[len(quoted)+2:]
		case strings.HasPrefix(text, "["):
			index, after, closed := strings.Cut(text[1:], "]")
			if !closed {
				return nil, "", errors.New("[…] is not closed")
			}
			path, text = append(path, step{index, true}), after
		case first || strings.HasPrefix(text, "."):
			text = strings.TrimPrefix(text, ".")
			end := strings.IndexAny(text, ".[=")
			if end < 0 {
				end = len(text)
			}
			if end > 0 && strings.HasPrefix(text[end-1:], ":=") {
				end--
			}
			path, text = append(path, step{text[:end], false}), text[end:]
		default:
			return path, text, nil
		}
	}
}

// A place is where a path leads.
type place struct {
	path   string       // as the diff shows it
	shapes []*api.Shape // of the document, and of what each step leads to
	names  []string     // of each step; an element's index
}

func (p *place) shape() *api.Shape { return p.shapes[len(p.shapes)-1] }

// parent is the shape that the last step leads into.
func (p *place) parent() *api.Shape { return p.shapes[len(p.shapes)-2] }

// resolve follows a path through the shapes. The error for an unknown member names the
// nearest one.
func resolve(shape *api.Shape, path []step) (*place, error) {
	p := &place{shapes: []*api.Shape{shape}}
	for _, s := range path {
		at := p.shape()
		var next *api.Shape
		switch at.Kind {
		case api.Structure, api.Union:
			m := at.Member(s.text)
			if m == nil {
				return nil, noMember(at, p.path, s.text)
			}
			next = m.Shape
			if p.path != "" {
				p.path += "."
			}
			p.path += m.Name
		case api.Map:
			if s.text == "" {
				return nil, fmt.Errorf("%s needs a key", p.path)
			}
			next = at.Elem
			p.path += key(s.text)
		case api.List:
			if n, err := strconv.Atoi(s.text); err != nil || n < 0 || strconv.Itoa(n) != s.text {
				return nil, fmt.Errorf("%s is a list: %s is not an index, such as %[1]s[0]", p.path, value.Quote(s.text))
			}
			next = at.Elem
			p.path += "[" + s.text + "]"
		default:
			return nil, fmt.Errorf("%s is a %s and has no member %s%s", p.path, at.Kind, value.Quote(s.text), quoteHint(p, s))
		}
		p.shapes, p.names = append(p.shapes, next), append(p.names, s.text)
	}
	return p, nil
}

// key is the step to a key of a map.
func key(name string) string { return "[" + strconv.Quote(name) + "]" }

// quoteHint helps with a key that has a dot in it.
func quoteHint(p *place, s step) string {
	if len(p.names) == 0 || p.parent().Kind != api.Map || s.bracket {
		return ""
	}
	owner := strings.TrimSuffix(p.path, key(p.names[len(p.names)-1]))
	return "; a key with a dot is written " + owner + key(p.names[len(p.names)-1]+"."+s.text)
}

func noMember(shape *api.Shape, path, name string) error {
	names := make([]string, len(shape.Members))
	for i := range shape.Members {
		names[i] = shape.Members[i].Name
	}
	owner := "the configuration"
	if path != "" {
		owner = path
	}
	if name == "" {
		return fmt.Errorf("the path ends behind %s", owner)
	}
	text := fmt.Sprintf("%s has no member %s", owner, value.Quote(name))
	if nearest := argparse.Nearest(name, names); nearest != "" {
		return fmt.Errorf("%s; the nearest is %s", text, nearest)
	}
	return fmt.Errorf("%s; its members are %s", text, strings.Join(names, ", "))
}

// WirePath returns a path of images.Change, such as Hooks.Port, with the names of the
// wire: hooks.port.
func WirePath(shape *api.Shape, path string) string {
	var b strings.Builder
	for rest := path; rest != ""; {
		if rest[0] == '[' {
			end := strings.IndexByte(rest, ']') + 1
			if quoted, err := strconv.QuotedPrefix(rest[1:]); err == nil {
				end = len(quoted) + 2
			}
			if end <= 0 || end > len(rest) {
				return path
			}
			b.WriteString(rest[:end])
			if rest, shape = rest[end:], elem(shape); shape == nil {
				return path
			}
			continue
		}
		rest = strings.TrimPrefix(rest, ".")
		name := rest
		if end := strings.IndexAny(rest, ".["); end >= 0 {
			name = rest[:end]
		}
		m := memberOfGoName(shape, name)
		if m == nil {
			return path
		}
		if b.Len() > 0 {
			b.WriteByte('.')
		}
		b.WriteString(m.Name)
		rest, shape = rest[len(name):], m.Shape
	}
	return b.String()
}

func elem(shape *api.Shape) *api.Shape {
	if shape == nil {
		return nil
	}
	return shape.Elem
}

// memberOfGoName returns the member that the Go name stands for, in which the wire's
// Microvm is MicroVM.
func memberOfGoName(shape *api.Shape, name string) *api.Member {
	if shape == nil {
		return nil
	}
	for i := range shape.Members {
		if strings.EqualFold(shape.Members[i].Name, name) {
			return &shape.Members[i]
		}
	}
	return nil
}
