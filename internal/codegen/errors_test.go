package main

import (
	"fmt"
	"strings"
	"testing"

	"github.com/microvm-go/lambdamicrovms/internal/codegen/emit"
	"github.com/microvm-go/lambdamicrovms/internal/codegen/model"
	"github.com/microvm-go/lambdamicrovms/internal/codegen/plan"
)

// document returns a model with one operation, Op, whose input has the given members, and
// with the given shapes.
func document(members, shapes string) string {
	if shapes != "" {
		shapes = ", " + shapes
	}
	return fmt.Sprintf(`{"smithy": "2.0", "shapes": {
		"t#S": {"type": "service", "operations": [{"target": "t#Op"}], "traits": {"aws.api#service": {"sdkId": "S", "endpointPrefix": "s"}, "aws.auth#sigv4": {"name": "s"}, "aws.protocols#restJson1": {}}},
		"t#Op": {"type": "operation", "input": {"target": "t#In"}, "output": {"target": "smithy.api#Unit"}, "traits": {"smithy.api#http": {"method": "GET", "uri": "/x"}}},
		"t#In": {"type": "structure", "members": {%s}}%s}}`, members, shapes)
}

// The generator must fail for anything that it does not understand, with an error that
// names it.
func TestRefused(t *testing.T) {
	tests := map[string]struct {
		model string
		want  []string // parts of the error
	}{
		"unknown trait": {
			document(`"a": {"target": "smithy.api#String", "traits": {"smithy.api#jsonName": "b"}}`, ""),
			[]string{"t#In$a", "unknown trait", "smithy.api#jsonName"},
		},
		"unknown trait of a shape": {
			document("", `"t#L": {"type": "string", "traits": {"smithy.api#mediaType": "x"}}`),
			[]string{"t#L", "smithy.api#mediaType"},
		},
		"unknown kind": {
			document("", `"t#D": {"type": "document"}`),
			[]string{"t#D", `unknown shape type "document"`},
		},
		"unknown target": {
			document(`"a": {"target": "t#Nothing"}`, ""),
			[]string{"t#In$a", `unknown shape "t#Nothing"`},
		},
		"unknown prelude shape": {
			document(`"a": {"target": "smithy.api#BigDecimal"}`, ""),
			[]string{"smithy.api#BigDecimal"},
		},
		"unknown member of a trait": {
			document(`"a": {"target": "smithy.api#String", "traits": {"smithy.api#length": {"least": 1}}}`, ""),
			[]string{"t#In$a", "smithy.api#length", "least"},
		},
		"unknown comparator": {
			document("", `"t#Op2": {"type": "operation", "traits": {"smithy.waiters#waitable": {"W": {"acceptors": [{"state": "success", "matcher": {"output": {"path": "a", "expected": "b", "comparator": "anyStringEquals"}}}]}}}}`),
			[]string{"t#Op2", "W", "anyStringEquals"},
		},
		"member named twice": {
			document(`"a": {"target": "smithy.api#String"}, "a": {"target": "smithy.api#String"}`, ""),
			[]string{"t#In", `"a" stands twice`},
		},
		"fields clash": {
			document(`"a": {"target": "smithy.api#String"}, "A": {"target": "smithy.api#String"}`, ""),
			[]string{"OpInput", "would both be called A"},
		},
		"types clash": {
			document(`"a": {"target": "t#Thing"}, "b": {"target": "u#Thing"}`, `"t#Thing": {"type": "structure"}, "u#Thing": {"type": "structure"}`),
			[]string{"t#Thing", "u#Thing", "would both be called Thing"},
		},
		"constant clashes with a type": {
			document(`"a": {"target": "t#Color"}, "b": {"target": "t#ColorRed"}`, `"t#Color": {"type": "enum", "members": {"RED": {"target": "smithy.api#Unit"}}}, "t#ColorRed": {"type": "structure"}`),
			[]string{"would both be called ColorRed"},
		},
		"label without a place": {
			document(`"a": {"target": "smithy.api#String", "traits": {"smithy.api#httpLabel": {}, "smithy.api#required": {}}}`, ""),
			[]string{"Op", "label a is not in the path"},
		},
		"member in a header": {
			document(`"origin": {"target": "smithy.api#String", "traits": {"smithy.api#httpHeader": "X-Origin"}}`, ""),
			[]string{"In$origin", "only integers of an error travel in a header"},
		},
		"optional label": {
			document(`"a": {"target": "smithy.api#String", "traits": {"smithy.api#httpLabel": {}}}`, ""),
			[]string{"In$a", "a label must be a required string"},
		},
		"constraint in a place without a check": {
			document(`"a": {"target": "t#Rows"}`, `"t#Rows": {"type": "list", "member": {"target": "t#Row"}}, "t#Row": {"type": "list", "member": {"target": "t#Short"}}, "t#Short": {"type": "string", "traits": {"smithy.api#length": {"max": 1}}}`),
			[]string{"OpInputA", "not supported"},
		},
		"misplaced constraint": {
			document(`"a": {"target": "smithy.api#Boolean", "traits": {"smithy.api#length": {"max": 1}}}`, ""),
			[]string{"OpInputA", "length on a boolean"},
		},
		"pattern that cannot be compiled": {
			document(`"a": {"target": "smithy.api#String", "traits": {"smithy.api#pattern": "^(["}}`, ""),
			[]string{"ruleOpInputA", "^(["},
		},
		"two protocols of one service": {
			strings.Replace(document("", ""), `"aws.protocols#restJson1": {}`, `"smithy.api#title": "S"`, 1),
			[]string{"t#S", "not restJson1"},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			err := build(test.model)
			if err == nil {
				t.Fatal("no error")
			}
			for _, part := range test.want {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("error does not say %q:\n%v", part, err)
				}
			}
		})
	}
}

func TestDocumentItselfIsFine(t *testing.T) {
	if err := build(document(`"a": {"target": "smithy.api#String"}`, "")); err != nil {
		t.Fatal(err)
	}
}

func build(document string) error {
	m, err := model.Read([]byte(document))
	if err != nil {
		return err
	}
	p, err := plan.Build(m, config())
	if err != nil {
		return err
	}
	_, err = emit.Files(p)
	return err
}
