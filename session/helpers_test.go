package session_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/microvm-go/lambdamicrovms"
	"github.com/microvm-go/lambdamicrovms/fake"
	"github.com/microvm-go/lambdamicrovms/session"
	"github.com/microvm-go/lambdamicrovms/types"
)

// service is a fake with an image that can be run.
type service struct {
	*fake.Server
	*lambdamicrovms.Client
	image string
	// begun is the number of calls before those of the test.
	begun int
}

func newService(tb fake.TB, opts ...fake.Option) *service {
	tb.Helper()
	srv := fake.New(tb, opts...)
	client := lambdamicrovms.New(srv.Options())
	return &service{Server: srv, Client: client, image: createImage(srv, client, "app"), begun: len(srv.Calls())}
}

func createImage(srv *fake.Server, client *lambdamicrovms.Client, name string) string {
	image, err := client.CreateMicroVMImage(context.Background(), &lambdamicrovms.CreateMicroVMImageInput{
		Name:         &name,
		BaseImageArn: aws.String("arn:aws:lambda:us-east-1:aws:microvm-image:al2023-1"),
		BuildRoleArn: aws.String("arn:aws:iam::123456789012:role/build"),
		CodeArtifact: &types.CodeArtifactMemberUri{Value: "s3://bucket/app.zip"},
	})
	if err != nil {
		panic(err)
	}
	srv.Advance(fake.MeasuredDelays().Build)
	return *image.ImageArn
}

// options sets a session's clock and transport to those of the fake.
func (s *service) options(o *session.Options) {
	o.Clock = s.Clock()
	o.Transport = s.Server
}

func (s *service) input() *lambdamicrovms.RunMicroVMInput {
	return &lambdamicrovms.RunMicroVMInput{ImageIdentifier: &s.image}
}

func (s *service) start(t testing.TB, optFns ...func(*session.Options)) *session.Session {
	t.Helper()
	begun, err := session.Run(context.Background(), s, s.input(), append([]func(*session.Options){s.options}, optFns...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = begun.Close() })
	return begun
}

// states returns the states of all MicroVMs, oldest first.
func (s *service) states(t testing.TB) []types.MicroVMState {
	t.Helper()
	var states []types.MicroVMState
	for item, err := range lambdamicrovms.NewListMicroVMsPaginator(s.Client, nil).Items(context.Background()) {
		if err != nil {
			t.Fatal(err)
		}
		states = append(states, item.State)
	}
	return states
}

// calls returns the operations that the test has called, without polls.
func (s *service) calls() []fake.Operation {
	var operations []fake.Operation
	for _, call := range s.Calls()[s.begun:] {
		if call.Operation != fake.GetMicroVM && call.Operation != fake.ListMicroVMs {
			operations = append(operations, call.Operation)
		}
	}
	return operations
}

func (s *service) count(operation fake.Operation) int {
	return len(s.Calls(operation))
}

// tape records the requests and responses of a transport.
type tape struct {
	http.RoundTripper
	mu       sync.Mutex
	requests []*http.Request
}

func (r *tape) RoundTrip(req *http.Request) (*http.Response, error) {
	r.mu.Lock()
	r.requests = append(r.requests, req)
	r.mu.Unlock()
	return r.RoundTripper.RoundTrip(req)
}

func (r *tape) hosts() []string {
	var hosts []string
	for _, req := range r.requests {
		hosts = append(hosts, req.URL.Scheme+"://"+req.URL.Host)
	}
	slices.Sort(hosts)
	return slices.Compact(hosts)
}

func (r *tape) secret() string { return r.requests[0].Header.Get("X-Aws-Proxy-Auth") }

// roundTripper is a transport in one function.
type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }

func newResponse(status int, body string) *http.Response {
	return &http.Response{
		StatusCode: status, Header: http.Header{}, ContentLength: -1, Body: io.NopCloser(strings.NewReader(body)),
	}
}

// clock is a clock that differs from the service's.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) Sleep(ctx context.Context, d time.Duration) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
	return ctx.Err()
}

func get(t testing.TB, client *http.Client, url string) fake.Echo {
	t.Helper()
	resp, err := client.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	return decode[fake.Echo](t, resp)
}

func decode[T any](t testing.TB, resp *http.Response) (value T) {
	t.Helper()
	defer closed(t, resp.Body)
	if err := json.NewDecoder(resp.Body).Decode(&value); err != nil {
		t.Fatalf("%s: %v", resp.Status, err)
	}
	return value
}

func closed(t testing.TB, c io.Closer) {
	t.Helper()
	if err := c.Close(); err != nil {
		t.Error(err)
	}
}

func newRequest(t testing.TB, method, url string) *http.Request {
	t.Helper()
	req, err := http.NewRequest(method, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	return req
}

// send sends a request and closes the body of the response.
func send(t testing.TB, client *http.Client, req *http.Request) *http.Response {
	t.Helper()
	resp, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	closed(t, resp.Body)
	return resp
}
