package fakeprogram

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/google/go-cmp/cmp"

	"github.com/microvm-go/lambdamicrovms"
	"github.com/microvm-go/lambdamicrovms/fake"
	"github.com/microvm-go/lambdamicrovms/types"
)

func run(ctx context.Context, args []string, out, messages io.Writer) error {
	p := New("fake")
	p.Storage = func(fake http.Handler) http.Handler { return fake }
	p.Flags.SetOutput(io.Discard)
	if err := p.Parse(args); err != nil {
		return err
	}
	return p.Run(ctx, "lambda-microvms", out, messages)
}

// start runs the program until stop is called, and returns its address.
func start(t *testing.T, args ...string) (address string, stop func()) {
	t.Helper()
	return startWriting(t, io.Discard, args...)
}

func startWriting(t *testing.T, out io.Writer, args ...string) (address string, stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	messages, w := io.Pipe()
	done := make(chan error, 1)
	go func() {
		err := run(ctx, append(args, "--addr", "127.0.0.1:0"), out, w)
		_ = w.CloseWithError(errors.Join(io.EOF, err))
		done <- err
	}()
	line, err := bufio.NewReader(messages).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(strings.TrimPrefix(line, "listening on ")), func() {
		t.Helper()
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
}

func newClient(address, key string) *lambdamicrovms.Client {
	return lambdamicrovms.New(lambdamicrovms.Options{
		Region:       "us-west-2",
		BaseEndpoint: &address,
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: key, SecretAccessKey: "secret"}, nil
		}),
	})
}

// TestProgram runs a MicroVM and sends requests to its application, before and after a
// restart of the program.
func TestProgram(t *testing.T) {
	ctx := context.Background()
	application := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, "hello from "+r.Host)
	}))
	defer application.Close()
	args := []string{
		"--state", filepath.Join(t.TempDir(), "state.json"), "--access-key", "AKIDME:secret:210987654321", "--strict",
		"--build-delay", "0s", "--microvm-delay", "0s", "--delete-delay", "0s", "--app-url", "9000=" + application.URL,
		"--managed-image", "other", "--managed-image", "al2023-1=3",
	}
	address, stop := start(t, args...)
	client := newClient(address, "AKIDME")
	image, err := client.CreateMicroVMImage(ctx, &lambdamicrovms.CreateMicroVMImageInput{
		Name:         aws.String("app"),
		BaseImageArn: aws.String("arn:aws:lambda:us-west-2:aws:microvm-image:al2023-1"),
		BuildRoleArn: aws.String("arn:aws:iam::210987654321:role/build"),
		CodeArtifact: &types.CodeArtifactMemberUri{Value: "s3://bucket/app.zip"},
	})
	if err != nil {
		t.Fatal(err)
	}
	if want := "arn:aws:lambda:us-west-2:210987654321:microvm-image:app"; *image.ImageArn != want {
		t.Errorf("the image is %s, want %s", *image.ImageArn, want)
	}
	if *image.BaseImageVersion != "2.0" {
		t.Errorf("it is built on version %s, want 2.0", *image.BaseImageVersion)
	}
	vm, err := client.RunMicroVM(ctx, &lambdamicrovms.RunMicroVMInput{ImageIdentifier: image.ImageArn})
	if err != nil {
		t.Fatal(err)
	}
	token, err := client.CreateMicroVMAuthToken(ctx, &lambdamicrovms.CreateMicroVMAuthTokenInput{
		MicroVMIdentifier: vm.MicroVMId, ExpirationInMinutes: aws.Int32(5),
		AllowedPorts: []types.PortSpecification{&types.PortSpecificationMemberAllPorts{}},
	})
	if err != nil {
		t.Fatal(err)
	}

	check := func(address string) {
		t.Helper()
		for port, want := range map[string]string{"9000": "200 OK hello from " + *vm.Endpoint, "8080": "502 Bad Gateway "} {
			r, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
			if err != nil {
				t.Fatal(err)
			}
			r.Host = *vm.Endpoint
			r.Header.Set("X-aws-proxy-port", port)
			for name, value := range token.AuthToken {
				r.Header.Set(name, value)
			}
			response, err := http.DefaultClient.Do(r)
			if err != nil {
				t.Fatal(err)
			}
			body, err := io.ReadAll(response.Body)
			_ = response.Body.Close()
			if diff := cmp.Diff(want, response.Status+" "+string(body)); err != nil || diff != "" {
				t.Errorf("port %s: %v, -want +got:\n%s", port, err, diff)
			}
		}
	}
	check(address)
	stop()
	address, stop = start(t, args...)
	defer stop()
	check(address)

	got, err := newClient(address, "AKIDME").GetMicroVM(ctx, &lambdamicrovms.GetMicroVMInput{MicroVMIdentifier: vm.MicroVMId})
	if err != nil || got.State != types.MicroVMStateRunning {
		t.Errorf("after the restart: %v, %v", got, err)
	}
	if _, err := newClient(address, "AKIDSTRANGER").ListMicroVMs(ctx, &lambdamicrovms.ListMicroVMsInput{}); err == nil {
		t.Error("a stranger got in")
	}
}

