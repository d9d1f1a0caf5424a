package session_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/microvm-go/lambdamicrovms"
	"github.com/microvm-go/lambdamicrovms/session"
	"github.com/microvm-go/lambdamicrovms/types"
)

// lossy changes responses on their way to the session.
type lossy struct {
	*service
	run   func(*lambdamicrovms.RunMicroVMOutput, error) (*lambdamicrovms.RunMicroVMOutput, error)
	get   func(*lambdamicrovms.GetMicroVMOutput) *lambdamicrovms.GetMicroVMOutput
	token func(*lambdamicrovms.CreateMicroVMAuthTokenOutput) *lambdamicrovms.CreateMicroVMAuthTokenOutput
	runs  int // calls
	// lost is how many responses to RunMicroVM are changed, from the first.
	lost int
}

func (l *lossy) RunMicroVM(ctx context.Context, in *lambdamicrovms.RunMicroVMInput, optFns ...func(*lambdamicrovms.Options)) (*lambdamicrovms.RunMicroVMOutput, error) {
	out, err := l.service.RunMicroVM(ctx, in, optFns...)
	if l.runs++; l.run != nil && l.runs <= l.lost {
		return l.run(out, err)
	}
	return out, err
}

func (l *lossy) GetMicroVM(ctx context.Context, in *lambdamicrovms.GetMicroVMInput, optFns ...func(*lambdamicrovms.Options)) (*lambdamicrovms.GetMicroVMOutput, error) {
	out, err := l.service.GetMicroVM(ctx, in, optFns...)
	if l.get != nil && err == nil {
		out = l.get(out)
	}
	return out, err
}

func (l *lossy) CreateMicroVMAuthToken(ctx context.Context, in *lambdamicrovms.CreateMicroVMAuthTokenInput, optFns ...func(*lambdamicrovms.Options)) (*lambdamicrovms.CreateMicroVMAuthTokenOutput, error) {
	out, err := l.service.CreateMicroVMAuthToken(ctx, in, optFns...)
	if l.token != nil && err == nil {
		out = l.token(out)
	}
	return out, err
}

// living returns the number of MicroVMs that have not ended.
func (s *service) living(t testing.TB) int {
	t.Helper()
	n := 0
	for _, state := range s.states(t) {
		if state != types.MicroVMStateTerminating && state != types.MicroVMStateTerminated {
			n++
		}
	}
	return n
}

// A success without an id counts as a lost response.
func TestRunLosesResponse(t *testing.T) {
	broken := errors.New("broken")
	type output = lambdamicrovms.RunMicroVMOutput
	tests := []struct {
		name    string
		run     func(*output, error) (*output, error)
		lost    int
		is      error
		cleanup bool // fails
	}{
		{name: "nil", lost: 1, run: func(*output, error) (*output, error) { return nil, nil }},
		{name: "nothing in it", lost: 1, run: func(*output, error) (*output, error) { return &output{}, nil }},
		{name: "blank id", lost: 2, run: func(out *output, _ error) (*output, error) {
			out.MicroVMId = aws.String("")
			return out, nil
		}},
		{name: "always", lost: 1000, cleanup: true, run: func(*output, error) (*output, error) { return &output{}, nil }},
		{name: "beside an error", lost: 1, is: broken, run: func(out *output, _ error) (*output, error) { return out, broken }},
		{name: "uncertain", lost: 1, is: broken, run: func(*output, error) (*output, error) {
			return nil, &lambdamicrovms.UncertainError{Err: broken}
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			api := &lossy{service: newService(t), run: tt.run, lost: tt.lost}
			s, err := session.Run(context.Background(), api, api.input(), api.options)
			var failed *session.StartError
			if s != nil || !errors.As(err, &failed) {
				t.Fatalf("Run = %v, %v, want a *StartError", s, err)
			}
			var invalid *smithy.DeserializationError
			if tt.is == nil && !errors.As(failed.Err, &invalid) || tt.is != nil && !errors.Is(err, tt.is) {
				t.Errorf("error = %v", err)
			}
			if (failed.CleanupErr != nil) != tt.cleanup || (failed.MicroVMID == "") != tt.cleanup {
				t.Errorf("MicroVM %q, CleanupErr = %v", failed.MicroVMID, failed.CleanupErr)
			}
			want := 0
			if tt.cleanup { // the error says so
				want = 1
			}
			if living, all := api.living(t), len(api.states(t)); living != want || all != 1 {
				t.Errorf("%d of %d MicroVMs run, want %d of 1", living, all, want)
			}
		})
	}
}

