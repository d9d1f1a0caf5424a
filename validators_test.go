package lambdamicrovms_test

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/microvm-go/lambdamicrovms"
	"github.com/microvm-go/lambdamicrovms/internal/codegen/model"
	"github.com/microvm-go/lambdamicrovms/internal/codegen/sample"
)

// Tests every constraint of every input, with values just inside and just outside of it.
// The cases come from the model, so that a new constraint is tested without a change
// here.
func TestEveryConstraintOfTheModel(t *testing.T) {
	constraints, documents := 0, 0
	for _, op := range readModel(t).Service.Operations {
		for _, b := range sample.Boundaries(op.Input) {
			constraints++
			name := fmt.Sprintf("%s/%s/%s", op.ID.Name(), strings.Join(b.Path, "."), b.Rule)
			for _, doc := range b.Inside {
				documents++
				if found, err := validate(t, op, doc); err != nil || len(found) > 0 {
					t.Errorf("%s: a valid document was refused: %v %v\n%v", name, found, err, doc)
				}
			}
			for _, doc := range b.Outside {
				documents++
				found, err := validate(t, op, doc)
				if err != nil {
					t.Errorf("%s: %v\n%v", name, err, doc)
					continue
				}
				broken := 0
				for _, v := range found {
					if string(v.Rule) == b.Rule && normal(v.Path) == wantPath(b.Path) && v.Key == (b.Path[len(b.Path)-1] == "{key}") {
						broken++
					}
				}
				if broken != 1 || len(found) > 1 && !b.Mixed {
					t.Errorf("%s: want one violation of it at %s, got %v\n%v", name, wantPath(b.Path), found, doc)
				}
			}
		}
	}
	t.Logf("%d constraints, %d boundary documents", constraints, documents)
	if constraints < 100 {
		t.Errorf("only %d constraints: does the walk reach all of the model?", constraints)
	}
}

func validate(t *testing.T, op *model.Shape, doc any) ([]*lambdamicrovms.ConstraintError, error) {
	t.Helper()
	data, err := json.Marshal(doc)
	if err != nil {
		t.Fatal(err)
	}
	in := newInput(t, op)
	if err := json.Unmarshal(data, in); err != nil {
		return nil, err
	}
	err = lambdamicrovms.Validate(in, lambdamicrovms.ValidationModel)
	found := lambdamicrovms.Violations(err)
	if err != nil && len(found) == 0 {
		return nil, err
	}
	return found, nil
}

var brackets = regexp.MustCompile(`\["[^"]*"\]`)

// normal replaces the index or key of an element in a path.
func normal(path string) string {
	return strings.ReplaceAll(brackets.ReplaceAllString(path, "{}"), "[0]", "[]")
}

func wantPath(wire []string) string {
	var b strings.Builder
	for _, step := range wire {
		switch step {
		case "[]":
			b.WriteString("[]")
		case "{}", "{key}":
			b.WriteString("{}")
		default:
			if b.Len() > 0 {
				b.WriteByte('.')
			}
			b.WriteString(goName(step))
		}
	}
	return b.String()
}
