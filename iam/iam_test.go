package iam_test

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/microvm-go/lambdamicrovms"
	"github.com/microvm-go/lambdamicrovms/iam"
	"github.com/microvm-go/lambdamicrovms/images"
	"github.com/microvm-go/lambdamicrovms/session"
)

var update = flag.Bool("update", false, "rewrite the files under testdata")

// A workflow can call the methods of its interface, and needs exactly their actions.
func TestWorkflows(t *testing.T) {
	apis := map[iam.Use]reflect.Type{
		iam.Find:     reflect.TypeFor[images.FindAPI](),
		iam.Update:   reflect.TypeFor[images.UpdateAPI](),
		iam.Deploy:   reflect.TypeFor[images.DeployAPI](),
		iam.Prune:    reflect.TypeFor[images.PruneAPI](),
		iam.Rollback: reflect.TypeFor[images.RollbackAPI](),
		iam.SyncTags: reflect.TypeFor[images.TagsAPI](),
		iam.Run:      reflect.TypeFor[session.RunAPI](),
		iam.Attach:   reflect.TypeFor[session.API](),
		iam.Sweep:    reflect.TypeFor[session.SweepAPI](),
	}
	if len(apis) != len(iam.Workflows()) {
		t.Errorf("%d workflows, the test knows %d", len(iam.Workflows()), len(apis))
	}
	for _, workflow := range iam.Workflows() {
		var want []string
		for i := range apis[workflow].NumMethod() {
			want = append(want, "lambda:"+strings.ReplaceAll(apis[workflow].Method(i).Name, "MicroVM", "Microvm"))
		}
		slices.Sort(want)
		got, err := iam.Actions(workflow)
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Errorf("%s: %v, -want +got:\n%s", workflow, err, diff)
		}
	}
}

// SECURITY.md and the documentation of the packages must list the same actions.
func TestDocumentation(t *testing.T) {
	for path, form := range map[string]struct {
		row  string                                 // a regular expression of all rows
		want func(iam.Use, []string) (string, bool) // the row of a workflow, if the page has it
	}{
		"../SECURITY.md": {"(?m)^\\| `(?:images|session)\\..*$", func(workflow iam.Use, actions []string) (string, bool) {
			return fmt.Sprintf("| `%s` | `%s` |", workflow, strings.Join(actions, "`, `")), true
		}},
		"../images/doc.go":  {`(?m)^//   - \w+: lambda:(?s:.*?)\.$`, inPackage("images.")},
		"../session/doc.go": {`(?m)^//   - \w+: lambda:(?s:.*?)\.$`, inPackage("session.")},
	} {
		var want []string
		for _, workflow := range iam.Workflows() {
			actions, err := iam.Actions(workflow)
			if err != nil {
				t.Fatal(err)
			}
			if row, ok := form.want(workflow, actions); ok {
				want = append(want, row)
			}
		}
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		got := regexp.MustCompile(form.row).FindAllString(string(text), -1)
		for i := range got { // wrapped in comments
			got[i] = strings.Join(strings.Fields(strings.ReplaceAll(got[i], "\n//", " ")), " ")
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s, -want +got:\n%s\nwant the rows\n%s", path, diff, strings.Join(want, "\n"))
		}
	}
}

// inPackage returns the row of a workflow in the documentation of its package.
func inPackage(prefix string) func(iam.Use, []string) (string, bool) {
	return func(workflow iam.Use, actions []string) (string, bool) {
		name, ok := strings.CutPrefix(string(workflow), prefix)
		return "// - " + name + ": " + strings.Join(actions, ", ") + ".", ok
	}
}

// The operations are those of the client.
func TestOperations(t *testing.T) {
	var want []iam.Use
	client := reflect.TypeFor[*lambdamicrovms.Client]()
	for i := range client.NumMethod() {
		method := client.Method(i)
		if method.Type.NumIn() == 4 && method.Type.IsVariadic() { // receiver, context, input, options
			want = append(want, iam.Use(strings.ReplaceAll(method.Name, "MicroVM", "Microvm")))
		}
	}
	got := iam.Operations()
	slices.Sort(got)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	for _, operation := range got {
		as := iam.Use(strings.ReplaceAll(string(operation), "Microvm", "MicroVM"))
		if actions, err := iam.Actions(as, operation); err != nil || !slices.Equal(actions, []string{"lambda:" + string(operation)}) {
			t.Errorf("%s: %v, %v", as, actions, err)
		}
	}
}

