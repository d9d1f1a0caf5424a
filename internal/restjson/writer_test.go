package restjson

import (
	"bytes"
	"encoding/json"
	"errors"
	"math"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

func TestWriterValues(t *testing.T) {
	tests := []struct {
		name  string
		write func(*Writer)
		want  string
	}{
		{"null", (*Writer).Null, `null`},
		{"true", func(w *Writer) { w.Bool(true) }, `true`},
		{"false", func(w *Writer) { w.Bool(false) }, `false`},
		{"int32 min", func(w *Writer) { w.Int32(math.MinInt32) }, `-2147483648`},
		{"int32 max", func(w *Writer) { w.Int32(math.MaxInt32) }, `2147483647`},
		{"int64 min", func(w *Writer) { w.Int64(math.MinInt64) }, `-9223372036854775808`},
		{"int64 max", func(w *Writer) { w.Int64(math.MaxInt64) }, `9223372036854775807`},
		{"float zero", func(w *Writer) { w.Float64(0) }, `0`},
		{"float negative zero", func(w *Writer) { w.Float64(math.Copysign(0, -1)) }, `-0`},
		{"float fraction", func(w *Writer) { w.Float64(0.1) }, `0.1`},
		{"float small", func(w *Writer) { w.Float64(1e-7) }, `1e-7`},
		{"float smallest without exponent", func(w *Writer) { w.Float64(1e-6) }, `0.000001`},
		{"float large", func(w *Writer) { w.Float64(1e21) }, `1e+21`},
		{"float largest without exponent", func(w *Writer) { w.Float64(1e20) }, `100000000000000000000`},
		{"float min", func(w *Writer) { w.Float64(math.SmallestNonzeroFloat64) }, `5e-324`},
		{"not a number", func(w *Writer) { w.Float64(math.NaN()) }, `"NaN"`},
		{"infinity", func(w *Writer) { w.Float64(math.Inf(1)) }, `"Infinity"`},
		{"negative infinity", func(w *Writer) { w.Float64(math.Inf(-1)) }, `"-Infinity"`},
		{"time", func(w *Writer) { w.Time(time.Unix(1756383103, 0)) }, `1756383103`},
		{"time with fraction", func(w *Writer) { w.Time(time.Unix(1756383103, 120_000_000)) }, `1756383103.12`},
		{"time with nanosecond", func(w *Writer) { w.Time(time.Unix(1756383103, 1)) }, `1756383103.000000001`},
		{"time just before 1970", func(w *Writer) { w.Time(time.Unix(-1, 500_000_000)) }, `-0.5`},
		{"time before 1970", func(w *Writer) { w.Time(time.Unix(-2, 0)) }, `-2`},
		{"time far before 1970", func(w *Writer) { w.Time(time.Unix(-2, 1)) }, `-1.999999999`},
		{"time zone does not matter", func(w *Writer) { w.Time(time.Unix(7, 0).In(time.FixedZone("", 3600))) }, `7`},
		{"first time", func(w *Writer) { w.Time(time.Time{}) }, `-62135596800`},
		{"last time", func(w *Writer) { w.Time(time.Date(9999, 12, 31, 23, 59, 59, 999_999_999, time.UTC)) }, `253402300799.999999999`},
		{"empty object", func(w *Writer) { w.Begin(); w.End() }, `{}`},
		{"commas", func(w *Writer) {
			w.Begin()
			w.Key("a")
			ListValue(w, []string{"{", "[", ":", ","}, (*Writer).String)
			w.Key("b")
			w.Begin()
			w.Key("c")
			w.Int32(1)
			w.Key("d")
			w.Raw([]byte(" [ 1 ] "))
			w.Key("e")
			w.Null()
			w.End()
			w.Key("f")
			w.Bool(true)
			w.End()
		}, `{"a":["{","[",":",","],"b":{"c":1,"d":[ 1 ],"e":null},"f":true}`},
		{"name is escaped", func(w *Writer) { w.Begin(); w.Key("a\"\n"); w.Int32(1); w.End() }, `{"a\"\n":1}`},
		{"map is sorted by bytes", func(w *Writer) {
			MapValue(w, map[string]int32{"b": 2, "": 0, "a": 1, "ab": 3, "é": 5, "Z": 4}, (*Writer).Int32)
		}, `{"":0,"Z":4,"a":1,"ab":3,"b":2,"é":5}`},
		{"map in map", func(w *Writer) {
			MapValue(w, map[string]map[string]bool{"b": {"y": true, "x": false}, "a": nil, "c": {}}, func(w *Writer, m map[string]bool) {
				MapValue(w, m, (*Writer).Bool)
			})
		}, `{"a":null,"b":{"x":false,"y":true},"c":{}}`},
		{"nil union", func(w *Writer) { Union(w, nil) }, `null`},
		{"raw is not changed inside", func(w *Writer) { w.Raw([]byte("\n{\"<a>\" : [ 1.50 ]}\t")) }, `{"<a>" : [ 1.50 ]}`},
		{"raw under redact", func(w *Writer) { w.Redact = true; w.Raw([]byte(`{"a":"hidden"}`)) }, `"[REDACTED]"`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var w Writer
			test.write(&w)
			if diff := cmp.Diff(test.want, string(w.Bytes())); diff != "" || w.Err() != nil {
				t.Errorf("error %v, difference (-want +got):\n%s", w.Err(), diff)
			}
		})
	}
}

