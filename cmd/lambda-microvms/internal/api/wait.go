package api

import (
	"context"
	"encoding/json"
	"time"

	"github.com/microvm-go/lambdamicrovms"
)

// Waiter polls an operation until a resource is in a state.
type Waiter struct {
	Name               string // in the model: MicrovmRunning
	Command            string // microvm-running
	Doc                string
	Operation          string // in the model: GetMicrovm
	State              string // the member of the output that is compared
	MinDelay, MaxDelay time.Duration
	Success, Failure   []string // states, and codes of errors
}

// WaitOptions are the options of a wait.
type WaitOptions struct {
	MaxWait            time.Duration // of the whole wait
	MinDelay, MaxDelay time.Duration // between two polls; zero is the waiter's own
	OnPoll             func(lambdamicrovms.WaiterAttempt)
}

// FindWaiter returns the waiter of a command, or nil.
func FindWaiter(command string) *Waiter {
	for i := range Waiters {
		if Waiters[i].Command == command {
			return &Waiters[i]
		}
	}
	return nil
}

// Polls returns the operation that the waiter polls.
func (w *Waiter) Polls() *Operation {
	for i := range Operations {
		if Operations[i].Name == w.Operation {
			return &Operations[i]
		}
	}
	return nil
}

// Wait waits with an input in JSON, whose members have the names of the wire. The error
// is that of the client's waiter.
func (w *Waiter) Wait(ctx context.Context, client *lambdamicrovms.Client, input []byte, o WaitOptions) error {
	return wait(ctx, client, w.Name, input, o)
}

func waitFor[I, O any](ctx context.Context, w *lambdamicrovms.Waiter[I, O], input []byte, o WaitOptions) error {
	in := new(I)
	if err := any(in).(json.Unmarshaler).UnmarshalJSON(input); err != nil {
		return err
	}
	return w.Wait(ctx, in, o.MaxWait, func(options *lambdamicrovms.WaiterOptions[I, O]) {
		options.MinDelay, options.MaxDelay, options.OnAttempt = o.MinDelay, o.MaxDelay, o.OnPoll
	})
}
