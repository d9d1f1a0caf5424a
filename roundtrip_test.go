package lambdamicrovms_test

import (
	"context"
	"encoding/json"
	"flag"
	"io"
	"math"
	"math/rand/v2"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/microvm-go/lambdamicrovms"
	"github.com/microvm-go/lambdamicrovms/internal/codegen/model"
	"github.com/microvm-go/lambdamicrovms/types"
)

var roundTrips = flag.Int("roundtrips", 100, "random values of each shape")

// Random values of every shape survive encoding and decoding.
func TestRandomValuesRoundTrip(t *testing.T) {
	list := shapes(t)
	dice := newDice(t, list)
	for _, typ := range list {
		for range *roundTrips {
			value := dice.value(typ)
			data, err := json.Marshal(value.Interface())
			if err != nil {
				t.Fatalf("%v is not written: %v", typ, err)
			}
			again := reflect.New(typ)
			if err := json.Unmarshal(data, again.Interface()); err != nil {
				t.Fatalf("%v is not read from %s: %v", typ, data, err)
			}
			if !reflect.DeepEqual(value.Interface(), again.Interface()) {
				t.Fatalf("%v became another one by %s:\n%s", typ, data, visible(value, again))
			}
		}
	}
	structures := map[string]bool{}
	for _, typ := range list {
		structures[typ.Name()] = true
	}
	t.Logf("%d values of %d shapes", len(list)**roundTrips, len(list))
	m := readModel(t)
	for _, op := range m.Service.Operations {
		structures[goName(op.Input.ID.Name())], structures[goName(op.Output.ID.Name())] = true, true // by other names in Go
	}
	for _, shape := range m.Shapes {
		if shape.Kind == model.Structure && !structures[goName(shape.ID.Name())] {
			t.Errorf("%s is not tested", shape.ID.Name())
		}
	}
}

