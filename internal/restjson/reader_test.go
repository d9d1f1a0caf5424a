package restjson

import (
	"errors"
	"fmt"
	"io"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestUnmarshal(t *testing.T) {
	tests := []struct {
		name string
		src  string
		want document
	}{
		{"null", `null`, document{}},
		{"empty object", ` { } `, document{}},
		{"null members", `{"at":null,"choice":null,"choices":null,"flag":null,"grid":null,"inner":null,"items":null,"large":null,` +
			`"level":null,"names":null,"ratio":null,"secret":null,"secrets":null,"small":null,"table":null,"text":null,"vars":null}`, document{}},
		{"empty members", `{"choice":{},"choices":[],"grid":[],"inner":{},"items":[ ],"level":"","names":[],"secrets":{},"table":{ },"text":"","vars":{}}`,
			document{Choices: []choice{}, Grid: [][]int32{}, Inner: &document{}, Items: []document{}, Names: []level{},
				Secrets: map[string]string{}, Table: map[string][]string{}, Text: ptr(""), Vars: map[string]level{}}},
		{"zero members", `{"at":0,"flag":false,"large":0,"ratio":0,"small":-0}`, document{At: ptr(time.Unix(0, 0).UTC()),
			Flag: ptr(false), Large: ptr(int64(0)), Ratio: ptr(0.0), Small: ptr(int32(0))}},
		{"all members", `{"at":1.5,"choice":{"text":"t"},"choices":[{"number":1},{"new":[true, {}]}],"flag":true,"grid":[[1,2],[]],` +
			`"inner":{"inner":{"text":"deep"}},"items":[{"small":1},{}],"large":2,"level":"high","names":["a",""],"ratio":2.5,"secret":"s",` +
			`"secrets":{"a":"1","b":"2"},"small":3,"table":{"x":["y","z"]},"text":"x","vars":{"k":"v"}}`,
			document{At: ptr(time.Unix(1, 5e8).UTC()), Choice: &choiceText{"t"},
				Choices: []choice{&choiceNumber{1}, &unknownChoice{"new", []byte(`[true, {}]`)}}, Flag: ptr(true), Grid: [][]int32{{1, 2}, {}},
				Inner: &document{Inner: &document{Text: ptr("deep")}}, Items: []document{{Small: ptr(int32(1))}, {}}, Large: ptr(int64(2)),
				Level: "high", Names: []level{"a", ""}, Ratio: ptr(2.5), Secret: ptr("s"), Secrets: map[string]string{"a": "1", "b": "2"},
				Small: ptr(int32(3)), Table: map[string][]string{"x": {"y", "z"}}, Text: ptr("x"), Vars: map[string]level{"k": "v"}}},
		{"white space", "\n{\t\"text\"\r:\n\"a\" ,\t\"names\" : [ \"b\" , \"c\" ] , \"vars\" : { \"d\" : \"e\" } , \"x\" : [ { } , [ ] ] }\r\n",
			document{Text: ptr("a"), Names: []level{"b", "c"}, Vars: map[string]level{"d": "e"}}},
		{"limits", `{"small":-2147483648,"large":-9223372036854775808,"ratio":1.7976931348623157e308}`,
			document{Small: ptr(int32(math.MinInt32)), Large: ptr(int64(math.MinInt64)), Ratio: ptr(math.MaxFloat64)}},
		{"other limits", `{"small":2147483647,"large":9223372036854775807,"ratio":1e-999}`,
			document{Small: ptr(int32(math.MaxInt32)), Large: ptr(int64(math.MaxInt64)), Ratio: ptr(0.0)}},
		{"infinity", `{"ratio":"Infinity"}`, document{Ratio: ptr(math.Inf(1))}},
		{"negative infinity", `{"ratio":"-Infinity"}`, document{Ratio: ptr(math.Inf(-1))}},
		{"null list elements are zero", `{"choices":[null,{"number":1}],"grid":[[null,1],null],"items":[{},null],"names":[null,"a"]}`,
			document{Choices: []choice{nil, &choiceNumber{1}}, Grid: [][]int32{{0, 1}, nil}, Items: []document{{}, {}}, Names: []level{"", "a"}}},
		{"null map values are dropped", `{"secrets":{"a":null},"table":{"a":null,"b":[null]},"vars":{"a":"1","b":null,"a":null,"c":null,"c":"2"}}`,
			document{Secrets: map[string]string{}, Table: map[string][]string{"b": {""}}, Vars: map[string]level{"c": "2"}}},
		{"last duplicate wins", `{"text":"a","inner":{"text":"a"},"items":[{"text":"a"}],"vars":{"a":"1"},"text":"b","inner":{"small":1},` +
			`"items":[{"small":1}],"vars":{"b":"2"}}`,
			document{Text: ptr("b"), Inner: &document{Small: ptr(int32(1))}, Items: []document{{Small: ptr(int32(1))}}, Vars: map[string]level{"b": "2"}}},
		{"last duplicate clears", `{"text":"a","inner":{},"names":["a"],"vars":{},"level":"a","text":null,"inner":null,"names":null,"vars":null,"level":null}`, document{}},
		{"names match in any letter case", `{"Text":"a","TEXT":"b","text ":"c"," text":"d","ſmaLL":1,"INNER":{"Flag":true}}`,
			document{Text: ptr("b"), Small: ptr(int32(1)), Inner: &document{Flag: ptr(true)}}},
		{"the last spelling wins", `{"TEXT":"a","text":"b","Small":1,"SMALL":null}`, document{Text: ptr("b")}},
		{"map keys are exact", `{"vars":{"A":"1","a":"2"}}`, document{Vars: map[string]level{"A": "1", "a": "2"}}},
		{"names are unescaped", `{"\u0074ext":"a"}`, document{Text: ptr("a")}},
		{"unknown members", `{"a":null,"b":[1,-0.5e+3,"\u00e9",true,false,null,{"text":{"":[[],{}]}}],"text":"x","c":{},"d":"\\\"}"}`, document{Text: ptr("x")}},
		{"null union members do not count", `{"choice":{"number":null,"text":"a","new":null}}`, document{Choice: &choiceText{"a"}}},
		{"union member twice", `{"choice":{"text":"a","text":"b"}}`, document{Choice: &choiceText{"b"}}},
		{"union member in two spellings", `{"choice":{"Text":"a","TEXT":"b"}}`, document{Choice: &choiceText{"b"}}},
		{"unknown union members beside a known one", `{"choice":{"new":{},"text":"a","old":1}}`, document{Choice: &choiceText{"a"}}},
		{"two unknown union members", `{"choice":{"new":{},"old":1}}`, document{Choice: &unknownChoice{"new", []byte(`{}`)}}},
		{"union member without a name", `{"choice":{"":1}}`, document{}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var got document
			err := Unmarshal([]byte(test.src), &got)
			if diff := cmp.Diff(test.want, got); diff != "" || err != nil {
				t.Errorf("error %v, difference (-want +got):\n%s", err, diff)
			}
		})
	}
}

