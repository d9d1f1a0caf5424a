package params

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/microvm-go/lambdamicrovms/cmd/lambda-microvms/internal/api"
	"github.com/microvm-go/lambdamicrovms/cmd/lambda-microvms/internal/value"
)

func TestUnpack(t *testing.T) {
	op := api.Find("run-microvm")
	update := api.Find("update-microvm-image")
	for _, test := range []struct {
		op     *api.Operation
		member string
		words  []string
		want   string
	}{
		{op, "imageIdentifier", []string{"x"}, `"x"`},
		{op, "maximumDurationInSeconds", []string{" 60 "}, `60`},
		{op, "ingressNetworkConnectors", nil, `[]`},
		{op, "ingressNetworkConnectors", []string{"a", "b,c"}, `["a", "b,c"]`},
		{op, "ingressNetworkConnectors", []string{`["a"]`}, `["a"]`},
		{op, "idlePolicy", []string{"maxIdleDurationSeconds=60,autoResumeEnabled=TRUE"}, `{"maxIdleDurationSeconds": 60, "autoResumeEnabled": true}`},
		{op, "idlePolicy", []string{"autoResumeEnabled=yes"}, `{"autoResumeEnabled": "yes"}`},
		{op, "idlePolicy", []string{`{"b": 1, "a": [2.0]}`}, `{"b": 1, "a": [2.0]}`},
		{op, "logging", []string{"disabled={}"}, `{"disabled": {}}`},
		{update, "resources", []string{"minimumMemoryInMiB=1", "minimumMemoryInMiB=2"}, `[{"minimumMemoryInMiB": 1}, {"minimumMemoryInMiB": 2}]`},
		{update, "environmentVariables", []string{"A=1,B=2"}, `{"A": "1", "B": "2"}`},
		{update, "environmentVariables", []string{"A=1,2"}, `{"A": ["1", "2"]}`},
	} {
		v, err := Unpack(test.op.Input.Member(test.member), test.words)
		if err != nil {
			t.Errorf("%s %q: %v", test.member, test.words, err)
			continue
		}
		if diff := cmp.Diff(test.want, string(value.Compact(v))); diff != "" {
			t.Errorf("%s %q: %s", test.member, test.words, diff)
		}
	}
}

func TestReadYAML(t *testing.T) {
	for text, want := range map[string]string{
		"a: 1\nb: [x, 'y', 2.5, true, ~]": `{"a": 1, "b": ["x", "y", 2.5, true, null]}`,
		"b: 1\na: {c: no}":                `{"b": 1, "a": {"c": "no"}}`,
		"1: x":                            `{"1": "x"}`,
		"a: 18446744073709551615":         `{"a": 18446744073709551615}`,
		"x":                               `"x"`,
		"":                                `null`,
		"a: !!str 1":                      `{"a": "1"}`,
		"\ufeffa: 0o17":                   `{"a": 15}`,
		"a: 0":                            `{"a": 0}`,
		"a: &x {b: 1}\nc: {<<: *x, d: 2}": `{"a": {"b": 1}, "c": {"b": 1, "d": 2}}`,
		"a: &x {b: 1}\nc: *x":             `{"a": {"b": 1}, "c": {"b": 1}}`,
		"a: |\n  l1\n  l2\n":              `{"a": "l1\nl2\n"}`,
		"a: 2025-12-17":                   `{"a": "2025-12-17"}`,
	} {
		v, err := ReadYAML(text)
		if err != nil {
			t.Errorf("%q: %v", text, err)
			continue
		}
		if diff := cmp.Diff(want, string(value.Compact(v))); diff != "" {
			t.Errorf("%q: %s", text, diff)
		}
	}
}

// The library reads these in another way than the AWS CLI, or only a part.
func TestReadYAMLAmbiguous(t *testing.T) {
	for _, text := range []string{
		"a: 0100", "a: -0777", "a: !!binary aGk=", "a: !hunter2 x", "a: 1\n---\na: 2",
		"a: &x {b: 1}\nc: &y {b: 2}\nd: {<<: [*x, *y]}", "a: &x {b: {<<: [{c: 1}]}}",
	} {
		v, err := ReadYAML(text)
		var refused YAMLError
		if !errors.As(err, &refused) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%q: %v, %v", text, v, err)
		}
	}
}

