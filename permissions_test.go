package lambdamicrovms_test

import (
	"fmt"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/microvm-go/lambdamicrovms/images"
	"github.com/microvm-go/lambdamicrovms/session"
)

// The permissions in SECURITY.md are those of the operations that each workflow can call.
func TestPermissionsInSecurity(t *testing.T) {
	action := map[string]string{}
	for _, op := range readModel(t).Service.Operations {
		action[goName(op.ID.Name())] = "lambda:" + op.ID.Name()
	}
	var want []string
	for _, workflow := range []struct {
		name string
		api  reflect.Type
	}{
		{"images.Find", reflect.TypeFor[images.FindAPI]()},
		{"images.Update", reflect.TypeFor[images.UpdateAPI]()},
		{"images.Deploy", reflect.TypeFor[images.DeployAPI]()},
		{"images.Prune", reflect.TypeFor[images.PruneAPI]()},
		{"images.Rollback", reflect.TypeFor[images.RollbackAPI]()},
		{"images.SyncTags", reflect.TypeFor[images.TagsAPI]()},
		{"session.Run", reflect.TypeFor[session.RunAPI]()},
		{"session.Attach", reflect.TypeFor[session.API]()},
		{"session.Sweep", reflect.TypeFor[session.SweepAPI]()},
	} {
		var actions []string
		for i := range workflow.api.NumMethod() {
			actions = append(actions, action[workflow.api.Method(i).Name])
		}
		slices.Sort(actions)
		want = append(want, fmt.Sprintf("| `%s` | `%s` |", workflow.name, strings.Join(actions, "`, `")))
	}
	text, err := os.ReadFile("SECURITY.md")
	if err != nil {
		t.Fatal(err)
	}
	got := regexp.MustCompile("(?m)^\\| `(?:images|session)\\..*$").FindAllString(string(text), -1)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("SECURITY.md, -want +got:\n%s\nwant the rows\n%s", diff, strings.Join(want, "\n"))
	}
}