func TestWriterStrings(t *testing.T) {
	tests := []string{
		"", "a", "seven77", "eight888", "nine99999", strings.Repeat("plain ", 50),
		"\"", "\\", "/", "\b\f\n\r\t", "\x00\x01\x1f", "\x7f", "<a href='x'>&amp;</a>",
		"é", "日本語", "😀", "\u2028\u2029", "\u2027\u202a", "\ufffd", "\ufeff",
		"\xff", "a\xffb\xfec", "\xc3", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xe2\x80",
		"1234567\"", "12345678\"", "123456789\"", "1234567é", "12345678é", "\"1234567890", "é1234567890\"",
	}
	for _, s := range tests {
		var w Writer
		w.String(s)
		if diff := cmp.Diff(stdString(t, s), string(w.Bytes())); diff != "" {
			t.Errorf("String(%q), difference (-encoding/json +got):\n%s", s, diff)
		}
	}
}

// stdString returns a string as encoding/json writes it without HTML escaping. Bytes that
// are not UTF-8 are always \ufffd in the result: Go up to 1.26 writes them so, Go 1.27
// writes the character itself.
func stdString(t *testing.T, s string) string {
	t.Helper()
	var all strings.Builder
	all.WriteByte('"')
	for s != "" {
		valid := 0
		for valid < len(s) {
			r, size := utf8.DecodeRuneInString(s[valid:])
			if r == utf8.RuneError && size == 1 {
				break
			}
			valid += size
		}
		var b bytes.Buffer
		e := json.NewEncoder(&b)
		e.SetEscapeHTML(false)
		if err := e.Encode(s[:valid]); err != nil {
			t.Fatal(err)
		}
		all.Write(b.Bytes()[1 : b.Len()-len("\"\n")])
		if s = s[valid:]; s != "" {
			all.WriteString(`\ufffd`)
			s = s[1:]
		}
	}
	all.WriteByte('"')
	return all.String()
}

func TestWriterMembers(t *testing.T) {
	full := document{
		At:      ptr(time.Unix(1, 5e8)),
		Choice:  &choiceText{"t"},
		Choices: []choice{&choiceNumber{1}, nil, &unknownChoice{"new", []byte(`[true]`)}},
		Flag:    ptr(false),
		Grid:    [][]int32{{1, 2}, nil, {}},
		Inner:   &document{},
		Items:   []document{{Small: ptr(int32(1))}, {}},
		Large:   ptr(int64(2)),
		Level:   "high",
		Names:   []level{"a", ""},
		Ratio:   ptr(2.5),
		Secret:  ptr("hidden"),
		Secrets: map[string]string{"b": "hidden", "a": "hidden"},
		Small:   ptr(int32(0)),
		Table:   map[string][]string{"x": {"y"}, "w": nil},
		Text:    ptr(""),
		Vars:    map[string]level{"k": "v"},
	}
	empty := document{
		Choices: []choice{}, Grid: [][]int32{}, Items: []document{}, Names: []level{},
		Secrets: map[string]string{}, Table: map[string][]string{}, Vars: map[string]level{},
	}
	tests := []struct {
		name string
		w    Writer
		doc  document
		want string
	}{
		{"unset", Writer{}, document{}, `{}`},
		{"unset as null", Writer{ExplicitNulls: true}, document{}, `{"at":null,"choice":null,"choices":null,"flag":null,` +
			`"grid":null,"inner":null,"items":null,"large":null,"level":null,"names":null,"ratio":null,"secret":null,` +
			`"secrets":null,"small":null,"table":null,"text":null,"vars":null}`},
		{"empty is set", Writer{}, empty, `{"choices":[],"grid":[],"items":[],"names":[],"secrets":{},"table":{},"vars":{}}`},
		{"full", Writer{}, full, `{"at":1.5,"choice":{"text":"t"},"choices":[{"number":1},null,{"new":[true]}],"flag":false,` +
			`"grid":[[1,2],null,[]],"inner":{},"items":[{"small":1},{}],"large":2,"level":"high","names":["a",""],"ratio":2.5,` +
			`"secret":"hidden","secrets":{"a":"hidden","b":"hidden"},"small":0,"table":{"w":null,"x":["y"]},"text":"","vars":{"k":"v"}}`},
		{"redacted", Writer{Redact: true}, full, `{"at":1.5,"choice":{"text":"t"},"choices":[{"number":1},null,{"new":"[REDACTED]"}],"flag":false,` +
			`"grid":[[1,2],null,[]],"inner":{},"items":[{"small":1},{}],"large":2,"level":"high","names":["a",""],"ratio":2.5,` +
			`"secret":"[REDACTED]","secrets":{"a":"[REDACTED]","b":"[REDACTED]"},"small":0,"table":{"w":null,"x":["y"]},"text":"","vars":{"k":"v"}}`},
		{"redacted but unset", Writer{Redact: true}, document{}, `{}`},
		{"redacted and unset as null", Writer{Redact: true, ExplicitNulls: true}, document{Small: ptr(int32(1))}, `{"at":null,"choice":null,"choices":null,` +
			`"flag":null,"grid":null,"inner":null,"items":null,"large":null,"level":null,"names":null,"ratio":null,"secret":null,` +
			`"secrets":null,"small":1,"table":null,"text":null,"vars":null}`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			w := &test.w
			test.doc.EncodeJSON(w)
			if diff := cmp.Diff(test.want, string(w.Bytes())); diff != "" || w.Err() != nil {
				t.Errorf("error %v, difference (-want +got):\n%s", w.Err(), diff)
			}
		})
	}
}

