package output

import (
	"bytes"
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/microvm-go/lambdamicrovms/cmd/lambda-microvms/internal/jmespath"
	"github.com/microvm-go/lambdamicrovms/cmd/lambda-microvms/internal/value"
)

// testdata/awscli.json has documents with what the AWS CLI's writers of text and of
// tables (version 2.9.19, 80 columns) made of them. Where they crash there is nothing.
func TestAWSCLI(t *testing.T) {
	text, err := os.ReadFile("testdata/awscli.json")
	if err != nil {
		t.Fatal(err)
	}
	cases, err := value.ReadJSON(string(text))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range cases.([]any) {
		document, _ := c.(*value.Map).Get("document")
		for _, format := range []Format{Text, Table} {
			want, ok := c.(*value.Map).Get(string(format))
			if !ok {
				continue
			}
			var got bytes.Buffer
			p := Printer{Format: format, TerminalWidth: 80, Out: &got}
			if err := p.Print("Title", document, false); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, got.String()); diff != "" {
				t.Errorf("%s of %.80s: -want +got:\n%s", format, value.Repr(document), diff)
			}
		}
	}
}

func TestPrint(t *testing.T) {
	page := value.NewMap(value.Member{Name: "b", Value: int64(1)}, value.Member{Name: "a", Value: "é\n"})
	query, err := jmespath.Compile("a")
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		format   Format
		query    *jmespath.Expression
		document any
		page     bool
		want     string
	}{
		{JSON, nil, page, false, "{\n    \"b\": 1,\n    \"a\": \"é\\n\"\n}\n"},
		{JSON, query, page, false, "\"é\\n\"\n"},
		{JSON, nil, new(value.Map), false, ""},
		{JSON, query, new(value.Map), false, "null\n"},
		{JSON, nil, []any{}, false, "[]\n"},
		{YAML, query, page, false, "\"é\\n\"\n"},
		{YAML, nil, new(value.Map), false, ""},
		{YAML, nil, []any{}, false, "[]\n"},
		{YAMLStream, nil, new(value.Map), false, ""},
		{YAMLStream, nil, new(value.Map), true, "- {}\n"},
		{YAMLStream, query, new(value.Map), true, "- null\n"},
		{Off, query, page, false, ""},
	} {
		var got bytes.Buffer
		p := Printer{Format: test.format, Query: test.query, Out: &got}
		if err := p.Print("Title", test.document, test.page); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(test.want, got.String()); diff != "" {
			t.Errorf("%s of %s: %s", test.format, value.Repr(test.document), diff)
		}
	}
}
