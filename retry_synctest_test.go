//go:build go1.25

package lambdamicrovms_test

import (
	"context"
	"errors"
	"math"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/google/go-cmp/cmp"

	"github.com/microvm-go/lambdamicrovms"
	"github.com/microvm-go/lambdamicrovms/fake"
	"github.com/microvm-go/lambdamicrovms/types"
)

func TestRetryAfter(t *testing.T) {
	tests := map[string]struct {
		header  string
		status  int
		backoff time.Duration
		want    time.Duration
		date    string // of the response
	}{
		"none":           {"", 500, 3 * time.Second, 3 * time.Second, ""},
		"longer":         {"7", 500, 3 * time.Second, 7 * time.Second, ""},
		"shorter":        {"1", 500, 3 * time.Second, 3 * time.Second, ""},
		"throttled":      {"7", 429, 3 * time.Second, 7 * time.Second, ""},
		"of a gateway":   {"7", 503, 3 * time.Second, 7 * time.Second, ""},
		"bounded":        {"3600", 500, 3 * time.Second, 20 * time.Second, ""},
		"bounded, huge":  {"99999999999999999999", 500, 3 * time.Second, 20 * time.Second, ""},
		"below a longer": {"3600", 500, 30 * time.Second, 30 * time.Second, ""},
		"negative":       {"-5", 500, 3 * time.Second, 3 * time.Second, ""},
		// The clock of a synctest bubble starts at 2000-01-01 00:00 UTC.
		"a date":                   {"Sat, 01 Jan 2000 00:00:07 GMT", 500, 3 * time.Second, 7 * time.Second, ""},
		"a date, RFC 850":          {"Saturday, 01-Jan-00 00:00:07 GMT", 500, 3 * time.Second, 7 * time.Second, ""},
		"a date, asctime":          {"Sat Jan  1 00:00:07 2000", 500, 3 * time.Second, 7 * time.Second, ""},
		"a date, another clock":    {"Wed, 21 Oct 2026 07:28:07 GMT", 503, 3 * time.Second, 7 * time.Second, "Wed, 21 Oct 2026 07:28:00 GMT"},
		"a date, clock behind":     {"Wed, 21 Oct 1998 07:28:07 GMT", 429, 3 * time.Second, 7 * time.Second, "Wed, 21 Oct 1998 07:28:00 GMT"},
		"a date, no date to count": {"Sat, 01 Jan 2000 00:00:07 GMT", 500, 3 * time.Second, 7 * time.Second, "yesterday"},
		"a date, bounded":          {"Wed, 21 Oct 2026 07:28:00 GMT", 500, 3 * time.Second, 20 * time.Second, ""},
		"a date, past":             {"Wed, 21 Oct 1998 07:28:00 GMT", 500, 3 * time.Second, 3 * time.Second, ""},
		"a date, no such":          {"Wed, 99 Oct 2026 07:28:00 GMT", 500, 3 * time.Second, 3 * time.Second, ""},
		"a fraction":               {"7.5", 500, 3 * time.Second, 7500 * time.Millisecond, ""},
		"a fraction, shorter":      {".5", 500, 3 * time.Second, 3 * time.Second, ""},
		"a fraction, long":         {"7.1234567891", 500, 3 * time.Second, 7123456789, ""},
		"a fraction, huge":         {strings.Repeat("9", 400) + ".9", 500, 3 * time.Second, 20 * time.Second, ""},
		"spaces":                   {" 7 ", 500, 3 * time.Second, 7 * time.Second, ""},
		"two points":               {"7.5.1", 500, 3 * time.Second, 3 * time.Second, ""},
		"a point":                  {".", 500, 3 * time.Second, 3 * time.Second, ""},
		"an exponent":              {"1e1", 500, 3 * time.Second, 3 * time.Second, ""},
		"hexadecimal":              {"0x10", 500, 3 * time.Second, 3 * time.Second, ""},
		"no number":                {"NaN", 500, 3 * time.Second, 3 * time.Second, ""},
		"infinity":                 {"Inf", 500, 3 * time.Second, 3 * time.Second, ""},
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
						return newResponse(http.StatusOK, nil, `{}`), nil
					}
					header := http.Header{}
					if test.header != "" {
						header.Set("Retry-After", test.header)
					}
					if test.date != "" {
						header.Set("Date", test.date)
					}
					return newResponse(test.status, header, `{}`), nil
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

// A busyServer is a fake whose first response asks, by a date, for a delay of seven
// seconds.
type busyServer struct {
	*fake.Server

	requests int
}

func (b *busyServer) Do(req *http.Request) (*http.Response, error) {
	if b.requests++; b.requests > 1 {
		return b.Server.Do(req)
	}
	now := time.Date(2031, 10, 21, 7, 28, 0, 0, time.UTC) // neither our clock nor the server's
	return newResponse(http.StatusServiceUnavailable, http.Header{
		"Date":        {now.Format(http.TimeFormat)},
		"Retry-After": {now.Add(7 * time.Second).Format(http.TimeFormat)},
	}, `{}`), nil
}

// With package fake, the delay that a date asks for passes on the server's clock, and no
// time in the test.
func TestRetryAfterDateWithFake(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := fake.New(t)
		began, before := time.Now(), srv.Now()
		client := lambdamicrovms.New(srv.Options(), func(o *lambdamicrovms.Options) {
			o.HTTPClient = &busyServer{Server: srv}
		})
		if _, err := client.ListMicroVMs(t.Context(), nil); err != nil {
			t.Fatal(err)
		}
		if passed, waited := srv.Now().Sub(before), time.Since(began); passed != 7*time.Second || waited != 0 {
			t.Errorf("%v passed on the server's clock and %v in the test, want 7s and 0s", passed, waited)
		}
	})
}

// The member RetryAfterSeconds of an error has the header's delay in seconds, whatever
// the form of the header.
func TestRetryAfterSeconds(t *testing.T) {
	const date = "Wed, 21 Oct 2026 07:28:00 GMT"
	for value, want := range map[string]*int32{
		"7":                             aws.Int32(7),
		"-5":                            aws.Int32(-5),
		"7.1":                           aws.Int32(8),
		"Wed, 21 Oct 2026 07:28:07 GMT": aws.Int32(7),
		"Wed, 21 Oct 2020 07:28:07 GMT": aws.Int32(0),
		"Wed, 21 Oct 9999 07:28:07 GMT": aws.Int32(math.MaxInt32),
		"99999999999999999999":          aws.Int32(math.MaxInt32),
		"soon":                          nil,
	} {
		client := stubbed(func(*http.Request) (*http.Response, error) {
			r := failure(429, "ThrottlingException")
			r.Header.Set("Retry-After", value)
			r.Header.Set("Date", date)
			return r, nil
		})
		_, err := client.ListMicroVMs(context.Background(), nil)
		var throttled *types.ThrottlingException
		if !errors.As(err, &throttled) {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, throttled.RetryAfterSeconds); diff != "" {
			t.Errorf("%q: -want +got:\n%s", value, diff)
		}
	}
}
