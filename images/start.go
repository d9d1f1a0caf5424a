package images

import (
	"context"
	"errors"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/microvm-go/lambdamicrovms"
	"github.com/microvm-go/lambdamicrovms/internal/workflow"
	"github.com/microvm-go/lambdamicrovms/types"
)

// buildStarter starts exactly one build, even if its request is repeated and responses
// are lost.
type buildStarter struct {
	*job
	api       lambdamicrovms.GetMicroVMImageAPIClient
	step      Step
	operation string

	// send makes the request, each time with the same client token. It returns the
	// version that is being built, or "" if the response does not name it.
	send func(context.Context) (version string, err error)

	// inspect is called before a request. It returns an error if the request must not be
	// made. If the request was sent before, inspect returns the version that was built
	// from it, or "".
	inspect func(ctx context.Context, sent bool) (version string, err error)

	// confirmed is true if a response named the version. Otherwise inspect found it by its
	// configuration: another program may have started it from another content.
	confirmed bool

	// baseImageVersion is the version of the base image of the build that was started, or
	// nil if no response names it. send and inspect set it.
	baseImageVersion *string
}

// changes returns the differences between live and the version that was started from the
// input. The input may leave the choice of the base image version to the service.
func (s *buildStarter) changes(live, in *lambdamicrovms.UpdateMicroVMImageInput) Changes {
	started := *in
	if s.baseImageVersion != nil {
		started.BaseImageVersion = s.baseImageVersion
	}
	return compare(live, &started)
}

// found returns the number of a version that inspect has found, or "" if it is nil.
func (s *buildStarter) found(version *types.MicroVMImageVersionSummary) string {
	if version == nil {
		return ""
	}
	s.baseImageVersion = version.BaseImageVersion
	return aws.ToString(version.ImageVersion)
}

// startOutcome is the outcome of all requests of a buildStarter.
type startOutcome struct {
	version       string
	maybeAccepted bool // a request without a response may have been accepted
	accepted      bool // a request was accepted, but the response does not name the version
	err           error
}

// run returns the version that is being built.
func (s *buildStarter) run(ctx context.Context) (string, error) {
	o := s.request(ctx)
	if !o.maybeAccepted && !o.accepted {
		return o.version, o.err
	}
	if ctx.Err() == nil {
		version, inspectErr := s.inspect(ctx, true)
		var overtaken *ConcurrentUpdateError
		switch {
		case version != "":
			return version, nil
		case inspectErr == nil && !o.accepted: // no request has had an effect
			return "", o.err
		case errors.As(inspectErr, &overtaken) && !o.accepted:
			return "", overtaken
		}
	}
	return "", &UnknownOutcomeError{Workflow: s.workflow, Image: s.image, Err: o.err}
}

// request repeats the request until there is a conclusive response.
func (s *buildStarter) request(ctx context.Context) startOutcome {
	var o startOutcome
	sent, repeat, round := false, false, 0
	calls, began := 0, s.Clock.Now()
	failed := func(err error) startOutcome {
		o.err = err
		return o
	}
	for {
		if err := ctx.Err(); err != nil {
			return failed(s.fail(s.step, "", err))
		}
		// After a lost response, the request is repeated without inspect: the service
		// recognizes the token and returns the outcome of the first request. If it
		// rejects the repeated request, that says nothing about the first one.
		if !repeat {
			version, err := s.inspect(ctx, sent)
			if version != "" || err != nil {
				o.version = version
				o.maybeAccepted = o.maybeAccepted && version == ""
				return failed(err)
			}
			o.maybeAccepted = false
		}
		s.report(ctx, Event{Step: s.step})
		var version string
		calls++
		err := s.during(ctx, s.step, "", func(ctx context.Context) (err error) {
			version, err = s.send(ctx)
			return err
		})
		switch {
		case err == nil && version != "":
			s.confirmed = true
			return startOutcome{version: version}
		case err == nil:
			o.accepted = true
			return failed(s.fail(s.step, "", workflow.Incomplete(s.operation, "ImageVersion")))
		}
		sent = true
		switch {
		case ctx.Err() != nil, isLost(err) && round == maxRetries:
			o.maybeAccepted = true
			return failed(s.fail(s.step, "", workflow.Repeated(calls, s.Clock.Now().Sub(began), err)))
		case isLost(err):
			o.maybeAccepted, repeat = true, true
			if err := s.sleep(ctx, StepWaitToRetry, backoff(round), err); err != nil {
				return failed(err)
			}
			round++
		default:
			repeat = false
			if err := s.unblock(ctx, s.api, s.step, "", err); err != nil {
				return failed(err)
			}
		}
	}
}