func TestUnmarshalKeepsWhatIsAbsent(t *testing.T) {
	doc := document{Text: ptr("a"), Level: "b", Inner: &document{Text: ptr("c")}, Vars: map[string]level{"d": "e"}}
	if err := Unmarshal([]byte(`null`), &doc); err != nil {
		t.Fatal(err)
	}
	if err := Unmarshal([]byte(`{"level":null,"inner":{}}`), &doc); err != nil {
		t.Fatal(err)
	}
	want := document{Text: ptr("a"), Inner: &document{}, Vars: map[string]level{"d": "e"}}
	if diff := cmp.Diff(want, doc); diff != "" {
		t.Errorf("difference (-want +got):\n%s", diff)
	}
}

func TestUnmarshalCopiesData(t *testing.T) {
	data := []byte(`{"text":"abc","choice":{"new":[1]}}`)
	var doc document
	if err := Unmarshal(data, &doc); err != nil {
		t.Fatal(err)
	}
	clear(data)
	want := document{Text: ptr("abc"), Choice: &unknownChoice{"new", []byte(`[1]`)}}
	if diff := cmp.Diff(want, doc); diff != "" {
		t.Errorf("difference (-want +got):\n%s", diff)
	}
}

func TestSyntaxErrors(t *testing.T) {
	tests := []struct {
		src       string
		want      string
		truncated bool
	}{
		{``, "invalid JSON at line 1, column 1: unexpected end of input", true},
		{" \n", "invalid JSON at line 2, column 1: unexpected end of input", true},
		{`{"text":`, "invalid JSON in text at line 1, column 9: unexpected end of input", true},
		{`{"text":"a`, "invalid JSON in text at line 1, column 11: unexpected end of input", true},
		{`{"ratio":"Na`, "invalid JSON in ratio at line 1, column 13: unexpected end of input", true},
		{`{"text":"\`, "invalid JSON in text at line 1, column 11: unexpected end of input", true},
		{`{"text":"\u00`, "invalid JSON in text at line 1, column 14: unexpected end of input", true},
		{`{"small":-`, "invalid JSON in small at line 1, column 11: unexpected end of input", true},
		{`{"ratio":1.`, "invalid JSON in ratio at line 1, column 12: unexpected end of input", true},
		{`{"ratio":1e`, "invalid JSON in ratio at line 1, column 12: unexpected end of input", true},
		{`{"flag":tr`, "invalid JSON in flag at line 1, column 11: unexpected end of input", true},
		{`{"items":[{"names":["a",`, "invalid JSON in items[0].names[1] at line 1, column 25: unexpected end of input", true},
		{`{"vars":{"a":"b"`, "invalid JSON in vars.a at line 1, column 17: unexpected end of input", true},
		{`{"x":{"y":[1,2`, "invalid JSON in x.y[1] at line 1, column 15: unexpected end of input", true},
		{`x`, "invalid JSON at line 1, column 1: unexpected character", false},
		{`<html>`, "invalid JSON at line 1, column 1: unexpected character", false},
		{"\ufeff{}", "invalid JSON at line 1, column 1: unexpected character", false},
		{"\x00", "invalid JSON at line 1, column 1: unexpected character", false},
		{`}`, "invalid JSON at line 1, column 1: unexpected character", false},
		{`{} {}`, "invalid JSON at line 1, column 4: unexpected data after the value", false},
		{`null,`, "invalid JSON at line 1, column 5: unexpected data after the value", false},
		{`nul1`, "invalid JSON at line 1, column 4: unexpected character", false},
		{`nullx`, "invalid JSON at line 1, column 5: unexpected data after the value", false},
		{`{,}`, "invalid JSON at line 1, column 2: unexpected character", false},
		{`{"text":"a",}`, "invalid JSON at line 1, column 13: unexpected character", false},
		{`{"text":"a" "x":1}`, "invalid JSON in text at line 1, column 13: unexpected character", false},
		{`{"text" "a"}`, "invalid JSON in text at line 1, column 9: unexpected character", false},
		{`{text:"a"}`, "invalid JSON at line 1, column 2: unexpected character", false},
		{`{'text':"a"}`, "invalid JSON at line 1, column 2: unexpected character", false},
		{`{null:"a"}`, "invalid JSON at line 1, column 2: unexpected character", false},
		{`{"text":"a"]`, "invalid JSON in text at line 1, column 12: unexpected character", false},
		{`{"text":}`, "invalid JSON in text at line 1, column 9: unexpected character", false},
		{"{\"text\":\"a\nb\"}", "invalid JSON in text at line 1, column 11: control character in a string", false},
		{"{\"te\x00xt\":1}", "invalid JSON at line 1, column 5: control character in a string", false},
		{`{"text":"\x"}`, "invalid JSON in text at line 1, column 11: invalid escape in a string", false},
		{`{"text":"\u00g0"}`, "invalid JSON in text at line 1, column 14: invalid escape in a string", false},
		{`{"text":"\U0041"}`, "invalid JSON in text at line 1, column 11: invalid escape in a string", false},
		{`{"small":01}`, "invalid JSON in small at line 1, column 11: unexpected character", false},
		{`{"small":-x}`, "invalid JSON in small at line 1, column 11: invalid number", false},
		{`{"small":+1}`, "invalid JSON in small at line 1, column 10: unexpected character", false},
		{`{"ratio":.5}`, "invalid JSON in ratio at line 1, column 10: unexpected character", false},
		{`{"ratio":1.e3}`, "invalid JSON in ratio at line 1, column 12: invalid number", false},
		{`{"ratio":1e+}`, "invalid JSON in ratio at line 1, column 13: invalid number", false},
		{`{"ratio":NaN}`, "invalid JSON in ratio at line 1, column 10: unexpected character", false},
		{`{"ratio":0x10}`, "invalid JSON in ratio at line 1, column 11: unexpected character", false},
		{`{"flag":True}`, "invalid JSON in flag at line 1, column 9: unexpected character", false},
		{`{"names":[,]}`, "invalid JSON in names[0] at line 1, column 11: unexpected character", false},
		{`{"names":["a",]}`, "invalid JSON in names[1] at line 1, column 15: unexpected character", false},
		{`{"names":["a" "b"]}`, "invalid JSON in names[0] at line 1, column 15: unexpected character", false},
		{`{"names":["a"}`, "invalid JSON in names[0] at line 1, column 14: unexpected character", false},
		{`{"names":[}`, "invalid JSON in names[0] at line 1, column 11: unexpected character", false},
		{`{"vars":{"a":"b"]}`, "invalid JSON in vars.a at line 1, column 17: unexpected character", false},
		{`{"x":[}`, "invalid JSON in x[0] at line 1, column 7: unexpected character", false},
		{`{"x":{]}`, "invalid JSON in x at line 1, column 7: unexpected character", false},
		{`{"x":[1,]}`, "invalid JSON in x[1] at line 1, column 9: unexpected character", false},
		{`{"x":{"y":1,}}`, "invalid JSON in x at line 1, column 13: unexpected character", false},
		{`{"x":{"y" 1}}`, "invalid JSON in x.y at line 1, column 11: unexpected character", false},
		{`{"x":{"y":[0 1]}}`, "invalid JSON in x.y[0] at line 1, column 14: unexpected character", false},
		{`{"x":tru}`, "invalid JSON in x at line 1, column 9: unexpected character", false},
		{`{"x":"` + "\t" + `"}`, "invalid JSON in x at line 1, column 7: control character in a string", false},
	}
	for _, test := range tests {
		err := Unmarshal([]byte(test.src), new(document))
		var target *SyntaxError
		if !errors.As(err, &target) || err.Error() != test.want {
			t.Errorf("%s: error %v, want the *SyntaxError %s", test.src, err, test.want)
		}
		if errors.Is(err, io.ErrUnexpectedEOF) != test.truncated {
			t.Errorf("%s: error %v is io.ErrUnexpectedEOF: %t, want %t", test.src, err, !test.truncated, test.truncated)
		}
	}
}

func TestTypeErrors(t *testing.T) {
	tests := []struct{ src, want string }{
		{`[]`, "unexpected JSON at line 1, column 1: want an object, got an array"},
		{` "a"`, "unexpected JSON at line 1, column 2: want an object, got a string"},
		{`{"text":1}`, "unexpected JSON in text at line 1, column 9: want a string, got a number"},
		{`{"text": true}`, "unexpected JSON in text at line 1, column 10: want a string, got a boolean"},
		{`{"text":{}}`, "unexpected JSON in text at line 1, column 9: want a string, got an object"},
		{`{"text":["secret"]}`, "unexpected JSON in text at line 1, column 9: want a string, got an array"},
		{`{"level":0}`, "unexpected JSON in level at line 1, column 10: want a string, got a number"},
		{`{"flag":"true"}`, "unexpected JSON in flag at line 1, column 9: want a boolean, got a string"},
		{`{"flag":0}`, "unexpected JSON in flag at line 1, column 9: want a boolean, got a number"},
		{`{"small":"1"}`, "unexpected JSON in small at line 1, column 10: want a 32-bit integer, got a string"},
		{`{"small":2147483648}`, "unexpected JSON in small at line 1, column 10: number out of the range of a 32-bit integer"},
		{`{"small":-2147483649}`, "unexpected JSON in small at line 1, column 10: number out of the range of a 32-bit integer"},
		{`{"small":1.0}`, "unexpected JSON in small at line 1, column 10: want a 32-bit integer, got a number with a fraction or exponent"},
		{`{"small":1e3}`, "unexpected JSON in small at line 1, column 10: want a 32-bit integer, got a number with a fraction or exponent"},
		{`{"large":9223372036854775808}`, "unexpected JSON in large at line 1, column 10: number out of the range of a 64-bit integer"},
		{`{"large":-9223372036854775809}`, "unexpected JSON in large at line 1, column 10: number out of the range of a 64-bit integer"},
		{`{"large":0.5}`, "unexpected JSON in large at line 1, column 10: want a 64-bit integer, got a number with a fraction or exponent"},
		{`{"ratio":"1"}`, "unexpected JSON in ratio at line 1, column 10: want a number, got a string"},
		{`{"ratio":[]}`, "unexpected JSON in ratio at line 1, column 10: want a number, got an array"},
		{`{"ratio":"-infinity"}`, "unexpected JSON in ratio at line 1, column 10: want a number, got a string"},
		{`{"ratio":1e309}`, "unexpected JSON in ratio at line 1, column 10: number out of the range of a 64-bit float"},
		{`{"at":"2025-08-28T12:11:43Z"}`, "unexpected JSON in at at line 1, column 7: want epoch seconds, got a string"},
		{`{"at":1e12}`, "unexpected JSON in at at line 1, column 7: epoch seconds outside the years 1 to 9999"},
		{`{"inner":[]}`, "unexpected JSON in inner at line 1, column 10: want an object, got an array"},
		{`{"items":{}}`, "unexpected JSON in items at line 1, column 10: want an array, got an object"},
		{`{"items":[{},7]}`, "unexpected JSON in items[1] at line 1, column 14: want an object, got a number"},
		{`{"names":"a"}`, "unexpected JSON in names at line 1, column 10: want an array, got a string"},
		{`{"names":["a",["b"]]}`, "unexpected JSON in names[1] at line 1, column 15: want a string, got an array"},
		{`{"vars":[]}`, "unexpected JSON in vars at line 1, column 9: want an object, got an array"},
		{`{"vars":{"a":{"b":"c"}}}`, "unexpected JSON in vars.a at line 1, column 14: want a string, got an object"},
		{`{"table":{"a b":["c",1]}}`, `unexpected JSON in table["a b"][1] at line 1, column 22: want a string, got a number`},
		{`{"inner":{"items":[{"vars":{"k":1}}]}}`, "unexpected JSON in inner.items[0].vars.k at line 1, column 33: want a string, got a number"},
		{`{"choice":"a"}`, "unexpected JSON in choice at line 1, column 11: want an object, got a string"},
		{`{"choice":{"number":1,"text":"a"}}`, "unexpected JSON in choice.text at line 1, column 30: more than one member set in a union"},
		{`{"choice":{"Number":1,"new":0,"TEXT":"a"}}`, "unexpected JSON in choice.TEXT at line 1, column 38: more than one member set in a union"},
	}
	for _, test := range tests {
		err := Unmarshal([]byte(test.src), new(document))
		var target *TypeError
		if !errors.As(err, &target) || err.Error() != test.want {
			t.Errorf("%s: error %v, want the *TypeError %s", test.src, err, test.want)
		}
	}
}

func TestUnmarshalStrict(t *testing.T) {
	tests := []struct {
		src  string
		want string // of the error, "" for none
	}{
		{`null`, ""},
		{`{}`, ""},
		{`{"text":"a","inner":{"items":[{"vars":{"anything":"b"}}]},"choice":{"text":"c"}}`, ""},
		{`{"Text":"a","Inner":{"Choice":{"TEXT":"a"}}}`, ""},
		{`{"x":null}`, "unexpected JSON in x at line 1, column 2: unknown member"},
		{`{"inner":{"items":[{},{"odd name":1}]}}`, `unexpected JSON in inner.items[1]["odd name"] at line 1, column 24: unknown member`},
		{`{"choices":[{"new":1}]}`, "unexpected JSON in choices[0].new at line 1, column 14: unknown member"},
		{`{"choice":{"text":"a","new":1}}`, "unexpected JSON in choice.new at line 1, column 23: unknown member"},
		{"{\n  \"text\": \"é\",\n  \"inner\": {\"text\":\"é\", \"smal\": 1}\n}", `unexpected JSON in inner.smal at line 3, column 25: unknown member, did you mean "small"?`},
		{"{\n\"small\":\r\n\t\"1\"}", "unexpected JSON in small at line 3, column 2: want a 32-bit integer, got a string"},
		{`{"flga":true}`, `unexpected JSON in flga at line 1, column 2: unknown member, did you mean "flag"?`},
		{`{"choice":{"TextS":"a"}}`, `unexpected JSON in choice.TextS at line 1, column 12: unknown member, did you mean "text"?`},
		{`{"text":"a"} {}`, "invalid JSON at line 1, column 14: unexpected data after the value"},
	}
	for _, test := range tests {
		err := UnmarshalStrict([]byte(test.src), new(document))
		if got := errorText(err); got != test.want {
			t.Errorf("%s: error %s, want %s", test.src, got, test.want)
		}
	}
}

func errorText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

func TestUnmarshalUnion(t *testing.T) {
	tests := []struct {
		src  string
		want choiceText
		err  string
	}{
		{`{"text":"a"}`, choiceText{"a"}, ""},
		{`{"number":null,"text":"a"}`, choiceText{"a"}, ""},
		{`null`, choiceText{"before"}, ""},
		{`{}`, choiceText{"before"}, ""},
		{`{"number":1}`, choiceText{"before"}, "unexpected JSON at line 1, column 1: another member of the union is set"},
		{`{"new":1}`, choiceText{"before"}, "unexpected JSON at line 1, column 1: another member of the union is set"},
		{`{"text":1}`, choiceText{"before"}, "unexpected JSON in text at line 1, column 9: want a string, got a number"},
		{`{"text":"a"}?`, choiceText{"before"}, "invalid JSON at line 1, column 13: unexpected data after the value"},
	}
	for _, test := range tests {
		got := choiceText{"before"}
		err := UnmarshalUnion([]byte(test.src), &got, decodeChoice)
		if got != test.want || errorText(err) != test.err {
			t.Errorf("%s: %v and error %v, want %v and %s", test.src, got, err, test.want, test.err)
		}
	}
}

// The error for every prefix of a document reports truncation.
func TestTruncated(t *testing.T) {
	src := `{"at":-1.5e+3,"choice":{"new":[null,true,false,{"":-0.5E-3}]},"flag":true,"inner":{"text":"\ud83d\ude00é"},"items":[{},null],` +
		`"unknown":[{"a":{},"b":[]},"\"",10,null,[[1,2]]],"vars":{"a":"1","b":null},"grid":[[1],[]]}`
	if err := Unmarshal([]byte(src), new(document)); err != nil {
		t.Fatal(err)
	}
	for n := range src {
		if err := Unmarshal([]byte(src[:n]), new(document)); !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("%s: error %v, want io.ErrUnexpectedEOF", src[:n], err)
		}
		r := NewReader(src[:n])
		r.Skip()
		if err := r.End(); !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("skipping %s: error %v, want io.ErrUnexpectedEOF", src[:n], err)
		}
	}
}

