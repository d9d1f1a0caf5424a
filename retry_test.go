package lambdamicrovms_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/smithy-go"
	"github.com/google/go-cmp/cmp"

	"github.com/microvm-go/lambdamicrovms"
)

func TestRetries(t *testing.T) {
	const html = "<html><head><title>502 Bad Gateway</title></head></html>"
	responds := func(r func() *http.Response) httpFunc {
		return func(*http.Request) (*http.Response, error) { return r(), nil }
	}
	tests := map[string]struct {
		first httpFunc
		again bool
	}{
		"429":                      {responds(func() *http.Response { return failure(429, "ThrottlingException") }), true},
		"429 of the tags":          {responds(func() *http.Response { return failure(429, "TooManyRequestsException") }), true},
		"429 of nobody we know":    {responds(func() *http.Response { return newResponse(429, nil, "slow down") }), true},
		"500":                      {responds(func() *http.Response { return failure(500, "InternalServerException") }), true},
		"500 without capacity":     {responds(func() *http.Response { return failure(500, "InsufficientCapacityException") }), true},
		"502 of a gateway":         {responds(func() *http.Response { return newResponse(502, nil, html) }), true},
		"503":                      {responds(func() *http.Response { return newResponse(503, nil, "") }), true},
		"504":                      {responds(func() *http.Response { return newResponse(504, nil, "") }), true},
		"500 that breaks off":      {responds(func() *http.Response { return broken(500, `{"mess`, io.ErrUnexpectedEOF) }), true},
		"connection reset":         {func(*http.Request) (*http.Response, error) { return nil, syscall.ECONNRESET }, true},
		"body that breaks off":     {responds(func() *http.Response { return broken(200, `{"imageVersion":"2.0`, io.ErrUnexpectedEOF) }), true},
		"body and a reset":         {responds(func() *http.Response { return broken(200, `{"imageVersion":"2.0"}`, syscall.ECONNRESET) }), true},
		"JSON that ends too early": {responds(func() *http.Response { return newResponse(200, nil, `{"imageVersion":"2.0",`) }), true},

		"400":                 {responds(func() *http.Response { return failure(400, "ValidationException") }), false},
		"402":                 {responds(func() *http.Response { return failure(402, "ServiceQuotaExceededException") }), false},
		"403":                 {responds(func() *http.Response { return failure(403, "AccessDeniedException") }), false},
		"404":                 {responds(func() *http.Response { return failure(404, "ResourceNotFoundException") }), false},
		"409":                 {responds(func() *http.Response { return failure(409, "ConflictException") }), false},
		"400 that breaks off": {responds(func() *http.Response { return broken(400, `{"mess`, io.ErrUnexpectedEOF) }), false},
		"200 that is no JSON": {responds(func() *http.Response { return newResponse(200, nil, html) }), false},
		"200 of another form": {responds(func() *http.Response { return newResponse(200, nil, `{"imageVersion":2}`) }), false},
		"redirect":            {responds(func() *http.Response { return newResponse(307, http.Header{"Location": {"https://evil.example/"}}, "") }), false},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			var bodies, ids, attempts []string
			client := stubbed(func(r *http.Request) (*http.Response, error) {
				body, err := io.ReadAll(r.Body)
				if err != nil {
					t.Error(err)
				}
				bodies = append(bodies, string(body))
				ids = append(ids, r.Header.Get("Amz-Sdk-Invocation-Id"))
				attempts = append(attempts, r.Header.Get("Amz-Sdk-Request"))
				if len(bodies) == 1 {
					return test.first(r)
				}
				return newResponse(http.StatusOK, nil, `{"state":"UPDATING"}`), nil
			}, eager)
			out, err := client.UpdateMicroVMImage(context.Background(), updateInput())

			if !test.again {
				if err == nil || len(bodies) != 1 {
					t.Errorf("%d requests, error %v; want one and an error", len(bodies), err)
				}
				return
			}
			if err != nil || len(bodies) != 2 {
				t.Fatalf("%d requests, error %v; want two and none", len(bodies), err)
			}
			if bodies[0] != bodies[1] || !strings.Contains(bodies[0], `"clientToken":"`) || ids[0] != ids[1] {
				t.Errorf("the requests differ:\n%s %s\n%s %s", ids[0], bodies[0], ids[1], bodies[1])
			}
			if diff := cmp.Diff([]string{"attempt=1; max=3", "attempt=2; max=3"}, attempts); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
			if out.ImageVersion != nil {
				t.Errorf("the first attempt left image version %s behind", *out.ImageVersion)
			}
			if results, _ := retry.GetAttemptResults(out.ResultMetadata); len(results.Results) != 2 {
				t.Errorf("metadata tell of %d attempts", len(results.Results))
			}
		})
	}
}

