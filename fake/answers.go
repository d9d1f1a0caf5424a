package fake

import "github.com/microvm-go/lambdamicrovms/types"

// Answers settle what the real service does but nobody has measured. Where a field is left at its zero
// value the server does not guess: it answers 501 with the name of the field, unless the field says otherwise.
type Answers struct {
	// FailedVersionStatus is the status of a version whose build failed. By default it is null, since the
	// rest of the version is known; to PATCH such a version is 501.
	FailedVersionStatus types.MicroVMImageVersionStatus

	// FailedBuildReason puts the reason into GetMicroVMImageBuild too, and not only into the list of
	// builds, where it is known to be. By default it is null.
	FailedBuildReason bool

	// ReusedToken is for a clientToken that comes again with other parameters.
	ReusedToken Outcome

	// RepeatedDelete is for a second delete of an image or version.
	RepeatedDelete Outcome

	// BusyUpdate is for an update of an image that is UPDATING. It is refused in one of two forms, both
	// seen in practice; the default is OutcomeConflict.
	BusyUpdate Outcome

	// VersionInUse is for a delete of a version that MicroVMs run.
	VersionInUse Outcome

	// OutOfTurn is for a suspend or resume that the state of the MicroVM does not call for, such as a
	// suspend of one that is SUSPENDED or a resume of one that is RUNNING. TERMINATED is no such state:
	// what it gets is known.
	OutOfTurn Outcome

	// TerminatedToken is for a token for a MicroVM that is TERMINATING or TERMINATED.
	TerminatedToken Outcome

	// LongSuspension is what becomes of a MicroVM that has been SUSPENDED for the suspendedDurationSeconds
	// of its idle policy. Until it is settled, calls about a MicroVM that has come so far are 501.
	LongSuspension LongSuspension
}

// An Outcome is what a call gets.
type Outcome int

// The outcomes of a call. OutcomeSuccess changes nothing that is as asked for already.
const (
	OutcomeUnknown    Outcome = iota // 501
	OutcomeSuccess                   // 2xx
	OutcomeConflict                  // 409 ConflictException
	OutcomeValidation                // 400 ValidationException
	OutcomeNotFound                  // 404 ResourceNotFoundException
)

// LongSuspension is what becomes of a MicroVM that is suspended for as long as its idle policy says.
type LongSuspension int

// What becomes of a MicroVM that is suspended for long: the documentation has it that it is terminated,
// a measurement saw it suspended after four times as long.
const (
	LongSuspensionUnknown LongSuspension = iota // 501
	LongSuspensionEnds                          // it is terminated
	LongSuspensionStays                         // it stays SUSPENDED
)