func TestDepth(t *testing.T) {
	nest := func(open, inner, end string, n int) string {
		return strings.Repeat(open, n) + inner + strings.Repeat(end, n)
	}
	tests := []struct {
		name string
		src  string
		ok   bool
	}{
		{"read to the limit", nest(`{"inner":`, `{}`, `}`, maxDepth-1), true},
		{"read beyond", nest(`{"inner":`, `{}`, `}`, maxDepth), false},
		{"lists to the limit", nest(`{"items":[`, `{"text":"a"}`, `]}`, (maxDepth-1)/2), true},
		{"lists beyond", nest(`{"items":[`, `{"text":"a"}`, `]}`, maxDepth/2), false},
		{"skipped to the limit", `{"x":` + nest(`[`, ``, `]`, maxDepth-1) + `}`, true},
		{"skipped beyond", `{"x":` + nest(`[`, ``, `]`, maxDepth) + `}`, false},
		{"skipped objects to the limit", `{"x":` + nest(`{"x":`, `1`, `}`, maxDepth-1) + `}`, true},
		{"skipped objects beyond", `{"x":` + nest(`{"x":`, `1`, `}`, maxDepth) + `}`, false},
		{"within what is read", nest(`{"inner":`, `{"x":`+nest(`[`, ``, `]`, 500)+`}`, `}`, 500), false},
		{"side by side", `{"x":[` + strings.TrimSuffix(strings.Repeat(nest(`[`, ``, `]`, maxDepth-2)+",", 3), ",") + `]}`, true},
		{"never closed", strings.Repeat(`[`, 100*maxDepth), false},
		{"never closed in a member", `{"x":` + strings.Repeat(`[`, 100*maxDepth), false},
		{"never closed objects", strings.Repeat(`{"inner":`, 100*maxDepth), false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			err := Unmarshal([]byte(test.src), new(document))
			if (err == nil) != test.ok || errors.Is(err, io.ErrUnexpectedEOF) {
				t.Errorf("error %v, want none: %t", err, test.ok)
			}
			if len(errorText(err)) > 1000 {
				t.Errorf("error text of %d bytes", len(err.Error()))
			}
		})
	}
}

