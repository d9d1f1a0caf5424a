package session_test

import (
	"context"
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/microvm-go/lambdamicrovms"
	"github.com/microvm-go/lambdamicrovms/session"
)

// starting is an API whose MicroVM takes a given time to start.
type starting struct {
	session.RunAPI
	clock   clock
	running time.Time
	polls   int
}

func (s *starting) RunMicroVM(context.Context, *lambdamicrovms.RunMicroVMInput, ...func(*lambdamicrovms.Options)) (*lambdamicrovms.RunMicroVMOutput, error) {
	return &lambdamicrovms.RunMicroVMOutput{MicroVMId: aws.String("microvm-1"), State: "PENDING"}, nil
}

func (s *starting) GetMicroVM(context.Context, *lambdamicrovms.GetMicroVMInput, ...func(*lambdamicrovms.Options)) (*lambdamicrovms.GetMicroVMOutput, error) {
	s.polls++
	out := &lambdamicrovms.GetMicroVMOutput{State: "PENDING", Endpoint: aws.String("a.on.aws")}
	if !s.clock.Now().Before(s.running) {
		out.State = "RUNNING"
	}
	return out, nil
}

// run returns how late Run notices the end of a start, and how often it polls.
func run(t *testing.T, takes time.Duration) (late time.Duration, polls int) {
	t.Helper()
	api := &starting{clock: clock{now: time.Unix(0, 0)}, running: time.Unix(0, 0).Add(takes)}
	_, err := session.Run(context.Background(), api, nil, func(o *session.Options) { o.Clock = &api.clock })
	if err != nil {
		t.Fatal(err)
	}
	return api.clock.Now().Sub(api.running), api.polls
}

// Starts as they were measured (half within 1.85 s, 95 of 100 within 2.13 s) are noticed
// after 150 ms on average, with at most 12 polls.
func TestRunNoticesStart(t *testing.T) {
	const (
		starts = 2_000
		median = 1.85
		p95    = 2.13
	)
	random := rand.New(rand.NewPCG(1, 2))
	sigma := math.Log(p95/median) / 1.645
	var total time.Duration
	all, most := 0, 0
	for range starts {
		late, polls := run(t, time.Duration(median*math.Exp(sigma*random.NormFloat64())*float64(time.Second)))
		total += late
		all += polls
		most = max(most, polls)
	}
	average := total / starts
	t.Logf("%v late on average; %.1f polls on average, %d at most", average, float64(all)/starts, most)
	if average > 150*time.Millisecond || most > 12 {
		t.Errorf("%v late on average with up to %d polls, want at most 150ms with 12", average, most)
	}
}

// Starts that take longer or shorter than usual are noticed within a quarter of their
// time or a second, with no more polls than exponential delays would need.
func TestRunNoticesOtherStarts(t *testing.T) {
	for takes, limit := range map[time.Duration]struct {
		late  time.Duration
		polls int
	}{
		0:                      {900 * time.Millisecond, 1},
		500 * time.Millisecond: {400 * time.Millisecond, 1},
		time.Second:            {250 * time.Millisecond, 2},
		10 * time.Second:       {4 * time.Second, 22},
		time.Minute:            {7 * time.Second, 40},
		100 * time.Second:      {7 * time.Second, 50},
	} {
		late, polls := run(t, takes)
		if late > limit.late || polls > limit.polls {
			t.Errorf("a start of %v: %v late with %d polls, want at most %v with %d", takes, late, polls, limit.late, limit.polls)
		}
	}
}
