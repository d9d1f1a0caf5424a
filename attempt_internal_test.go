package lambdamicrovms

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/smithy-go/logging"
	"github.com/aws/smithy-go/middleware"
	"github.com/google/go-cmp/cmp"
)

// notingRetryer records its calls, and returns no delays.
type notingRetryer struct {
	aws.RetryerV2
	notes    *strings.Builder
	tokenErr error
}

func (r notingRetryer) GetAttemptToken(ctx context.Context) (func(error) error, error) {
	fmt.Fprintln(r.notes, "attempt token")
	if r.tokenErr != nil {
		return nil, r.tokenErr
	}
	release, err := r.RetryerV2.GetAttemptToken(ctx)
	return func(err error) error {
		fmt.Fprintln(r.notes, "released:", err)
		return release(err)
	}, err
}

func (r notingRetryer) GetRetryToken(ctx context.Context, err error) (func(error) error, error) {
	fmt.Fprintln(r.notes, "retry token:", err)
	return r.RetryerV2.GetRetryToken(ctx, err)
}

func (r notingRetryer) IsErrorRetryable(err error) bool {
	retryable := r.RetryerV2.IsErrorRetryable(err)
	fmt.Fprintln(r.notes, "retryable:", retryable, err)
	return retryable
}

func (r notingRetryer) RetryDelay(attempt int, err error) (time.Duration, error) {
	fmt.Fprintln(r.notes, "delay after", attempt, err)
	return 0, nil
}

