//go:build go1.25

package session_test

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/microvm-go/lambdamicrovms"
	"github.com/microvm-go/lambdamicrovms/fake"
	"github.com/microvm-go/lambdamicrovms/session"
)

// A synctest bubble ends only when its goroutines have ended, so these tests also prove
// that none are left behind.

func TestTokenRenewal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := newService(t)
		s := srv.start(t) // tokens for 15 minutes are renewed after 12
		healed := func() {}
		for _, step := range []struct {
			at     time.Duration
			broken bool // the service returns no token
			calls  int  // since the begin
			fails  bool
		}{
			{at: 0, calls: 1},
			{at: 12*time.Minute - time.Millisecond, calls: 1},
			{at: 12 * time.Minute, calls: 2}, // valid until 27:00, renewed from 24:00 on
			{at: 24*time.Minute - time.Millisecond, calls: 2},
			{at: 24 * time.Minute, broken: true, calls: 3},
			{at: 25*time.Minute + 29*time.Second, broken: true, calls: 3},
			{at: 25*time.Minute + 30*time.Second, broken: true, calls: 4},
			{at: 26*time.Minute + 15*time.Second, broken: true, calls: 5},
			{at: 27 * time.Minute, broken: true, calls: 6, fails: true},
			{at: 27 * time.Minute, broken: true, calls: 7, fails: true},
			{at: 28 * time.Minute, calls: 8},
			{at: 39 * time.Minute, calls: 8},
		} {
			srv.Advance(begin(srv).Add(step.at).Sub(srv.Now()))
			if step.broken {
				healed()
				healed = srv.Inject(fake.BadGateway{Status: http.StatusForbidden}, fake.On(fake.CreateMicroVMAuthToken))
			} else {
				healed()
			}
			resp, err := s.Client().Get("/")
			if err == nil {
				closed(t, resp.Body)
			}
			if (err != nil) != step.fails {
				t.Errorf("at %v: error = %v", step.at, err)
			}
			synctest.Wait() // for a renewal
			if calls := srv.count(fake.CreateMicroVMAuthToken); calls != step.calls {
				t.Errorf("at %v: %d calls, want %d", step.at, calls, step.calls)
			}
		}
	})
}

// begin returns the time of the first token request, or now.
func begin(srv *service) time.Time {
	if calls := srv.Calls(fake.CreateMicroVMAuthToken); len(calls) > 0 {
		return calls[0].Time
	}
	return srv.Now()
}

func TestTokenRenewedOnceForAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := newService(t)
		s := srv.start(t)
		for round, advance := range []time.Duration{0, 12 * time.Minute, time.Hour} { // none, to be renewed, expired
			srv.Advance(advance)
			var group sync.WaitGroup
			for range 50 {
				group.Add(1)
				go func() {
					defer group.Done()
					get(t, s.Client(), "/")
				}()
			}
			group.Wait()
			synctest.Wait() // for a renewal
			if calls := srv.count(fake.CreateMicroVMAuthToken); calls != round+1 {
				t.Errorf("round %d: %d tokens, want %d", round, calls, round+1)
			}
		}
	})
}

// slowTokens returns a token when the test allows it, or an error when the context ends.
type slowTokens struct {
	*service
	asked chan context.Context
	let   chan struct{}
}

