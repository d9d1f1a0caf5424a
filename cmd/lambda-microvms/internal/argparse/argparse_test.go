package argparse

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

var grammar = Grammar{
	Options: []Option{
		{Name: "output", Choices: []string{"json", "text"}},
		{Name: "debug", Arity: Flag},
		{Name: "region"},
		{Name: "read-timeout"},
		{Name: "skeleton", Arity: Optional, Const: "input", Choices: []string{"input", "output"}},
		{Name: "connectors", Arity: Many},
		{Name: "max-items", Int: true},
		{Name: "header", Short: "H", Append: true},
		{Name: "silent", Short: "s", Arity: Flag},
		{Name: "set", Arity: Many, Append: true},
	},
	Word: "operation", Words: []string{"get-microvm", "list-microvms", "list-microvm-images"},
}

func TestParse(t *testing.T) {
	for _, test := range []struct {
		name   string
		args   []string
		word   string
		values map[string][]string
		rest   []string
	}{
		{"options around the word", []string{"--debug", "list-microvms", "--output", "text"}, "list-microvms",
			map[string][]string{"debug": nil, "output": {"text"}}, nil},
		{"equals sign", []string{"list-microvms", "--region=a=b"}, "list-microvms", map[string][]string{"region": {"a=b"}}, nil},
		{"empty after the equals sign", []string{"list-microvms", "--region="}, "list-microvms", map[string][]string{"region": {""}}, nil},
		{"prefix", []string{"list-microvms", "--out=text", "--reg", "x"}, "list-microvms", map[string][]string{"output": {"text"}, "region": {"x"}}, nil},
		{"the last wins", []string{"list-microvms", "--connectors", "a", "b", "--connectors", "c"}, "list-microvms", map[string][]string{"connectors": {"c"}}, nil},
		{"repeated", []string{"list-microvms", "--set", "a", "b", "--set", "c", "--set=d"}, "list-microvms", map[string][]string{"set": {"a", "b", "c", "d"}}, nil},
		{"none", []string{"list-microvms", "--connectors"}, "list-microvms", map[string][]string{"connectors": nil}, nil},
		{"optional without value", []string{"list-microvms", "--skeleton", "--debug"}, "list-microvms",
			map[string][]string{"skeleton": {"input"}, "debug": nil}, nil},
		{"optional", []string{"list-microvms", "--skeleton", "output"}, "list-microvms", map[string][]string{"skeleton": {"output"}}, nil},
		{"unknown", []string{"list-microvms", "extra", "--bogus", "value", "-x", "--b=1"}, "list-microvms", map[string][]string{},
			[]string{"extra", "--bogus", "value", "-x", "--b=1"}},
		{"a negative number is a value", []string{"list-microvms", "--max-items", "-5"}, "list-microvms", map[string][]string{"max-items": {"-5"}}, nil},
		{"what has a space is a value", []string{"list-microvms", "--region", "-a b"}, "list-microvms", map[string][]string{"region": {"-a b"}}, nil},
		{"repeated options add up", []string{"list-microvms", "--header", "a: b", "-H", "c", "-H=d", "-He: f"}, "list-microvms",
			map[string][]string{"header": {"a: b", "c", "=d", "e: f"}}, nil},
		{"letters", []string{"list-microvms", "-sH", "a", "-sHb"}, "list-microvms", map[string][]string{"silent": nil, "header": {"a", "b"}}, nil},
		{"an unknown letter", []string{"list-microvms", "-sx"}, "list-microvms", map[string][]string{}, []string{"-sx"}},
		{"a dash is a value", []string{"list-microvms", "--region", "-"}, "list-microvms", map[string][]string{"region": {"-"}}, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			r, err := grammar.Parse(test.args)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff([]any{test.word, test.values, test.rest}, []any{r.Word, r.values, r.Rest}); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestParseErrors(t *testing.T) {
	for _, test := range []struct {
		args []string
		want string
	}{
		{nil, "the following arguments are required: operation"},
		{[]string{"lst-microvms"}, "argument operation: Found invalid choice 'lst-microvms'\n\nMaybe you meant:\n\n  * list-microvms"},
		{[]string{"wait"}, "argument operation: Found invalid choice 'wait'"},
		{[]string{"list-microvms", "--output", "bogus"}, "argument --output: Found invalid choice 'bogus'"},
		{[]string{"list-microvms", "--region"}, "argument --region: expected one argument"},
		{[]string{"list-microvms", "--region", "--debug"}, "argument --region: expected one argument"},
		{[]string{"list-microvms", "--region", "--bogus"}, "argument --region: expected one argument"},
		{[]string{"list-microvms", "--re", "x"}, "ambiguous option: --re could match --region, --read-timeout"},
		{[]string{"list-microvms", "--debug=x"}, "argument --debug: ignored explicit argument 'x'"},
		{[]string{"list-microvms", "--max-items", "abc"}, "argument --max-items: invalid int value: 'abc'"},
	} {
		if _, err := grammar.Parse(test.args); err == nil || err.Error() != test.want {
			t.Errorf("%q: %v\nwant %s", test.args, err, test.want)
		}
	}
}

func TestRequired(t *testing.T) {
	g := Grammar{Options: []Option{{Name: "a", Required: true}, {Name: "b"}, {Name: "c", Required: true}}}
	_, err := g.Parse([]string{"--b", "x"})
	if err == nil || err.Error() != "the following arguments are required: --a, --c" {
		t.Error(err)
	}
}

// What difflib.get_close_matches returns with a cutoff of 0.8.
func TestCloseMatches(t *testing.T) {
	choices := []string{"get-microvm", "get-microvm-image", "list-microvms", "list-microvm-images", "list-managed-microvm-images"}
	for word, want := range map[string][]string{
		"lst-microvms": {"list-microvms"}, "get-microvms": {"get-microvm", "list-microvms"}, "xyz": nil,
		"list-microvm": {"list-microvms"}, "list-microvm-image": {"list-microvm-images", "get-microvm-image", "list-managed-microvm-images"},
	} {
		if diff := cmp.Diff(want, CloseMatches(word, choices)); diff != "" {
			t.Errorf("%s: %s", word, diff)
		}
	}
}
