// Package sample makes JSON documents from the shapes of a model, for tests that cover
// the whole model: documents with every member, and documents just inside and just
// outside each constraint.
package sample

import (
	"fmt"
	"maps"
	"strings"
	"sync"

	"github.com/microvm-go/lambdamicrovms/internal/codegen/model"
	"github.com/microvm-go/lambdamicrovms/internal/codegen/pattern"
)

// Secret is the value of every sensitive string.
const Secret = "s3cr3t-value"

// Full returns a document of the shape with every member set. It does not repeat a
// structure inside itself. choose selects the member of a union among n.
func Full(shape *model.Shape, choose func(n int) int) any {
	return document(shape, model.Traits{}, true, choose, nil)
}

// Minimal returns a valid document of the shape with only the required members.
func Minimal(shape *model.Shape) any {
	return document(shape, model.Traits{}, false, func(int) int { return 0 }, nil)
}

func document(s *model.Shape, own model.Traits, full bool, choose func(int) int, way []*model.Shape) any {
	t := merge(own, s.Traits)
	switch s.Kind {
	case model.Structure:
		doc := map[string]any{}
		for _, m := range s.Members {
			if m.Traits.Required || full && !contains(way, m.Target) {
				doc[m.Name] = document(m.Target, m.Traits, full, choose, append(way[:len(way):len(way)], s))
			}
		}
		return doc
	case model.Union:
		m := s.Members[choose(len(s.Members))]
		return map[string]any{m.Name: document(m.Target, m.Traits, full, choose, append(way[:len(way):len(way)], s))}
	case model.List:
		return repeat(document(s.Element.Target, s.Element.Traits, full, choose, append(way[:len(way):len(way)], s)), max(1, lowest(t.Length)))
	case model.Map:
		value := document(s.Value.Target, s.Value.Traits, full, choose, append(way[:len(way):len(way)], s))
		return entries(keys(s, max(1, lowest(t.Length))), value)
	case model.Enum:
		return values(s)[0]
	case model.String:
		if s.Traits.Sensitive {
			return Secret
		}
		return text(t, max(1, lowest(t.Length)))
	case model.Integer, model.Long:
		if t.Range != nil && t.Range.Min != nil {
			return *t.Range.Min
		}
		return int64(1)
	case model.Double:
		return 0.5
	case model.Boolean:
		return true
	case model.Timestamp:
		return 1700000000.25
	default:
		return map[string]any{}
	}
}

func contains(way []*model.Shape, s *model.Shape) bool {
	for _, w := range way {
		if w == s {
			return true
		}
	}
	return false
}

// merge merges the constraints of a member and of its target. The member's take
// precedence.
func merge(own, target model.Traits) model.Traits {
	if own.Length == nil {
		own.Length = target.Length
	}
	if own.Range == nil {
		own.Range = target.Range
	}
	if own.Pattern == "" {
		own.Pattern = target.Pattern
	}
	return own
}

func lowest(b *model.Bounds) int {
	if b == nil || b.Min == nil {
		return 0
	}
	return int(*b.Min)
}

// text returns a string of at least the length that matches the pattern.
func text(t model.Traits, length int) string {
	for ; length < 4096; length++ {
		if s, ok := exactly(t, length); ok {
			return s
		}
	}
	panic(fmt.Sprintf("no string for the pattern %s", t.Pattern))
}

// exactly returns a string of exactly the length that matches the pattern, if there is
// one.
func exactly(t model.Traits, length int) (string, bool) {
	if t.Pattern == "" {
		return strings.Repeat("é", length), true // two bytes: lengths are counted in characters
	}
	return compiled(t.Pattern).Example(length)
}

var matchers sync.Map // by pattern, because compiling Unicode classes is slow

func compiled(p string) *pattern.Matcher {
	if m, ok := matchers.Load(p); ok {
		return m.(*pattern.Matcher)
	}
	m, err := pattern.Compile(p)
	if err != nil {
		panic(err)
	}
	matchers.Store(p, m)
	return m
}

func values(s *model.Shape) []string {
	var list []string
	for _, m := range s.Members {
		if m.Traits.EnumValue != "" {
			list = append(list, m.Traits.EnumValue)
		} else {
			list = append(list, m.Name)
		}
	}
	return list
}

// keys returns n distinct keys of a map.
func keys(s *model.Shape, n int) []string {
	t := merge(s.Key.Traits, s.Key.Target.Traits)
	list := make([]string, 0, n)
	for length := max(1, lowest(t.Length)); len(list) < n; length++ {
		list = append(list, text(t, length))
	}
	return list
}

func entries(keys []string, value any) map[string]any {
	doc := make(map[string]any, len(keys))
	for _, k := range keys {
		doc[k] = value
	}
	return doc
}

func repeat(item any, n int) []any {
	list := make([]any, n)
	for i := range list {
		list[i] = item
	}
	return list
}

func with(doc map[string]any, name string, value any) map[string]any {
	doc = maps.Clone(doc)
	doc[name] = value
	return doc
}

func without(doc map[string]any, name string) map[string]any {
	doc = maps.Clone(doc)
	delete(doc, name)
	return doc
}