func (s *slowTokens) CreateMicroVMAuthToken(ctx context.Context, in *lambdamicrovms.CreateMicroVMAuthTokenInput, optFns ...func(*lambdamicrovms.Options)) (*lambdamicrovms.CreateMicroVMAuthTokenOutput, error) {
	s.asked <- ctx
	select {
	case <-s.let:
		return s.service.CreateMicroVMAuthToken(ctx, in, optFns...)
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

type key struct{}

func TestTokenWaiting(t *testing.T) {
	start := func(t *testing.T) (*slowTokens, func(context.Context) chan error, *session.Session) {
		api := &slowTokens{service: newService(t), asked: make(chan context.Context), let: make(chan struct{})}
		s, err := session.Run(context.Background(), api, api.input(), api.options)
		if err != nil {
			t.Fatal(err)
		}
		return api, func(ctx context.Context) chan error {
			done := make(chan error, 1)
			go func() {
				req, _ := http.NewRequestWithContext(ctx, http.MethodGet, "/", nil)
				resp, err := s.Client().Do(req)
				if err == nil {
					err = resp.Body.Close()
				}
				done <- err
			}()
			return done
		}, s
	}

	run := func(name string, test func(*testing.T)) {
		t.Run(name, func(t *testing.T) { synctest.Test(t, test) })
	}

	run("the one who began it goes", func(t *testing.T) {
		api, get, _ := start(t)
		ctx, cancel := context.WithCancel(context.WithValue(context.Background(), key{}, "first"))
		first := get(ctx)
		shared := <-api.asked
		if shared.Value(key{}) != "first" {
			t.Error("the call has not the values of the first context")
		}
		second := get(context.Background())
		synctest.Wait() // until the second has joined
		cancel()
		if err := <-first; !errors.Is(err, context.Canceled) {
			t.Errorf("the first: %v", err)
		}
		close(api.let)
		if err := <-second; err != nil {
			t.Errorf("the second: %v", err)
		}
	})

	run("all go", func(t *testing.T) {
		api, get, _ := start(t)
		ctx, cancel := context.WithCancel(context.Background())
		first := get(ctx)
		shared := <-api.asked
		cancel()
		<-shared.Done() // no caller waits for the token any more
		if err := <-first; !errors.Is(err, context.Canceled) {
			t.Errorf("the first: %v", err)
		}
		second := get(context.Background())
		<-api.asked
		close(api.let)
		if err := <-second; err != nil {
			t.Errorf("the second: %v", err)
		}
	})

	run("the old one is valid", func(t *testing.T) {
		api, get, s := start(t)
		first := get(context.Background())
		<-api.asked
		api.let <- struct{}{}
		if err := <-first; err != nil {
			t.Fatal(err)
		}
		for range 2 {
			api.Advance(time.Minute + 12*time.Minute/2)
			if err := <-get(context.Background()); err != nil {
				t.Errorf("during the renewal: %v", err)
			}
		}
		shared := <-api.asked
		began := time.Now()
		<-shared.Done()
		if took := time.Since(began); took != time.Minute {
			t.Errorf("a renewal that hangs was given up after %v, want 1m", took)
		}
		synctest.Wait()
		api.Advance(2 * time.Minute)
		last := get(context.Background()) // expired: it waits
		<-api.asked
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		if err := <-last; !errors.Is(err, session.ErrClosed) {
			t.Errorf("the last: %v", err)
		}
	})

	run("the session is closed", func(t *testing.T) {
		api, get, s := start(t)
		first := get(context.Background())
		<-api.asked
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		if err := <-first; !errors.Is(err, session.ErrClosed) {
			t.Errorf("the first: %v", err)
		}
	})
}

// A whole session with the system clock.
func TestSystemClock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := newService(t, fake.WithRealTime())
		began := time.Now()
		ctx, cancel := context.WithTimeout(context.Background(), time.Hour)
		defer cancel()
		s, err := session.Run(ctx, srv, srv.input(), func(o *session.Options) {
			o.Transport = srv.Server
			o.ResumeOnDemand = true
		})
		if err != nil {
			t.Fatal(err)
		}
		if took := time.Since(began); took < 1850*time.Millisecond || took > 3*time.Second {
			t.Errorf("the start took %v, want little more than 1.85s", took)
		}
		var group sync.WaitGroup
		for i := range 20 { // longer than the lifetimes of two tokens
			group.Add(1)
			go func() {
				defer group.Done()
				time.Sleep(time.Duration(i) * 90 * time.Second)
				get(t, s.Client(), "/")
			}()
		}
		group.Wait()
		if calls := srv.count(fake.CreateMicroVMAuthToken); calls != 3 {
			t.Errorf("%d tokens, want 3", calls)
		}
		if err := s.Suspend(ctx); err != nil {
			t.Fatal(err)
		}
		get(t, s.Client(), "/")
		<-ctx.Done()
		srv.Inject(fake.Throttle{}, fake.On(fake.TerminateMicroVM), fake.First(7)) // Close waits twice
		if err := s.Close(); err != nil {
			t.Errorf("Close = %v", err)
		}
		if _, err := s.Wait(context.Background()); err != nil {
			t.Errorf("Wait = %v", err)
		}
	})
}

// Calls that hang are canceled after their timeout.
func TestHangs(t *testing.T) {
	for _, tt := range []struct {
		operation fake.Operation
		run, end  time.Duration // maximum duration of Run, and then of Close
	}{
		{fake.RunMicroVM, time.Minute + 10*time.Second, 0},
		{fake.GetMicroVM, 5 * time.Second, 0},
		{fake.TerminateMicroVM, 5 * time.Second, 10 * time.Second},
	} {
		synctest.Test(t, func(t *testing.T) {
			srv := newService(t, fake.WithRealTime())
			srv.Inject(fake.Hang{}, fake.On(tt.operation))
			ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
			defer cancel()
			began := time.Now()
			s, err := session.Run(ctx, srv, srv.input(), func(o *session.Options) {
				o.Transport = srv.Server
				o.MaxWait = 5 * time.Second
			})
			if took := time.Since(began); took > tt.run {
				t.Errorf("%s: Run took %v, want at most %v", tt.operation, took, tt.run)
			}
			if (err == nil) != (tt.end > 0) {
				t.Fatalf("%s: Run = %v", tt.operation, err)
			}
			if err != nil {
				return
			}
			began = time.Now()
			var failed *session.TerminateError
			if err := s.Close(); !errors.As(err, &failed) {
				t.Errorf("%s: Close = %v", tt.operation, err)
			}
			if took := time.Since(began); took > tt.end {
				t.Errorf("%s: Close took %v, want at most %v", tt.operation, took, tt.end)
			}
		})
	}
}
