package shorthand

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/microvm-go/lambdamicrovms/cmd/lambda-microvms/internal/value"
)

func TestParse(t *testing.T) {
	for input, want := range map[string]string{
		`foo=bar`:                                `{"foo": "bar"}`,
		`foo=`:                                   `{"foo": ""}`,
		`foo=a b`:                                `{"foo": "a b"}`,
		`foo=a  `:                                `{"foo": "a"}`,
		`foo=a,b,bar=c`:                          `{"foo": ["a", "b"], "bar": "c"}`,
		`foo=a,bar=b`:                            `{"foo": "a", "bar": "b"}`,
		`foo=a , bar = b`:                        `{"foo": "a", "bar": "b"}`,
		"foo=a,\nbar=b":                          `{"foo": "a", "bar": "b"}`,
		`foo=[a=b,c=d]`:                          `{"foo": ["a=b", "c=d"]}`,
		`foo=[]`:                                 `{"foo": []}`,
		`foo=[a]`:                                `{"foo": ["a"]}`,
		`foo=[a,]`:                               `{"foo": ["a"]}`,
		`foo=[,,]`:                               `{"foo": ["", ""]}`,
		`foo=bar,'baz=qux'`:                      `{"foo": ["bar", "baz=qux"]}`,
		`foo='a,b'`:                              `{"foo": "a,b"}`,
		`foo="bar\"baz"`:                         `{"foo": "bar\"baz"}`,
		`foo='it\'s'`:                            `{"foo": "it's"}`,
		`foo="a\\b"`:                             `{"foo": "a\\b"}`,
		`foo="a\b"`:                              `{"foo": "a\\b"}`,
		`foo="a\"`:                               `{"foo": "a\\"}`,
		`foo='a\'`:                               `{"foo": "a\\"}`,
		`foo='a"b'`:                              `{"foo": "a\"b"}`,
		`a={b={c=d,e=f},g=h}`:                    `{"a": {"b": {"c": "d", "e": "f"}, "g": "h"}}`,
		`a={}`:                                   `{"a": {}}`,
		`a={b=[c,{d=e}]}`:                        `{"a": {"b": ["c", {"d": "e"}]}}`,
		`Name=[{foo=[a,b]}, {bar=[c,d]}]`:        `{"Name": [{"foo": ["a", "b"]}, {"bar": ["c", "d"]}]}`,
		`foo=a\,b`:                               `{"foo": "a,b"}`,
		`foo=a\,b,c`:                             `{"foo": ["a,b", "c"]}`,
		`#key=value`:                             `{"#key": "value"}`,
		`aws:s:r:1:x/y=z`:                        `{"aws:s:r:1:x/y": "z"}`,
		`foo=a=b`:                                `{"foo": "a=b"}`,
		`foo=a]b`:                                "Expected: ',', received: ']' for input:\nfoo=a]b\n     ^",
		`foo=ü,日本`:                               `{"foo": ["ü", "日本"]}`,
		`foo=😀`:                                  `{"foo": "😀"}`,
		`foo=a,b=`:                               `{"foo": "a", "b": ""}`,
		`=a`:                                     `{"": "a"}`,
		`foo`:                                    "Expected: '=', received: 'EOF' for input:\nfoo\n   ^",
		`foo="bar`:                               "Expected: '<double quoted>', received: '<none>' for input:\nfoo=\"bar\n    ^",
		`foo=[bar`:                               "Expected: ',', received: 'EOF' for input:\nfoo=[bar\n        ^",
		`foo={bar}`:                              "Expected: '=', received: '}' for input:\nfoo={bar}\n        ^",
		`foo=bar,`:                               "Expected: '<second>', received: '<none>' for input:\nfoo=bar,\n        ^",
		`foo==bar`:                               "Expected: ',', received: '=' for input:\nfoo==bar\n    ^",
		`maxIdleDurationSeconds==60`:             "Expected: ',', received: '=' for input:\nmaxIdleDurationSeconds==60\n                       ^",
		"foo=bar,\nbar==baz":                     "Expected: ',', received: '=' for input:\nfoo=bar,\nbar==baz\n    ^",
		"foo==bar,\nbar=baz":                     "Expected: ',', received: '=' for input:\nfoo==bar,\n    ^\nbar=baz",
		`foo=a,foo=b`:                            "Second instance of key \"foo\" encountered for input:\nfoo=a,foo=b\n      ^\nThis is often because there is a preceding \",\" instead of a space.",
		`foo=` + strings.Repeat("[", maxDepth+1): "Too many levels",
		`a={b=c`:                                 "Expected: ',', received: 'EOF' for input:\na={b=c\n      ^",
		`foo=a 'b'`:                              "Expected: ',', received: ''' for input:\nfoo=a 'b'\n      ^",
	} {
		got := parsed(Parse(input, nil))
		if strings.HasPrefix(want, "Too") {
			got, _, _ = strings.Cut(got, " for")
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: %s", input, diff)
		}
	}
}

func parsed(v *value.Map, err error) string {
	if err != nil {
		return err.Error()
	}
	return string(value.Compact(v))
}

func TestFiles(t *testing.T) {
	load := func(name string) (string, error) {
		if name == "file://missing" {
			return "", fmt.Errorf("no file")
		}
		return "<" + name + ">", nil
	}
	for input, want := range map[string]string{
		`Foo@=file://f,Bar={Baz@=file://f}`:   `{"Foo": "<file://f>", "Bar": {"Baz": "<file://f>"}}`,
		`Bar@={Baz=file://f}`:                 `{"Bar": {"Baz": "file://f"}}`,
		`Bar={Baz=file://f}`:                  `{"Bar": {"Baz": "file://f"}}`,
		`Foo@=file://f,file://g,Bar=file://f`: `{"Foo": ["<file://f>", "<file://g>"], "Bar": "file://f"}`,
		`Foo@=[file://f,[file://g]]`:          `{"Foo": ["<file://f>", ["file://g"]]}`,
		`Foo@=file://missing`:                 `no file`,
		`Foo@`:                                "Expected: '=', received: 'EOF' for input:\nFoo@\n    ^",
	} {
		if diff := cmp.Diff(want, parsed(Parse(input, load))); diff != "" {
			t.Errorf("%s: %s", input, diff)
		}
	}
}
