package fake_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	smithy "github.com/aws/smithy-go"
	"github.com/aws/smithy-go/middleware"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/microvm-go/lambdamicrovms"
	"github.com/microvm-go/lambdamicrovms/fake"
	"github.com/microvm-go/lambdamicrovms/types"
)

const (
	egress  = "arn:aws:lambda:us-east-1:aws:network-connector:aws-network-connector:INTERNET_EGRESS"
	ingress = "arn:aws:lambda:us-east-1:aws:network-connector:aws-network-connector:HTTP_INGRESS"
	role    = "arn:aws:iam::123456789012:role/run"
)

// session is a server with a built image "app", and a client.
type session struct {
	*fake.Server
	*lambdamicrovms.Client
	t *testing.T
}

func newSession(t *testing.T, opts ...fake.Option) *session {
	t.Helper()
	srv := fake.New(t, opts...)
	s := &session{Server: srv, Client: lambdamicrovms.New(srv.Options()), t: t}
	create(t, srv, s.Client, "app")
	return s
}

func (s *session) run(change func(*lambdamicrovms.RunMicroVMInput)) *lambdamicrovms.RunMicroVMOutput {
	s.t.Helper()
	in := &lambdamicrovms.RunMicroVMInput{ImageIdentifier: aws.String(imageARN)}
	if change != nil {
		change(in)
	}
	out, err := s.RunMicroVM(context.Background(), in)
	if err != nil {
		s.t.Fatal(err)
	}
	return out
}

// started runs a MicroVM until it is RUNNING.
func (s *session) started(change func(*lambdamicrovms.RunMicroVMInput)) *lambdamicrovms.RunMicroVMOutput {
	s.t.Helper()
	vm := s.run(change)
	s.Advance(fake.MeasuredDelays().Run)
	return vm
}

func (s *session) suspend(id *string) error {
	_, err := s.SuspendMicroVM(context.Background(), &lambdamicrovms.SuspendMicroVMInput{MicroVMIdentifier: id})
	return err
}

func (s *session) resume(id *string) error {
	_, err := s.ResumeMicroVM(context.Background(), &lambdamicrovms.ResumeMicroVMInput{MicroVMIdentifier: id})
	return err
}

func (s *session) terminate(id *string) error {
	_, err := s.TerminateMicroVM(context.Background(), &lambdamicrovms.TerminateMicroVMInput{MicroVMIdentifier: id})
	return err
}

func (s *session) get(id *string) (*lambdamicrovms.GetMicroVMOutput, error) {
	return s.GetMicroVM(context.Background(), &lambdamicrovms.GetMicroVMInput{MicroVMIdentifier: id})
}

// token returns a token that is valid for an hour, by default for all ports.
func (s *session) token(id *string, ports ...types.PortSpecification) string {
	s.t.Helper()
	if len(ports) == 0 {
		ports = []types.PortSpecification{&types.PortSpecificationMemberAllPorts{}}
	}
	out, err := s.CreateMicroVMAuthToken(context.Background(), &lambdamicrovms.CreateMicroVMAuthTokenInput{
		MicroVMIdentifier: id, ExpirationInMinutes: aws.Int32(60), AllowedPorts: ports,
	})
	if err != nil {
		s.t.Fatal(err)
	}
	return out.AuthToken["X-aws-proxy-auth"]
}

