package workflow

import (
	"cmp"
	"fmt"

	"github.com/aws/smithy-go"

	"github.com/microvm-go/lambdamicrovms"
)

// OptionCheck collects the options that a workflow rejects before its first call. Its
// error has the form of the client's validation, so that lambdamicrovms.Violations lists
// the fields.
type OptionCheck struct {
	params smithy.InvalidParamsError
}

// CheckOptions begins the check of an options struct, such as "UpdateOptions".
func CheckOptions(name string) *OptionCheck {
	return &OptionCheck{smithy.InvalidParamsError{Context: name}}
}

// Refuse records a field outside its limit, such as "at least 0s".
func (c *OptionCheck) Refuse(field, limit string, given any) {
	c.params.Add(&lambdamicrovms.ConstraintError{
		Path: field, Rule: lambdamicrovms.RuleRange, Limit: limit, Given: fmt.Sprint(given),
	})
}

// Err returns a smithy.InvalidParamsError with all rejected fields, or nil.
func (c *OptionCheck) Err() error {
	if c.params.Len() == 0 {
		return nil
	}
	return c.params
}

// AtLeast rejects a value below the bound, and NaN.
func AtLeast[T cmp.Ordered](c *OptionCheck, field string, value, least T) {
	if value >= least { // false for NaN
		return
	}
	c.Refuse(field, fmt.Sprintf("at least %v", least), value)
}

// Between rejects a value outside the bounds, and NaN.
func Between[T cmp.Ordered](c *OptionCheck, field string, value, least, most T) {
	if value >= least && value <= most { // false for NaN
		return
	}
	c.Refuse(field, fmt.Sprintf("%v to %v", least, most), value)
}
