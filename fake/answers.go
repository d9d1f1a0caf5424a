package fake

import (
	"net/http"

	"github.com/microvm-go/lambdamicrovms/types"
)

// Answers settle what the real service does but nobody has measured. Where a field is left at its zero
// value the server does not guess: it answers 501 with the name of the field, unless the field says otherwise.
type Answers struct {
	// FailedVersionStatus is the status of a version whose build failed. By default it is null, since the
	// rest of the version is known; to PATCH such a version is 501.
	FailedVersionStatus types.MicroVMImageVersionStatus

	// FailedBuildReason puts the reason into GetMicroVMImageBuild too, and not only into the list of
	// builds, where it is known to be. By default it is null.
	FailedBuildReason bool

	// ReusedToken is the error for a clientToken that comes again with other parameters.
	ReusedToken ErrorForm

	// RepeatedDelete is what a second delete of an image or version gets.
	RepeatedDelete RepeatedDelete

	// BusyUpdate is the form of the error for an update of an image that is UPDATING. Both forms are
	// seen in practice; the default is the 409.
	BusyUpdate ErrorForm
}

// ErrorForm chooses between the errors that stand for one condition.
type ErrorForm int

// The forms of an error.
const (
	UnknownForm    ErrorForm = iota
	ConflictForm             // 409 ConflictException
	ValidationForm           // 400 ValidationException
)

// RepeatedDelete is what a second delete gets.
type RepeatedDelete int

// What a second delete gets.
const (
	RepeatUnknown   RepeatedDelete = iota
	RepeatSucceeds                 // the answer of the first
	RepeatIsMissing                // 404
)

// unknown refuses to invent.
func unknown(field, what string) *failure {
	return fail(http.StatusNotImplemented, "UnknownBehaviorException",
		"fake: it is not known %s; settle it with fake.WithAnswers(fake.Answers{%s: ...})", what, field)
}

// notBuilt is for operations that this server does not have yet.
func notBuilt(operation Operation) *failure {
	return fail(http.StatusNotImplemented, "UnknownOperationException", "fake: %s is not implemented", operation)
}