// Skipping tracks objects and arrays that are nested in mixed order.
func TestSkipMixedNesting(t *testing.T) {
	for _, src := range []string{
		`[{"a":[{"b":[]},[{}]]},[],{}]`,
		`{"a":{"b":{}},"c":[[{}],{"d":[1]}]}`,
		`[[[]],{"a":{}}]`,
	} {
		r := NewReader(src)
		if got := r.RawValue(); got != src || r.End() != nil {
			t.Errorf("%s reads as %s with error %v", src, got, r.Err())
		}
	}
	for _, src := range []string{`[{"a":[}]`, `{"a":[1}]`, `[{]}`, `[[]}`, `{"a":{]}`} {
		r := NewReader(src)
		if got := r.RawValue(); got != "" || r.End() == nil {
			t.Errorf("%s reads as %s", src, got)
		}
	}
}

func TestReaderAfterError(t *testing.T) {
	r := NewReader(`{"text":1,"a":"b"}`)
	r.Object()
	r.Next()
	first := r.StringPtr()
	err := r.Err()
	if first != nil || err == nil {
		t.Fatalf("read %v with error %v", first, err)
	}
	r.Object()
	if r.Next() || r.IsNull() || r.Bool() || r.String() != "" || r.Int32() != 0 || r.Int64() != 0 || r.Float64() != 0 ||
		!r.Time().IsZero() || r.StringPtr() != nil || r.BoolPtr() != nil || r.Int32Ptr() != nil || r.Int64Ptr() != nil ||
		r.Float64Ptr() != nil || r.TimePtr() != nil || r.RawValue() != "" ||
		len(ReadStringMap[string](r)) != 0 || len(ReadStrings[string](r)) != 0 {
		t.Error("something was read after an error")
	}
	var tag string
	if r.NextSet(&tag) {
		t.Error("a union member was found after an error")
	}
	r.Skip()
	r.Unknown()
	if r.Err() != err || r.End() != err {
		t.Errorf("errors %v and %v after the error %v", r.Err(), r.End(), err)
	}
}