// A poll without a state does not count.
func TestRunLosesPolls(t *testing.T) {
	type output = lambdamicrovms.GetMicroVMOutput
	polls := 0
	once := func(change func(*output) *output) func(*output) *output {
		polls = 0
		return func(out *output) *output {
			if polls++; polls == 1 {
				return change(out)
			}
			return out
		}
	}
	tests := []struct {
		name string
		get  func(*output) *output
		fine bool
	}{
		{name: "nil", get: func(*output) *output { return nil }},
		{name: "no state at first", get: once(func(*output) *output { return &output{} }), fine: true},
		{name: "no endpoint", get: func(out *output) *output { out.Endpoint = nil; return out }},
		{name: "blank endpoint", get: func(out *output) *output { out.Endpoint = aws.String(""); return out }},
		{name: "foreign scheme", get: func(out *output) *output { out.Endpoint = aws.String("ftp://a.on.aws"); return out }},
		{name: "userinfo", get: func(out *output) *output { out.Endpoint = aws.String("a.on.aws@elsewhere.example"); return out }},
		{name: "path", get: func(out *output) *output { out.Endpoint = aws.String("a.on.aws/b"); return out }},
	}
	for _, tt := range tests {
		api := &lossy{service: newService(t), get: tt.get}
		s, err := session.Run(context.Background(), api, api.input(), api.options)
		var failed *session.StartError
		var invalid *smithy.DeserializationError
		if tt.fine != (err == nil) || !tt.fine && (!errors.As(err, &failed) || !errors.As(err, &invalid)) {
			t.Errorf("%s: Run = %v, %v", tt.name, s, err)
		}
		if living := api.living(t); tt.fine != (living == 1) {
			t.Errorf("%s: %d MicroVMs run", tt.name, living)
		}
	}
}

func TestLostStateAndToken(t *testing.T) {
	ctx := context.Background()
	api := &lossy{service: newService(t)}
	s, err := session.Run(ctx, api, api.input(), api.options)
	if err != nil {
		t.Fatal(err)
	}
	for name, get := range map[string]func(*lambdamicrovms.GetMicroVMOutput) *lambdamicrovms.GetMicroVMOutput{
		"nil": func(*lambdamicrovms.GetMicroVMOutput) *lambdamicrovms.GetMicroVMOutput { return nil },
		"empty": func(*lambdamicrovms.GetMicroVMOutput) *lambdamicrovms.GetMicroVMOutput {
			return &lambdamicrovms.GetMicroVMOutput{}
		},
	} {
		api.get = get
		before := len(api.calls())
		for what, do := range map[string]func() error{
			"Attach":   func() error { _, err := session.Attach(ctx, api, s.ID(), api.options); return err },
			"Describe": func() error { _, err := s.Describe(ctx); return err },
			"Suspend":  func() error { return s.Suspend(ctx) },
			"Resume":   func() error { return s.Resume(ctx) },
		} {
			var invalid *smithy.DeserializationError
			if err := do(); !errors.As(err, &invalid) || !strings.Contains(err.Error(), "GetMicroVM has no usable state") {
				t.Errorf("%s: %s = %v, want a *smithy.DeserializationError", name, what, err)
			}
		}
		if n := len(api.calls()) - before; n != 0 {
			t.Errorf("%s: %d calls change something", name, n)
		}
	}
	api.get = nil

	tokens := map[string]map[string]string{
		"nil": nil, "empty": {}, "blank": {"X-aws-proxy-auth": " "}, "no name": {"": "secret"},
		"line break": {"X-aws-proxy-auth": "secret\r\nHost: elsewhere.example"}, "colon": {"X-aws: proxy": "secret"},
	}
	for name, header := range tokens {
		api.token = func(*lambdamicrovms.CreateMicroVMAuthTokenOutput) *lambdamicrovms.CreateMicroVMAuthTokenOutput {
			return &lambdamicrovms.CreateMicroVMAuthTokenOutput{AuthToken: header}
		}
		_, err := s.Client().Get("/")
		if !errors.As(err, new(*smithy.DeserializationError)) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: GET = %v", name, err)
		}
	}
	api.token = func(*lambdamicrovms.CreateMicroVMAuthTokenOutput) *lambdamicrovms.CreateMicroVMAuthTokenOutput {
		return nil
	}
	if _, err := s.Client().Get("/"); !errors.As(err, new(*smithy.DeserializationError)) {
		t.Errorf("nil: GET = %v", err)
	}
	api.token = nil
	get(t, s.Client(), "/")
}

// If nothing was sent, Run does not repeat the call to find out the ID. The client's
// error says whether something was sent.
func TestRunSentNothing(t *testing.T) {
	refused := errors.New("refused")
	srv := newService(t)
	options := srv.Server.Options()
	requests := 0
	options.HTTPClient = smithyhttp.ClientDoFunc(func(*http.Request) (*http.Response, error) {
		requests++
		return nil, refused
	})
	options.Credentials = aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
		return aws.Credentials{}, refused
	})
	_, err := session.Run(context.Background(), lambdamicrovms.New(options), srv.input(), srv.options)
	var failed *session.StartError
	if !errors.Is(err, refused) || errors.As(err, &failed) || requests != 0 {
		t.Errorf("Run = %v after %d requests", err, requests)
	}
}