func TestFlags(t *testing.T) {
	tests := []struct{ name, args, want string }{
		{"defaults", "", ""},
		{"an application", "--app-url http://127.0.0.1:3000", ""},
		{"no URL", "--app-url localhost", `invalid value "localhost" for flag -app-url: "localhost" is no URL with http or https and a host`},
		{"no account", "--access-key AKID:hunter2", `invalid value for flag -access-key: want key:secret:account`},
		{"no versions", "--managed-image al2023-1=0", `invalid value "al2023-1=0" for flag -managed-image: "0" is no number of versions`},
		{"no name", "--managed-image =1", `invalid value "=1" for flag -managed-image: want name or name=versions`},
		{"an argument", "serve", `unexpected argument "serve"`},
		{"help", "--help", flag.ErrHelp.Error()},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			ctx, cancel := context.WithCancel(context.Background())
			cancel() // ends the program when it has started
			got := ""
			if err := run(ctx, append([]string{"--addr", "127.0.0.1:0"}, strings.Fields(test.args)...), io.Discard, io.Discard); err != nil {
				got = err.Error()
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

// TestDemo checks that the demonstration is the same at every start, and is not created
// twice in a saved state.
func TestDemo(t *testing.T) {
	ctx := context.Background()
	file := filepath.Join(t.TempDir(), "state.json")
	const want = `arn:aws:lambda:us-west-2:123456789012:microvm-image:web CREATED 1.0  <nil>
arn:aws:lambda:us-west-2:123456789012:microvm-image:checkout UPDATE_FAILED 1.0 2.0 <nil>
microvm-cc2f4380-bfc7-4660-9d3f-166fb81d1369 RUNNING arn:aws:lambda:us-west-2:123456789012:microvm-image:web <nil>
microvm-40a238d4-d7e6-449f-b4c5-c65374375c86 RUNNING arn:aws:lambda:us-west-2:123456789012:microvm-image:web <nil>
`
	for _, test := range []struct{ name, args string }{
		{"new", "--demo"},
		{"again", "--demo"},
		{"into a file", "--demo --state " + file},
		{"from the file", "--demo --state " + file},
	} {
		t.Run(test.name, func(t *testing.T) {
			address, stop := start(t, append(strings.Fields(test.args), "--region", "us-west-2")...)
			defer stop()
			client := newClient(address, "AKIDFAKEFAKEFAKEFAKE")
			var got strings.Builder
			for image, err := range lambdamicrovms.NewListMicroVMImagesPaginator(client, nil).Items(ctx) {
				fmt.Fprintln(&got, *image.ImageArn, image.State, aws.ToString(image.LatestActiveImageVersion), aws.ToString(image.LatestFailedImageVersion), err)
			}
			for vm, err := range lambdamicrovms.NewListMicroVMsPaginator(client, nil).Items(ctx) {
				fmt.Fprintln(&got, *vm.MicroVMId, vm.State, *vm.ImageArn, err)
			}
			if diff := cmp.Diff(want, got.String()); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

// TestAnswers checks that every field of fake.Answers can be set.
func TestAnswers(t *testing.T) {
	values := map[reflect.Type]string{
		reflect.TypeFor[fake.Outcome]():                    "validation",
		reflect.TypeFor[fake.LongSuspension]():             "stays",
		reflect.TypeFor[types.MicroVMImageVersionStatus](): "INACTIVE",
		reflect.TypeFor[bool]():                            "true",
	}
	var answers fake.Answers
	fields := reflect.ValueOf(&answers).Elem()
	for i := range fields.NumField() {
		field := fields.Type().Field(i)
		if err := setAnswer(&answers, field.Name+"="+values[field.Type]); err != nil || fields.Field(i).IsZero() {
			t.Errorf("%s is %v: %v", field.Name, fields.Field(i), err)
		}
	}
	for _, text := range []string{"", "Outcome=success", "OutOfTurn", "OutOfTurn=yes", "LongSuspension=success", "FailedBuildReason=perhaps"} {
		if err := setAnswer(&answers, text); err == nil {
			t.Errorf("%q is no error", text)
		}
	}
}

// TestStateOfAnother checks that the program does not overwrite a file that is not a
// state file.
func TestStateOfAnother(t *testing.T) {
	err := run(context.Background(), []string{"--state", "program.go"}, io.Discard, io.Discard)
	if want := "fake: state file program.go: is not the saved state of a fake"; err == nil || !strings.HasPrefix(err.Error(), want) {
		t.Errorf("got %v, want %s", err, want)
	}
}

// The README has the lines that the demonstration prints; cmd/lambda-microvms runs them.
func TestReadme(t *testing.T) {
	var printed strings.Builder
	address, stop := startWriting(t, &printed, "--demo")
	stop()
	address = strings.TrimPrefix(address, "http://")
	lines := strings.NewReplacer(address, "127.0.0.1:4290", "\nlambda-microvms ", "\n"+ownCommand+" ").Replace(printed.String())
	_, lines, _ = strings.Cut(strings.TrimSpace(lines), "\n")
	want := strings.ReplaceAll("    "+strings.ReplaceAll(lines, "\n", "\n    "), "\n    \n", "\n\n")
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(readme), "\n"+want+"\n") {
		t.Errorf("README.md lacks these lines:\n%s", want)
	}
}

const ownCommand = "./lambda-microvms"

// The error of an address in use says what to do: a fake that was started before may
// still run.
func TestAddressInUse(t *testing.T) {
	address, stop := start(t)
	defer stop()
	p := New("fake")
	if err := p.Parse([]string{"--addr", strings.TrimPrefix(address, "http://")}); err != nil {
		t.Fatal(err)
	}
	err := p.Run(context.Background(), "lambda-microvms", io.Discard, io.Discard)
	if want := "choose a free port with --addr 127.0.0.1:0"; err == nil || !strings.HasSuffix(err.Error(), want) {
		t.Errorf("got %v, want %s", err, want)
	}
}

// Faults do not hit what the demonstration prepares.
func TestDemoWithFault(t *testing.T) {
	address, stop := start(t, "--demo", "--fault", "server-error?on=CreateMicrovmImage&on=ListMicrovms")
	defer stop()
	response, err := http.Get(address + "/2025-09-09/microvms")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode != http.StatusInternalServerError {
		t.Error(response.Status)
	}
}

// An empty address would be that of every network.
func TestEmptyFlags(t *testing.T) {
	for _, name := range []string{"addr", "state", "account", "region"} {
		err := run(context.Background(), []string{"--" + name, ""}, io.Discard, io.Discard)
		if want := "the flag -" + name + " is empty"; err == nil || err.Error() != want {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}

// A program that cannot listen must release its state file for the next one.
func TestStateIsReleased(t *testing.T) {
	file := filepath.Join(t.TempDir(), "state.json")
	err := run(context.Background(), []string{"--state", file, "--addr", "no-port"}, io.Discard, io.Discard)
	if err == nil {
		t.Fatal("listening on no port succeeded")
	}
	_, stop := start(t, "--state", file)
	stop()
}