func TestWriterErrors(t *testing.T) {
	tests := []struct {
		name  string
		write func(*Writer)
		want  string // of the error
		json  string
	}{
		{"time too late", func(w *Writer) { w.Time(time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC)) },
			"cannot write JSON: time outside the years 1 to 9999", `null`},
		{"time too early", func(w *Writer) { w.Time(time.Time{}.Add(-1)) },
			"cannot write JSON: time outside the years 1 to 9999", `null`},
		{"raw empty", func(w *Writer) { w.Raw(nil) }, "cannot write JSON: raw value is not JSON", `null`},
		{"raw broken", func(w *Writer) { w.Raw([]byte(`{"a":`)) }, "cannot write JSON: raw value is not JSON", `null`},
		{"raw twice", func(w *Writer) { w.Raw([]byte(`1 2`)) }, "cannot write JSON: raw value is not JSON", `null`},
		{"not a union", func(w *Writer) { Union(w, 1) }, "cannot write JSON: union member of an unknown type", `null`},
		{"path", func(w *Writer) {
			(&document{Choices: []choice{&choiceNumber{}, &unknownChoice{"new", []byte("?")}}}).EncodeJSON(w)
		}, "cannot write JSON in choices[1].new: raw value is not JSON", `{"choices":[{"number":0},{"new":null}]}`},
		{"first error stays", func(w *Writer) {
			MapValue(w, map[string]string{"a": "?", "b c": "1", "d": "!"}, func(w *Writer, s string) { w.Raw([]byte(s)) })
		}, "cannot write JSON in a: raw value is not JSON", `{"a":null,"b c":1,"d":null}`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var w Writer
			test.write(&w)
			var target *ValueError
			if !errors.As(w.Err(), &target) || w.Err().Error() != test.want {
				t.Errorf("error %v, want the *ValueError %s", w.Err(), test.want)
			}
			if diff := cmp.Diff(test.json, string(w.Bytes())); diff != "" {
				t.Errorf("difference (-want +got):\n%s", diff)
			}
		})
	}
}

func TestWriterReset(t *testing.T) {
	w := Writer{ExplicitNulls: true, Redact: true}
	w.Raw(nil)
	w.Redact = false
	w.Raw(nil)
	if w.Err() == nil {
		t.Fatal("no error to reset")
	}
	w.Reset()
	(&document{Secret: ptr("seen")}).EncodeJSON(&w)
	if got, want := string(w.Bytes()), `{"secret":"seen"}`; got != want || w.Err() != nil {
		t.Errorf("after Reset %s and error %v, want %s", got, w.Err(), want)
	}
}

func TestMarshal(t *testing.T) {
	first, err := Marshal(&document{Text: ptr("first")})
	if err != nil {
		t.Fatal(err)
	}
	large := strings.Repeat("x", maxPooledBuffer)
	second, err := Marshal(&document{Text: &large})
	if err != nil {
		t.Fatal(err)
	}
	// The buffers of both are in the pool again; the returned data must not change.
	if data, err := Marshal(&unknownChoice{"new", nil}); err == nil || data != nil {
		t.Errorf("%s and error %v, want an error only", data, err)
	}
	if got, want := string(first), `{"text":"first"}`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if got, want := string(second), `{"text":"`+large+`"}`; got != want {
		t.Errorf("got %d bytes, want %d", len(got), len(want))
	}
}

func TestWriterAllocations(t *testing.T) {
	doc := benchDocument(50)
	var w Writer
	allocs := testing.AllocsPerRun(100, func() {
		w.Reset()
		doc.EncodeJSON(&w)
	})
	if allocs != 0 {
		t.Errorf("%v allocations, want none", allocs)
	}
}

// A pooled Writer must not keep written values alive.
func TestWriterKeepsNoKeys(t *testing.T) {
	var w Writer
	MapValue(&w, map[string]string{"one": "", "two": "", "three": ""}, (*Writer).String)
	for i, key := range w.keys[:cap(w.keys)] {
		if key != "" {
			t.Errorf("key %d is still %q", i, key)
		}
	}
}
