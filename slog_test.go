package lambdamicrovms_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"runtime/debug"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/smithy-go/logging"
	"github.com/aws/smithy-go/middleware"
	"github.com/google/go-cmp/cmp"

	"github.com/microvm-go/lambdamicrovms"
	"github.com/microvm-go/lambdamicrovms/internal/clienttest"
)

// records is a handler that keeps records, with the value of ownKey in their context.
type records struct {
	level slog.Level
	kept  []map[string]any
}

func (r *records) Enabled(_ context.Context, level slog.Level) bool { return level >= r.level }
func (r *records) WithAttrs([]slog.Attr) slog.Handler               { return r }
func (r *records) WithGroup(string) slog.Handler                    { return r }

func (r *records) Handle(ctx context.Context, record slog.Record) error {
	kept := map[string]any{"level": record.Level.String(), "msg": record.Message}
	if own, ok := ctx.Value(ownKey{}).(string); ok {
		kept["own"] = own
	}
	record.Attrs(func(a slog.Attr) bool {
		kept[a.Key] = a.Value.Resolve().Any()
		if a.Value.Kind() == slog.KindDuration {
			kept[a.Key] = "measured"
		}
		if a.Value.Kind() == slog.KindGroup {
			group := map[string]any{}
			for _, member := range a.Value.Group() {
				group[member.Key] = member.Value.String()
			}
			kept[a.Key] = group
		}
		return true
	})
	r.kept = append(r.kept, kept)
	return nil
}

// keep returns the records with only the named attributes.
func keep(list []map[string]any, names ...string) []map[string]any {
	var kept []map[string]any
	for _, record := range list {
		record = maps.Clone(record)
		maps.DeleteFunc(record, func(key string, _ any) bool { return !slices.Contains(names, key) })
		kept = append(kept, record)
	}
	return kept
}

func logsTo(h slog.Handler, mode aws.ClientLogMode) func(*lambdamicrovms.Options) {
	return func(o *lambdamicrovms.Options) {
		o.Logger, o.ClientLogMode = lambdamicrovms.SlogLogger(slog.New(h)), mode
	}
}

func TestSlogLogger(t *testing.T) {
	const secret = "hunter2"
	in := updateInput()
	in.EnvironmentVariables = map[string]string{"DB_HOST": secret}
	in.ClientToken = aws.String("token-1")
	const url = "https://lambda.us-east-1.amazonaws.com/2025-09-09/microvm-images/arn%3Aaws%3Alambda%3Aus-east-1%3A123456789012%3Amicrovm-image%3Aweb"
	all := aws.LogRequestWithBody | aws.LogResponseWithBody | aws.LogRetries
	h := records{level: slog.LevelDebug}
	requests := 0
	client := stubbed(func(r *http.Request) (*http.Response, error) {
		_, _ = io.Copy(io.Discard, r.Body)
		switch requests++; requests {
		case 1:
			return nil, errors.New("connection reset")
		case 2:
			r := failure(http.StatusInternalServerError, "InternalServerException")
			r.Header.Set("X-Amzn-Requestid", "request-2")
			return r, nil
		}
		return newResponse(http.StatusOK, http.Header{"X-Amzn-Requestid": {"request-3"}, "Set-Cookie": {secret}},
			`{"imageVersion":"2.0","environmentVariables":{"DB_HOST":"`+secret+`"}}`), nil
	}, eager, logsTo(&h, all))
	if _, err := client.UpdateMicroVMImage(context.WithValue(context.Background(), ownKey{}, "own"), in); err != nil {
		t.Fatal(err)
	}
	for _, record := range h.kept {
		if record["operation"] != "UpdateMicrovmImage" || record["own"] != "own" {
			t.Errorf("operation or context: %v", record)
		}
	}
	want := []map[string]any{
		{"level": "DEBUG", "msg": "request", "attempt": int64(1), "method": "PUT", "url": url},
		{"level": "DEBUG", "msg": "no response", "attempt": int64(1), "duration": "measured"},
		{"level": "INFO", "msg": "attempt failed", "attempt": int64(1), "duration": "measured", "retry": true, "max_attempts": int64(3)},
		{"level": "DEBUG", "msg": "request", "attempt": int64(2), "method": "PUT", "url": url},
		{"level": "DEBUG", "msg": "response", "attempt": int64(2), "duration": "measured", "status": int64(500), "request_id": "request-2"},
		{"level": "INFO", "msg": "attempt failed", "attempt": int64(2), "duration": "measured", "retry": true, "max_attempts": int64(3), "status": int64(500), "request_id": "request-2"},
		{"level": "DEBUG", "msg": "request", "attempt": int64(3), "method": "PUT", "url": url},
		{"level": "DEBUG", "msg": "response", "attempt": int64(3), "duration": "measured", "status": int64(200), "request_id": "request-3"},
	}
	got := keep(h.kept, "level", "msg", "attempt", "method", "url", "duration", "status", "request_id", "retry", "max_attempts")
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("records (-want +got):\n%s", diff)
	}
	last := h.kept[len(h.kept)-1]
	headers := map[string]any{"Set-Cookie": "[REDACTED]", "X-Amzn-Requestid": "request-3"}
	if diff := cmp.Diff(headers, last["headers"]); diff != "" {
		t.Errorf("headers (-want +got):\n%s", diff)
	}
	if body, want := last["body"], `{"environmentVariables":{"DB_HOST":"[REDACTED]"},"imageVersion":"2.0"}`; body != want {
		t.Errorf("body %q, want %q", body, want)
	}
	text, _ := json.Marshal(h.kept)
	for _, secret := range []string{secret, "SECRET", "SESSION", "Signature="} {
		if bytes.Contains(text, []byte(secret)) {
			t.Errorf("%q in %s", secret, text)
		}
	}
}

