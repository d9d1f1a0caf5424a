package images

import (
	"context"
	"errors"

	"github.com/microvm-go/lambdamicrovms"
)

// start begins a build. However often its request is made, and whatever becomes of the answers, it begins one
// only.
type start struct {
	*job
	api  lambdamicrovms.GetMicroVMImageAPIClient
	step Step

	// send makes the request, each time with the same client token, and returns the version.
	send func(context.Context) (version string, err error)

	// look is asked before a request whether it may still be made. If it has been made before, look returns the
	// version that came of it although no answer said so.
	look func(ctx context.Context, sent bool) (version string, err error)
}

// run returns the version that is being built.
func (s *start) run(ctx context.Context) (string, error) {
	version, doubt, err := s.untilAnswered(ctx)
	if err == nil || !doubt {
		return version, err
	}
	if ctx.Err() == nil {
		version, lookErr := s.look(ctx, true)
		var overtaken *ConcurrentUpdateError
		switch {
		case version != "":
			return version, nil
		case lookErr == nil: // nothing has come of it
			return "", err
		case errors.As(lookErr, &overtaken):
			return "", overtaken
		}
	}
	return "", &UnknownOutcomeError{Workflow: s.workflow, Image: s.image, Err: err}
}

// untilAnswered makes the request until there is an answer that settles it. doubt tells that one which had no
// answer may have been taken.
func (s *start) untilAnswered(ctx context.Context) (version string, doubt bool, err error) {
	sent, repeat, round := false, false, 0
	for {
		if err := ctx.Err(); err != nil {
			return "", doubt, s.fail(s.step, "", err)
		}
		// A request without answer is repeated as it is: it is for the token to say what it came to. If the
		// repetition is refused, that says nothing about the first one.
		if !repeat {
			if version, err := s.look(ctx, sent); version != "" || err != nil {
				return version, doubt, err
			}
			doubt = false
		}
		s.tell(Event{Step: s.step})
		version, err := s.send(ctx)
		if err == nil {
			return version, false, nil
		}
		sent = true
		switch {
		case ctx.Err() != nil, unanswered(err) && round == rounds:
			return "", true, s.fail(s.step, "", err)
		case unanswered(err):
			doubt, repeat = true, true
			if err := s.sleep(ctx, StepWaitForAnswer, backoff(round), err); err != nil {
				return "", true, err
			}
			round++
		default:
			repeat = false
			if err := s.unblock(ctx, s.api, s.step, "", err); err != nil {
				return "", doubt, err
			}
		}
	}
}