func TestReaderReset(t *testing.T) {
	r := NewReader(`{"x":[`)
	r.Mode = StrictJSON
	kept := r.strings.pointer("kept")
	r.Object()
	r.Next()
	r.Skip()
	if r.End() == nil {
		t.Fatal("no error to reset")
	}
	r.Reset(`{"text":"new","x":1}`)
	var doc document
	doc.DecodeJSON(r)
	if diff := cmp.Diff(document{Text: ptr("new")}, doc); diff != "" || r.End() != nil || *kept != "kept" {
		t.Errorf("error %v, kept %s, difference (-want +got):\n%s", r.Err(), *kept, diff)
	}
}

// Lists and maps are allocated for an estimated size; a wrong estimate must not change
// the result.
func TestLargeListsAndMaps(t *testing.T) {
	for _, n := range []int{1, smallMap - 1, smallMap, smallMap + 1, smallMap*growth + 1, 1000} {
		want := document{Items: []document{}, Vars: map[string]level{}}
		for i := range n {
			// Sizes vary, so that some estimates are too small and some too large.
			name := fmt.Sprintf("%d%s", i, strings.Repeat("x", i*i%200))
			want.Items = append(want.Items, document{Text: &name})
			want.Vars[name] = level(name)
		}
		data, err := Marshal(&want)
		if err != nil {
			t.Fatal(err)
		}
		for _, rest := range []string{"", `,"x":[` + strings.Repeat(`null,`, 5000) + `null]`} {
			src := strings.TrimSuffix(string(data), "}") + rest + "}"
			var got document
			if err := Unmarshal([]byte(src), &got); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%d elements, difference (-want +got):\n%s", n, diff)
			}
		}
	}
}

