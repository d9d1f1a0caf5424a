package configuration

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/microvm-go/lambdamicrovms/cmd/lambda-microvms/internal/api"
	"github.com/microvm-go/lambdamicrovms/cmd/lambda-microvms/internal/fault"
	"github.com/microvm-go/lambdamicrovms/cmd/lambda-microvms/internal/params"
	"github.com/microvm-go/lambdamicrovms/cmd/lambda-microvms/internal/value"
	"github.com/microvm-go/lambdamicrovms/internal/redact"
)

// The options that ParseEdits reads.
const (
	SetOption   = "set"
	UnsetOption = "unset"
)

// Edit is a change of a configuration: a value for a path, or none.
type Edit struct {
	*place
	option string
	value  any
	unset  bool
}

// ParseEdits reads the values of --set, path=text or path:=JSON, and of --unset, paths.
// It checks what does not depend on the configuration that is to change. Errors never
// show a value of a sensitive setting.
func ParseEdits(shape *api.Shape, sets, unsets []string) ([]Edit, error) {
	var edits []Edit
	for i, text := range unsets {
		path, rest, err := splitPath(text)
		if err == nil && rest != "" {
			err = fmt.Errorf("argument %d is not a path", i+1)
		}
		var e Edit
		if err == nil {
			e, err = unset(shape, path)
		}
		if err != nil {
			return nil, fault.Parameter(UnsetOption, "%s", err)
		}
		edits = append(edits, e)
	}
	for i, text := range sets {
		e, err := set(shape, text, i+1)
		if err != nil {
			return nil, fault.Parameter(SetOption, "%s", err)
		}
		edits = append(edits, e)
	}
	return edits, nil
}

func unset(shape *api.Shape, path []step) (Edit, error) {
	p, err := resolve(shape, path)
	if err != nil {
		return Edit{}, err
	}
	if parent := p.parent(); parent.Kind == api.Structure || parent.Kind == api.Union {
		if m := parent.Member(p.names[len(p.names)-1]); m.Required || parent.Kind == api.Union {
			return Edit{}, fmt.Errorf("%s is required", p.path)
		}
	}
	return Edit{place: p, option: UnsetOption, unset: true}, nil
}

func set(shape *api.Shape, text string, number int) (Edit, error) {
	path, rest, err := splitPath(text)
	if err != nil {
		return Edit{}, err
	}
	given, isJSON := strings.CutPrefix(rest, ":=")
	if !isJSON {
		var isText bool
		if given, isText = strings.CutPrefix(rest, "="); !isText {
			return Edit{}, fmt.Errorf("argument %d has neither = nor :=; it has to be path=text or path:=JSON", number)
		}
	}
	p, err := resolve(shape, path)
	if err != nil {
		return Edit{}, err
	}
	e := Edit{place: p, option: SetOption}
	if given, err = params.Load(given); err != nil {
		return e, fmt.Errorf("%s: %w", p.path, err)
	}
	if isJSON {
		if e.value, err = value.ReadJSON(given); err != nil {
			return e, fmt.Errorf("%s: Invalid JSON: %w", p.path, err)
		}
		if e.value == nil {
			return unset(shape, path)
		}
	} else if e.value, err = scalar(p, given); err != nil {
		return e, err
	}
	if problems := params.ValidateAt(p.shape(), e.value, p.path); len(problems) > 0 {
		return e, fmt.Errorf("%s", strings.Join(problems, "\n"))
	}
	return e, nil
}

// scalar converts a text to the type of the place.
func scalar(p *place, text string) (any, error) {
	kind := p.shape().Kind
	if !p.shape().Scalar() {
		return nil, fmt.Errorf("%s is a %s: set one of its parts, or all of it as JSON with %[1]s:=JSON", p.path, kind)
	}
	v, ok := params.Scalar(kind, text)
	if ok {
		return v, nil
	}
	expected := "an integer"
	switch kind {
	case api.Boolean:
		expected = "true or false"
	case api.Double:
		expected = "a number"
	}
	shown := value.Quote(text)
	if p.sensitive() {
		shown = redact.Text
	}
	return nil, fmt.Errorf("%s is %s, not %s", p.path, expected, shown)
}

func (p *place) sensitive() bool {
	return slices.ContainsFunc(p.shapes[1:], func(s *api.Shape) bool { return s.Sensitive })
}

// Apply makes the changes in a document of the shape that they were read for.
func Apply(document *value.Map, edits []Edit) error {
	for _, e := range edits {
		if _, err := e.apply(document, 0); err != nil {
			return fault.Parameter(e.option, "%s", err)
		}
	}
	return nil
}

// apply returns the changed value of the place that the first steps lead to.
func (e *Edit) apply(v any, depth int) (any, error) {
	if depth == len(e.names) {
		return e.value, nil
	}
	name, last := e.names[depth], depth == len(e.names)-1
	if e.shapes[depth].Kind == api.List {
		return e.applyElement(v, name, depth)
	}
	m, _ := v.(*value.Map)
	if m == nil {
		if e.unset {
			return v, nil // nothing is set there
		}
		m = new(value.Map)
	}
	if e.unset && last {
		m.Delete(name)
		return m, nil
	}
	if e.shapes[depth].Kind == api.Union {
		for _, other := range m.Names() {
			if other != name && !e.unset {
				m.Delete(other)
			}
		}
	}
	part, ok := m.Get(name)
	if !ok && e.unset {
		return m, nil
	}
	part, err := e.apply(part, depth+1)
	if err != nil {
		return nil, err
	}
	m.Set(name, part)
	return m, nil
}

func (e *Edit) applyElement(v any, index string, depth int) (any, error) {
	list, _ := v.([]any)
	n, err := strconv.Atoi(index)
	switch {
	case err != nil:
		return nil, err
	case e.unset && n >= len(list):
		return v, nil
	case n > len(list):
		return nil, fmt.Errorf("%s: the list has %d elements; the index of a new one is %d", e.path, len(list), len(list))
	case e.unset && depth == len(e.names)-1:
		return slices.Delete(list, n, n+1), nil
	case n == len(list):
		list = append(list, nil)
	}
	list[n], err = e.apply(list[n], depth+1)
	return list, err
}
