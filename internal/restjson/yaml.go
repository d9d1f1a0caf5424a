package restjson

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// YAML libraries can decode a document into a tree of maps, lists and scalars. We read
// YAML by converting that tree to JSON, so that both formats have the same names, unions
// and errors, and no YAML library is required.

// A YAMLError says that a value of a YAML document does not fit the Go type, or that a
// value cannot be written as YAML.
type YAMLError struct {
	Path    string // of the value below the shape, "" for the shape itself
	Problem string
}

func (e *YAMLError) Error() string {
	return fmt.Sprintf("unexpected YAML%s: %s", in(e.Path), e.Problem)
}

// UnmarshalYAML calls decode to read a YAML value, and passes its JSON to unmarshal, the
// UnmarshalJSON of a shape. It is for UnmarshalYAML methods. An error of decode is
// returned unchanged, because YAML libraries recognize their own errors.
func UnmarshalYAML(decode func(any) error, unmarshal func([]byte) error) error {
	var tree any
	if err := decode(&tree); err != nil {
		return err
	}
	w := borrowWriter()
	defer returnWriter(w)
	writeTree(w, tree)
	if err := w.Err(); err != nil {
		return yamlError(err)
	}
	return yamlError(unmarshal(w.Bytes()))
}

// yamlError replaces an error about the intermediate JSON, whose lines and columns mean
// nothing to the caller.
func yamlError(err error) error {
	var (
		value  *ValueError
		syntax *SyntaxError
		typed  *TypeError
	)
	switch {
	case errors.As(err, &value):
		return &YAMLError{Path: value.Path, Problem: value.Problem}
	case errors.As(err, &syntax):
		return &YAMLError{Path: syntax.Path, Problem: syntax.Problem}
	case errors.As(err, &typed):
		problem := typed.Problem
		if strings.HasPrefix(problem, "want a string, got a ") {
			problem += "; write the value in quotes"
		}
		return &YAMLError{Path: typed.Path, Problem: problem}
	}
	return err
}

// writeTree writes a tree of a YAML library as JSON.
func writeTree(w *Writer, tree any) {
	switch v := tree.(type) {
	case nil:
		w.Null()
	case bool:
		w.Bool(v)
	case string:
		w.String(v)
	case int:
		w.Int64(int64(v))
	case int64:
		w.Int64(v)
	case uint64:
		if v <= math.MaxInt64 {
			w.Int64(int64(v))
		} else {
			w.Float64(float64(v))
		}
	case float64:
		w.Float64(v)
	case time.Time:
		w.Time(v)
	case []any:
		ListValue(w, v, writeTree)
	case map[string]any:
		MapValue(w, v, writeTree)
	case map[any]any:
		names := make(map[string]any, len(v))
		for name, value := range v {
			text, ok := name.(string)
			if !ok {
				w.fail("a name is not a string; write it in quotes")
				return
			}
			names[text] = value
		}
		MapValue(w, names, writeTree)
	default:
		w.fail(fmt.Sprintf("a value of type %T has no form in JSON", v))
	}
}

// MarshalYAML returns v as maps, lists and scalars with wire names. It is for MarshalYAML
// methods.
func MarshalYAML(v Encoder) (any, error) {
	w := borrowWriter()
	defer returnWriter(w)
	v.EncodeJSON(w)
	if err := w.Err(); err != nil {
		return nil, err
	}
	r := NewReader(string(w.Bytes()))
	r.Mode = JSON
	tree := readTree(r)
	return tree, r.End()
}

// readTree reads any value.
func readTree(r *Reader) any {
	switch r.kind() {
	case objectKind:
		return ReadMap(r, readTree)
	case arrayKind:
		return ReadList(r, readTree)
	case stringKind:
		return r.String()
	case booleanKind:
		return r.Bool()
	case numberKind:
		_, number, _ := r.readNumber("a number")
		if n, err := strconv.ParseInt(number, 10, 64); err == nil {
			return n
		}
		f, err := strconv.ParseFloat(number, 64)
		if err != nil {
			r.typeError(r.pos, numberProblem(err, "a 64-bit float"))
		}
		return f
	}
	r.mismatch("a value") // reads null
	return nil
}
