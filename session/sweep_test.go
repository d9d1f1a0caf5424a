package session_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/microvm-go/lambdamicrovms"
	"github.com/microvm-go/lambdamicrovms/fake"
	"github.com/microvm-go/lambdamicrovms/session"
	"github.com/microvm-go/lambdamicrovms/types"
)

// fleet starts MicroVMs for a sweep: for each image an old one, one that has ended, and a
// new one.
func fleet(t *testing.T, opts ...fake.Option) (srv *service, other string, names map[string]string) {
	t.Helper()
	ctx := context.Background()
	srv = newService(t, opts...)
	other = createImage(srv.Server, srv.Client, "other")
	names = make(map[string]string)
	for _, age := range []string{"old", "ended", "new"} {
		for _, image := range []string{srv.image, other} {
			vm, err := srv.RunMicroVM(ctx, &lambdamicrovms.RunMicroVMInput{ImageIdentifier: &image})
			if err != nil {
				t.Fatal(err)
			}
			names[*vm.MicroVMId] = age + " " + image[strings.LastIndex(image, ":")+1:]
			if age == "ended" {
				if _, err := srv.TerminateMicroVM(ctx, &lambdamicrovms.TerminateMicroVMInput{MicroVMIdentifier: vm.MicroVMId}); err != nil {
					t.Fatal(err)
				}
			}
		}
		if age != "new" {
			srv.Advance(time.Hour)
		}
	}
	srv.Advance(time.Minute)
	srv.begun = len(srv.Calls())
	return srv, other, names
}

func TestSweep(t *testing.T) {
	tests := []struct {
		name   string
		opt    func(o *session.SweepOptions, other string)
		faults []fake.Option
		want   []string // terminated
		left   string   // the error's text about the MicroVMs that were found
	}{
		{
			name: "by age",
			opt:  func(o *session.SweepOptions, _ string) { o.MinAge = time.Hour },
			want: []string{"old app", "old other"},
		},
		{
			name: "by image",
			opt:  func(o *session.SweepOptions, other string) { o.ImageIdentifier = other },
			want: []string{"old other", "new other"},
		},
		{
			name: "by image and version",
			opt: func(o *session.SweepOptions, other string) {
				o.ImageIdentifier = other
				o.ImageVersion = "2.0"
			},
		},
		{
			name: "by image and age",
			opt: func(o *session.SweepOptions, other string) {
				o.ImageIdentifier = other
				o.MinAge = time.Minute
			},
			want: []string{"old other", "new other"},
		},
		{
			name: "older than any",
			opt:  func(o *session.SweepOptions, _ string) { o.MinAge = 9 * time.Hour },
		},
		{
			name:   "empty pages",
			opt:    func(o *session.SweepOptions, _ string) { o.MinAge = time.Hour },
			faults: []fake.Option{fake.WithFault(fake.EmptyPages{Count: 3})},
			want:   []string{"old app", "old other"},
		},
		{
			name: "throttled",
			opt:  func(o *session.SweepOptions, _ string) { o.MinAge = time.Hour },
			faults: []fake.Option{
				fake.WithFault(fake.Throttle{}, fake.On(fake.ListMicroVMs), fake.First(10)),
				fake.WithFault(fake.Throttle{}, fake.On(fake.TerminateMicroVM), fake.Nth(3, 4, 5, 6, 7, 8, 9)),
			},
			want: []string{"old app", "old other"},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			srv, other, names := fleet(t, tt.faults...)
			dry := func(o *session.SweepOptions) {
				o.Clock = srv.Clock()
				tt.opt(o, other)
			}
			found, err := session.Sweep(context.Background(), srv, dry, func(o *session.SweepOptions) { o.DryRun = true })
			if err != nil || srv.count(fake.TerminateMicroVM) > 2 {
				t.Fatalf("dry run: %v, %v", err, srv.calls())
			}
			var progress []string
			result, err := session.Sweep(context.Background(), srv, dry, func(o *session.SweepOptions) {
				o.Progress = func(p session.SweepProgress) {
					progress = append(progress, names[*p.MicroVM.MicroVMId])
					if p.Done != len(progress) || p.Total != len(tt.want) || p.Err != nil || p.DryRun {
						t.Errorf("progress %+v", p)
					}
				}
			})
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, progress); diff != "" {
				t.Errorf("terminated (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(found.Orphans, result.Terminated); diff != "" {
				t.Errorf("the dry run found others (-dry run +terminated):\n%s", diff)
			}
			if diff := cmp.Diff(&session.SweepResult{Listed: found.Listed, Orphans: found.Orphans}, found); diff != "" {
				t.Errorf("dry run (-want +got):\n%s", diff)
			}
			again, err := session.Sweep(context.Background(), srv, dry)
			if err != nil || len(again.Orphans) != 0 {
				t.Errorf("again: %+v, %v", again, err)
			}
		})
	}
}

