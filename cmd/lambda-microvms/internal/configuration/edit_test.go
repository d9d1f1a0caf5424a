package configuration

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/microvm-go/lambdamicrovms/cmd/lambda-microvms/internal/api"
	"github.com/microvm-go/lambdamicrovms/cmd/lambda-microvms/internal/value"
)

var update = api.Find("update-microvm-image").Input

func read(t *testing.T, text string) *value.Map {
	t.Helper()
	v, err := value.ReadJSON(text)
	if err != nil {
		t.Fatal(err)
	}
	return v.(*value.Map)
}

func TestApply(t *testing.T) {
	for _, test := range []struct {
		name, before string
		set, unset   []string
		want         string
	}{
		{"a new member", `{}`, []string{"description=x"}, nil, `{"description": "x"}`},
		{"its own place", `{"description": "a", "baseImageArn": "b"}`, []string{"description=x"}, nil, `{"description": "x", "baseImageArn": "b"}`},
		{"an equals sign in the text", `{}`, []string{"environmentVariables.A=b=c"}, nil, `{"environmentVariables": {"A": "b=c"}}`},
		{"an empty text", `{}`, []string{"environmentVariables.A="}, nil, `{"environmentVariables": {"A": ""}}`},
		{"a text that looks like JSON", `{}`, []string{`environmentVariables.A={"b": 1}`}, nil, `{"environmentVariables": {"A": "{\"b\": 1}"}}`},
		{"a quoted key", `{}`, []string{`environmentVariables["A.B[0]=\"x"]=c`}, nil, `{"environmentVariables": {"A.B[0]=\"x": "c"}}`},
		{"JSON", `{"hooks": {"port": 1}}`, []string{`hooks:={"port": 2}`}, nil, `{"hooks": {"port": 2}}`},
		{"a JSON string", `{}`, []string{`description:="x"`}, nil, `{"description": "x"}`},
		{"a JSON null", `{"description": "x"}`, []string{"description:=null"}, nil, `{}`},
		{"a nested member", `{}`, []string{"hooks.microvmImageHooks.ready=ENABLED"}, nil, `{"hooks": {"microvmImageHooks": {"ready": "ENABLED"}}}`},
		{"an index", `{"resources": [{"minimumMemoryInMiB": 1}]}`, []string{"resources[0].minimumMemoryInMiB=2"}, nil, `{"resources": [{"minimumMemoryInMiB": 2}]}`},
		{"an index behind a dot", `{"resources": [{"minimumMemoryInMiB": 1}]}`, []string{"resources.0.minimumMemoryInMiB=2"}, nil, `{"resources": [{"minimumMemoryInMiB": 2}]}`},
		{"a new element", `{}`, []string{"egressNetworkConnectors[0]=arn:1", "egressNetworkConnectors[1]=arn:2"}, nil, `{"egressNetworkConnectors": ["arn:1", "arn:2"]}`},
		{"another member of a union", `{"logging": {"cloudWatch": {"logGroup": "g"}}}`, []string{"logging.disabled:={}"}, nil, `{"logging": {"disabled": {}}}`},
		{"the same member of a union", `{"logging": {"cloudWatch": {"logGroup": "g"}}}`, []string{"logging.cloudWatch.logStream=s"}, nil,
			`{"logging": {"cloudWatch": {"logGroup": "g", "logStream": "s"}}}`},
		{"unset", `{"description": "x", "hooks": {"port": 1}}`, nil, []string{"description", "hooks.port"}, `{"hooks": {}}`},
		{"unset a key", `{"environmentVariables": {"A": "1", "B": "2"}}`, nil, []string{"environmentVariables.A"}, `{"environmentVariables": {"B": "2"}}`},
		{"unset an element", `{"egressNetworkConnectors": ["1", "2"]}`, nil, []string{"egressNetworkConnectors[0]"}, `{"egressNetworkConnectors": ["2"]}`},
		{"unset what is not there", `{"resources": []}`, nil, []string{"description", "environmentVariables.A", "hooks.port", "egressNetworkConnectors[0]", "resources[7]"}, `{"resources": []}`},
		{"unset first, then set", `{"environmentVariables": {"A": "1", "B": "2"}}`, []string{"environmentVariables.C=3"}, []string{"environmentVariables"}, `{"environmentVariables": {"C": "3"}}`},
	} {
		t.Run(test.name, func(t *testing.T) {
			edits, err := ParseEdits(update, test.set, test.unset)
			if err != nil {
				t.Fatal(err)
			}
			document := read(t, test.before)
			if err := Apply(document, edits); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, string(value.Compact(document))); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// The errors of paths and values are in testdata/script/update.txtar; here is what is
// special.
func TestParseErrors(t *testing.T) {
	for text, want := range map[string]string{
		"=x":                              "the path ends behind the configuration",
		"hooks.=x":                        "the path ends behind hooks",
		"environmentVariables.=x":         "environmentVariables needs a key",
		"environmentVariables[]=x":        "environmentVariables needs a key",
		"resources[-1]=x":                 "resources is a list: '-1' is not an index",
		"resources[01]=x":                 "resources is a list: '01' is not an index",
		"resources[0=x":                   "[…] is not closed",
		`environmentVariables["a"x]=x`:    `["…"] is not closed`,
		"description.x=y":                 "description is a string and has no member 'x'",
		"descriptionx":                    "argument 1 has neither = nor :=",
		"hooks.microvmHooks.run:=true":    "Invalid type for parameter hooks.microvmHooks.run",
		"hooks.port:=99999999999":         "hooks.port",
		"codeArtifact:={}":                "Must set one of the following keys",
		"environmentVariables:=[1]":       "Invalid type for parameter environmentVariables, value: [REDACTED]",
		"resources:=[{\"memory\": 5120}]": `Unknown parameter in resources[0]: "memory"`,
	} {
		if _, err := ParseEdits(update, []string{text}, nil); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v\nwant %s", text, err, want)
		}
	}
}

func TestWirePath(t *testing.T) {
	for path, want := range map[string]string{
		"Description":                            "description",
		"Hooks.MicroVMHooks.RunTimeoutInSeconds": "hooks.microvmHooks.runTimeoutInSeconds",
		"Resources[0].MinimumMemoryInMiB":        "resources[0].minimumMemoryInMiB",
		`EnvironmentVariables["A.B]"]`:           `environmentVariables["A.B]"]`,
		"EgressNetworkConnectors[0]":             "egressNetworkConnectors[0]",
		"CodeArtifact.Uri":                       "codeArtifact.uri",
		"Resources":                              "resources",
		"New.Member":                             "New.Member",
		"Hooks[0]":                               "Hooks[0]",
	} {
		if got := WirePath(update, path); got != want {
			t.Errorf("%s: %s, want %s", path, got, want)
		}
	}
}
