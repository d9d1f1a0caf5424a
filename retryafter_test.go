//go:build go1.25

package lambdamicrovms_test

import (
	"context"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws/retry"

	"github.com/microvm-go/lambdamicrovms"
)

func TestRetryAfter(t *testing.T) {
	tests := map[string]struct {
		header  string
		status  int
		backoff time.Duration
		want    time.Duration
	}{
		"none":           {"", 500, 3 * time.Second, 3 * time.Second},
		"longer":         {"7", 500, 3 * time.Second, 7 * time.Second},
		"shorter":        {"1", 500, 3 * time.Second, 3 * time.Second},
		"throttled":      {"7", 429, 3 * time.Second, 7 * time.Second},
		"of a gateway":   {"7", 503, 3 * time.Second, 7 * time.Second},
		"bounded":        {"3600", 500, 3 * time.Second, 20 * time.Second},
		"bounded, huge":  {"99999999999999999999", 500, 3 * time.Second, 20 * time.Second},
		"below a longer": {"3600", 500, 30 * time.Second, 30 * time.Second},
		"negative":       {"-5", 500, 3 * time.Second, 3 * time.Second},
		"a date":         {"Wed, 21 Oct 2026 07:28:00 GMT", 500, 3 * time.Second, 3 * time.Second},
		"a fraction":     {"7.5", 500, 3 * time.Second, 3 * time.Second},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				start := time.Now()
				var waited time.Duration
				requests := 0
				client := stubbed(func(*http.Request) (*http.Response, error) {
					if requests++; requests > 1 {
						waited = time.Since(start)
						return answer(http.StatusOK, nil, `{}`), nil
					}
					header := http.Header{}
					if test.header != "" {
						header.Set("Retry-After", test.header)
					}
					return answer(test.status, header, `{}`), nil
				}, func(o *lambdamicrovms.Options) {
					o.Retryer = retry.NewStandard(func(so *retry.StandardOptions) {
						so.Backoff = retry.BackoffDelayerFunc(func(int, error) (time.Duration, error) { return test.backoff, nil })
					})
				})
				if _, err := client.ListMicroVMs(context.Background(), nil); err != nil {
					t.Fatal(err)
				}
				if waited != test.want {
					t.Errorf("waited %v, want %v", waited, test.want)
				}
			})
		})
	}
}
