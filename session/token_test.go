package session_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/smithy-go"
	"github.com/google/go-cmp/cmp"

	"github.com/microvm-go/lambdamicrovms"
	"github.com/microvm-go/lambdamicrovms/fake"
	"github.com/microvm-go/lambdamicrovms/session"
	"github.com/microvm-go/lambdamicrovms/types"
)

func port(n int32) types.PortSpecification { return &types.PortSpecificationMemberPort{Value: n} }

func TestTokensAskedFor(t *testing.T) {
	allowed := []types.PortSpecification{
		port(8080), &types.PortSpecificationMemberRange{Value: types.PortRange{StartPort: aws.Int32(3000), EndPort: aws.Int32(3009)}},
	}
	tests := []struct {
		name string
		opt  func(*session.Options)
		want []*lambdamicrovms.CreateMicroVMAuthTokenInput // without the id
	}{
		{"by default, one for each port", func(*session.Options) {}, []*lambdamicrovms.CreateMicroVMAuthTokenInput{
			{AllowedPorts: []types.PortSpecification{port(8080)}, ExpirationInMinutes: aws.Int32(15)},
			{AllowedPorts: []types.PortSpecification{port(3000)}, ExpirationInMinutes: aws.Int32(15)},
		}},
		{"one for all allowed ports", func(o *session.Options) {
			o.AllowedPorts = allowed
			o.TokenLifetime = time.Hour
		}, []*lambdamicrovms.CreateMicroVMAuthTokenInput{
			{AllowedPorts: allowed, ExpirationInMinutes: aws.Int32(60)},
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			srv := newService(t)
			s := srv.start(t, tt.opt)
			for range 2 {
				get(t, s.Client(), "/")
				get(t, s.Client(), s.URL(8080))
				get(t, s.Client(), s.URL(3000))
			}
			if _, err := s.WebSocket(context.Background(), 3000); err != nil {
				t.Fatal(err)
			}
			for _, in := range tt.want {
				in.MicroVMIdentifier = aws.String(s.ID())
			}
			if diff := cmp.Diff(tt.want, fake.Inputs[lambdamicrovms.CreateMicroVMAuthTokenInput](srv.Server)); diff != "" {
				t.Errorf("tokens (-want +got):\n%s", diff)
			}
		})
	}
}

// lagging starts a session whose clock stands still, so that it considers expired tokens
// valid.
func lagging(t *testing.T, srv *service) *session.Session {
	slow := &clock{now: srv.Now()}
	vm, err := srv.RunMicroVM(context.Background(), srv.input())
	if err != nil {
		t.Fatal(err)
	}
	srv.Advance(time.Minute)
	s, err := session.Attach(context.Background(), srv, *vm.MicroVMId, srv.options, func(o *session.Options) { o.Clock = slow })
	if err != nil {
		t.Fatal(err)
	}
	get(t, s.Client(), "/")
	srv.Advance(time.Hour)
	return s
}

func TestTokenRefused(t *testing.T) {
	t.Run("what is safe is sent again", func(t *testing.T) {
		srv := newService(t)
		s := lagging(t, srv)
		req, _ := http.NewRequest(http.MethodPost, "/", strings.NewReader("body"))
		req.Header.Set("Idempotency-Key", "1")
		resp, err := s.Client().Do(req)
		if err != nil {
			t.Fatal(err)
		}
		if echo := decode[fake.Echo](t, resp); echo.Body != "body" {
			t.Errorf("the application got %+v", echo)
		}
		if calls := srv.count(fake.CreateMicroVMAuthToken); calls != 2 {
			t.Errorf("%d tokens, want 2", calls)
		}
	})

	t.Run("others find a new token the next time", func(t *testing.T) {
		srv := newService(t)
		s := lagging(t, srv)
		_, err := s.Client().Post("/", "text/plain", strings.NewReader("body"))
		var refused *session.ProxyError
		if !errors.As(err, &refused) || refused.Kind != session.KindWrongToken {
			t.Errorf("error = %v", err)
		}
		resp, err := s.Client().Post("/", "text/plain", strings.NewReader("body"))
		if err != nil || resp.StatusCode != http.StatusOK {
			t.Errorf("%v, %v", resp, err)
		}
	})

	t.Run("many at once get one new token", func(t *testing.T) {
		srv := newService(t)
		s := lagging(t, srv)
		var group sync.WaitGroup
		for range 50 {
			group.Add(1)
			go func() {
				defer group.Done()
				get(t, s.Client(), "/")
			}()
		}
		group.Wait()
		if calls := srv.count(fake.CreateMicroVMAuthToken); calls != 2 {
			t.Errorf("%d tokens, want 2", calls)
		}
	})

	t.Run("it was renewed in the meantime", func(t *testing.T) {
		srv := newService(t)
		var s *session.Session
		sends := 0
		s = srv.start(t, func(o *session.Options) {
			o.Transport = roundTripper(func(req *http.Request) (*http.Response, error) {
				if sends++; sends > 2 {
					return srv.RoundTrip(req)
				}
				if sends == 1 { // another request completes before the response to this one
					get(t, s.Client(), "/")
				}
				return newResponse(http.StatusForbidden, "Token authentication failed"), nil
			})
		})
		get(t, s.Client(), "/")
		if calls := srv.count(fake.CreateMicroVMAuthToken); calls != 2 || sends != 4 {
			t.Errorf("%d tokens for %d sends, want 2 for 4", calls, sends)
		}
	})

	t.Run("a new one is refused, too", func(t *testing.T) {
		srv := newService(t)
		sends := 0
		s := srv.start(t, func(o *session.Options) {
			o.Transport = roundTripper(func(*http.Request) (*http.Response, error) {
				sends++
				return newResponse(http.StatusForbidden, "Token authentication failed"), nil
			})
		})
		_, err := s.Client().Get("/")
		var refused *session.ProxyError
		if !errors.As(err, &refused) || sends != 2 || srv.count(fake.CreateMicroVMAuthToken) != 2 {
			t.Errorf("error = %v after %d requests", err, sends)
		}
	})
}

func TestTokenNotGiven(t *testing.T) {
	srv := newService(t)
	s := srv.start(t)
	srv.SetOverrides(fake.Overrides{CreateMicroVMAuthToken: func(context.Context, *lambdamicrovms.CreateMicroVMAuthTokenInput) (*lambdamicrovms.CreateMicroVMAuthTokenOutput, error) {
		return &lambdamicrovms.CreateMicroVMAuthTokenOutput{}, nil
	}})
	body := &closeNoter{Reader: strings.NewReader("body")}
	req, _ := http.NewRequest(http.MethodPost, "/", body)
	if _, err := s.RoundTrip(req); !errors.As(err, new(*smithy.DeserializationError)) || !body.closed {
		t.Errorf("error = %v; body closed: %t", err, body.closed)
	}
	srv.SetOverrides(fake.Overrides{})
	srv.Inject(fake.BadGateway{Status: http.StatusForbidden}, fake.On(fake.CreateMicroVMAuthToken))
	_, err := s.Client().Get("/")
	var status interface{ HTTPStatusCode() int }
	if !errors.As(err, &status) || status.HTTPStatusCode() != http.StatusForbidden {
		t.Errorf("error = %v, want the client's", err)
	}
}