func TestRetriesEnd(t *testing.T) {
	for name, test := range map[string]struct {
		option func(*lambdamicrovms.Options)
		want   int
	}{
		"default":             {func(*lambdamicrovms.Options) {}, 3},
		"attempts of options": {func(o *lambdamicrovms.Options) { o.RetryMaxAttempts = 5 }, 5},
	} {
		for _, level := range []string{"client", "call"} {
			t.Run(name+" of the "+level, func(t *testing.T) {
				requests := 0
				do := func(*http.Request) (*http.Response, error) {
					requests++
					return failure(http.StatusInternalServerError, "InternalServerException"), nil
				}
				var err error
				if level == "client" {
					_, err = stubbed(do, eager, test.option).ListMicroVMs(context.Background(), nil)
				} else {
					_, err = stubbed(do, eager).ListMicroVMs(context.Background(), nil, test.option)
				}
				var exhausted *retry.MaxAttemptsError
				if !errors.As(err, &exhausted) || requests != test.want {
					t.Errorf("%d requests, error %v; want %d and a MaxAttemptsError", requests, err, test.want)
				}
			})
		}
	}
}

// A context that ends stops a call at once: between attempts, and while a body is read.
func TestContextEndsRetries(t *testing.T) {
	for name, responds := range map[string]func() *http.Response{
		"between attempts":        func() *http.Response { return failure(500, "InternalServerException") },
		"in the body":             func() *http.Response { return broken(200, `{`, io.ErrUnexpectedEOF) },
		"in the body of an error": func() *http.Response { return broken(500, `{`, io.ErrUnexpectedEOF) },
	} {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithCancel(context.Background())
			requests := 0
			client := stubbed(func(*http.Request) (*http.Response, error) {
				requests++
				cancel()
				return responds(), nil
			}, func(o *lambdamicrovms.Options) {
				o.Retryer = retry.NewStandard(func(so *retry.StandardOptions) {
					so.Backoff = retry.BackoffDelayerFunc(func(int, error) (time.Duration, error) { return time.Hour, nil })
				})
			})
			_, err := client.ListMicroVMs(ctx, nil)
			if !errors.Is(err, context.Canceled) || requests != 1 {
				t.Errorf("%d requests, error %v; want one, and %v", requests, err, context.Canceled)
			}
		})
	}
}

// skewed is a service whose clock is ahead. It rejects requests signed for another time.
type skewed struct {
	ahead  time.Duration
	signed []time.Duration // how far ahead of the client's clock the requests were signed
}

func (s *skewed) sign(c signCall) { s.signed = append(s.signed, time.Until(c.at)) }

func (s *skewed) Do(*http.Request) (*http.Response, error) {
	header := http.Header{"Date": {time.Now().Add(s.ahead).UTC().Format(http.TimeFormat)}}
	if off := s.ahead - s.signed[len(s.signed)-1]; off.Abs() > 5*time.Minute {
		header.Set("X-Amzn-Errortype", "InvalidSignatureException")
		return newResponse(http.StatusForbidden, header, `{"message":"Signature expired"}`), nil
	}
	return newResponse(http.StatusOK, header, `{}`), nil
}

func TestClockSkew(t *testing.T) {
	service := &skewed{ahead: time.Hour}
	client := stubbed(nil, eager, func(o *lambdamicrovms.Options) {
		o.HTTPClient, o.HTTPSignerV4 = service, signerFunc(service.sign)
	})
	call := func() {
		t.Helper()
		if _, err := client.ListMicroVMs(context.Background(), nil); err != nil {
			t.Fatal(err)
		}
	}
	call()
	call()
	service.ahead = 0
	call()
	call()
	var got []time.Duration
	for _, d := range service.signed {
		got = append(got, d.Round(10*time.Minute))
	}
	// The second attempt and the second call use the measured skew. When the clocks agree
	// again, the skew is dropped.
	want := []time.Duration{0, time.Hour, time.Hour, time.Hour, 0, 0}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("signed ahead of the client's clock, -want +got:\n%s", diff)
	}
}

func TestClockSkewCorrectionDisabled(t *testing.T) {
	service := &skewed{ahead: time.Hour}
	client := stubbed(nil, eager, func(o *lambdamicrovms.Options) {
		o.HTTPClient, o.HTTPSignerV4, o.DisableClockSkewCorrection = service, signerFunc(service.sign), true
	})
	for range 2 {
		_, err := client.ListMicroVMs(context.Background(), nil)
		var failed smithy.APIError
		if !errors.As(err, &failed) || failed.ErrorCode() != "InvalidSignatureException" {
			t.Fatal(err)
		}
	}
	if len(service.signed) != 2 || service.signed[1] > time.Minute {
		t.Errorf("signed %v ahead of the client's clock, want twice with no skew", service.signed)
	}
}
