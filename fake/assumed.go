package fake

import (
	"cmp"
	"fmt"
	"net/http"
	"slices"

	"github.com/microvm-go/lambdamicrovms/types"
)

// assumedHeader marks responses that rest on an assumption.
const assumedHeader = "X-Fake-Assumed"

// WithAssumedAnswers makes the server give the most plausible response, instead of 501,
// where nobody has measured what the service does. Fields of [Answers] that are set take
// precedence. Such a response has a header X-Fake-Assumed, and [Call] a field Assumed,
// for each of its assumptions:
//
//   - FailedVersionStatus: a version whose build failed is INACTIVE, and its status can
//     be set;
//   - FailedBuildReason: Get of a failed build has the reason too;
//   - ReusedToken: 400, as for most conflicts of this service;
//   - RepeatedDelete: 200, as the documentation calls both deletes idempotent;
//   - VersionInUse: 400, as for an image in use;
//   - OutOfTurn: 409 ConflictException, which the model declares for suspend and resume;
//   - TerminatedToken: 400, as for a suspend of a terminated MicroVM;
//   - LongSuspension: the MicroVM is terminated, as documented;
//   - a client token whose version was deleted: 404 for that version;
//   - a build on a missing image of the caller's account: 404 for that image;
//   - a run of a managed image: 404, no active version;
//   - tags of a resource that is not an image: 404;
//   - a signature in the query, with [WithStrictSigning]: 403;
//   - a request to a MicroVM without HTTP_INGRESS or ALL_INGRESS: 403, "Access to port
//     denied";
//   - a shell, without [WithShell]: 502, as for a port without a listener.
//
// A test that passes only with this option depends on a guess. Prefer [WithAnswers] for
// the case at hand, and measure it.
func WithAssumedAnswers() Option {
	return func(c *config) { c.assume = true }
}

// assumeRest sets the fields that are zero, and returns their names.
func (a *Answers) assumeRest() map[string]bool {
	assumed := make(map[string]bool)
	assumeUnless := func(field string, set bool) {
		if !set {
			assumed[field] = true
		}
	}
	assumeUnless("FailedVersionStatus", a.FailedVersionStatus != "")
	assumeUnless("FailedBuildReason", a.FailedBuildReason)
	assumeUnless("ReusedToken", a.ReusedToken != OutcomeUnknown)
	assumeUnless("RepeatedDelete", a.RepeatedDelete != OutcomeUnknown)
	assumeUnless("VersionInUse", a.VersionInUse != OutcomeUnknown)
	assumeUnless("OutOfTurn", a.OutOfTurn != OutcomeUnknown)
	assumeUnless("TerminatedToken", a.TerminatedToken != OutcomeUnknown)
	assumeUnless("LongSuspension", a.LongSuspension != LongSuspensionUnknown)

	a.FailedVersionStatus = cmp.Or(a.FailedVersionStatus, types.MicroVMImageVersionStatusInactive)
	a.FailedBuildReason = true
	a.ReusedToken = cmp.Or(a.ReusedToken, OutcomeValidation)
	a.RepeatedDelete = cmp.Or(a.RepeatedDelete, OutcomeSuccess)
	a.VersionInUse = cmp.Or(a.VersionInUse, OutcomeValidation)
	a.OutOfTurn = cmp.Or(a.OutOfTurn, OutcomeConflict)
	a.TerminatedToken = cmp.Or(a.TerminatedToken, OutcomeValidation)
	a.LongSuspension = cmp.Or(a.LongSuspension, LongSuspensionEnds)
	return assumed
}

// dependsOn marks the response if a field of Answers is an assumption.
func (c *call) dependsOn(field string) {
	if c.server.config.assumed[field] && !slices.Contains(c.assumptions, field) {
		c.assumptions = append(c.assumptions, field)
	}
}

// settle returns the error of an outcome, nil for success.
func (c *call) settle(o Outcome, field, what, message string) error {
	c.dependsOn(field)
	switch o {
	case OutcomeSuccess:
		return nil
	case OutcomeConflict:
		return conflict("%s", message)
	case OutcomeValidation:
		return invalid("%s", message)
	case OutcomeNotFound:
		return notFound("%s", message)
	}
	return unknown(field, what)
}

// unmeasured returns the assumed error and marks the response, or returns a 501.
func (c *call) unmeasured(assumed error, format string, args ...any) error {
	if !c.server.config.assume {
		return unrecorded(format, args...)
	}
	c.assumptions = append(c.assumptions, fmt.Sprintf(format, args...))
	return assumed
}

// unmeasured returns the assumed error of the proxy and marks the response, or returns a
// 501.
func (s *Server) unmeasured(assumed *proxyError, what string) error {
	if !s.config.assume {
		return unrecorded("%s", what)
	}
	assumed.assumed = what
	return assumed
}

// unknown returns the 501 for behavior that a field of Answers settles.
func unknown(field, what string) *failure {
	return unrecorded("%s; settle it with fake.WithAnswers(fake.Answers{%s: ...}), or --answer %[2]s=...", what, field)
}

// unrecorded returns the 501 for behavior that only WithAssumedAnswers settles.
func unrecorded(format string, args ...any) *failure {
	return fail(http.StatusNotImplemented, "UnknownBehaviorException", "fake: nobody has measured "+format, args...)
}
