package redact

import (
	"cmp"
	"fmt"
	"log/slog"
	"net/http"
	"reflect"
	"slices"
	"time"

	"github.com/microvm-go/lambdamicrovms/internal/restjson"
)

// Value returns the JSON that Format, LogValue and Marshal print for a struct that is not
// part of the service's model. It contains the exported fields that are not zero, and
// errors as their text. It leaves out sensitive members of the model at any depth, fields
// with the tag redact:"secret", and the values of secret headers.
func Value(v any) restjson.Encoder { return value{reflect.ValueOf(v)} }

// Format is for the Format methods of such structs.
func Format(s fmt.State, verb rune, name string, v any) { restjson.Format(s, verb, name, Value(v)) }

// LogValue is for their LogValue methods.
func LogValue(name string, v any) slog.Value { return restjson.LogValue(name, Value(v)) }

// Marshal is for their MarshalJSON methods.
func Marshal(v any) ([]byte, error) {
	w := restjson.Writer{Redact: true}
	Value(v).EncodeJSON(&w)
	return w.Bytes(), w.Err()
}

// FormatError is for the Format methods of errors: it prints their text for every verb.
func FormatError(s fmt.State, err error) { _, _ = s.Write([]byte(err.Error())) }

type value struct{ reflect.Value }

func (v value) EncodeJSON(w *restjson.Writer) { encodeFields(w, v.Value, 0) }

// maxNesting limits how deep values are printed. A deeper value is taken for a cycle.
const maxNesting = 30

func encode(w *restjson.Writer, v reflect.Value, depth int) {
	if !v.IsValid() || depth > maxNesting {
		w.Null()
		return
	}
	if encodeKnown(w, v) {
		return
	}
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface:
		encode(w, v.Elem(), depth+1)
	case reflect.Struct:
		encodeFields(w, v, depth)
	case reflect.Slice, reflect.Array:
		restjson.ListValue(w, slices.Collect(func(yield func(reflect.Value) bool) {
			for i := range v.Len() {
				if !yield(v.Index(i)) {
					return
				}
			}
		}), func(w *restjson.Writer, e reflect.Value) { encode(w, e, depth+1) })
	case reflect.Map:
		w.Begin()
		keys := v.MapKeys()
		slices.SortFunc(keys, func(a, b reflect.Value) int { return cmp.Compare(fmt.Sprint(a), fmt.Sprint(b)) })
		for _, key := range keys {
			w.Key(fmt.Sprint(key))
			encode(w, v.MapIndex(key), depth+1)
		}
		w.End()
	case reflect.String:
		w.String(v.String())
	case reflect.Bool:
		w.Bool(v.Bool())
	case reflect.Func, reflect.Chan, reflect.UnsafePointer:
		w.String(v.Type().String())
	default:
		w.String(fmt.Sprint(v))
	}
}

// encodeKnown writes a value of a type with its own form, and reports whether v is such a
// value.
func encodeKnown(w *restjson.Writer, v reflect.Value) bool {
	if v.Kind() == reflect.Pointer && v.IsNil() || !v.CanInterface() {
		return false
	}
	if v.Kind() == reflect.Struct { // the methods are the pointer's
		p := reflect.New(v.Type())
		p.Elem().Set(v)
		if shape, ok := p.Interface().(restjson.Encoder); ok {
			shape.EncodeJSON(w)
			return true
		}
	}
	switch known := v.Interface().(type) {
	case restjson.Encoder:
		known.EncodeJSON(w)
	case error:
		w.String(known.Error())
	case time.Time:
		w.String(known.Format(time.RFC3339Nano))
	case time.Duration:
		w.String(known.String())
	case []byte:
		w.String(string(known))
	case http.Header:
		encode(w, reflect.ValueOf(map[string][]string(Header(known))), 0)
	case int, int8, int16, int32, int64:
		w.Int64(v.Int())
	case float32, float64:
		w.Float64(v.Float())
	default:
		return false
	}
	return true
}

func encodeFields(w *restjson.Writer, v reflect.Value, depth int) {
	for v.Kind() == reflect.Pointer {
		if v.IsNil() {
			w.Null()
			return
		}
		v = v.Elem()
	}
	w.Begin()
	for i := range v.NumField() {
		field := v.Type().Field(i)
		if !field.IsExported() || v.Field(i).IsZero() {
			continue
		}
		w.Key(field.Name)
		if field.Tag.Get("redact") == "secret" {
			w.String(Text)
			continue
		}
		encode(w, v.Field(i), depth+1)
	}
	w.End()
}
