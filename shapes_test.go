package lambdamicrovms_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/aws/smithy-go"

	"github.com/microvm-go/lambdamicrovms/internal/codegen/sample"
	"github.com/microvm-go/lambdamicrovms/types"
)

// shapes returns the type of every shape that is JSON, always in the same order: inputs, outputs, errors, and the
// structures and members of unions below them.
func shapes(t testing.TB) []reflect.Type {
	t.Helper()
	m := readModel(t)
	found := map[reflect.Type]bool{}
	for _, op := range m.Service.Operations {
		for variant := range 3 {
			for _, v := range filled(t, op, variant) {
				findShapes(reflect.ValueOf(v), found)
			}
		}
	}
	for _, shape := range errorsOf(m) {
		client := stubbed(func(*http.Request) (*http.Response, error) {
			return answer(shape.Traits.HTTPStatus, http.Header{"X-Amzn-Errortype": {shape.ID.Name()}}, `{}`), nil
		})
		op := m.Service.Operations[0]
		_, err := call(t, client, op, sample.Minimal(op.Input))
		var api smithy.APIError
		if !errors.As(err, &api) || api.ErrorCode() != shape.ID.Name() {
			t.Fatalf("no %s in %v", shape.ID.Name(), err)
		}
		findShapes(reflect.ValueOf(api), found)
	}
	delete(found, reflect.TypeFor[types.UnknownUnionMember]())

	var list []reflect.Type
	for typ := range found {
		if _, ok := reflect.New(typ).Interface().(json.Unmarshaler); !ok {
			t.Fatalf("%v has no UnmarshalJSON", typ)
		}
		list = append(list, typ)
	}
	slices.SortFunc(list, func(a, b reflect.Type) int { return strings.Compare(a.String(), b.String()) })
	return list
}

// findShapes collects the types of this module's structures in v.
func findShapes(v reflect.Value, found map[reflect.Type]bool) {
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface:
		if !v.IsNil() {
			findShapes(v.Elem(), found)
		}
	case reflect.Slice:
		for i := range v.Len() {
			findShapes(v.Index(i), found)
		}
	case reflect.Map:
		for _, key := range v.MapKeys() {
			findShapes(v.MapIndex(key), found)
		}
	case reflect.Struct:
		if !strings.HasPrefix(v.Type().PkgPath(), "github.com/microvm-go/") {
			return
		}
		found[v.Type()] = true
		for i := range v.NumField() {
			findShapes(v.Field(i), found)
		}
	}
}