// The record of the last attempt is for debugging only, because the caller gets its
// error.
func TestSlogLastAttempt(t *testing.T) {
	for name, status := range map[string]int{"not retryable": 400, "last": 500} {
		t.Run(name, func(t *testing.T) {
			h := records{level: slog.LevelDebug}
			client := stubbed(func(*http.Request) (*http.Response, error) { return newResponse(status, nil, "{}"), nil }, eager,
				logsTo(&h, aws.LogRetries))
			_, err := client.ListMicroVMs(context.Background(), nil)
			if err == nil || len(h.kept) == 0 {
				t.Fatalf("error %v, records %v", err, h.kept)
			}
			if last := h.kept[len(h.kept)-1]; last["level"] != "DEBUG" || last["retry"] != false || last["status"] != int64(status) {
				t.Errorf("got %v", last)
			}
		})
	}
}

// Messages of middleware get the attributes of the call and the context of the attempt.
func TestSlogMessages(t *testing.T) {
	tests := map[string]struct {
		mode  aws.ClientLogMode
		level slog.Level
		want  []map[string]any
	}{
		"debug":   {aws.LogRetries, slog.LevelDebug, []map[string]any{{"level": "DEBUG", "msg": "own"}, {"level": "WARN", "msg": "own", "text": "line\ntoken [REDACTED]"}}},
		"warn":    {aws.LogRetries, slog.LevelWarn, []map[string]any{{"level": "WARN", "msg": "own", "text": "line\ntoken [REDACTED]"}}},
		"no mode": {0, slog.LevelWarn, []map[string]any{{"level": "WARN", "msg": "own", "text": "line\ntoken [REDACTED]"}}},
		"nothing": {^aws.ClientLogMode(0), slog.LevelError, nil},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			h := records{level: test.level}
			client := stubbed(func(*http.Request) (*http.Response, error) { return newResponse(200, nil, "{}"), nil }, logsTo(&h, test.mode))
			logs := middleware.FinalizeMiddlewareFunc("own", func(ctx context.Context, in middleware.FinalizeInput, next middleware.FinalizeHandler) (middleware.FinalizeOutput, middleware.Metadata, error) {
				out, metadata, err := next.HandleFinalize(ctx, in)
				middleware.GetLogger(ctx).Logf(logging.Debug, "own")
				middleware.GetLogger(ctx).Logf(logging.Warn, "own:\nline\ntoken %s", "[REDACTED]")
				return out, metadata, err
			})
			_, err := client.ListMicroVMs(context.WithValue(context.Background(), ownKey{}, "own"), nil, func(o *lambdamicrovms.Options) {
				o.APIOptions = append(o.APIOptions, func(s *middleware.Stack) error { return s.Finalize.Add(logs, middleware.After) })
			})
			if err != nil {
				t.Fatal(err)
			}
			var got []map[string]any
			for _, record := range h.kept {
				if strings.HasPrefix(record["msg"].(string), "own") {
					if record["own"] != "own" || record["operation"] != "ListMicrovms" {
						t.Errorf("context or operation: %v", record)
					}
					got = append(got, record)
				}
			}
			if diff := cmp.Diff(test.want, keep(got, "level", "msg", "text")); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

// A server can repeat the session token in a date that the SDK cannot read and quotes in
// a warning. ClientLogMode does not turn off this warning.
func TestWarningsHoldNoSecrets(t *testing.T) {
	var text strings.Builder
	for name, option := range map[string]func(*lambdamicrovms.Options){
		"slog":             logsTo(slog.NewTextHandler(&text, &slog.HandlerOptions{Level: slog.LevelWarn}), ^aws.ClientLogMode(0)),
		"slog, no mode":    logsTo(slog.NewTextHandler(&text, nil), 0),
		"another, no mode": func(o *lambdamicrovms.Options) { o.Logger = logged{Builder: &text} },
	} {
		t.Run(name, func(t *testing.T) {
			text.Reset()
			var token string
			client := stubbed(func(r *http.Request) (*http.Response, error) {
				token = r.Header.Get("X-Amz-Security-Token")
				return newResponse(200, http.Header{"Date": {token}}, "{}"), nil
			}, option, func(o *lambdamicrovms.Options) {
				o.Credentials = aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
					return aws.Credentials{AccessKeyID: "AKID", SecretAccessKey: "SECRET", SessionToken: "Kx7Jq2mWv9Lp4Rt8Zb3Nc6Yd1Hf5Gs0T"}, nil
				})
			})
			if _, err := client.ListMicroVMs(context.Background(), nil); err != nil {
				t.Fatal(err)
			}
			if !strings.Contains(text.String(), "failed to parse response Date") || strings.Contains(text.String(), token[:20]) {
				t.Errorf("logged: %s", text.String())
			}
		})
	}
}