// For random inputs and outputs of every operation, the request has the whole input and
// the output has the whole response. The test decodes the request as the model describes
// it.
func TestRandomCallsRoundTrip(t *testing.T) {
	dice := newDice(t, shapes(t))
	for _, op := range readModel(t).Service.Operations {
		for range *roundTrips / 2 {
			in, out := dice.value(reflect.TypeOf(newInput(t, op)).Elem()), dice.value(reflect.TypeOf(newOutput(t, op)).Elem())
			for _, m := range op.Input.Members {
				switch field := in.Elem().FieldByName(goName(m.Name)); {
				case m.Traits.HTTPLabel: // a segment of dots only is rejected
					field.Set(reflect.ValueOf(ptr("x" + strings.NewReplacer("/", "/x", `\`, `\x`).Replace(dice.text()) + "x")))
				case m.Traits.IdempotencyToken:
					field.Set(reflect.ValueOf(ptr("t" + dice.text())))
				case m.Traits.HTTPQuery != "" && field.Kind() == reflect.Slice && field.Len() == 0:
					field.SetZero() // a query cannot distinguish nil from an empty list
				case m.Traits.HTTPQuery != "" && field.Kind() == reflect.Slice:
					slices.Sort(field.Interface().([]string)) // a query is signed and sent in sorted order
				}
			}
			body, err := json.Marshal(out.Interface())
			if err != nil {
				t.Fatal(err)
			}
			var sent []byte
			client := stubbed(func(r *http.Request) (*http.Response, error) {
				sent = received(t, op, r)
				return newResponse(op.Traits.HTTP.Code, nil, string(body)), nil
			}, func(o *lambdamicrovms.Options) { o.Validation = lambdamicrovms.ValidationNone })
			results := methodOf(t, client, op).Call([]reflect.Value{reflect.ValueOf(context.Background()), in})
			if err, _ := results[1].Interface().(error); err != nil {
				t.Fatalf("%s: %v", op.ID.Name(), err)
			}
			arrived := reflect.New(in.Type().Elem())
			if err := json.Unmarshal(sent, arrived.Interface()); err != nil {
				t.Fatalf("%s: %s is not read: %v", op.ID.Name(), sent, err)
			}
			if !reflect.DeepEqual(in.Interface(), arrived.Interface()) {
				t.Fatalf("%s: another input arrived as %s:\n%s", op.ID.Name(), sent, visible(in, arrived))
			}
			metadata := results[0].Elem().FieldByName("ResultMetadata")
			metadata.SetZero()
			if !reflect.DeepEqual(out.Interface(), results[0].Interface()) {
				t.Fatalf("%s: another output came of %s:\n%s", op.ID.Name(), body, visible(out, results[0]))
			}
		}
	}
}

func ptr[T any](v T) *T { return &v }

// visible compares two pointers to shapes, including secrets.
func visible(a, b reflect.Value) string {
	exporter := cmp.Exporter(func(reflect.Type) bool { return true })
	return cmp.Diff(a.Interface(), b.Interface(), exporter)
}

// received restores the input from a request, as the model describes it.
func received(t *testing.T, op *model.Shape, r *http.Request) []byte {
	t.Helper()
	doc := map[string]json.RawMessage{}
	if r.Body != nil {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(body, &doc); err != nil {
			t.Fatalf("%s: %v in %s", op.ID.Name(), err, body)
		}
	}
	set := func(name string, value any) {
		data, err := json.Marshal(value)
		if err != nil {
			t.Fatal(err)
		}
		doc[name] = data
	}
	pattern, path := strings.Split(op.Traits.HTTP.URI, "/"), strings.Split(r.URL.EscapedPath(), "/")
	if len(pattern) != len(path) {
		t.Fatalf("%s: path %s", op.ID.Name(), r.URL.EscapedPath())
	}
	for i, step := range pattern {
		text, err := url.PathUnescape(path[i])
		name, isLabel := strings.CutPrefix(step, "{")
		switch {
		case err != nil:
			t.Fatal(err)
		case isLabel:
			set(strings.TrimSuffix(name, "}"), text)
		case text != step:
			t.Fatalf("%s: path %s", op.ID.Name(), r.URL.EscapedPath())
		}
	}
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range op.Input.Members {
		values, isSet := query[m.Traits.HTTPQuery]
		delete(query, m.Traits.HTTPQuery)
		switch {
		case !isSet:
		case m.Target.Kind == model.List:
			slices.Sort(values)
			set(m.Name, values)
		case m.Target.Kind == model.Integer:
			set(m.Name, json.Number(values[0]))
		default:
			set(m.Name, values[0])
		}
	}
	if len(query) > 0 {
		t.Fatalf("%s: unknown parameters %v", op.ID.Name(), query)
	}
	data, err := json.Marshal(doc)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// dice makes random values. Its seed is fixed, so that failures can be reproduced.
type dice struct {
	*rand.Rand
	members map[reflect.Type][]reflect.Type // of each union
}

func newDice(t *testing.T, shapes []reflect.Type) *dice {
	t.Helper()
	d := &dice{rand.New(rand.NewPCG(2025, 9)), map[reflect.Type][]reflect.Type{}}
	for _, union := range []reflect.Type{reflect.TypeFor[types.CodeArtifact](), reflect.TypeFor[types.Logging](), reflect.TypeFor[types.PortSpecification]()} {
		for _, typ := range shapes {
			if reflect.PointerTo(typ).Implements(union) {
				d.members[union] = append(d.members[union], typ)
			}
		}
		if len(d.members[union]) == 0 {
			t.Fatalf("%v has no members", union)
		}
	}
	return d
}

// value returns a pointer to a random value of the type.
func (d *dice) value(typ reflect.Type) reflect.Value {
	v := reflect.New(typ)
	// Inputs reject members of unions that the model does not know.
	d.fill(v.Elem(), !v.Type().Implements(reflect.TypeFor[lambdamicrovms.OperationInput]()))
	return v
}

func (d *dice) fill(v reflect.Value, unknown bool) {
	switch v.Kind() {
	case reflect.Pointer:
		if d.IntN(4) > 0 {
			v.Set(reflect.New(v.Type().Elem()))
			d.fill(v.Elem(), unknown)
		}
	case reflect.Interface:
		members := d.members[v.Type()]
		switch n := d.IntN(len(members) + 2); {
		case n < len(members):
			v.Set(reflect.New(members[n]))
			d.fill(v.Elem().Elem(), unknown)
		case n == len(members) && unknown:
			v.Set(reflect.ValueOf(&types.UnknownUnionMember{Tag: "new" + d.text(), Value: []byte(pick(d, `[1,{"a":null}]`, `"x\u0000"`, `{}`, `-1e5`, `false`))}))
		}
	case reflect.Slice:
		if n := d.IntN(5); n > 0 {
			v.Set(reflect.MakeSlice(v.Type(), n-1, n))
			for i := range n - 1 {
				d.fill(v.Index(i), unknown)
			}
		}
	case reflect.Map:
		if n := d.IntN(5); n > 0 {
			v.Set(reflect.MakeMap(v.Type()))
			for range n - 1 {
				value := reflect.New(v.Type().Elem()).Elem()
				d.fill(value, unknown)
				v.SetMapIndex(reflect.ValueOf(d.text()), value)
			}
		}
	case reflect.Struct:
		if v.Type() == reflect.TypeFor[time.Time]() {
			v.Set(reflect.ValueOf(d.time()))
			return
		}
		for i := range v.NumField() {
			if name := v.Type().Field(i).Name; name != "ResultMetadata" && name != "ErrorCodeOverride" { // which are not JSON
				d.fill(v.Field(i), unknown)
			}
		}
	case reflect.String:
		v.SetString(d.text())
	case reflect.Int32:
		v.SetInt(int64(pick(d, 0, 1, -1, math.MaxInt32, math.MinInt32, int32(d.Uint32()))))
	case reflect.Int64:
		v.SetInt(pick(d, 0, 1, -1, math.MaxInt64, math.MinInt64, int64(d.Uint64())))
	case reflect.Bool:
		v.SetBool(d.IntN(2) == 0)
	default:
		panic("no random " + v.Type().String())
	}
}

func pick[T any](d *dice, from ...T) T { return from[d.IntN(len(from))] }

// text returns a string with characters that JSON, paths and queries treat specially.
func (d *dice) text() string {
	var b strings.Builder
	for range pick(d, 0, 1, 3, 20) {
		b.WriteString(pick(d, "a", "Z9", " ", "+", "/", "\\", `"`, "\x00", "\n", "\x1f", "\x7f", "<&>", "%2F", "%", "?", "#", "=", ";", ".", "..",
			"null", "{}", "é", "\u2028", "\ufffd", "\U0001f600", "\ufeff", strconv.Itoa(d.IntN(1000)), string(rune(d.IntN(0xd800)))))
	}
	return b.String()
}

func (d *dice) time() time.Time {
	sec := pick(d, 0, 1, -1, 1756383103, d.Int64N(4e9), time.Date(1, 1, 1, 0, 0, 0, 0, time.UTC).Unix(), time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC).Unix())
	return time.Unix(sec, pick(d, 0, 1, 5e8, 123e6, 999_999_999, d.Int64N(1e9))).UTC()
}
