package session_test

import (
	"context"
	"errors"
	"testing"

	"github.com/microvm-go/lambdamicrovms"
	"github.com/microvm-go/lambdamicrovms/session"
)

func TestErrors(t *testing.T) {
	cause, cleanup := errors.New("cause"), errors.New("cleanup")
	terminate := &session.TerminateError{MicroVMID: "microvm-1", Err: cleanup}
	tests := []struct {
		err   error
		want  string
		wraps []error
	}{
		{
			&session.StartError{MicroVMID: "microvm-1", State: "TERMINATED", Reason: "no luck", Err: &lambdamicrovms.WaiterFailureError{State: "TERMINATED"}},
			"session: microvm-1 did not start: it is TERMINATED: no luck", nil,
		},
		{
			&session.StartError{MicroVMID: "microvm-1", State: "PENDING", Err: context.Canceled, CleanupErr: terminate},
			"session: microvm-1 did not start: it is PENDING: context canceled; it may still be running: session: cannot terminate microvm-1: cleanup",
			[]error{context.Canceled, terminate, cleanup},
		},
		{
			&session.StartError{Err: cause, CleanupErr: cleanup},
			"session: a MicroVM did not start: cause; it may still be running: cleanup", []error{cause, cleanup},
		},
		{&session.StateError{Action: "resume", MicroVMID: "microvm-1", Err: cause}, "session: cannot resume microvm-1: cause", []error{cause}},
		{&session.StateError{Action: "resume", MicroVMID: "microvm-1", State: "TERMINATED", Reason: "Success."}, "session: cannot resume microvm-1: it is TERMINATED: Success.", nil},
		{&session.HostError{Host: "b.example", Want: "a.on.aws"}, "session: the request is for host b.example, but this session sends only to a.on.aws", nil},
		{
			&session.ProxyError{Status: 502, Kind: session.KindSuspended, MicroVMID: "microvm-1", Port: 80, State: "SUSPENDED", Resumed: true},
			"session: the proxy of microvm-1 returned 502 for port 80: the MicroVM is SUSPENDED; it was resumed, but the request is not safe to send again", nil,
		},
		{
			&session.ProxyError{Status: 502, Kind: session.KindUnreachable, MicroVMID: "microvm-1", Port: 80, Err: cause},
			"session: the proxy of microvm-1 returned 502 for port 80: the MicroVM is unreachable: cause", []error{cause},
		},
		{
			&session.SweepError{Failed: []*session.TerminateError{terminate}, Left: 2, Err: cause},
			"session: sweep: 1 MicroVMs could not be terminated, the first: session: cannot terminate microvm-1: cleanup; 2 were not tried; cause",
			[]error{cause, terminate, cleanup},
		},
	}
	for _, tt := range tests {
		if got := tt.err.Error(); got != tt.want {
			t.Errorf("got  %s\nwant %s", got, tt.want)
		}
		for _, wrapped := range tt.wraps {
			if !errors.Is(tt.err, wrapped) {
				t.Errorf("%v does not wrap %v", tt.err, wrapped)
			}
		}
	}
}