// Retryer, service, log and caller must see the same, whether firstAttempt or the SDK's
// loop makes the first attempt of a call.
func TestFirstAttemptIsTheLoops(t *testing.T) {
	respond := func(status int, header http.Header, body string) doFunc {
		return func(r *http.Request) (*http.Response, error) {
			response := &http.Response{StatusCode: status, Header: http.Header{"X-Amzn-Requestid": {"request"}}, Body: io.NopCloser(strings.NewReader(body)), Request: r}
			for name, values := range header {
				response.Header[name] = values
			}
			return response, nil
		}
	}
	success := respond(200, nil, "{}")
	fault := respond(503, nil, "")
	denied := func(date string) doFunc {
		return respond(403, http.Header{"X-Amzn-Errortype": {"InvalidSignatureException"}, "Date": {date}}, `{"message":"expired"}`)
	}
	const past = "Mon, 02 Jan 2006 15:04:05 GMT"

	for name, test := range map[string]struct {
		responses []doFunc // the last for all further attempts
		retry     []func(*retry.StandardOptions)
		retryer   func(aws.RetryerV2) aws.RetryerV2
		change    func(*Options)
		tokenErr  error
		skew      time.Duration  // of the client before the call
		newSkew   *time.Duration // of the client after the first response; another call has measured it
		ended     bool           // the context, before the call
		endedBy   bool           // the first response
	}{
		"success":          {responses: []doFunc{success}},
		"another maximum":  {responses: []doFunc{success}, retry: []func(*retry.StandardOptions){func(o *retry.StandardOptions) { o.MaxAttempts = 5 }}},
		"no maximum":       {responses: []doFunc{fault, success}, retryer: func(r aws.RetryerV2) aws.RetryerV2 { return retry.AddWithMaxAttempts(r, 0).(aws.RetryerV2) }},
		"adaptive":         {responses: []doFunc{fault, success}, retryer: func(aws.RetryerV2) aws.RetryerV2 { return retry.NewAdaptiveMode() }},
		"no more tokens":   {responses: []doFunc{success}, tokenErr: errors.New("no token")},
		"one retry":        {responses: []doFunc{fault, success}},
		"failure, retried": {responses: []doFunc{fault}},
		"not retryable":    {responses: []doFunc{respond(404, nil, `{"message":"no image"}`)}},
		"nothing sent":     {responses: []doFunc{func(*http.Request) (*http.Response, error) { return nil, io.ErrUnexpectedEOF }}},
		"broken body":      {responses: []doFunc{respond(200, nil, "{"), success}},
		"ended before":     {responses: []doFunc{success}, ended: true},
		"ended in attempt": {responses: []doFunc{fault}, endedBy: true},
		"first skew":       {responses: []doFunc{respond(200, http.Header{"Date": {past}}, "{}")}},
		"healed by another call": {
			responses: []doFunc{denied(time.Now().UTC().Format(http.TimeFormat)), success},
			skew:      90 * time.Minute, newSkew: new(time.Duration),
		},
		"known skew":        {responses: []doFunc{success}, skew: 90 * time.Minute},
		"known skew, fails": {responses: []doFunc{fault, success}, skew: 90 * time.Minute},
		"negative skew":     {responses: []doFunc{success}, skew: -90 * time.Minute},
		"new skew":          {responses: []doFunc{denied(past), success}},
		"same skew":         {responses: []doFunc{denied(past)}, skew: time.Until(time.Date(2006, 1, 2, 15, 4, 5, 0, time.UTC))},
		"skew, uncorrected": {responses: []doFunc{denied(past)}, change: func(o *Options) { o.DisableClockSkewCorrection = true }},
		"bad retry quota": {responses: []doFunc{fault}, retry: []func(*retry.StandardOptions){func(o *retry.StandardOptions) {
			o.RetryCost = 1 << 30
		}}},
	} {
		t.Run(name, func(t *testing.T) {
			at := time.Date(2040, 1, 2, 3, 4, 5, 0, time.UTC)
			run := func(optFns ...func(*Options)) string {
				var notes strings.Builder
				ctx, cancel := context.WithDeadline(context.Background(), at)
				defer cancel()
				if test.ended {
					cancel()
				}
				var c *Client
				sent := 0
				var retryer aws.RetryerV2 = retry.NewStandard(test.retry...)
				if test.retryer != nil {
					retryer = test.retryer(retryer)
				}
				options := Options{
					Region: "us-east-1", Retryer: notingRetryer{retryer, &notes, test.tokenErr}, Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
						return aws.Credentials{AccessKeyID: "AKIDEXAMPLE", SecretAccessKey: "secretsecretsecret"}, nil
					}),
					ClientLogMode: aws.LogRetries,
					Logger: logging.LoggerFunc(func(_ logging.Classification, format string, v ...any) {
						fmt.Fprintf(&notes, "log: "+format+"\n", v...)
					}),
					HTTPClient: doFunc(func(r *http.Request) (*http.Response, error) {
						body, _ := io.ReadAll(r.Body)
						fmt.Fprintln(&notes, "sent", r.Header.Get(attemptHeader), len(r.Header.Get(invocationIDHeader)), v4.GetPayloadHash(r.Context()), string(body))
						if test.newSkew != nil {
							c.skew.Store(int64(*test.newSkew))
						}
						if sent++; test.endedBy {
							cancel()
						}
						return test.responses[min(sent, len(test.responses))-1](r)
					}),
				}
				if test.change != nil {
					test.change(&options)
				}
				c = New(options)
				c.skew.Store(int64(test.skew))
				var metadata middleware.Metadata
				in := strictUpdateInput()
				in.ClientToken = aws.String("token")
				out, err := c.UpdateMicroVMImage(ctx, in, optFns...)
				if out != nil {
					metadata = out.ResultMetadata
				}
				var attempts *AttemptsError
				if errors.As(err, &attempts) {
					attempts.Elapsed = 0 // real time, which differs between the two
				}
				results, kept := retry.GetAttemptResults(metadata)
				fmt.Fprintln(&notes, "returned:", err, kept)
				for _, r := range results.Results {
					_, again := retry.GetAttemptResults(r.ResponseMetadata)
					id, _ := awsmiddleware.GetRequestIDMetadata(r.ResponseMetadata)
					fmt.Fprintln(&notes, "result:", r.Err, r.Retryable, r.Retried, r.GetRawResponse() != nil, id, again)
				}
				_, timed := awsmiddleware.GetResponseAt(metadata)
				id, _ := awsmiddleware.GetRequestIDMetadata(metadata)
				fmt.Fprintln(&notes, timed, id, awsmiddleware.GetRawResponse(metadata) != nil, time.Duration(c.skew.Load()).Round(time.Minute))
				return notes.String()
			}
			loop, first := run(func(*Options) {}), run()
			if diff := cmp.Diff(loop, first); diff != "" {
				t.Errorf("-loop +first attempt:\n%s", diff)
			}
			if !strings.Contains(loop, "returned:") {
				t.Error(loop)
			}
		})
	}
}

// Without the SDK's keys compiled chains would silently be slower.
func TestKeysOfSDK(t *testing.T) {
	if attemptResultsKey() == nil {
		t.Error("the key of retry.AttemptResults is not found")
	}
	for name, metadata := range map[string]func(*middleware.Metadata){
		"none":            func(*middleware.Metadata) {},
		"two":             func(m *middleware.Metadata) { m.Set(struct{}{}, 1); m.Set("b", 1) },
		"no struct":       func(m *middleware.Metadata) { m.Set("a", 1) },
		"with members":    func(m *middleware.Metadata) { m.Set(struct{ int }{1}, 1) },
		"of other values": func(m *middleware.Metadata) { m.Set(unknownSettingsKey{}, 1) },
	} {
		var m middleware.Metadata
		metadata(&m)
		if key := resultsKeyIn(m); key != nil {
			t.Errorf("%s: %T", name, key)
		}
	}
}

func TestUUID(t *testing.T) {
	seen := map[string]bool{}
	for range 100 {
		id := newUUID()
		shape := bytes.Map(func(c rune) rune {
			if strings.ContainsRune("0123456789abcdef", c) {
				return 'x'
			}
			return c
		}, []byte(id))
		if string(shape) != "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx" || id[14] != '4' || !strings.ContainsRune("89ab", rune(id[19])) || seen[id] {
			t.Errorf("%q is no new UUID of version 4", id)
		}
		seen[id] = true
	}
}
