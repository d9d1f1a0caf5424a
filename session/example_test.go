package session_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/microvm-go/lambdamicrovms"
	"github.com/microvm-go/lambdamicrovms/fake"
	"github.com/microvm-go/lambdamicrovms/session"
)

// newFake returns the service in-process, with an image that can be run.
func newFake() (srv *fake.Server, client *lambdamicrovms.Client, imageARN string) {
	srv = fake.NewServer(fake.WithShell(http.NotFoundHandler()))
	client = lambdamicrovms.New(srv.Options())
	return srv, client, createImage(srv, client, "app")
}

func check(err error) {
	if err != nil {
		panic(err) // unlike log.Fatal it lets the deferred Close run
	}
}

// Run starts a MicroVM, and Close terminates it.
func ExampleRun() {
	ctx := context.Background()
	_, client, imageARN := newFake()
	s, err := session.Run(ctx, client, &lambdamicrovms.RunMicroVMInput{ImageIdentifier: &imageARN})
	check(err)
	defer func() { check(s.Close()) }()

	resp, err := s.Client().Get("/greet?name=Ada") // port 8080; others by s.URL(3000) + "/greet"
	check(err)
	var echo fake.Echo
	check(json.NewDecoder(resp.Body).Decode(&echo))
	check(resp.Body.Close())
	fmt.Println(resp.StatusCode, echo.Method, echo.URL, echo.Port)

	// Output:
	// 200 GET /greet?name=Ada 8080
}

// Attach uses a MicroVM that was started elsewhere. Close leaves it running.
func ExampleAttach() {
	ctx := context.Background()
	_, client, imageARN := newFake()
	started, err := client.RunMicroVM(ctx, &lambdamicrovms.RunMicroVMInput{ImageIdentifier: &imageARN})
	check(err)

	s, err := session.Attach(ctx, client, *started.MicroVMId)
	check(err)
	resp, err := s.Client().Get(s.URL(3000) + "/health")
	check(err)
	check(resp.Body.Close())
	check(s.Close())

	left, err := s.Describe(ctx)
	check(err)
	fmt.Println(resp.StatusCode, left.State)

	// Output:
	// 200 RUNNING
}

// A request that the proxy rejects fails with a ProxyError, which has the reason. With
// ResumeOnDemand, a request resumes a suspended MicroVM.
func ExampleProxyError() {
	ctx := context.Background()
	_, client, imageARN := newFake()
	s, err := session.Run(ctx, client, &lambdamicrovms.RunMicroVMInput{ImageIdentifier: &imageARN}, func(o *session.Options) {
		o.ResumeOnDemand = true
	})
	check(err)
	defer func() { check(s.Close()) }()
	check(s.Suspend(ctx))

	_, err = s.Client().Post("/orders", "text/plain", strings.NewReader("one tea"))
	var refused *session.ProxyError
	fmt.Println(errors.As(err, &refused), refused.Kind, refused.State, "resumed:", refused.Resumed)

	check(s.Suspend(ctx))
	resp, err := s.Client().Get("/orders") // safe to send again
	check(err)
	fmt.Println(resp.Status)

	// Output:
	// true suspended SUSPENDED resumed: true
	// 200 OK
}

// Pass the URL and either the subprotocols or the headers to a WebSocket library. With
// github.com/coder/websocket:
//
//	conn, _, err := websocket.Dial(ctx, h.URL+"/events", &websocket.DialOptions{Subprotocols: h.Subprotocols})
func ExampleSession_WebSocket() {
	ctx := context.Background()
	_, client, imageARN := newFake()
	s, err := session.Run(ctx, client, &lambdamicrovms.RunMicroVMInput{ImageIdentifier: &imageARN})
	check(err)
	defer func() { check(s.Close()) }()

	h, err := s.WebSocket(ctx, 3000)
	check(err)
	fmt.Println(strings.HasPrefix(h.URL, "wss://"), strings.HasSuffix(h.URL, ".lambda-microvm.us-east-1.on.aws"))
	fmt.Println(h.Subprotocols[0], h.Subprotocols[1][:32], h.Subprotocols[2])
	fmt.Println(len(h.Header.Get("X-aws-proxy-auth")) > 0, h.Header.Get("X-aws-proxy-port"))

	// Output:
	// true true
	// lambda-microvms lambda-microvms.authentication.e lambda-microvms.port.3000
	// true 3000
}

// A shell is a terminal over a WebSocket. The MicroVM must have been started with the
// connector for shells.
func ExampleSession_Shell() {
	ctx := context.Background()
	_, client, imageARN := newFake()
	s, err := session.Run(ctx, client, &lambdamicrovms.RunMicroVMInput{
		ImageIdentifier:          &imageARN,
		IngressNetworkConnectors: []string{"arn:aws:lambda:us-east-1:aws:network-connector:aws-network-connector:SHELL_INGRESS"},
	})
	check(err)
	defer func() { check(s.Close()) }()

	h, err := s.Shell(ctx)
	check(err)
	fmt.Println(strings.HasPrefix(h.URL, "wss://"), len(h.Subprotocols), h.Subprotocols[0])

	// Output:
	// true 2 lambda-microvms
}

// Sweep terminates the MicroVMs of an image that were started an hour ago or earlier.
func ExampleSweep() {
	ctx := context.Background()
	srv, client, imageARN := newFake()
	for range 3 {
		_, err := client.RunMicroVM(ctx, &lambdamicrovms.RunMicroVMInput{ImageIdentifier: &imageARN})
		check(err)
		srv.Advance(40 * time.Minute)
	}

	result, err := session.Sweep(ctx, client, func(o *session.SweepOptions) {
		o.ImageIdentifier, o.MinAge = imageARN, time.Hour
		o.Progress = func(p session.SweepProgress) { fmt.Printf("%d of %d: %v\n", p.Done, p.Total, p.MicroVM.State) }
	})
	fmt.Println(len(result.Terminated), "terminated,", len(result.Failed), "failed:", err)

	// Output:
	// 1 of 2: RUNNING
	// 2 of 2: RUNNING
	// 2 terminated, 0 failed: <nil>
}

// Use a session with an emulator, such as the program fake-lambda-microvms:
//
//	go run github.com/microvm-go/lambdamicrovms/fake/cmd/fake-lambda-microvms
func ExampleOptions_baseEndpoint() {
	ctx := context.Background()
	srv, _, imageARN := newFake()
	emulator := httptest.NewServer(srv)
	defer emulator.Close()

	client := lambdamicrovms.New(lambdamicrovms.Options{
		Region:       "us-east-1",
		BaseEndpoint: &emulator.URL, // "http://127.0.0.1:4290"
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: "any", SecretAccessKey: "any"}, nil
		}),
	})
	s, err := session.Run(ctx, client, &lambdamicrovms.RunMicroVMInput{ImageIdentifier: &imageARN}, func(o *session.Options) {
		o.BaseEndpoint = emulator.URL
		o.Clock = srv.Clock() // leave it out where the emulator is a program
	})
	check(err)
	defer func() { check(s.Close()) }()

	resp, err := s.Client().Get("/greet?name=Ada")
	check(err)
	var echo fake.Echo
	check(json.NewDecoder(resp.Body).Decode(&echo))
	check(resp.Body.Close())
	fmt.Println(echo.Method, echo.URL, strings.HasSuffix(echo.Host, ".lambda-microvm.us-east-1.on.aws"))

	h, err := s.WebSocket(ctx, 3000)
	check(err)
	fmt.Println(strings.HasPrefix(h.URL, "ws://127.0.0.1:"), h.Host == echo.Host)

	// Output:
	// GET /greet?name=Ada true
	// true true
}