// The text that the SDK's signer logs is an attribute.
func TestSlogSigning(t *testing.T) {
	h := records{level: slog.LevelDebug}
	client := stubbed(func(*http.Request) (*http.Response, error) { return newResponse(200, nil, "{}"), nil }, logsTo(&h, aws.LogSigning))
	if _, err := client.ListMicroVMs(context.Background(), nil); err != nil {
		t.Fatal(err)
	}
	if len(h.kept) != 1 || h.kept[0]["msg"] != "Request Signature" || h.kept[0]["operation"] != "ListMicrovms" {
		t.Fatalf("records %v", h.kept)
	}
	text := h.kept[0]["text"].(string)
	if !strings.Contains(text, "x-amz-security-token:[REDACTED]") || strings.Contains(text, "SESSION") {
		t.Errorf("text %s", text)
	}
}

// The handler gets the span of the attempt.
func TestSlogTraceContext(t *testing.T) {
	var tr clienttest.Trace
	var parents []string
	client := stubbed(func(*http.Request) (*http.Response, error) { return newResponse(200, nil, "{}"), nil },
		logsTo(spanNames{&parents}, aws.LogRequest|aws.LogResponse), func(o *lambdamicrovms.Options) { o.TracerProvider = &tr })
	if _, err := client.ListMicroVMs(context.Background(), nil); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"Attempt", "Attempt"}, parents); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

// spanNames records the span of each record.
type spanNames struct{ names *[]string }

func (spanNames) Enabled(context.Context, slog.Level) bool { return true }
func (h spanNames) WithAttrs([]slog.Attr) slog.Handler     { return h }
func (h spanNames) WithGroup(string) slog.Handler          { return h }

func (h spanNames) Handle(ctx context.Context, _ slog.Record) error {
	*h.names = append(*h.names, clienttest.SpanOf(ctx).Name())
	return nil
}

// A level that is off costs nothing, in any mode.
func TestSlogOffAllocatesNothing(t *testing.T) {
	if build, ok := debug.ReadBuildInfo(); ok && slices.Contains(build.Settings, debug.BuildSetting{Key: "-race", Value: "true"}) {
		t.Skip("the race detector empties pools at random")
	}
	measure := func(optFns ...func(*lambdamicrovms.Options)) float64 {
		client := stubbed(func(*http.Request) (*http.Response, error) { return newResponse(200, nil, `{"items":[]}`), nil }, optFns...)
		ctx := context.Background()
		return testing.AllocsPerRun(200, func() {
			if _, err := client.ListMicroVMs(ctx, nil); err != nil {
				t.Fatal(err)
			}
		})
	}
	want := measure()
	for name, handler := range map[string]slog.Handler{
		"warn":    slog.NewJSONHandler(new(bytes.Buffer), &slog.HandlerOptions{Level: slog.LevelWarn}),
		"nothing": slog.DiscardHandler,
	} {
		for _, mode := range []aws.ClientLogMode{0, aws.LogRequest, ^aws.ClientLogMode(0)} {
			if got := measure(logsTo(handler, mode)); got != want {
				t.Errorf("%s, mode %b: %v allocations, %v without a logger", name, mode, got, want)
			}
		}
	}
}

func TestSlogLoggerOutsideOfCalls(t *testing.T) {
	h := records{level: slog.LevelDebug}
	l := lambdamicrovms.SlogLogger(slog.New(&h))
	l.Logf(logging.Warn, "one %d", 1)
	logging.WithContext(context.WithValue(context.Background(), ownKey{}, "own"), l).Logf(logging.Debug, "two")
	want := []map[string]any{{"level": "WARN", "msg": "one 1"}, {"level": "DEBUG", "msg": "two", "own": "own"}}
	if diff := cmp.Diff(want, h.kept); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}
