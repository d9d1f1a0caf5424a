package workflow_test

import (
	"errors"
	"testing"
	"time"

	"github.com/microvm-go/lambdamicrovms/internal/workflow"
)

func TestRepeated(t *testing.T) {
	cause := errors.New("too many")
	for _, test := range []struct {
		calls int
		err   error
		want  string
	}{
		{1, cause, "too many"},
		{4, cause, "4 calls in 35.1s, the last one: too many"},
		{4, nil, "<nil>"},
	} {
		got := workflow.Repeated(test.calls, 35_123*time.Millisecond, test.err)
		text := "<nil>"
		if got != nil {
			text = got.Error()
		}
		if text != test.want || !errors.Is(got, test.err) {
			t.Errorf("got %s, want %s", text, test.want)
		}
	}
}
