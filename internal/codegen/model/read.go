package model

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
)

// ReadFile reads the model in the named file.
func ReadFile(name string) (*Model, error) {
	data, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	m, err := Read(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return m, nil
}

// Read reads a model. It returns all problems as one joined error.
func Read(data []byte) (*Model, error) {
	r := &reader{model: &Model{Shapes: make(map[ID]*Shape)}}
	for _, f := range r.object("model", data) {
		switch f.key {
		case "smithy":
			if version := r.text("model.smithy", f.value); version != "2.0" && version != "2" {
				r.errorf("smithy version %q is not 2.0", version)
			}
		case "shapes":
			r.shapes(f.value)
		default:
			r.errorf("unknown member %q of the model", f.key)
		}
	}
	if r.model.Service == nil {
		r.errorf("the model has no service")
	}
	if err := errors.Join(r.errs...); err != nil {
		return nil, err
	}
	return r.model, nil
}

type reader struct {
	model   *Model
	resolve []func() // run after all shapes are read
	errs    []error
}

func (r *reader) errorf(format string, args ...any) {
	r.errs = append(r.errs, fmt.Errorf(format, args...))
}

func (r *reader) shapes(data json.RawMessage) {
	for _, f := range r.object("shapes", data) {
		id := ID(f.key)
		if !strings.Contains(f.key, "#") {
			r.errorf("shape %q has no namespace", f.key)
			continue
		}
		s := &Shape{ID: id}
		r.model.Shapes[id] = s
		r.shape(s, f.value)
		if s.Kind == Service {
			if r.model.Service != nil {
				r.errorf("%s: a second service", id)
			}
			r.model.Service = s
		}
	}
	for _, resolve := range r.resolve {
		resolve()
	}
}

func (r *reader) shape(s *Shape, data json.RawMessage) {
	where := string(s.ID)
	for _, f := range r.object(where, data) {
		switch f.key {
		case "type":
			s.Kind = Kind(r.text(where, f.value))
			switch s.Kind {
			case Service, Operation, Structure, Union, Enum, List, Map,
				String, Boolean, Integer, Long, Double, Timestamp:
			default:
				r.errorf("%s: unknown shape type %q", where, s.Kind)
			}
		case "traits":
			r.traits(&s.Traits, where, f.value)
		case "version":
			s.Version = r.text(where, f.value)
		case "members":
			for _, m := range r.object(where, f.value) {
				s.Members = append(s.Members, r.member(where, m.key, m.value))
			}
		case "member":
			s.Element = r.member(where, f.key, f.value)
		case "key":
			s.Key = r.member(where, f.key, f.value)
		case "value":
			s.Value = r.member(where, f.key, f.value)
		case "input":
			r.target(where, f.value, &s.Input)
		case "output":
			r.target(where, f.value, &s.Output)
		case "errors":
			r.targets(where, f.value, &s.Errors)
		case "operations":
			r.targets(where, f.value, &s.Operations)
		default:
			r.errorf("%s: unknown member %q of a shape", where, f.key)
		}
	}
}

func (r *reader) member(where, name string, data json.RawMessage) *Member {
	where += "$" + name
	m := &Member{Name: name}
	for _, f := range r.object(where, data) {
		switch f.key {
		case "target":
			r.lookup(where, ID(r.text(where, f.value)), &m.Target)
		case "traits":
			r.traits(&m.Traits, where, f.value)
		default:
			r.errorf("%s: unknown member %q", where, f.key)
		}
	}
	return m
}

func (r *reader) targets(where string, data json.RawMessage, to *[]*Shape) {
	var list []json.RawMessage
	r.decode(where, data, &list)
	*to = make([]*Shape, len(list))
	for i, item := range list {
		r.target(where, item, &(*to)[i])
	}
}

func (r *reader) target(where string, data json.RawMessage, to **Shape) {
	var ref struct {
		Target ID `json:"target"`
	}
	r.decode(where, data, &ref)
	r.lookup(where, ref.Target, to)
}

// lookup sets to after all shapes are read, because a reference may precede its shape in
// the file.
func (r *reader) lookup(where string, id ID, to **Shape) {
	r.resolve = append(r.resolve, func() {
		if s, ok := r.model.Shapes[id]; ok {
			*to = s
		} else if kind, ok := prelude(id); ok {
			*to = &Shape{ID: id, Kind: kind}
		} else {
			r.errorf("%s: unknown shape %q", where, id)
			*to = &Shape{ID: id, Kind: Unit}
		}
	})
}

func prelude(id ID) (Kind, bool) {
	switch id {
	case "smithy.api#String":
		return String, true
	case "smithy.api#Boolean", "smithy.api#PrimitiveBoolean":
		return Boolean, true
	case "smithy.api#Integer", "smithy.api#PrimitiveInteger":
		return Integer, true
	case "smithy.api#Long", "smithy.api#PrimitiveLong":
		return Long, true
	case "smithy.api#Double", "smithy.api#PrimitiveDouble":
		return Double, true
	case "smithy.api#Timestamp":
		return Timestamp, true
	case "smithy.api#Unit":
		return Unit, true
	}
	return "", false
}

type field struct {
	key   string
	value json.RawMessage
}

// object returns the members of a JSON object in the order of the file. A Go map would
// lose the order.
func (r *reader) object(where string, data json.RawMessage) []field {
	d := json.NewDecoder(bytes.NewReader(data))
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		r.errorf("%s: expected an object", where)
		return nil
	}
	var fields []field
	seen := make(map[string]bool)
	for d.More() {
		t, err := d.Token()
		if err != nil {
			r.errorf("%s: %w", where, err)
			return fields
		}
		f := field{key: t.(string)}
		if err := d.Decode(&f.value); err != nil {
			r.errorf("%s: %w", where, err)
			return fields
		}
		if seen[f.key] {
			r.errorf("%s: %q stands twice", where, f.key)
		}
		seen[f.key] = true
		fields = append(fields, f)
	}
	if _, err := d.Token(); err != nil {
		r.errorf("%s: %w", where, err)
	}
	if _, err := d.Token(); err != io.EOF {
		r.errorf("%s: text behind the object", where)
	}
	return fields
}

func (r *reader) text(where string, data json.RawMessage) string {
	var s string
	r.decode(where, data, &s)
	return s
}

// decode rejects members that the Go type does not have.
func (r *reader) decode(where string, data json.RawMessage, to any) {
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode(to); err != nil {
		r.errorf("%s: %w", where, err)
	}
}
