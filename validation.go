package lambdamicrovms

import (
	"context"
	"errors"
	"fmt"
	"reflect"

	smithy "github.com/aws/smithy-go"
	"github.com/aws/smithy-go/middleware"
)

// ValidationMode selects which checks an input must pass before a request is sent. The
// error is a [smithy.InvalidParamsError]; [Violations] returns its details.
type ValidationMode int

const (
	// ValidationModel checks every constraint of the service model: required members,
	// lengths (in code points), ranges, patterns, enum values, sizes of lists and maps,
	// and that exactly one member of a union is set. It is the default.
	ValidationModel ValidationMode = iota

	// ValidationRequired checks only that required members are set, at any depth, as the
	// official clients do.
	ValidationRequired

	// ValidationNone leaves all checks to the service.
	ValidationNone

	// ValidationStrict adds to ValidationModel the rules that the service enforces
	// although its model does not state them, such as the five memory sizes. They were
	// observed on the service, so a later version of it may accept more than this mode
	// does.
	ValidationStrict
)

// OperationInput is a pointer to the input of any operation, such as
// *[UpdateMicroVMImageInput].
type OperationInput interface {
	validate(*validator)
}

// Validate checks an input without a call, for instance before its code artifact is
// uploaded. It returns the same [smithy.InvalidParamsError] as a client in this mode, by
// value, or nil. A nil pointer is checked as an empty input.
func Validate(input OperationInput, mode ValidationMode) error {
	switch value := reflect.ValueOf(input); {
	case !value.IsValid():
		return errors.New("validate: the input is nil")
	case value.Kind() == reflect.Pointer && value.IsNil():
		input = reflect.New(value.Type().Elem()).Interface().(OperationInput)
	}
	return validateInput(input, mode, false)
}

// Violations returns all violations in err, in the order of the checks. It returns nil if
// err does not come from validation. err may be wrapped.
func Violations(err error) []*ConstraintError {
	var params smithy.InvalidParamsError
	if !errors.As(err, &params) {
		return nil
	}
	var found []*ConstraintError
	for _, item := range params.Errs() {
		var violation *ConstraintError
		if errors.As(item, &violation) {
			found = append(found, violation)
		}
	}
	return found
}

// ConstraintRule is the kind of a rule that an input can break.
type ConstraintRule string

// The kinds of rules.
const (
	RuleRequired ConstraintRule = "required" // a member that must be set
	RuleLength   ConstraintRule = "length"   // of a string, in code points
	RuleRange    ConstraintRule = "range"    // of a number
	RulePattern  ConstraintRule = "pattern"  // of a whole string
	RuleEnum     ConstraintRule = "enum"     // a value that the model knows
	RuleSize     ConstraintRule = "size"     // of a list or map
	RuleUnion    ConstraintRule = "union"    // exactly one member that the model knows
	RuleService  ConstraintRule = "service"  // known to the service only, see ValidationStrict
)

// ConstraintError reports one broken rule. It never contains a sensitive value.
type ConstraintError struct {
	// Input is the name of the input type: "UpdateMicroVMImageInput".
	Input string

	// Path leads from the input to the value: "Hooks.MicroVMHooks.RunTimeoutInSeconds",
	// "EgressNetworkConnectors[0]", `EnvironmentVariables["KEY"]`. Long map keys are cut.
	Path string

	// Rule is the kind of rule.
	Rule ConstraintRule

	// Key is true if the rule is about the map key at the end of Path and not about its
	// value.
	Key bool

	// Limit is what the rule allows: "1 to 60", "at most 64 characters", a pattern. It is
	// empty for RuleRequired.
	Limit string

	// Given is the value that broke the rule: a number, a size, or the quoted value,
	// which may be cut; "[REDACTED]" for a sensitive one. It is empty if there was no
	// value.
	Given string
}

var _ smithy.InvalidParamError = (*ConstraintError)(nil)

// Error returns one sentence. A missing member reads as it does in official clients.
func (e *ConstraintError) Error() string {
	if e.Rule == RuleRequired {
		return "missing required field, " + e.Field() + "."
	}
	text := e.Field()
	if e.Key {
		text += " key"
	}
	switch e.Rule {
	case RuleService: // the limit has its own verb
		text += " must "
	case RuleLength, RuleSize, RuleUnion:
		text += " must have "
	case RulePattern:
		text += " must match "
	default:
		text += " must be "
	}
	text += cut(e.Limit, maxLimitText)
	if e.Given != "" {
		text += ", given " + e.Given
	}
	return text
}

// Field returns the path with the name of the input type in front.
func (e *ConstraintError) Field() string { return joinPath(e.Input, e.Path) }

// SetContext sets Input.
func (e *ConstraintError) SetContext(input string) { e.Input = input }

// AddNestedContext puts a step in front of Path.
func (e *ConstraintError) AddNestedContext(step string) { e.Path = joinPath(step, e.Path) }

func joinPath(head, tail string) string {
	if head == "" || tail == "" || tail[0] == '[' {
		return head + tail
	}
	return head + "." + tail
}

// Errors are logged: these bounds, in code points, keep a violation to about one line.
const (
	maxKeyText   = 40
	maxValueText = 80
	maxLimitText = 200
)

func cut(s string, limit int) string {
	if len(s) <= limit {
		return s
	}
	for i := range s {
		if limit--; limit < 0 {
			return s[:i] + "…"
		}
	}
	return s
}

// validateInput runs all checks of a mode. It returns nil, or a smithy.InvalidParamsError
// by value.
func validateInput(in OperationInput, mode ValidationMode, allowUnknownEnums bool) error {
	if mode == ValidationNone {
		return nil
	}
	v := validators.Get().(*validator)
	v.requiredOnly = mode == ValidationRequired
	v.anyEnum = allowUnknownEnums
	in.validate(v)
	if mode == ValidationStrict {
		v.strict(in)
	}
	found := v.found
	v.found = nil
	validators.Put(v)
	if found == nil {
		return nil
	}
	shape := reflect.TypeOf(in)
	if shape.Kind() == reflect.Pointer { // not a user's struct that embeds an input
		shape = shape.Elem()
	}
	params := smithy.InvalidParamsError{Context: shape.Name()}
	for _, violation := range found {
		params.Add(violation)
	}
	return params
}

type validateParams struct {
	mode              ValidationMode
	allowUnknownEnums bool
}

func (*validateParams) ID() string { return "OperationInputValidation" }

func (m *validateParams) HandleInitialize(ctx context.Context, in middleware.InitializeInput, next middleware.InitializeHandler) (
	out middleware.InitializeOutput, metadata middleware.Metadata, err error,
) {
	input, ok := in.Parameters.(inputShape)
	if !ok {
		return out, metadata, fmt.Errorf("unexpected input type %T", in.Parameters)
	}
	if err := validateInput(input, m.mode, m.allowUnknownEnums); err != nil {
		return out, metadata, err
	}
	return next.HandleInitialize(ctx, in)
}
