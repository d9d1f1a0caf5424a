package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/microvm-go/lambdamicrovms/internal/codegen/diff"
	"github.com/microvm-go/lambdamicrovms/internal/codegen/model"
	"github.com/microvm-go/lambdamicrovms/internal/codegen/plan"
)

const modelFile = "../../model/lambda-microvms.json"

// An object is a JSON object of a model.
type object = map[string]any

func editedModel(t *testing.T, edits ...func(shapes object)) *model.Model {
	t.Helper()
	data, err := os.ReadFile(modelFile)
	if err != nil {
		t.Fatal(err)
	}
	var document object
	if err := json.Unmarshal(data, &document); err != nil {
		t.Fatal(err)
	}
	for _, edit := range edits {
		edit(document["shapes"].(object))
	}
	if data, err = json.Marshal(document); err != nil {
		t.Fatal(err)
	}
	m, err := model.Read(data)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

const namespace = "com.amazonaws.lambdamicrovms#"

func shapeIn(shapes object, name string) object { return shapes[namespace+name].(object) }

func membersIn(shapes object, name string) object { return shapeIn(shapes, name)["members"].(object) }

func target(name string) object {
	if !strings.Contains(name, "#") {
		name = namespace + name
	}
	return object{"target": name}
}

func described(member object, doc string, traits ...string) object {
	all := object{"smithy.api#documentation": doc}
	for _, trait := range traits {
		all["smithy.api#"+trait] = object{}
	}
	member["traits"] = all
	return member
}

func newMember(shapes object) {
	member := described(target("smithy.api#Integer"), "Priority of the build.")
	membersIn(shapes, "UpdateMicrovmImageRequest")["priority"] = member
	membersIn(shapes, "GetMicrovmImageVersionOutput")["priority"] = member
}

func newOperation(shapes object) {
	service := shapeIn(shapes, "LambdaMicrovms")
	service["operations"] = append(service["operations"].([]any), target("ListMicrovmSnapshots"))
	shapes[namespace+"ListMicrovmSnapshots"] = object{
		"type": "operation", "input": target("ListMicrovmSnapshotsRequest"), "output": target("ListMicrovmSnapshotsResponse"),
		"errors": []any{target("ValidationException")},
		"traits": object{
			"smithy.api#documentation": "Lists the snapshots of a MicroVM.",
			"smithy.api#http":          object{"method": "GET", "uri": "/2025-09-09/microvms/{microvmIdentifier}/snapshots", "code": 200},
			"smithy.api#readonly":      object{},
			"smithy.api#paginated":     object{"inputToken": "nextToken", "outputToken": "nextToken", "pageSize": "maxResults", "items": "items"},
		},
	}
	query := func(name string) object {
		return object{"target": "smithy.api#String", "traits": object{"smithy.api#httpQuery": name}}
	}
	maxResults := query("maxResults")
	maxResults["target"] = "smithy.api#Integer"
	shapes[namespace+"ListMicrovmSnapshotsRequest"] = object{"type": "structure", "members": object{
		"microvmIdentifier": described(target("smithy.api#String"), "ID of the MicroVM.", "required", "httpLabel"),
		"maxResults":        maxResults, "nextToken": query("nextToken"),
	}}
	shapes[namespace+"ListMicrovmSnapshotsResponse"] = object{"type": "structure", "members": object{
		"items": target("SnapshotList"), "nextToken": target("smithy.api#String"),
	}}
	shapes[namespace+"SnapshotList"] = object{"type": "list", "member": target("Snapshot")}
	shapes[namespace+"Snapshot"] = object{"type": "structure", "members": object{
		"snapshotId": described(target("smithy.api#String"), "ID of the snapshot.", "required"),
	}}
}

func newEnumValue(shapes object) {
	membersIn(shapes, "HookState")["AUDITED"] = described(target("smithy.api#Unit"), "The hook is called and its output is kept.")
}

func newError(shapes object) {
	shapes[namespace+"SnapshotBusyException"] = object{
		"type": "structure", "members": object{"message": target("smithy.api#String")},
		"traits": object{"smithy.api#documentation": "The snapshot is in use.", "smithy.api#error": "client", "smithy.api#httpError": 409},
	}
	run := shapeIn(shapes, "RunMicrovm")
	run["errors"] = append(run["errors"].([]any), target("SnapshotBusyException"))
}

// otherChanges makes changes that break programs or that users may notice.
func otherChanges(shapes object) {
	update := membersIn(shapes, "UpdateMicrovmImageRequest")
	update["description"] = described(target("smithy.api#String"), "Now required.", "required")
	delete(update, "resources")
	update["logging"] = target("smithy.api#String")
	membersIn(shapes, "MicrovmHooks")["runTimeoutInSeconds"] = object{"target": "smithy.api#Integer", "traits": object{"smithy.api#range": object{"min": 1, "max": 5}}}
	membersIn(shapes, "CodeArtifact")["sha256"] = target("smithy.api#String")
	shapeIn(shapes, "GetMicrovm")["traits"].(object)["smithy.api#http"].(object)["uri"] = "/v2/microvms/{microvmIdentifier}"
	membersIn(shapes, "GetMicrovmResponse")["endpoint"] = described(target("smithy.api#String"), "Now optional.")
}

// Follows the steps of CONTRIBUTING on copies of the model: the generated code compiles
// with the unchanged runtime, and -diff reports the changes.
func TestModelChanges(t *testing.T) {
	tests := []struct {
		name string
		edit func(object)
	}{
		{"member", newMember},
		{"operation", newOperation},
		{"enum_value", newEnumValue},
		{"error", newError},
	}
	before := planOf(t, editedModel(t))
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			m := editedModel(t, test.edit)
			files, err := generateAll(m)
			if err != nil {
				t.Fatal(err)
			}
			if output, err := compile(t, files, ".", "./types"); err != nil {
				t.Errorf("%v\n%s", err, output)
			}
			goldenReport(t, test.name, before, planOf(t, m))
		})
	}

	// The packages above the client need no change either.
	files, err := generateAll(editedModel(t, newMember, newEnumValue, newError))
	if err != nil {
		t.Fatal(err)
	}
	if output, err := compile(t, files, "./...", "./cmd/lambda-microvms/internal/api"); err != nil {
		t.Errorf("%v\n%s", err, output)
	}
	// For a new operation everything is generated except its behavior in the fake.
	files, err = generateAll(editedModel(t, newOperation))
	if err != nil {
		t.Fatal(err)
	}
	if output, err := compile(t, files, "./fake"); err == nil || !strings.Contains(output, "c.listMicroVMSnapshots undefined") {
		t.Errorf("package fake without a handler of the new operation: %v\n%s", err, output)
	}
}

