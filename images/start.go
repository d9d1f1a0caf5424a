package images

import (
	"context"
	"errors"

	"github.com/microvm-go/lambdamicrovms"
	"github.com/microvm-go/lambdamicrovms/internal/workflow"
)

// start begins a build, one only, however often its request is made and whatever becomes of
// the responses.
type start struct {
	*job
	api       lambdamicrovms.GetMicroVMImageAPIClient
	step      Step
	operation string

	// send makes the request, each time with the same client token. It returns the version
	// that is being built, or "" if the response does not say.
	send func(context.Context) (version string, err error)

	// look is called before a request, and reports an error if it must not be made. If the
	// request was sent before, look returns the version that was built from it, even though no
	// response said so, or "".
	look func(ctx context.Context, sent bool) (version string, err error)
}

// An attempt is the outcome of all requests of a start.
type attempt struct {
	version  string
	inDoubt  bool // a request without a response may have been accepted
	accepted bool // a request was accepted, and the response did not say what is being built
	err      error
}

// run returns the version that is being built.
func (s *start) run(ctx context.Context) (string, error) {
	a := s.request(ctx)
	if !a.inDoubt && !a.accepted {
		return a.version, a.err
	}
	if ctx.Err() == nil {
		version, lookErr := s.look(ctx, true)
		var overtaken *ConcurrentUpdateError
		switch {
		case version != "":
			return version, nil
		case lookErr == nil && !a.accepted: // no request has had an effect
			return "", a.err
		case errors.As(lookErr, &overtaken) && !a.accepted:
			return "", overtaken
		}
	}
	return "", &UnknownOutcomeError{Workflow: s.workflow, Image: s.image, Err: a.err}
}

// request repeats the request until a response settles it.
func (s *start) request(ctx context.Context) attempt {
	var a attempt
	sent, repeat, round := false, false, 0
	failed := func(err error) attempt {
		a.err = err
		return a
	}
	for {
		if err := ctx.Err(); err != nil {
			return failed(s.fail(s.step, "", err))
		}
		// A request without a response is repeated without a look: by its token, the service
		// then tells the outcome of the first one. A refusal of the repetition does not.
		if !repeat {
			version, err := s.look(ctx, sent)
			if version != "" || err != nil {
				a.version = version
				a.inDoubt = a.inDoubt && version == ""
				return failed(err)
			}
			a.inDoubt = false
		}
		s.tell(Event{Step: s.step})
		version, err := s.send(ctx)
		switch {
		case err == nil && version != "":
			return attempt{version: version}
		case err == nil:
			a.accepted = true
			return failed(s.fail(s.step, "", workflow.Incomplete(s.operation, "ImageVersion")))
		}
		sent = true
		switch {
		case ctx.Err() != nil, unanswered(err) && round == rounds:
			a.inDoubt = true
			return failed(s.fail(s.step, "", err))
		case unanswered(err):
			a.inDoubt, repeat = true, true
			if err := s.sleep(ctx, StepWaitForAnswer, backoff(round), err); err != nil {
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
