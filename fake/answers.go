package fake

import "github.com/microvm-go/lambdamicrovms/types"

// Answers settle behavior of the real service that nobody has measured. While a field is
// zero, the server responds with 501 and the name of the field, unless the field says
// otherwise.
type Answers struct {
	// FailedVersionStatus is the status of a version whose build failed. By default it is
	// null, and a PATCH of such a version is 501.
	FailedVersionStatus types.MicroVMImageVersionStatus

	// FailedBuildReason includes the reason of a failed build in GetMicroVMImageBuild. By
	// default it is null there; the list of builds always has it.
	FailedBuildReason bool

	// ReusedToken is the outcome of a clientToken that is reused with other parameters.
	ReusedToken Outcome

	// RepeatedDelete is the outcome of a second delete of an image or version.
	RepeatedDelete Outcome

	// BusyUpdate is the outcome of an update of an image that is UPDATING. Both
	// OutcomeConflict, the default, and OutcomeValidation were seen in practice.
	BusyUpdate Outcome

	// VersionInUse is the outcome of a delete of a version with running MicroVMs.
	VersionInUse Outcome

	// OutOfTurn is the outcome of a suspend or resume in the wrong state, such as a
	// suspend of a SUSPENDED MicroVM. It does not apply to TERMINATED, which is known to
	// be a 400.
	OutOfTurn Outcome

	// TerminatedToken is the outcome of a token for a MicroVM that is TERMINATING or
	// TERMINATED.
	TerminatedToken Outcome

	// LongSuspension is what happens to a MicroVM that was SUSPENDED for the
	// suspendedDurationSeconds of its idle policy. By default calls for such a MicroVM
	// are 501.
	LongSuspension LongSuspension
}

// An Outcome is the outcome of a call.
type Outcome int

// The outcomes of a call. OutcomeSuccess does not change what is already as requested.
const (
	OutcomeUnknown    Outcome = iota // 501
	OutcomeSuccess                   // 2xx
	OutcomeConflict                  // 409 ConflictException
	OutcomeValidation                // 400 ValidationException
	OutcomeNotFound                  // 404 ResourceNotFoundException
)

// LongSuspension is what happens at the end of suspendedDurationSeconds.
type LongSuspension int

// What happens to a MicroVM that is suspended for long. The documentation says that it is
// terminated; a measurement found it suspended after four times as long.
const (
	LongSuspensionUnknown LongSuspension = iota // 501
	LongSuspensionEnds                          // it is terminated
	LongSuspensionStays                         // it stays SUSPENDED
)