func TestReports(t *testing.T) {
	before := planOf(t, editedModel(t))
	all := planOf(t, editedModel(t, newMember, newOperation, newEnumValue, newError))
	goldenReport(t, "removed", all, before)
	goldenReport(t, "others", before, planOf(t, editedModel(t, otherChanges)))
	goldenReport(t, "none", before, before)
}

func planOf(t *testing.T, m *model.Model) *plan.Plan {
	t.Helper()
	p, err := plan.Build(m, config())
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func goldenReport(t *testing.T, name string, from, to *plan.Plan) {
	t.Helper()
	file := filepath.Join("testdata", "changes", name+".txt")
	got := diff.Report(diff.Plans(from, to))
	if *update {
		writeFile(t, file, got)
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), got); d != "" {
		t.Errorf("the report changed (go test ./internal/codegen -update accepts it), -want +got:\n%s", d)
	}
}

// The command compares two files.
func TestPrintDiff(t *testing.T) {
	data, err := os.ReadFile(modelFile)
	if err != nil {
		t.Fatal(err)
	}
	old := filepath.Join(t.TempDir(), "old.json")
	writeFile(t, old, strings.Replace(string(data), `"version": "2025-09-09"`, `"version": "2025-01-01"`, 1))
	var out bytes.Buffer
	if err := printDiff(&out, old, modelFile); err != nil {
		t.Fatal(err)
	}
	want := "Changed\n  API version: 2025-09-09, was 2025-01-01\n    Read the release notes of the service.\n"
	if d := cmp.Diff(want, out.String()); d != "" {
		t.Errorf("-want +got:\n%s", d)
	}
	if err := printDiff(&out, old+"x", modelFile); err == nil {
		t.Error("no error for a file that does not exist")
	}
}

// UnmarshalJSON accepts Go names only because they differ from wire names in nothing but
// letter case.
func TestGoNamesAreWireNames(t *testing.T) {
	p := planOf(t, editedModel(t))
	structs := append(append([]*plan.Struct{}, p.Structs...), p.Errors...)
	for _, op := range p.Operations {
		structs = append(structs, op.Input, op.Output)
	}
	for _, s := range structs {
		for _, m := range s.Members {
			if !strings.EqualFold(m.Go, m.Wire) {
				t.Errorf("%s: field %s is %s on the wire", s.Go, m.Go, m.Wire)
			}
		}
	}
}
