package lambdamicrovms

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	smithy "github.com/aws/smithy-go"
	"github.com/google/go-cmp/cmp"
)

func TestAllowUnknownEnums(t *testing.T) {
	in := validInput()
	in.State, in.States = "LATER", []standInState{"LATER"}
	if err := validateInput(in, ValidationModel, true); err != nil {
		t.Errorf("unknown values: %v", err)
	}
	in.State, in.Count = "", aws.Int32(0)
	var rules []ConstraintRule
	for _, violation := range Violations(validateInput(in, ValidationModel, true)) {
		rules = append(rules, violation.Rule)
	}
	// The members are checked in this order.
	if diff := cmp.Diff([]ConstraintRule{RuleRange, RuleRequired}, rules); diff != "" {
		t.Errorf("other rules (-want +got):\n%s", diff)
	}
}

func TestValidateNil(t *testing.T) {
	var none *standInInput
	want := Validate(&standInInput{}, ValidationModel)
	if got := Validate(none, ValidationModel); got == nil || got.Error() != want.Error() {
		t.Errorf("nil pointer: got %v, want %v", got, want)
	}
	if err := Validate(nil, ValidationModel); err == nil || Violations(err) != nil {
		t.Errorf("nil interface: got %v, want an error without violations", err)
	}
}

func TestValidateEmbeddedInput(t *testing.T) {
	type wrapper struct{ *standInInput }
	err := Validate(wrapper{&standInInput{}}, ValidationModel)
	if got := Violations(err); len(got) != 4 || got[0].Field() != "wrapper.Name" {
		t.Errorf("got %v", err)
	}
}

func TestViolations(t *testing.T) {
	params := Validate(&standInInput{}, ValidationModel)
	if _, ok := params.(smithy.InvalidParamsError); !ok {
		t.Errorf("type %T, want a smithy.InvalidParamsError by value", params)
	}
	var official smithy.InvalidParamsError
	official.Add(smithy.NewErrParamRequired("Name"))
	tests := []struct {
		name string
		err  error
		want int
	}{
		{"nil", nil, 0},
		{"other", errors.New("other"), 0},
		{"bare", params, 4},
		{"operation error", &smithy.OperationError{Err: params}, 4},
		{"joined", errors.Join(errors.New("other"), fmt.Errorf("call: %w", params)), 4},
		{"of another client", official, 0},
	}
	for _, test := range tests {
		if got := Violations(test.err); len(got) != test.want {
			t.Errorf("%s: %d violations, want %d", test.name, len(got), test.want)
		}
	}
}

func TestConstraintErrorText(t *testing.T) {
	tests := []struct {
		err  ConstraintError
		want string
	}{
		{ConstraintError{Path: "Name", Rule: RuleRequired}, "missing required field, XInput.Name."},
		{ConstraintError{Path: "Name", Rule: RuleLength, Limit: "1 to 64 characters", Given: "65"}, "XInput.Name must have 1 to 64 characters, given 65"},
		{ConstraintError{Path: "Port", Rule: RuleRange, Limit: "1 to 65535", Given: "0"}, "XInput.Port must be 1 to 65535, given 0"},
		{ConstraintError{Path: "Name", Rule: RulePattern, Limit: "^a+$", Given: `"b"`}, `XInput.Name must match ^a+$, given "b"`},
		{ConstraintError{Path: "State", Rule: RuleEnum, Limit: "one of OFF, ON", Given: `"X"`}, `XInput.State must be one of OFF, ON, given "X"`},
		{ConstraintError{Path: "List", Rule: RuleSize, Limit: "at most 1 item", Given: "2"}, "XInput.List must have at most 1 item, given 2"},
		{ConstraintError{Path: `Map["k"]`, Rule: RuleLength, Key: true, Limit: "at least 2 characters", Given: "1"}, `XInput.Map["k"] key must have at least 2 characters, given 1`},
		{ConstraintError{Path: "Union", Rule: RuleUnion, Limit: "exactly one member of the model", Given: "none"}, "XInput.Union must have exactly one member of the model, given none"},
		{ConstraintError{Path: "Port", Rule: RuleService, Limit: "be set when any hook is ENABLED"}, "XInput.Port must be set when any hook is ENABLED"},
		{ConstraintError{Path: "Name", Rule: RulePattern, Limit: strings.Repeat("p", 201), Given: `"b"`}, "XInput.Name must match " + strings.Repeat("p", 200) + `…, given "b"`},
	}
	for _, test := range tests {
		var params smithy.InvalidParamsError
		params.Context = "XInput"
		params.Add(&test.err)
		if got := test.err.Error(); got != test.want {
			t.Errorf("got  %s\nwant %s", got, test.want)
		}
	}
}

func TestConstraintErrorNesting(t *testing.T) {
	for path, want := range map[string]string{
		"Count":  "Outer.List.Count",
		"[0].At": "Outer.List[0].At",
		"":       "Outer.List",
	} {
		var inner, outer smithy.InvalidParamsError
		inner.Add(&ConstraintError{Path: path})
		outer.Context = "Outer"
		outer.AddNested("List", inner)
		if got := Violations(outer)[0].Field(); got != want {
			t.Errorf("path %q: got %s, want %s", path, got, want)
		}
	}
}
