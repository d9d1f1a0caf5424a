package configtest

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/smithy-go/middleware"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/microvm-go/lambdamicrovms"
	"github.com/microvm-go/lambdamicrovms/types"
)

// texts are strings that a YAML library has to write in quotes, or that look like another
// type without them.
var texts = []string{
	"plain", "8080", "2.0", "1e3", "0x1F", "0o17", "017", "1_000", "-1", ".inf", ".NaN", "true", "no", "yes", "on", "~", "null", "", "=",
	"2026-11-27", "2026-11-27T10:00:00Z", "12:30:45", "a: b", "a:", "# comment", "a #b", "- item", "-", "? key", "[1]", "{a: 1}", "*alias",
	"&anchor", "!tag", "!!binary", "%dir", "@at", "`tick`", "|", ">", `"quoted"`, "'single'", `back\slash`, " leading", "trailing ",
	"two\nlines", "ends\n", "\nbegins", "a\n\n\nb", "tab\there", "é", "\U0001f600", "---", "...", "a,b", "key: [", "s3://bucket/key?x=1#y",
}

// survivors returns the texts that survive a library by themselves: yaml.v3 loses a line
// feed at the beginning, and goccy takes --- for a new document.
func survivors(library yamlLibrary) []string {
	return slices.DeleteFunc(slices.Clone(texts), func(text string) bool {
		type tree = map[string]any
		want := tree{"a": tree{"b": []any{tree{text: text}, text}}}
		written, err := library.marshal(want)
		var got tree
		return err != nil || library.unmarshal(written, &got) != nil || !cmp.Equal(want, got)
	})
}

// A filler sets every member of a value. Each string and member of a union that it sets
// is the next one of its list.
type filler struct {
	next  int
	texts []string
}

func (f *filler) value(typ reflect.Type) reflect.Value {
	v := reflect.New(typ)
	f.fill(v.Elem())
	return v
}

func (f *filler) fill(v reflect.Value) {
	f.next++
	switch v.Kind() {
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		f.fill(v.Elem())
	case reflect.Interface:
		members := unions()[v.Type()]
		v.Set(f.value(members[f.next%len(members)]))
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), f.next%3, 3)) // also empty ones
		for i := range v.Len() {
			f.fill(v.Index(i))
		}
	case reflect.Map:
		v.Set(reflect.MakeMap(v.Type()))
		for range 5 {
			value := reflect.New(v.Type().Elem()).Elem()
			f.fill(value)
			f.next += 7
			v.SetMapIndex(reflect.ValueOf(f.texts[f.next%len(f.texts)]), value)
		}
	case reflect.Struct:
		switch v.Type() {
		case reflect.TypeFor[time.Time]():
			v.Set(reflect.ValueOf(time.Unix(1_795_000_000+int64(f.next), int64(f.next%1000)*1e6).UTC()))
			return
		case reflect.TypeFor[middleware.Metadata]():
			return
		}
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				f.fill(v.Field(i))
			}
		}
	case reflect.String:
		v.SetString(f.texts[f.next%len(f.texts)])
	case reflect.Int32, reflect.Int64:
		v.SetInt(int64(f.next) * 1_000_003 % (1 << 31))
	case reflect.Bool:
		v.SetBool(f.next%2 == 0)
	default:
		panic(fmt.Sprintf("no value of %v", v.Type()))
	}
}

// unions returns the members of each union.
func unions() map[reflect.Type][]reflect.Type {
	return map[reflect.Type][]reflect.Type{
		reflect.TypeFor[types.CodeArtifact](): {reflect.TypeFor[types.CodeArtifactMemberUri]()},
		reflect.TypeFor[types.Logging]():      {reflect.TypeFor[types.LoggingMemberDisabled](), reflect.TypeFor[types.LoggingMemberCloudWatch]()},
		reflect.TypeFor[types.PortSpecification](): {
			reflect.TypeFor[types.PortSpecificationMemberPort](), reflect.TypeFor[types.PortSpecificationMemberRange](),
			reflect.TypeFor[types.PortSpecificationMemberAllPorts](),
		},
	}
}

// shapes returns the inputs and outputs of all operations. All other shapes are in them.
func shapes() (list []reflect.Type) {
	client := reflect.TypeFor[*lambdamicrovms.Client]()
	for i := range client.NumMethod() {
		method := client.Method(i).Type
		if method.NumIn() == 4 && method.IsVariadic() { // receiver, context, input, options
			list = append(list, method.In(2).Elem(), method.Out(0).Elem())
		}
	}
	return list
}

// Every shape survives each YAML library, with every member set and with strings that
// look like other types.
func TestYAMLOfEveryShape(t *testing.T) {
	list := shapes()
	if len(list) != 48 {
		t.Errorf("%d inputs and outputs", len(list))
	}
	for _, library := range yamlLibraries {
		t.Run(library.name, func(t *testing.T) {
			f := filler{texts: survivors(library)}
			if len(f.texts) < 45 {
				t.Errorf("only %q survive by themselves", f.texts)
			}
			for range 8 { // times, with other texts for each member
				for _, typ := range list {
					f.next++
					value := f.value(typ)
					text, err := library.marshal(value.Interface())
					if err != nil {
						t.Fatalf("%v: %v", typ, err)
					}
					again := reflect.New(typ)
					if err := library.unmarshal(text, again.Interface()); err != nil {
						t.Fatalf("%v: %v\n%s", typ, err, text)
					}
					metadata := cmpopts.IgnoreTypes(middleware.Metadata{})
					if diff := cmp.Diff(plain(value), plain(again), metadata); diff != "" {
						t.Fatalf("%v (-want +got):\n%s\n%s", typ, diff, strings.ReplaceAll(string(text), " ", "·"))
					}
				}
			}
		})
	}
}

// plain returns what a pointer points to.
func plain(v reflect.Value) any { return v.Elem().Interface() }
