// Command waiters simulates how long after the end of a build or a start waiters notice
// it, and how often they poll until then. It prints a table, and writes it and a plot to
// RESULTS.md:
//
//	go run ./bench/cmd/waiters
//
// The waiters are the module's own, on a clock that jumps. A poll takes no time. The
// delays have jitter, so a figure changes by about 1 % from run to run.
package main

import (
	"cmp"
	"context"
	"flag"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	smithywaiter "github.com/aws/smithy-go/waiter"

	"github.com/microvm-go/lambdamicrovms"
	"github.com/microvm-go/lambdamicrovms/bench"
	"github.com/microvm-go/lambdamicrovms/session"
	"github.com/microvm-go/lambdamicrovms/types"
)

func main() {
	runs := flag.Int("runs", 20_000, "simulated waits that a figure is the mean of")
	bench.Main(func() (*bench.Report, error) {
		body, plot, err := report(*runs)
		return &bench.Report{Title: bench.WaitTitle, Body: body, Plot: plot, PlotName: "waiters.svg"}, err
	})
}

// simulation is a wait for something that ends at a given time. It is the clock of the
// wait, and the service that is polled.
type simulation struct {
	session.RunAPI // for its other methods, which nobody calls

	done  time.Duration
	now   time.Duration
	polls int
}

func (s *simulation) Now() time.Time { return time.Unix(0, 0).Add(s.now) }

func (s *simulation) Sleep(_ context.Context, d time.Duration) error {
	s.now += d
	return nil
}

func (s *simulation) poll() bool {
	s.polls++
	return s.now >= s.done
}

func (s *simulation) GetMicroVMImage(context.Context, *lambdamicrovms.GetMicroVMImageInput, ...func(*lambdamicrovms.Options)) (*lambdamicrovms.GetMicroVMImageOutput, error) {
	out := &lambdamicrovms.GetMicroVMImageOutput{State: types.MicroVMImageStateUpdating}
	if s.poll() {
		out.State = types.MicroVMImageStateUpdated
	}
	return out, nil
}

const microVM = "microvm-0123456789abcdef0"

func (s *simulation) RunMicroVM(context.Context, *lambdamicrovms.RunMicroVMInput, ...func(*lambdamicrovms.Options)) (*lambdamicrovms.RunMicroVMOutput, error) {
	return &lambdamicrovms.RunMicroVMOutput{MicroVMId: aws.String(microVM), Endpoint: aws.String("vm.example"), State: types.MicroVMStatePending}, nil
}

func (s *simulation) GetMicroVM(context.Context, *lambdamicrovms.GetMicroVMInput, ...func(*lambdamicrovms.Options)) (*lambdamicrovms.GetMicroVMOutput, error) {
	out := &lambdamicrovms.GetMicroVMOutput{MicroVMId: aws.String(microVM), Endpoint: aws.String("vm.example"), State: types.MicroVMStatePending}
	if s.poll() {
		out.State = types.MicroVMStateRunning
	}
	return out, nil
}

func (s *simulation) TerminateMicroVM(context.Context, *lambdamicrovms.TerminateMicroVMInput, ...func(*lambdamicrovms.Options)) (*lambdamicrovms.TerminateMicroVMOutput, error) {
	return &lambdamicrovms.TerminateMicroVMOutput{}, nil
}

// A way is a way to wait.
type way struct {
	name string
	wait func(*simulation) error
}

var (
	ours = way{"lambdamicrovms", func(s *simulation) error {
		waiter := lambdamicrovms.NewMicroVMImageUpdatedWaiter(s, func(o *lambdamicrovms.MicroVMImageUpdatedWaiterOptions) { o.Clock = s })
		return waiter.Wait(context.Background(), &lambdamicrovms.GetMicroVMImageInput{ImageIdentifier: aws.String("shop")}, time.Hour)
	}}
	// official is the schedule of the waiter that service/lambda has for an update, between
	// its default delays of 1 and 300 s.
	official = way{"the schedule of service/lambda", func(s *simulation) error {
		left := time.Hour
		for attempt := int64(1); !s.poll(); attempt++ {
			delay, err := smithywaiter.ComputeDelay(attempt, time.Second, 300*time.Second, left)
			if err != nil {
				return err
			}
			left -= delay
			s.now += delay
		}
		return nil
	}}
	started = way{"session.Run", func(s *simulation) error {
		opened, err := session.Run(context.Background(), s, &lambdamicrovms.RunMicroVMInput{}, func(o *session.Options) { o.Clock = s })
		if err != nil {
			return err
		}
		return opened.Close()
	}}
	running = way{"MicroVMRunningWaiter", func(s *simulation) error {
		waiter := lambdamicrovms.NewMicroVMRunningWaiter(s, func(o *lambdamicrovms.MicroVMRunningWaiterOptions) { o.Clock = s })
		return waiter.Wait(context.Background(), &lambdamicrovms.GetMicroVMInput{MicroVMIdentifier: aws.String(microVM)}, time.Hour)
	}}
)