// ask sends a request to an endpoint and returns status and body.
func (s *session) ask(host, token, port string) string {
	s.t.Helper()
	r, err := http.NewRequestWithContext(context.Background(), http.MethodPost, "https://"+host+"/path?q=1", strings.NewReader("body"))
	if err != nil {
		s.t.Fatal(err)
	}
	if token != "" {
		r.Header.Set("X-Aws-Proxy-Auth", token)
	}
	if port != "" {
		r.Header.Set("X-Aws-Proxy-Port", port)
	}
	response, err := (&http.Client{Transport: s.Server}).Do(r)
	if err != nil {
		s.t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return strings.TrimSpace(fmt.Sprint(response.StatusCode, " ", string(body)))
}

// verdict formats an error of the service in one line.
func verdict(err error) string {
	var response *awshttp.ResponseError
	var api smithy.APIError
	if !errors.As(err, &response) || !errors.As(err, &api) {
		return fmt.Sprint(err)
	}
	return fmt.Sprint(response.HTTPStatusCode(), " ", api.ErrorCode(), ": ", api.ErrorMessage())
}

func TestRunOutput(t *testing.T) {
	s := newSession(t)
	got := s.run(nil)
	want := &lambdamicrovms.RunMicroVMOutput{
		MicroVMId: got.MicroVMId, Endpoint: got.Endpoint,
		ImageArn: aws.String(imageARN), ImageVersion: aws.String("1.0"),
		MaximumDurationInSeconds: aws.Int32(28800), StartedAt: aws.Time(s.Now()), State: types.MicroVMStatePending,
		IngressNetworkConnectors: []string{ingress}, EgressNetworkConnectors: []string{egress},
	}
	if diff := cmp.Diff(want, got, cmpopts.IgnoreTypes(middleware.Metadata{})); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if !strings.HasPrefix(*got.MicroVMId, "microvm-") || !strings.HasSuffix(*got.Endpoint, ".lambda-microvm.us-east-1.on.aws") {
		t.Errorf("id %s, endpoint %s", *got.MicroVMId, *got.Endpoint)
	}
}

// TestRunToken checks that a reused client token returns the same MicroVM, whatever its
// state is by then.
func TestRunToken(t *testing.T) {
	s := newSession(t)
	once := func(in *lambdamicrovms.RunMicroVMInput) { in.ClientToken = aws.String("once") }
	first := s.started(once)
	if err := s.suspend(first.MicroVMId); err != nil {
		t.Fatal(err)
	}
	s.Advance(fake.MeasuredDelays().Suspend)
	again := s.run(once)
	if *again.MicroVMId != *first.MicroVMId || again.State != types.MicroVMStateSuspended {
		t.Errorf("the token got %s, %s", *again.MicroVMId, again.State)
	}
	if n := len(s.Snapshot().MicroVMs); n != 1 {
		t.Errorf("there are %d MicroVMs", n)
	}
}

func TestListMicroVMs(t *testing.T) {
	ctx := context.Background()
	s := newSession(t)
	create(t, s.Server, s.Client, "other")
	otherARN := strings.Replace(imageARN, "app", "other", 1)
	first := s.started(nil)
	s.started(func(in *lambdamicrovms.RunMicroVMInput) { in.ImageIdentifier = &otherARN })
	if _, err := s.UpdateMicroVMImage(ctx, updateInput(imageARN)); err != nil {
		t.Fatal(err)
	}
	s.Advance(fake.MeasuredDelays().Build)
	s.started(nil)
	if err := s.terminate(first.MicroVMId); err != nil {
		t.Fatal(err)
	}
	s.Advance(time.Hour)

	tests := []struct {
		name string
		in   lambdamicrovms.ListMicroVMsInput
		want []string
	}{
		{"all", lambdamicrovms.ListMicroVMsInput{}, []string{"app 1.0 TERMINATED", "other 1.0 RUNNING", "app 2.0 RUNNING"}},
		{"page by page", lambdamicrovms.ListMicroVMsInput{MaxResults: aws.Int32(1)}, []string{"app 1.0 TERMINATED", "other 1.0 RUNNING", "app 2.0 RUNNING"}},
		{"image", lambdamicrovms.ListMicroVMsInput{ImageIdentifier: aws.String(imageARN), MaxResults: aws.Int32(2)}, []string{"app 1.0 TERMINATED", "app 2.0 RUNNING"}},
		{"version", lambdamicrovms.ListMicroVMsInput{ImageIdentifier: aws.String(imageARN), ImageVersion: aws.String("2")}, []string{"app 2.0 RUNNING"}},
		{"no such image", lambdamicrovms.ListMicroVMsInput{ImageIdentifier: aws.String(imageARN + "x")}, nil},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var got []string
			pages := lambdamicrovms.NewListMicroVMsPaginator(s.Client, &test.in)
			for pages.HasMorePages() {
				page, err := pages.NextPage(ctx)
				if err != nil {
					t.Fatal(err)
				}
				for _, vm := range page.Items {
					got = append(got, fmt.Sprint((*vm.ImageArn)[strings.LastIndex(*vm.ImageArn, ":")+1:], " ", *vm.ImageVersion, " ", vm.State))
				}
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

// TestDeleteInUse checks which deletes running MicroVMs block.
func TestDeleteInUse(t *testing.T) {
	ctx := context.Background()
	s := newSession(t)
	vm := s.started(nil)
	if _, err := s.UpdateMicroVMImage(ctx, updateInput(imageARN)); err != nil {
		t.Fatal(err)
	}
	s.Advance(fake.MeasuredDelays().Build)
	deleteImage := func() string {
		_, err := s.DeleteMicroVMImage(ctx, &lambdamicrovms.DeleteMicroVMImageInput{ImageIdentifier: aws.String(imageARN)})
		return verdict(err)
	}
	const inUse = "400 ValidationException: Cannot delete microvm image with running microvms."
	if diff := cmp.Diff(inUse, deleteImage()); diff != "" {
		t.Error(diff)
	}
	_, err := s.DeleteMicroVMImageVersion(ctx, &lambdamicrovms.DeleteMicroVMImageVersionInput{ImageIdentifier: aws.String(imageARN), ImageVersion: aws.String("1.0")})
	if !strings.Contains(verdict(err), "VersionInUse") {
		t.Errorf("delete of the version: %v", err)
	}
	if err := s.terminate(vm.MicroVMId); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(inUse, deleteImage()); diff != "" {
		t.Errorf("while TERMINATING: %s", diff)
	}
	s.Advance(fake.MeasuredDelays().Terminate)
	if diff := cmp.Diff("<nil>", deleteImage()); diff != "" {
		t.Error(diff)
	}
	if _, err := s.get(vm.MicroVMId); err != nil {
		t.Errorf("the MicroVM went with its image: %v", err)
	}
}

func TestMicroVMIDs(t *testing.T) {
	s := newSession(t)
	tests := []struct{ name, id, want string }{
		{"unknown", "microvm-00000000-0000-4000-8000-000000000000", "404 ResourceNotFoundException: MicroVM not found: microvm-00000000-0000-4000-8000-000000000000"},
		{"malformed", "mvm-1", "502 "},
		{"not quite a UUID", "microvm-00000000-0000-4000-8000-00000000000g", "502 "},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, err := s.get(&test.id)
			if got := verdict(err); !strings.HasPrefix(got, test.want) {
				t.Errorf("got %s, want %s", got, test.want)
			}
		})
	}
}

// TestMicroVMLife follows MicroVMs through their states.
func TestMicroVMLife(t *testing.T) {
	idle := func(in *lambdamicrovms.RunMicroVMInput) {
		in.IdlePolicy = &types.IdlePolicy{AutoResumeEnabled: aws.Bool(true), MaxIdleDurationSeconds: aws.Int32(60), SuspendedDurationSeconds: aws.Int32(300)}
	}
	asleep := func(in *lambdamicrovms.RunMicroVMInput) {
		idle(in)
		in.IdlePolicy.AutoResumeEnabled = aws.Bool(false)
	}
	brief := func(in *lambdamicrovms.RunMicroVMInput) { in.MaximumDurationInSeconds = aws.Int32(10) }
	d := fake.MeasuredDelays()
	const ms = time.Millisecond
	const terminated = "400 ValidationException: The MicroVM ID has been terminated and its state cannot be changed."

	type step struct {
		after time.Duration
		do    string // suspend, resume, terminate, ask
		gets  string // expected error or status
		state string // and reason
	}
	tests := []struct {
		name  string
		opts  []fake.Option
		input func(*lambdamicrovms.RunMicroVMInput)
		steps []step
	}{
		{name: "start", steps: []step{
			{state: "PENDING"}, {after: d.Run - ms, state: "PENDING"}, {do: "ask", gets: "502", state: "PENDING"}, {after: ms, state: "RUNNING"}, {do: "ask", gets: "200", state: "RUNNING"},
		}},
		{name: "suspend, resume, terminate", steps: []step{
			{after: d.Run, do: "suspend", state: "SUSPENDING"}, {after: d.Suspend, state: "SUSPENDED"}, {do: "ask", gets: "502", state: "SUSPENDED"},
			{do: "resume", state: "SUSPENDED"}, {after: d.Resume, state: "RUNNING"},
			{do: "terminate", state: "TERMINATING"}, {after: d.Terminate, state: "TERMINATED Success."},
			{do: "terminate", state: "TERMINATED Success."},
			{do: "suspend", gets: terminated, state: "TERMINATED Success."}, {do: "resume", gets: terminated, state: "TERMINATED Success."},
			{do: "ask", gets: "502", state: "TERMINATED Success."},
		}},
		{name: "terminate while pending", steps: []step{
			{do: "terminate", state: "TERMINATING"}, {after: d.Run, state: "TERMINATING"}, {after: d.Terminate, state: "TERMINATED Success."},
		}},
		{name: "longest life", input: brief, steps: []step{
			{after: 10*time.Second - ms, state: "RUNNING"}, {after: ms, state: "TERMINATING"}, {after: d.Terminate, state: "TERMINATED Success."},
		}},
		{name: "end is not put off by terminate", input: brief, steps: []step{
			{after: 9 * time.Second, do: "terminate", state: "TERMINATING"}, {after: d.Terminate, state: "TERMINATED Success."},
		}},
		{name: "life ends in sleep", input: brief, steps: []step{
			{after: 5 * time.Second, do: "suspend", state: "SUSPENDING"}, {after: d.Suspend, state: "SUSPENDED"}, {after: 5 * time.Second, state: "TERMINATING"},
		}},
		{name: "idle", input: idle, steps: []step{
			{after: d.Run + time.Minute - ms, state: "RUNNING"}, {do: "ask", gets: "200", state: "RUNNING"},
			{after: time.Minute - ms, state: "RUNNING"}, {after: ms, state: "SUSPENDING"}, {after: d.Suspend, state: "SUSPENDED"},
			{do: "ask", gets: "200", state: "RUNNING"}, {after: time.Minute, state: "SUSPENDING"}, {do: "ask", gets: "200", state: "RUNNING"},
		}},
		{name: "idle, not woken", input: asleep, steps: []step{
			{after: d.Run + time.Minute + d.Suspend, do: "ask", gets: "502", state: "SUSPENDED"}, {do: "resume"}, {after: d.Resume, state: "RUNNING"},
		}},
		{name: "long suspension unknown", input: idle, steps: []step{
			{after: d.Run, do: "suspend"}, {after: d.Suspend + 5*time.Minute - ms, state: "SUSPENDED"},
			{after: ms, state: "501 LongSuspension"}, {do: "ask", gets: "501", state: "501 LongSuspension"}, {do: "resume", gets: "501 LongSuspension", state: "501 LongSuspension"},
			{do: "terminate", state: "TERMINATING"},
		}},
		{name: "long suspension ends", input: idle, opts: []fake.Option{fake.WithAnswers(fake.Answers{LongSuspension: fake.LongSuspensionEnds})}, steps: []step{
			{after: d.Run, do: "suspend"}, {after: d.Suspend + 5*time.Minute, state: "TERMINATING"},
		}},
		{name: "long suspension stays", input: idle, opts: []fake.Option{fake.WithAnswers(fake.Answers{LongSuspension: fake.LongSuspensionStays})}, steps: []step{
			{after: d.Run, do: "suspend"}, {after: d.Suspend + time.Hour, state: "SUSPENDED"}, {after: 8 * time.Hour, state: "TERMINATED Success."},
		}},
		{name: "out of turn", steps: []step{
			{do: "suspend", gets: "501 OutOfTurn", state: "PENDING"}, {do: "resume", gets: "501 OutOfTurn"}, {after: d.Run, do: "resume", gets: "501 OutOfTurn", state: "RUNNING"},
			{do: "suspend"}, {do: "suspend", gets: "501 OutOfTurn"}, {after: d.Suspend, do: "suspend", gets: "501 OutOfTurn"},
			{do: "resume"}, {do: "resume", gets: "501 OutOfTurn"}, {do: "ask", gets: "200", state: "RUNNING"}, {do: "terminate"}, {do: "suspend", gets: "501 OutOfTurn"},
		}},
		{name: "out of turn is fine", opts: []fake.Option{fake.WithAnswers(fake.Answers{OutOfTurn: fake.OutcomeSuccess})}, steps: []step{
			{after: d.Run, do: "resume", state: "RUNNING"}, {do: "suspend"}, {after: d.Suspend / 2, do: "suspend"}, {after: d.Suspend / 2, state: "SUSPENDED"},
		}},
		{name: "out of turn is a conflict", opts: []fake.Option{fake.WithAnswers(fake.Answers{OutOfTurn: fake.OutcomeConflict})}, steps: []step{
			{after: d.Run, do: "resume", gets: "409 ConflictException: The MicroVM ID is in state: RUNNING", state: "RUNNING"},
		}},
		{name: "failed start", opts: []fake.Option{fake.WithFault(fake.FailStart{Reason: "no"}, fake.Image("app"))}, steps: []step{
			{state: "PENDING"}, {after: d.Run, state: "TERMINATED no"},
		}},
		{name: "failed suspend", opts: []fake.Option{fake.WithFault(fake.FailSuspend{})}, steps: []step{
			{after: d.Run, do: "suspend", state: "SUSPENDING"}, {after: d.Suspend, state: "TERMINATED " + fake.ReasonSuspendHook},
		}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s := newSession(t, test.opts...)
			vm := s.run(test.input)
			token := s.token(vm.MicroVMId)
			short := func(text string) string {
				text = strings.ReplaceAll(text, *vm.MicroVMId, "ID")
				for _, field := range []string{"LongSuspension", "OutOfTurn"} {
					if strings.Contains(text, "{"+field+":") {
						return "501 " + field
					}
				}
				return text
			}
			for i, step := range test.steps {
				s.Advance(step.after)
				got := ""
				switch step.do {
				case "ask":
					got, _, _ = strings.Cut(s.ask(*vm.Endpoint, token, ""), " ")
				case "suspend", "resume", "terminate":
					call := map[string]func(*string) error{"suspend": s.suspend, "resume": s.resume, "terminate": s.terminate}[step.do]
					if err := call(vm.MicroVMId); err != nil {
						got = short(verdict(err))
					}
				}
				if diff := cmp.Diff(step.gets, got); diff != "" {
					t.Errorf("step %d, %s: -want +got:\n%s", i, step.do, diff)
				}
				if step.state == "" {
					continue
				}
				out, err := s.get(vm.MicroVMId)
				var state string
				if err != nil {
					state = short(verdict(err))
				} else {
					state = strings.TrimSpace(string(out.State) + " " + aws.ToString(out.StateReason))
				}
				if diff := cmp.Diff(step.state, state); diff != "" {
					t.Errorf("state after step %d, %s: -want +got:\n%s", i, step.do, diff)
				}
			}
		})
	}
}

func TestRunRefusals(t *testing.T) {
	const noVersion = "404 ResourceNotFoundException: No active version found for MicroVM image "
	tests := []struct {
		name  string
		input func(*lambdamicrovms.RunMicroVMInput)
		want  string
	}{
		{"name", func(in *lambdamicrovms.RunMicroVMInput) { in.ImageIdentifier = aws.String("app") },
			"400 ValidationException: Malformed ARN - doesn't start with 'arn:'"},
		{"missing image", func(in *lambdamicrovms.RunMicroVMInput) { in.ImageIdentifier = aws.String(imageARN + "x") }, noVersion + imageARN + "x"},
		{"missing version", func(in *lambdamicrovms.RunMicroVMInput) { in.ImageVersion = aws.String("2.0") }, noVersion + imageARN + " and version 2.0"},
		{"other account", func(in *lambdamicrovms.RunMicroVMInput) {
			in.ImageIdentifier = aws.String(strings.Replace(imageARN, "123456789012", "210987654321", 1))
		}, "403 AccessDeniedException: User: arn:aws:iam::123456789012:user/fake is not authorized to perform: lambda:RunMicrovm on resource: arn:aws:lambda:us-east-1:210987654321:microvm-image:app"},
		{"connector", func(in *lambdamicrovms.RunMicroVMInput) { in.IngressNetworkConnectors = []string{"ALL_INGRESS"} },
			"400 ValidationException: Malformed network connector ARN"},
		{"payload without a hook", func(in *lambdamicrovms.RunMicroVMInput) { in.RunHookPayload = aws.String("x") },
			"400 ValidationException: The run hook must be enabled in the MicroVM image to pass the run hook payload"},
		{"payload before image", func(in *lambdamicrovms.RunMicroVMInput) {
			in.RunHookPayload = aws.String(strings.Repeat("x", 4097))
			in.ImageIdentifier = aws.String(imageARN + "x")
		}, "400 ValidationException: 1 validation error detected: Value at 'runHookPayload' failed to satisfy constraint: Member must have length less than or equal to 4096"},
		{"payload in bytes", func(in *lambdamicrovms.RunMicroVMInput) { in.RunHookPayload = aws.String(strings.Repeat("é", 2049)) },
			"400 ValidationException: 1 validation error detected: Value at 'runHookPayload' failed to satisfy constraint: Member must have length less than or equal to 4096"},
		{"logs without a role", func(in *lambdamicrovms.RunMicroVMInput) {
			in.Logging = &types.LoggingMemberCloudWatch{Value: types.CloudWatchLogging{LogGroup: aws.String("g")}}
		}, "400 ValidationException: Logging cannot be enabled without providing executionRoleArn"},
		{"idle policy", func(in *lambdamicrovms.RunMicroVMInput) {
			in.IdlePolicy = &types.IdlePolicy{MaxIdleDurationSeconds: aws.Int32(60), SuspendedDurationSeconds: aws.Int32(60)}
		}, "400 ValidationException: 1 validation error detected: Value null at 'idlePolicy.autoResumeEnabled' failed to satisfy constraint: Member must not be null"},
	}
	s := newSession(t)
	// The client must not reject the invalid inputs: the server is tested.
	client := lambdamicrovms.New(s.Server.Options(), func(o *lambdamicrovms.Options) { o.Validation = lambdamicrovms.ValidationNone })
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			in := &lambdamicrovms.RunMicroVMInput{ImageIdentifier: aws.String(imageARN)}
			test.input(in)
			_, err := client.RunMicroVM(context.Background(), in)
			if diff := cmp.Diff(test.want, verdict(err)); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

func code(err error) string {
	var api smithy.APIError
	if !errors.As(err, &api) {
		return fmt.Sprint(err)
	}
	return api.ErrorCode()
}
