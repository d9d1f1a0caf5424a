package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/rogpeppe/go-internal/testscript"

	"github.com/microvm-go/lambdamicrovms"
	"github.com/microvm-go/lambdamicrovms/cmd/lambda-microvms/internal/storage"
	"github.com/microvm-go/lambdamicrovms/fake"
	"github.com/microvm-go/lambdamicrovms/images"
	"github.com/microvm-go/lambdamicrovms/types"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"lambda-microvms": main})
}

// TestScripts runs testdata/script. Beside testscript's own commands there are:
//
//	fake [quick]        starts the fake service with its S3; quick: builds end at once,
//	                    and those of the image broken fail
//	world               starts one in real time, with the image $IMAGE and the MicroVM
//	                    $MICROVM of it
//	serve routes        starts a server. Each line of the file is a response: method, URI,
//	                    status, and the file with the body or the type of the error
//	requests [file]     compares the requests since the last time with a file, or
//	                    forgets them; for the fake, the file has names of operations
//	bucket region       starts a fake S3 with a bucket in a region
//	uploads n           compares the number of uploads to it so far
//	logs file [group stream]
//	                    starts a fake CloudWatch Logs, with the lines of a file as output
//	                    of version 2.0 of the image broken, or in a stream of a group;
//	                    "[" begins a stream of today
//	exits code command  runs a command that must end with the exit code
//
// The fake service and the server are at $ENDPOINT, which is also AWS_ENDPOINT_URL.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		UpdateScripts:       os.Getenv("UPDATE_SCRIPTS") != "",
		RequireExplicitExec: true,
		Setup:               setUp,
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"fake": startFake, "world": startWorld, "serve": startServer, "requests": compareRequests,
			"bucket": startBucket, "uploads": compareUploads, "logs": startLogs, "exits": exits,
		},
	})
}

func setUp(env *testscript.Env) error {
	for name, v := range map[string]string{
		"HOME": env.WorkDir, "AWS_ACCESS_KEY_ID": "AKIDFAKEFAKEFAKEFAKE", "AWS_SECRET_ACCESS_KEY": "fake-secret-access-key",
		"AWS_REGION": "us-east-1", "AWS_EC2_METADATA_DISABLED": "true", "AWS_MAX_ATTEMPTS": "1", "TZ": "Asia/Tokyo",
		"BASE":  "arn:aws:lambda:us-east-1:aws:microvm-image:al2023-1",
		"ROLE":  "arn:aws:iam::123456789012:role/build",
		"IMAGE": "arn:aws:lambda:us-east-1:123456789012:microvm-image:app",
	} {
		env.Setenv(name, v)
	}
	return nil
}

func listen(ts *testscript.TestScript, handler http.Handler) {
	server := httptest.NewServer(handler)
	ts.Defer(server.Close)
	ts.Setenv("ENDPOINT", server.URL)
	ts.Setenv("AWS_ENDPOINT_URL", server.URL)
}

func startFake(ts *testscript.TestScript, _ bool, args []string) {
	var options []fake.Option
	if len(args) > 0 {
		options = append(options, fake.WithDelays(fake.Delays{}), fake.WithAssumedAnswers(),
			fake.WithFault(fake.FailBuild{Reason: fake.ReasonContainerBuild}, fake.Image("broken"), fake.On(fake.UpdateMicroVMImage)))
	}
	srv := fake.NewServer(options...)
	listen(ts, storage.Handler(srv))
	servers.Store(ts, &operations{srv: srv})
}

// operations are the calls of a fake by the names of their operations.
type operations struct {
	srv  *fake.Server
	seen int
}

func (o *operations) take() string {
	var b strings.Builder
	calls := o.srv.Calls()
	for _, call := range calls[o.seen:] {
		fmt.Fprintln(&b, call.Operation)
	}
	o.seen = len(calls)
	return b.String()
}

func startWorld(ts *testscript.TestScript, _ bool, _ []string) {
	srv := newWorld()
	listen(ts, srv)
	id, err := populate(srv, ts.Getenv("IMAGE"))
	ts.Check(err)
	ts.Setenv("MICROVM", id)
}