// The text may hold secrets.
func TestReadYAMLErrors(t *testing.T) {
	const secret = "hunter2"
	for _, text := range []string{"a: [" + secret, "a: " + secret + ": x", "\ta: " + secret, secret + ": b: c", "a: *" + secret} {
		if v, err := ReadYAML(text); err == nil || strings.Contains(err.Error(), secret) {
			t.Errorf("%q: %v, %v", text, v, err)
		}
	}
}

func TestScalar(t *testing.T) {
	for _, test := range []struct {
		kind api.Kind
		text string
		want any // nil: no value of the kind
	}{
		{api.String, " true ", " true "},
		{api.Boolean, "true", true},
		{api.Boolean, "False", false},
		{api.Boolean, "1", nil},
		{api.Boolean, "t", nil},
		{api.Boolean, " true", nil},
		{api.Integer, " 60 ", int64(60)},
		{api.Long, "1_000", int64(1000)},
		{api.Integer, "1.5", nil},
		{api.Double, " 1.5 ", 1.5},
		{api.Double, "x", nil},
	} {
		got, ok := Scalar(test.kind, test.text)
		if ok != (test.want != nil) || ok && got != test.want {
			t.Errorf("%s %q: %v, %t, want %v", test.kind, test.text, got, ok, test.want)
		}
	}
}

// A small document can be made to take hours. Brackets in texts do not count.
func TestReadYAMLLimits(t *testing.T) {
	laughs := func(levels int) string {
		text := "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
		for i := range levels {
			alias := fmt.Sprintf("*a%d, ", i)
			text += fmt.Sprintf("a%d: &a%[1]d [%s]\n", i+1, strings.Repeat(alias, 10))
		}
		return text
	}
	const deep, many = "it nests lists or maps more than 100 levels deep", "with its aliases it has more than 100000 values"
	for _, test := range []struct{ name, text, want string }{
		{"lists", strings.Repeat("[", 100) + strings.Repeat("]", 100), ""},
		{"lists, too deep", strings.Repeat("[", 101) + strings.Repeat("]", 101), deep},
		{"lists without end", strings.Repeat("[", 10_000), deep},
		{"lists over lines", strings.Repeat("[\n", 10_000), deep},
		{"maps", strings.Repeat("{a: ", 100) + "1" + strings.Repeat("}", 100), ""},
		{"maps, too deep", strings.Repeat("{a: ", 10_000), deep},
		{"mixed", strings.Repeat("[{a: ", 51), deep},
		{"entries", strings.Repeat("- ", 100) + "1", ""},
		{"entries, too deep", strings.Repeat("- ", 10_000) + "1", deep},
		{"list of lists", "[" + strings.Repeat("[], ", 1000) + "]", ""},
		{"lines of entries", strings.Repeat("- - 1\n", 1000), ""},
		{"quoted", `a: "` + strings.Repeat("[", 1000) + `"` + "\nb: '" + strings.Repeat("{", 1000) + "'", ""},
		{"a comment", "a: 1 # " + strings.Repeat("[", 1000), ""},
		{"a block of text", "a: |\n  " + strings.Repeat("[", 1000) + "\n", ""},
		{"aliases", laughs(2), ""},
		{"aliases of aliases", laughs(4), many},
		{"aliases, more than an int can count", laughs(100), many},
		{"too many values", "[" + strings.Repeat("1, ", 100_001) + "]", many},
	} {
		got := ""
		if _, err := ReadYAML(test.text); err != nil {
			got = err.Error()
		}
		if got != test.want {
			t.Errorf("%s: %q, want %q", test.name, got, test.want)
		}
	}
}

// A value that is not expanded by ~ or variables stays as it is.
func TestExpand(t *testing.T) {
	t.Setenv("HOME", "/home/x")
	t.Setenv("SET", "value")
	for path, want := range map[string]string{
		"~/f": "/home/x/f", "~": "/home/x", "~user/f": "~user/f", "a~": "a~", "$SET/f": "value/f", "${SET}f": "valuef",
		"$UNSET_VARIABLE/f": "$UNSET_VARIABLE/f", "${UNSET_VARIABLE}f": "${UNSET_VARIABLE}f",
	} {
		if got := expand(path); got != want {
			t.Errorf("%s: %s, want %s", path, got, want)
		}
	}
}
