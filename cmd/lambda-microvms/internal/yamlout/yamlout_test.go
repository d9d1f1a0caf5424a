package yamlout

import (
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/microvm-go/lambdamicrovms/cmd/lambda-microvms/internal/value"
)

// testdata/awscli.json has pairs of a document and what the AWS CLI's YAML writer
// (version 2.9.19) made of it.
func TestAppend(t *testing.T) {
	text, err := os.ReadFile("testdata/awscli.json")
	if err != nil {
		t.Fatal(err)
	}
	pairs, err := value.ReadJSON(string(text))
	if err != nil {
		t.Fatal(err)
	}
	for _, pair := range pairs.([]any) {
		document, want := pair.([]any)[0], pair.([]any)[1].(string)
		if value.Scalar(document) {
			continue // the caller writes scalars as JSON
		}
		if diff := cmp.Diff(want, string(Append(nil, document))); diff != "" {
			t.Errorf("%.60s: -want +got:\n%s", value.Repr(document), diff)
		}
	}
}