// A sweep calls Confirm once with all orphans, and terminates nothing if it fails.
func TestSweepConfirm(t *testing.T) {
	refused := errors.New("no")
	for _, test := range []struct {
		name       string
		age        time.Duration
		dryRun     bool
		answer     error
		asked      [][]string
		terminated int
		left       string
	}{
		{name: "yes", age: time.Hour, asked: [][]string{{"old app", "old other"}}, terminated: 2},
		{name: "no", age: time.Hour, answer: refused, asked: [][]string{{"old app", "old other"}}, left: "session: sweep: 2 were not tried; no"},
		{name: "nothing to ask", age: 24 * time.Hour, answer: refused},
		{name: "dry run", age: time.Hour, dryRun: true, answer: refused},
	} {
		t.Run(test.name, func(t *testing.T) {
			srv, _, names := fleet(t)
			var asked [][]string
			result, err := session.Sweep(context.Background(), srv.Client, func(o *session.SweepOptions) {
				o.MinAge, o.DryRun = test.age, test.dryRun
				o.Confirm = func(orphans []types.MicroVMItem) error {
					var list []string
					for _, vm := range orphans {
						list = append(list, names[*vm.MicroVMId])
					}
					asked = append(asked, list)
					return test.answer
				}
			})
			if diff := cmp.Diff(test.asked, asked); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
			if len(result.Terminated) != test.terminated && !test.dryRun {
				t.Errorf("%d terminated, want %d", len(result.Terminated), test.terminated)
			}
			if test.left == "" && err != nil || test.left != "" && (err == nil || err.Error() != test.left || !errors.Is(err, refused)) {
				t.Errorf("got %v, want %q", err, test.left)
			}
		})
	}
}

// Several sweeps go through many pages, at the rate.
func TestSweepRate(t *testing.T) {
	for _, tt := range []struct {
		rate float64
		want time.Duration // between two calls
	}{{0, 125 * time.Millisecond}, {2.5, 400 * time.Millisecond}} {
		srv := newService(t)
		const count = 120
		for range count {
			if _, err := srv.RunMicroVM(context.Background(), srv.input()); err != nil {
				t.Fatal(err)
			}
		}
		result, err := session.Sweep(context.Background(), srv, func(o *session.SweepOptions) {
			o.Clock, o.ImageIdentifier, o.Rate = srv.Clock(), srv.image, tt.rate
		})
		if err != nil || result.Listed != count || len(result.Terminated) != count {
			t.Fatalf("%d of %d terminated, %v", len(result.Terminated), result.Listed, err)
		}
		calls := srv.Calls(fake.TerminateMicroVM)
		for i := range calls[1:] {
			if got := calls[i+1].Time.Sub(calls[i].Time); got != tt.want {
				t.Fatalf("rate %v: call %d comes %v after the one before, want %v", tt.rate, i+1, got, tt.want)
			}
		}
	}
}