func TestReaderAllocations(t *testing.T) {
	src, err := Marshal(benchDocument(50))
	if err != nil {
		t.Fatal(err)
	}
	body := string(src)
	allocs := testing.AllocsPerRun(100, func() {
		var doc document
		doc.DecodeJSON(NewReader(body))
	})
	const limit = 20
	if allocs > limit {
		t.Errorf("%v allocations for a document of 50 variables, want at most %d", allocs, limit)
	}
}

func TestValue(t *testing.T) {
	tests := []struct {
		src  string
		want document
		err  string
	}{
		{`{"text":"a"}`, document{Text: ptr("a")}, ""},
		{`{}`, document{}, ""},
		{`null`, document{}, ""},
		{`1`, document{}, "unexpected JSON at offset 0: want an object, got a number"},
	}
	for _, test := range tests {
		r := NewReader(test.src)
		got := Value[document](r)
		if diff := cmp.Diff(test.want, got); diff != "" || errorText(r.End()) != test.err {
			t.Errorf("%s: error %v, want %s, difference (-want +got):\n%s", test.src, r.Err(), test.err, diff)
		}
	}
}

// Each pointer must have its own value, although a slab allocates many at once.
func TestPointersAreDistinct(t *testing.T) {
	const n = 3*maxSlab + 1
	r := NewReader("[" + strings.Repeat("1,", n-1) + "1]")
	pointers := ReadList(r, (*Reader).Int32Ptr)
	if err := r.End(); err != nil || len(pointers) != n {
		t.Fatalf("%d pointers and error %v, want %d", len(pointers), err, n)
	}
	for i, p := range pointers {
		if *p != 1 {
			t.Fatalf("pointer %d was written through another", i)
		}
		*p = int32(i + 2)
	}
}
