package restjson

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Wire mode: messages of the protocol, as read from the network.
func TestWire(t *testing.T) {
	tests := map[string]struct {
		src     string
		want    document
		unknown []string
	}{
		"names are exact":           {`{"Text":"a","vars":{"A":"1","a":"2"}}`, document{Vars: map[string]level{"A": "1", "a": "2"}}, []string{"Text"}},
		"null does not clear":       {`{"text":"a","text":null,"level":"l","level":null,"items":[{}],"items":null}`, document{Text: ptr("a"), Level: "l", Items: []document{{}}}, nil},
		"null does not clear below": {`{"items":[{"text":"a","text":null}],"vars":{"k":"v","k":null}}`, document{Items: []document{{Text: ptr("a")}}, Vars: map[string]level{"k": "v"}}, nil},
		"null elements stay":        {`{"names":["a",null]}`, document{Names: []level{"a", ""}}, nil},
		"unknown members":           {`{"a":1,"inner":{"b":{"c":1}},"__type":"T","d":null}`, document{Inner: &document{}}, []string{"a", "inner.b"}},
		"beside a union member": {
			`{"choice":{"text":"a","sum":"b"},"choices":[{"x":1,"number":2},{"y":1},{"__type":"T","text":"c"}]}`,
			document{Choice: &choiceText{"a"}, Choices: []choice{&choiceNumber{2}, &unknownChoice{"y", []byte("1")}, &choiceText{"c"}}},
			[]string{"choice.sum", "choices[0].x", "choices[1].y"},
		},
		"a bounded number": {
			`{"items":[{"a":1},{"a":1},{"a":1},{"a":1},{"a":1},{"a":1},{"a":1},{"a":1},{"a":1}],"b":1,"c":1,"d":1,"e":1,"f":1,"g":1,"h":1,"i":1}`,
			document{Items: make([]document, 9)},
			[]string{"items[0].a", "items[1].a", "items[2].a", "items[3].a", "items[4].a", "items[5].a", "items[6].a", "items[7].a", "items[8].a", "b", "c", "d", "e", "f", "g", "h"},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			r := NewReader(test.src)
			var got document
			got.DecodeJSON(r)
			if err := r.End(); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
			var unknown []string
			if paths := r.UnknownSettings(); paths != nil {
				unknown = paths()
			}
			if diff := cmp.Diff(test.unknown, unknown); diff != "" {
				t.Errorf("unknown members, -want +got:\n%s", diff)
			}
		})
	}

	r := NewReader(`{"choice":{"text":"a","number":1}}`)
	new(document).DecodeJSON(r)
	if got := errorText(r.End()); got != "unexpected JSON in choice.number at offset 31: more than one member set in a union" {
		t.Error(got)
	}
}

func TestIsOneOff(t *testing.T) {
	for _, test := range []struct {
		a, b string
		want bool
	}{
		{"", "", false},
		{"", "a", true},
		{"", "ab", false},
		{"port", "port", false},
		{"prt", "port", true},
		{"ort", "port", true},
		{"por", "port", true},
		{"part", "port", true},
		{"pory", "port", true},
		{"xort", "port", true},
		{"prot", "port", true},
		{"opr", "por", true},
		{"pro", "por", true},
		{"torp", "port", false},
		{"prto", "port", false},
		{"parts", "port", false},
		{"po", "port", false},
		{"paxt", "port", false},
		{"ropt", "port", false},
	} {
		if isOneOff(test.a, test.b) != test.want || isOneOff(test.b, test.a) != test.want {
			t.Errorf("%q and %q: want %t", test.a, test.b, test.want)
		}
	}
}