func TestSweepFails(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	terminate := fake.On(fake.TerminateMicroVM)
	tests := []struct {
		name       string
		ctx        context.Context
		fault      fake.Effect
		on         []fake.Condition
		progress   func(session.SweepProgress)
		orphans    int
		terminated []string
		failed     []string
		left       int
		err        string
	}{
		{
			name: "one is refused", fault: fake.BadGateway{Status: 403}, on: []fake.Condition{terminate, fake.Nth(1)},
			orphans: 2, terminated: []string{"old other"}, failed: []string{"old app"},
			err: "session: sweep: 1 MicroVMs could not be terminated, the first: session: cannot terminate microvm-",
		},
		{
			name: "throttled permanently", fault: fake.Throttle{}, on: []fake.Condition{terminate},
			orphans: 2, failed: []string{"old app", "old other"},
			err: "session: sweep: 2 MicroVMs could not be terminated",
		},
		{
			name: "the list is refused", fault: fake.BadGateway{Status: 403}, on: []fake.Condition{fake.On(fake.ListMicroVMs)},
			err: "session: sweep: operation error Lambda Microvms: ListMicrovms",
		},
		{
			name: "the context ends", ctx: ctx, progress: func(session.SweepProgress) { cancel() },
			orphans: 2, terminated: []string{"old app"}, left: 1,
			err: "session: sweep: 1 were not tried; context canceled",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			srv, _, names := fleet(t)
			if tt.fault != nil {
				srv.Inject(tt.fault, tt.on...)
			}
			if tt.ctx == nil {
				tt.ctx = context.Background()
			}
			result, err := session.Sweep(tt.ctx, srv, func(o *session.SweepOptions) {
				o.Clock, o.MinAge, o.Progress = srv.Clock(), time.Hour, tt.progress
			})
			var failed *session.SweepError
			if !errors.As(err, &failed) || failed.Left != tt.left || !strings.HasPrefix(err.Error(), tt.err) {
				t.Errorf("error = %v, want %s", err, tt.err)
			}
			var terminated, left []string
			for _, item := range result.Terminated {
				terminated = append(terminated, names[*item.MicroVMId])
			}
			for _, one := range result.Failed {
				left = append(left, names[one.MicroVMID])
				if !errors.Is(err, one) {
					t.Errorf("the error does not hold %v", one)
				}
			}
			if diff := cmp.Diff(tt.terminated, terminated); diff != "" {
				t.Errorf("terminated (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tt.failed, left); diff != "" {
				t.Errorf("failed (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(result.Failed, failed.Failed, cmpopts.EquateErrors()); diff != "" {
				t.Errorf("error and result differ:\n%s", diff)
			}
			if len(result.Orphans) != tt.orphans {
				t.Errorf("%d orphans, want %d", len(result.Orphans), tt.orphans)
			}
		})
	}
}

// If the listing fails, Sweep terminates the MicroVMs found until then.
func TestSweepBrokenList(t *testing.T) {
	srv, _, _ := fleet(t)
	list := &shortPages{service: srv}
	result, err := session.Sweep(context.Background(), list, func(o *session.SweepOptions) { o.Clock, o.MinAge = srv.Clock(), time.Hour })
	var failed *session.SweepError
	if !errors.As(err, &failed) || failed.Err == nil || len(result.Terminated) != 1 || result.Listed != 1 {
		t.Errorf("Sweep = %+v, %v", result, err)
	}
}

// shortPages lists one MicroVM and then fails.
type shortPages struct {
	*service
	pages int
}

func (p *shortPages) ListMicroVMs(ctx context.Context, in *lambdamicrovms.ListMicroVMsInput, optFns ...func(*lambdamicrovms.Options)) (*lambdamicrovms.ListMicroVMsOutput, error) {
	if p.pages++; p.pages > 1 {
		return nil, errors.New("no more")
	}
	in.MaxResults = aws.Int32(1)
	return p.service.ListMicroVMs(ctx, in, optFns...)
}

// A sweep must have a limit, and must not rely on the image filter of the list.
func TestSweepNeedsLimits(t *testing.T) {
	srv, other, _ := fleet(t)
	tests := []struct {
		opt  session.SweepOptions
		want string
	}{
		{session.SweepOptions{}, "ImageIdentifier or MinAge must be set"},
		{session.SweepOptions{MinAge: -time.Hour}, "MinAge must be at least 0s"},
		{session.SweepOptions{ImageVersion: "1.0", MinAge: time.Hour}, "ImageVersion must be set only with ImageIdentifier"},
		{session.SweepOptions{MinAge: time.Hour, Rate: -1}, "Rate must be 0.001 to 1000"},
	}
	for _, tt := range tests {
		result, err := session.Sweep(context.Background(), srv, func(o *session.SweepOptions) { *o = tt.opt })
		if err == nil || !strings.Contains(err.Error(), tt.want) || result == nil {
			t.Errorf("%+v: %v, want %s", tt.opt, err, tt.want)
		}
	}
	srv.SetOverrides(fake.Overrides{ListMicroVMs: func(context.Context, *lambdamicrovms.ListMicroVMsInput) (*lambdamicrovms.ListMicroVMsOutput, error) {
		stray := types.MicroVMItem{MicroVMId: aws.String("microvm-1"), ImageArn: aws.String(srv.image), ImageVersion: aws.String("1.0"), State: "RUNNING"}
		unnamed := stray
		unnamed.MicroVMId, unnamed.ImageArn = nil, &other
		ageless := stray
		ageless.ImageArn = &other
		return &lambdamicrovms.ListMicroVMsOutput{Items: []types.MicroVMItem{stray, unnamed, ageless}}, nil
	}})
	result, err := session.Sweep(context.Background(), srv, func(o *session.SweepOptions) {
		o.Clock, o.ImageIdentifier, o.MinAge = srv.Clock(), other, time.Minute
	})
	var left *session.SweepError
	if !errors.As(err, &left) || len(left.Skipped) != 2 || left.Err != nil || result.Listed != 3 || len(result.Orphans) != 0 {
		t.Errorf("Sweep = %+v, %v", result, err)
	}
}
