package fakeprogram

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/microvm-go/lambdamicrovms/fake"
	"github.com/microvm-go/lambdamicrovms/types"
)

// setAnswer sets a field from a flag's text, such as "ReusedToken=conflict".
func setAnswer(answers *fake.Answers, text string) (err error) {
	name, value, _ := strings.Cut(text, "=")
	switch name {
	case "FailedVersionStatus":
		answers.FailedVersionStatus = types.MicroVMImageVersionStatus(value)
	case "FailedBuildReason":
		answers.FailedBuildReason, err = strconv.ParseBool(value)
	case "ReusedToken":
		answers.ReusedToken, err = outcome(value)
	case "RepeatedDelete":
		answers.RepeatedDelete, err = outcome(value)
	case "BusyUpdate":
		answers.BusyUpdate, err = outcome(value)
	case "VersionInUse":
		answers.VersionInUse, err = outcome(value)
	case "OutOfTurn":
		answers.OutOfTurn, err = outcome(value)
	case "TerminatedToken":
		answers.TerminatedToken, err = outcome(value)
	case "LongSuspension":
		answers.LongSuspension, err = longSuspension(value)
	default:
		return fmt.Errorf("there is no answer %q", name)
	}
	return err
}

func outcome(value string) (fake.Outcome, error) {
	switch value {
	case "success":
		return fake.OutcomeSuccess, nil
	case "conflict":
		return fake.OutcomeConflict, nil
	case "validation":
		return fake.OutcomeValidation, nil
	case "notfound":
		return fake.OutcomeNotFound, nil
	}
	return fake.OutcomeUnknown, fmt.Errorf("%q is none of success, conflict, validation, notfound", value)
}

func longSuspension(value string) (fake.LongSuspension, error) {
	switch value {
	case "ends":
		return fake.LongSuspensionEnds, nil
	case "stays":
		return fake.LongSuspensionStays, nil
	}
	return fake.LongSuspensionUnknown, fmt.Errorf("%q is neither ends nor stays", value)
}