// newWorld returns a fake in real time in which nothing takes time. No MicroVM of the
// image unstartable starts.
func newWorld(options ...fake.Option) *fake.Server {
	return fake.NewServer(append([]fake.Option{
		fake.WithRealTime(), fake.WithDelays(fake.Delays{}),
		fake.WithFault(fake.FailStart{Reason: "The run hook failed."}, fake.Image("unstartable")),
	}, options...)...)
}

// populate makes an image and a MicroVM of it, and returns its id.
func populate(srv *fake.Server, arn string) (string, error) {
	if err := createImage(srv, arn); err != nil {
		return "", err
	}
	started, err := lambdamicrovms.New(srv.Options()).RunMicroVM(context.Background(), &lambdamicrovms.RunMicroVMInput{ImageIdentifier: &arn})
	if err != nil {
		return "", err
	}
	return *started.MicroVMId, nil
}

// createImage starts the build of an image.
func createImage(srv *fake.Server, arn string) error {
	parsed, err := images.ParseARN(arn)
	if err != nil {
		return err
	}
	_, err = lambdamicrovms.New(srv.Options()).CreateMicroVMImage(context.Background(), &lambdamicrovms.CreateMicroVMImageInput{
		Name: &parsed.Name, BaseImageArn: aws.String(images.BaseImageARN(parsed.Region, "al2023-1")),
		BuildRoleArn: aws.String("arn:aws:iam::123456789012:role/build"),
		CodeArtifact: &types.CodeArtifactMemberUri{Value: "s3://bucket/app.zip"},
	})
	return err
}

// recorder responds by routes and keeps the requests.
type recorder struct {
	routes map[string][]string // by method and URI: status, and body or error type
	read   func(string) string

	mu       sync.Mutex
	requests strings.Builder
}

func startServer(ts *testscript.TestScript, _ bool, args []string) {
	r := &recorder{routes: make(map[string][]string), read: ts.ReadFile}
	for _, line := range strings.Split(strings.TrimSpace(ts.ReadFile(args[0])), "\n") {
		fields := strings.Fields(line)
		r.routes[fields[0]+" "+fields[1]] = fields[2:]
	}
	listen(ts, r)
	servers.Store(ts, r)
}

func (r *recorder) take() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	text := r.requests.String()
	r.requests.Reset()
	return text
}

// servers are the servers of running scripts.
var servers sync.Map

func (r *recorder) ServeHTTP(w http.ResponseWriter, q *http.Request) {
	body, _ := io.ReadAll(q.Body)
	key := q.Method + " " + q.URL.RequestURI()
	r.mu.Lock()
	defer r.mu.Unlock()
	fmt.Fprintln(&r.requests, strings.TrimSpace(key+" "+string(body)))
	route, ok := r.routes[key]
	if !ok {
		route = []string{"404", "NoRoute"}
	}
	status, _ := strconv.Atoi(route[0])
	content := "{}"
	switch {
	case len(route) == 3: // an error with a body
		w.Header().Set("X-Amzn-Errortype", route[1])
		content = r.read(route[2])
	case len(route) == 2 && status >= 300:
		w.Header().Set("X-Amzn-Errortype", route[1])
		content = `{"message": "no"}`
	case len(route) == 2:
		content = r.read(route[1])
	}
	w.WriteHeader(status)
	_, _ = io.WriteString(w, content)
}

func compareRequests(ts *testscript.TestScript, _ bool, args []string) {
	v, ok := servers.Load(ts)
	if !ok {
		ts.Fatalf("no server")
	}
	got := v.(interface{ take() string }).take()
	if len(args) == 0 {
		return
	}
	if want := ts.ReadFile(args[0]); got != want {
		ts.Fatalf("requests:\n%s\nwant:\n%s", got, want)
	}
}

func exits(ts *testscript.TestScript, _ bool, args []string) {
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	code := 0
	if err := ts.Exec(args[1], args[2:]...); err != nil {
		var exit *exec.ExitError
		if !errors.As(err, &exit) {
			ts.Fatalf("%v", err)
		}
		code = exit.ExitCode()
	}
	if code != want {
		ts.Fatalf("exit code %d, want %d", code, want)
	}
}