func TestNewPolicy(t *testing.T) {
	const role = "arn:aws:iam::123456789012:role/build"
	for name, test := range map[string]struct {
		scope iam.Scope
		uses  []iam.Use
	}{
		"deploy": {iam.Scope{
			Region: "us-east-1", Account: "123456789012", Images: []string{"shop"}, BuildRoles: []string{role}, Bucket: "artifacts", Prefix: "shop/", Logs: true,
		}, []iam.Use{iam.Deploy, iam.Prune}},
		"session": {iam.Scope{
			Region: "us-east-1", Account: "123456789012", ExecutionRoles: []string{"arn:aws:iam::123456789012:role/app/run"},
		}, []iam.Use{iam.Run, iam.Sweep}},
		"china": {iam.Scope{
			Region: "cn-north-1", Account: "123456789012", Images: []string{"a", "b"},
			BuildRoles: []string{"arn:aws-cn:iam::123456789012:role/build"}, Bucket: "artifacts", Logs: true,
		}, []iam.Use{iam.Deploy}},
		"operations":    {iam.Scope{Region: "us-east-1", Account: "123456789012"}, []iam.Use{"GetMicroVM", "ListTags"}},
		"all_resources": {iam.Scope{Region: "us-east-1", Account: "123456789012", BuildRoles: []string{role}, AllResources: true}, []iam.Use{iam.Update}},
	} {
		t.Run(name, func(t *testing.T) {
			policy, err := iam.NewPolicy(test.scope, test.uses...)
			if err != nil {
				t.Fatal(err)
			}
			got, err := json.MarshalIndent(policy, "", "  ")
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, '\n')
			path := filepath.Join("testdata", name+".json")
			if *update {
				if err := os.WriteFile(path, got, 0o600); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), string(got)); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

// A client's region may have a FIPS mark. ARNs have none.
func TestNewPolicyOfFIPSRegion(t *testing.T) {
	policy := func(region string) *iam.Policy {
		p, err := iam.NewPolicy(iam.Scope{
			Region: region, Account: "123456789012", Images: []string{"shop"}, Bucket: "artifacts", Logs: true,
			BuildRoles: []string{"arn:aws-us-gov:iam::123456789012:role/build"},
		}, iam.Deploy)
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	if diff := cmp.Diff(policy("us-gov-west-1"), policy("fips-us-gov-west-1")); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestNewPolicyRefuses(t *testing.T) {
	valid := iam.Scope{Region: "us-east-1", Account: "123456789012"}
	with := func(change func(*iam.Scope)) iam.Scope {
		scope := valid
		change(&scope)
		return scope
	}
	for name, test := range map[string]struct {
		scope iam.Scope
		uses  []iam.Use
		want  []string // fields
	}{
		"nothing":             {iam.Scope{}, nil, []string{"uses", "Region", "Account"}},
		"wildcard region":     {with(func(s *iam.Scope) { s.Region = "*" }), []iam.Use{iam.Find}, []string{"Region"}},
		"short account":       {with(func(s *iam.Scope) { s.Account = "1234" }), []iam.Use{iam.Find}, []string{"Account"}},
		"ARN for a name":      {with(func(s *iam.Scope) { s.Images = []string{"arn:aws:lambda:us-east-1:1:microvm-image:a"} }), []iam.Use{iam.Find}, []string{"Images"}},
		"no build role":       {valid, []iam.Use{iam.Update}, []string{"BuildRoles"}},
		"any role":            {with(func(s *iam.Scope) { s.BuildRoles = []string{"arn:aws:iam::123456789012:role/*"} }), []iam.Use{iam.Deploy}, []string{"BuildRoles"}},
		"no role":             {with(func(s *iam.Scope) { s.ExecutionRoles = []string{"run"} }), []iam.Use{iam.Run}, []string{"ExecutionRoles"}},
		"URI for a bucket":    {with(func(s *iam.Scope) { s.Bucket = "s3://bucket" }), []iam.Use{iam.Find}, []string{"Bucket"}},
		"any prefix":          {with(func(s *iam.Scope) { s.Bucket, s.Prefix = "artifacts", "*/shop/" }), []iam.Use{iam.Find}, []string{"Prefix"}},
		"variable in prefix":  {with(func(s *iam.Scope) { s.Bucket, s.Prefix = "artifacts", "${aws:username}/" }), []iam.Use{iam.Find}, []string{"Prefix"}},
		"prefix of no bucket": {with(func(s *iam.Scope) { s.Prefix = "a/" }), []iam.Use{iam.Find}, []string{"Prefix"}},
	} {
		t.Run(name, func(t *testing.T) {
			policy, err := iam.NewPolicy(test.scope, test.uses...)
			var got []string
			for _, violation := range lambdamicrovms.Violations(err) {
				got = append(got, strings.TrimPrefix(violation.Path, "Scope."))
			}
			if diff := cmp.Diff(test.want, got); diff != "" || policy != nil {
				t.Errorf("%v, -want +got:\n%s", err, diff)
			}
		})
	}
	var unknown *iam.UnknownUseError
	if _, err := iam.NewPolicy(valid, "images.Build"); !errors.As(err, &unknown) || unknown.Use != "images.Build" {
		t.Errorf("got %v, want an UnknownUseError", err)
	}
}
