package lambdamicrovms_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/smithy-go/logging"

	"github.com/microvm-go/lambdamicrovms"
)

// logged collects log lines, and the context values that come with them.
type logged struct {
	*strings.Builder
	ctx context.Context
}

func (l logged) Logf(c logging.Classification, format string, v ...any) {
	own := any(nil)
	if l.ctx != nil {
		own = l.ctx.Value(ownKey{})
	}
	fmt.Fprintf(l, "%s %v "+format+"\n", append([]any{c, own}, v...)...)
}

func (l logged) WithContext(ctx context.Context) logging.Logger {
	l.ctx = ctx
	return l
}

func TestLogging(t *testing.T) {
	const secret, name = "hunter2", "DB_HOST"
	secrets := []string{secret, "SECRET", "SESSION", "Signature="}
	update := func(c *lambdamicrovms.Client) error {
		in := updateInput()
		in.EnvironmentVariables = map[string]string{name: secret}
		_, err := c.UpdateMicroVMImage(context.WithValue(context.Background(), ownKey{}, "own"), in)
		return err
	}
	success := `{"imageVersion":"2.0","environmentVariables":{"` + name + `":"` + secret + `"}}`
	tests := map[string]struct {
		mode     aws.ClientLogMode
		response func() *http.Response
		want     []string
		not      []string
		fails    bool
	}{
		"nothing": {mode: 0, not: []string{"own"}},
		"request": {
			mode: aws.LogRequest,
			want: []string{"DEBUG own Request\nPUT /2025-09-09/microvm-images/arn%3Aaws", "Host: lambda.us-east-1.amazonaws.com", "Authorization: [REDACTED]", "X-Amz-Security-Token: [REDACTED]"},
			not:  []string{"Response", name},
		},
		"request with body":  {mode: aws.LogRequestWithBody, want: []string{`"environmentVariables":{"` + name + `":"[REDACTED]"}`, `"clientToken":"`}, not: []string{"Response"}},
		"response":           {mode: aws.LogResponse, want: []string{"Response\n", "X-Amzn-Requestid: request-1", "Set-Cookie: [REDACTED]"}, not: []string{"Request\n", name}},
		"response with body": {mode: aws.LogResponseWithBody, want: []string{`"environmentVariables":{"` + name + `":"[REDACTED]"}`, `"imageVersion":"2.0"`}, not: []string{"Request\n"}},
		"error with body": {
			mode:     aws.LogResponseWithBody,
			response: func() *http.Response { return newResponse(400, nil, `{"message":"`+secret+`"}`) },
			want:     []string{"[21 bytes]"}, fails: true,
		},
		"something else with body": {
			mode:     aws.LogResponseWithBody,
			response: func() *http.Response { return newResponse(200, nil, `<html>`+secret) },
			want:     []string{"[13 bytes]"}, fails: true,
		},
		"broken body": {
			mode:     aws.LogResponseWithBody,
			response: func() *http.Response { return broken(200, `{"x":"`+secret, io.ErrUnexpectedEOF) },
			want:     []string{"[13 bytes]"}, fails: true,
		},
		"signing": {
			mode: aws.LogSigning,
			want: []string{"DEBUG own Request Signature", "x-amz-security-token:[REDACTED]", "AWS4-HMAC-SHA256\n", "host:lambda.us-east-1.amazonaws.com"},
		},
		"retries": {
			mode:     aws.LogRetries,
			response: func() *http.Response { return newResponse(500, nil, "") },
			want:     []string{"retrying request Lambda Microvms/UpdateMicrovmImage, attempt 2", "max retry attempts exhausted, max 3"}, fails: true,
		},
		"all": {mode: ^aws.ClientLogMode(0), want: []string{"Request\n", "Response\n", "Request Signature"}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			var b strings.Builder
			var body string
			client := stubbed(func(r *http.Request) (*http.Response, error) {
				sent, err := io.ReadAll(r.Body)
				body = string(sent)
				if test.response != nil {
					return test.response(), err
				}
				return newResponse(http.StatusOK, http.Header{"X-Amzn-Requestid": {"request-1"}, "Set-Cookie": {secret}}, success), err
			}, eager, func(o *lambdamicrovms.Options) {
				o.Logger, o.ClientLogMode = logged{Builder: &b}, test.mode
			})
			err := update(client)
			if (err != nil) != test.fails {
				t.Errorf("error %v", err)
			}
			if !strings.Contains(body, secret) {
				t.Errorf("the request was redacted, too: %s", body)
			}
			got := strings.ReplaceAll(b.String(), "\r", "")
			for _, text := range test.want {
				if !strings.Contains(got, text) {
					t.Errorf("no %q in the log:\n%s", text, got)
				}
			}
			for _, text := range append(test.not, secrets...) {
				if strings.Contains(got, text) {
					t.Errorf("%q in the log:\n%s", text, got)
				}
			}
		})
	}
}

// Logging must not change the result of a call.
func TestLoggedBodyIsReadAgain(t *testing.T) {
	verbose := func(o *lambdamicrovms.Options) {
		o.ClientLogMode = aws.LogResponseWithBody | aws.LogRequestWithBody
	}
	for name, body := range map[string]io.Reader{
		"success":  strings.NewReader(`{"imageVersion":"2.0"}`),
		"too long": endless{},
	} {
		t.Run(name, func(t *testing.T) {
			closed, requests := false, 0
			client := stubbed(func(*http.Request) (*http.Response, error) {
				requests++
				r := newResponse(http.StatusOK, nil, "")
				r.Body = closing{body, &closed}
				return r, nil
			}, eager, verbose)
			out, err := client.UpdateMicroVMImage(context.Background(), updateInput())
			if name == "success" && (err != nil || aws.ToString(out.ImageVersion) != "2.0") || name == "too long" && !isSizeError(err) {
				t.Errorf("got %v, %v", out, err)
			}
			if requests != 1 || !closed {
				t.Errorf("%d requests, body closed: %t", requests, closed)
			}
		})
	}
	requests := 0
	client := stubbed(func(*http.Request) (*http.Response, error) {
		requests++
		return broken(http.StatusOK, `{`, errors.New("reset")), nil
	}, eager, verbose)
	if _, err := client.UpdateMicroVMImage(context.Background(), updateInput()); err == nil || requests != 3 {
		t.Errorf("a broken body: %d requests, error %v; want three and an error", requests, err)
	}
}
