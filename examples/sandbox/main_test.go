package main

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/microvm-go/lambdamicrovms/examples/internal/demo"
	"github.com/microvm-go/lambdamicrovms/fake"
	"github.com/microvm-go/lambdamicrovms/types"
)

func TestRun(t *testing.T) {
	var output strings.Builder
	if err := run(t.Context(), nil, strings.NewReader("print one\nprint two\n"), &output); err != nil || output.String() != "one\ntwo\n" {
		t.Errorf("got %q, %v", output.String(), err)
	}
}

// Whatever the program does, its MicroVM is gone afterwards.
func TestSandbox(t *testing.T) {
	for name, test := range map[string]struct {
		code   string
		output string
		err    string
	}{
		"output":         {"print x", "x", ""},
		"failure":        {"format disk", "", "422 Unprocessable Entity: unknown instruction"},
		"endless output": {strings.Repeat("print x\n", 1000), "", errTooMuchOutput.Error()},
		"hangs":          {"sleep", "", context.DeadlineExceeded.Error()},
	} {
		t.Run(name, func(t *testing.T) {
			over := make(chan struct{})
			defer close(over)
			application := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if name == "hangs" {
					<-over // a response at the deadline could still arrive
					return
				}
				interpreter(w, r)
			})
			srv, client, image, err := demo.Start(t.Context(), fake.WithApplication(application))
			if err != nil {
				t.Fatal(err)
			}
			box := sandbox{client: client, image: image, time: time.Minute, maxOutput: 100}
			if name == "hangs" {
				box.time = time.Millisecond
			}
			output, err := box.run(t.Context(), test.code)
			if output != test.output || (err == nil) != (test.err == "") || err != nil && !strings.Contains(err.Error(), test.err) {
				t.Errorf("got %q, %v", output, err)
			}
			srv.Advance(time.Minute)
			states, err := demo.States(t.Context(), client)
			if err != nil || len(states) != 1 {
				t.Fatalf("got %v, %v", states, err)
			}
			for id, state := range states {
				if state != types.MicroVMStateTerminated {
					t.Errorf("%s is %s", id, state)
				}
			}
		})
	}
}
