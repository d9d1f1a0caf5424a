package session_test

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/microvm-go/lambdamicrovms"
	"github.com/microvm-go/lambdamicrovms/internal/clienttest"
	"github.com/microvm-go/lambdamicrovms/session"
)

// unruly creates tokens with a function, which may panic.
type unruly struct {
	*service
	tokens func()
	resume func()
}

func (u *unruly) CreateMicroVMAuthToken(ctx context.Context, in *lambdamicrovms.CreateMicroVMAuthTokenInput, optFns ...func(*lambdamicrovms.Options)) (*lambdamicrovms.CreateMicroVMAuthTokenOutput, error) {
	u.tokens()
	return u.service.CreateMicroVMAuthToken(ctx, in, optFns...)
}

func (u *unruly) ResumeMicroVM(ctx context.Context, in *lambdamicrovms.ResumeMicroVMInput, optFns ...func(*lambdamicrovms.Options)) (*lambdamicrovms.ResumeMicroVMOutput, error) {
	u.resume()
	return u.service.ResumeMicroVM(ctx, in, optFns...)
}

// outcome returns the error of a function, or the value of its panic.
func outcome(do func() error) (panicked any, err error) {
	defer func() { panicked = recover() }()
	return nil, do()
}

// A panic or Goexit of the caller's code reaches every caller that waits, and ends
// neither the process nor the session.
func TestPanicReachesCallers(t *testing.T) {
	cause := errors.New("no luck")
	tests := []struct {
		name   string
		do     func()
		panics bool
	}{
		{"panic", func() { panic(cause) }, true},
		{"Goexit", runtime.Goexit, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			api := &unruly{service: newService(t), tokens: tt.do, resume: tt.do}
			s, err := session.Run(context.Background(), api, api.input(), api.options)
			if err != nil {
				t.Fatal(err)
			}
			if err := s.Suspend(context.Background()); err != nil {
				t.Fatal(err)
			}
			for name, use := range map[string]func() error{
				"GET":       func() error { _, err := s.Client().Get("/"); return err },
				"WebSocket": func() error { _, err := s.WebSocket(context.Background(), 1); return err },
				"Resume":    func() error { return s.Resume(context.Background()) },
			} {
				var group sync.WaitGroup
				for range 10 {
					group.Add(1)
					go func() {
						defer group.Done()
						panicked, err := outcome(use)
						reached, _ := panicked.(*session.PanicError)
						switch {
						case tt.panics && (reached == nil || !errors.Is(reached, cause) || len(reached.Stack) == 0):
							t.Errorf("%s panics with %v, want %v", name, panicked, cause)
						case !tt.panics && (err == nil || panicked != nil):
							t.Errorf("%s = %v, panics with %v, want an error", name, err, panicked)
						}
					}()
				}
				group.Wait()
			}
			api.tokens, api.resume = func() {}, func() {}
			if err := s.Resume(context.Background()); err != nil {
				t.Errorf("Resume = %v after the panic", err)
			}
			get(t, s.Client(), "/")
			if err := s.Close(); err != nil {
				t.Errorf("Close = %v", err)
			}
		})
	}
}

// A panic during a renewal in the background does not reach other callers: they use the
// old token.
func TestPanicInRenewal(t *testing.T) {
	api := &unruly{service: newService(t), tokens: func() {}}
	s, err := session.Run(context.Background(), api, api.input(), api.options)
	if err != nil {
		t.Fatal(err)
	}
	get(t, s.Client(), "/")
	var mu sync.Mutex
	tried := 0
	ended := make(chan struct{}, 10)
	api.tokens = func() {
		mu.Lock()
		tried++
		mu.Unlock()
		defer func() { ended <- struct{}{} }()
		panic("no luck")
	}
	api.Advance(13 * time.Minute)
	get(t, s.Client(), "/")
	<-ended
	if err := s.Close(); err != nil { // waits for the end of the renewal
		t.Error(err)
	}
	mu.Lock()
	defer mu.Unlock()
	if tried != 1 {
		t.Errorf("%d renewals, want 1", tried)
	}
	if _, err := s.Client().Get("/"); !errors.Is(err, session.ErrClosed) {
		t.Errorf("GET after Close = %v", err)
	}
}

// A transport that returns neither a response nor an error makes the request fail.
func TestTransportWithoutResponse(t *testing.T) {
	srv := newService(t)
	s := srv.start(t, func(o *session.Options) {
		o.Transport = roundTripper(func(*http.Request) (*http.Response, error) { return nil, nil })
	})
	if _, err := s.RoundTrip(newRequest(t, http.MethodGet, "/")); err == nil {
		t.Error("no error")
	}
}

// What panics is not recorded as if it had succeeded.
func TestPanicRecorded(t *testing.T) {
	fail := func() { panic("no luck") }
	pass := func() {}
	for _, c := range []struct {
		name           string
		tokens, resume func()
		transport      http.RoundTripper
		use            func(*session.Session) error
		want           string
	}{
		{"request", pass, pass, roundTripper(func(*http.Request) (*http.Response, error) { panic("no luck") }),
			func(vm *session.Session) error { _, err := vm.Client().Get("/"); return err }, "session: request"},
		{"token", fail, pass, nil, func(vm *session.Session) error { _, err := vm.Client().Get("/"); return err }, "session: token"},
		{"step", pass, fail, nil, func(vm *session.Session) error {
			if err := vm.Suspend(context.Background()); err != nil {
				return err
			}
			return vm.Resume(context.Background())
		}, "session: resume"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var text strings.Builder
			api := &unruly{service: newService(t), tokens: c.tokens, resume: c.resume}
			vm, err := session.Run(context.Background(), api, api.input(), api.options, func(o *session.Options) {
				o.Logger = clienttest.Logger(&text, slog.LevelDebug)
				if c.transport != nil {
					o.Transport = c.transport
				}
			})
			if err != nil {
				t.Fatal(err)
			}
			panicked, _ := outcome(func() error { return c.use(vm) })
			if want := `level=WARN msg="` + c.want + `"`; panicked == nil || !strings.Contains(text.String(), want) {
				t.Errorf("panic %v, no %q in\n%s", panicked, want, &text)
			}
		})
	}
}
