package sample

import (
	"github.com/microvm-go/lambdamicrovms/internal/codegen/model"
)

// Boundary is one constraint of one value in an input, with documents on both sides of
// it.
type Boundary struct {
	Path    []string // wire names of members, "[]" for an element, "{}" for a map value and "{key}" for its key
	Rule    string   // required, length, range, pattern, enum, size, union
	Inside  []any    // documents that satisfy everything
	Outside []any    // documents that break this constraint, and no other unless Mixed
	Mixed   bool     // a document that breaks this constraint must also break another
}

// Boundaries returns every constraint on a document of the shape, at any depth.
func Boundaries(input *model.Shape) []Boundary {
	w := &walker{}
	w.structure(input, nil, func(v any) any { return v })
	return w.found
}

type walker struct {
	found []Boundary
	way   []*model.Shape
}

func (w *walker) add(path []string, rule string, mixed bool, inside, outside []any) {
	if len(outside) > 0 {
		w.found = append(w.found, Boundary{Path: path, Rule: rule, Mixed: mixed, Inside: inside, Outside: outside})
	}
}

func below(path []string, step string) []string { return append(path[:len(path):len(path)], step) }

// structure walks the members; whole inserts a document of the structure into one of the
// input.
func (w *walker) structure(s *model.Shape, path []string, whole func(any) any) {
	if contains(w.way, s) {
		return
	}
	w.way = append(w.way, s)
	base := Minimal(s).(map[string]any)
	for _, m := range s.Members {
		place := below(path, m.Name)
		if m.Traits.Required {
			w.add(place, "required", false, []any{whole(base)}, []any{whole(without(base, m.Name))})
		}
		w.value(m.Target, m.Traits, place, func(v any) any { return whole(with(base, m.Name, v)) })
	}
	w.way = w.way[:len(w.way)-1]
}

func (w *walker) value(s *model.Shape, own model.Traits, path []string, whole func(any) any) {
	t := merge(own, s.Traits)
	switch s.Kind {
	case model.Structure:
		w.structure(s, path, whole)
	case model.Union:
		for _, m := range s.Members {
			w.value(m.Target, m.Traits, below(path, m.Name), func(v any) any { return whole(map[string]any{m.Name: v}) })
		}
	case model.String:
		w.text(t, path, whole)
	case model.Enum:
		var inside []any
		for _, v := range values(s) {
			inside = append(inside, whole(v))
		}
		w.add(path, "enum", false, inside, []any{whole("NO_SUCH_VALUE"), whole(values(s)[0] + "x")})
	case model.Integer, model.Long:
		w.number(t, path, whole)
	case model.List:
		item := document(s.Element.Target, s.Element.Traits, false, func(int) int { return 0 }, nil)
		w.size(t, path, func(n int) any { return whole(repeat(item, n)) })
		w.value(s.Element.Target, s.Element.Traits, below(path, "[]"), func(v any) any {
			return whole(append([]any{v}, repeat(item, max(0, lowest(t.Length)-1))...))
		})
	case model.Map:
		value := document(s.Value.Target, s.Value.Traits, false, func(int) int { return 0 }, nil)
		w.size(t, path, func(n int) any { return whole(entries(keys(s, n), value)) })
		w.value(s.Key.Target, s.Key.Traits, below(path, "{key}"), func(k any) any { return whole(map[string]any{k.(string): value}) })
		w.value(s.Value.Target, s.Value.Traits, below(path, "{}"), func(v any) any { return whole(entries(keys(s, 1), v)) })
	}
}

func (w *walker) text(t model.Traits, path []string, whole func(any) any) {
	bound := func(limit int, step int) {
		inside, ok := exactly(t, limit)
		if !ok { // no string of that length matches the pattern: use the nearest length that does
			inside = text(t, limit)
		}
		outside, ok := exactly(t, limit+step)
		if !ok {
			outside, _ = exactly(model.Traits{}, limit+step)
		}
		w.add(path, "length", !ok || limit+step == 0, []any{whole(inside)}, []any{whole(outside)})
	}
	if t.Length != nil {
		if t.Length.Min != nil && *t.Length.Min > 0 {
			bound(int(*t.Length.Min), -1)
		}
		if t.Length.Max != nil {
			bound(int(*t.Length.Max), 1)
		}
	}
	if t.Pattern == "" {
		return
	}
	in, out := compiled(t.Pattern).Examples()
	var inside, outside []any
	for _, s := range in {
		if fits(t.Length, len([]rune(s))) {
			inside = append(inside, whole(s))
		}
	}
	for _, s := range out {
		if fits(t.Length, len([]rune(s))) {
			outside = append(outside, whole(s))
		}
	}
	w.add(path, "pattern", false, inside, outside)
}

func (w *walker) number(t model.Traits, path []string, whole func(any) any) {
	if t.Range == nil {
		return
	}
	if t.Range.Min != nil {
		w.add(path, "range", false, []any{whole(*t.Range.Min)}, []any{whole(*t.Range.Min - 1)})
	}
	if t.Range.Max != nil {
		w.add(path, "range", false, []any{whole(*t.Range.Max)}, []any{whole(*t.Range.Max + 1)})
	}
}

func (w *walker) size(t model.Traits, path []string, of func(n int) any) {
	if t.Length == nil {
		return
	}
	if m := t.Length.Min; m != nil && *m > 0 {
		w.add(path, "size", false, []any{of(int(*m))}, []any{of(int(*m) - 1)})
	}
	if m := t.Length.Max; m != nil {
		w.add(path, "size", false, []any{of(int(*m))}, []any{of(int(*m) + 1)})
	}
}

func fits(b *model.Bounds, n int) bool {
	return b == nil || (b.Min == nil || int64(n) >= *b.Min) && (b.Max == nil || int64(n) <= *b.Max)
}