// figures are those of many waits.
type figures struct{ polls, late, late90 float64 }

func simulate(w way, runs int, done func() time.Duration) (figures, error) {
	var polls, sum time.Duration
	late := make([]time.Duration, runs)
	for i := range runs {
		s := &simulation{done: done()}
		if err := w.wait(s); err != nil {
			return figures{}, fmt.Errorf("%s: %w", w.name, err)
		}
		polls += time.Duration(s.polls)
		late[i] = s.now - s.done
		sum += late[i]
	}
	slices.SortFunc(late, cmp.Compare[time.Duration])
	return figures{float64(polls) / float64(runs), sum.Seconds() / float64(runs), late[runs*9/10].Seconds()}, nil
}

// around returns times near d, so that no schedule of polls fits it by chance.
func around(d time.Duration) func() time.Duration {
	return func() time.Duration { return d - d/20 + rand.N(d/10) }
}

// start returns times like those measured from the response of RunMicroVM to RUNNING: the
// median is 1.85 s, and 95 % are below 2.13 s. The distribution in between is assumed
// normal.
func start() time.Duration {
	const median, p95, sigmasToP95 = 1.85, 2.13, 1.645
	return time.Duration(math.Max(0.5, median+rand.NormFloat64()*(p95-median)/sigmasToP95) * float64(time.Second))
}

func report(runs int) (table, plot string, err error) {
	var b strings.Builder
	fmt.Fprintf(&b, "How late a wait ends after what it waits for, and its polls until then. Simulated on a clock that jumps: means of %d waits, "+
		"with builds that take up to 5 %% less or more; a poll takes no time. Written by `go run ./bench/cmd/waiters`.\n\n", runs)
	b.WriteString("![polls and lateness by the duration of a build](waiters.svg)\n\n")
	b.WriteString("| | | polls | late, s | 90 % within, s |\n|---|---|---:|---:|---:|\n")
	row := func(what string, w way, done func() time.Duration) error {
		f, err := simulate(w, runs, done)
		fmt.Fprintf(&b, "| %s | %s | %.1f | %.2f | %.2f |\n", what, w.name, f.polls, f.late, f.late90)
		return err
	}
	polls := bench.Plot{Title: "Polls", X: "seconds that a build takes", Y: "polls"}
	late := bench.Plot{Title: "Lateness", X: "seconds that a build takes", Y: "seconds, mean"}
	for _, w := range []way{ours, official} {
		pollsOf, lateOf := bench.Line{Name: w.name}, bench.Line{Name: w.name}
		for _, seconds := range []float64{10, 20, 40, 60, 120, 240, 360, 600} {
			f, err := simulate(w, runs/10+1, around(time.Duration(seconds)*time.Second))
			if err != nil {
				return "", "", err
			}
			pollsOf.Points = append(pollsOf.Points, bench.Point{X: seconds, Y: f.polls})
			lateOf.Points = append(lateOf.Points, bench.Point{X: seconds, Y: f.late})
		}
		polls.Lines, late.Lines = append(polls.Lines, pollsOf), append(late.Lines, lateOf)
	}
	for _, minutes := range []int{1, 2, 6} {
		for _, w := range []way{ours, official} {
			if err := row(fmt.Sprintf("a build of %d min", minutes), w, around(time.Duration(minutes)*time.Minute)); err != nil {
				return "", "", err
			}
		}
	}
	for _, w := range []way{started, running} {
		if err := row("a start of 1.85 s", w, start); err != nil {
			return "", "", err
		}
	}
	return b.String(), bench.Plots(polls, late), nil
}
