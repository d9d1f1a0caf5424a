//go:build go1.25

package lambdamicrovms_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"

	"github.com/microvm-go/lambdamicrovms"
	"github.com/microvm-go/lambdamicrovms/fake"
	"github.com/microvm-go/lambdamicrovms/types"
)

func TestAttemptsError(t *testing.T) {
	pause := func(o *lambdamicrovms.Options) {
		o.Retryer = retry.NewStandard(func(so *retry.StandardOptions) {
			so.MaxAttempts = 4
			so.Backoff = retry.BackoffDelayerFunc(func(int, error) (time.Duration, error) { return 5 * time.Second, nil })
		})
	}
	codes := map[int]string{403: "AccessDeniedException", 429: "ThrottlingException", 500: "InternalServerException"}
	tests := map[string]struct {
		statuses []int // of each attempt; the last one repeats
		timeout  time.Duration
		attempts int // 0: no AttemptsError
		text     string
	}{
		"throttled":                 {[]int{429}, 0, 4, "4 attempts in 15s, the last one: https response error StatusCode: 429"},
		"then refused":              {[]int{500, 429, 403}, 0, 3, "3 attempts in 10s, the last one: https response error StatusCode: 403"},
		"until the context ended":   {[]int{500}, 7 * time.Second, 2, "2 attempts in 7s, the last one: "},
		"refused at once":           {[]int{403}, 0, 0, "ListMicrovms, https response error StatusCode: 403"},
		"the context ended at once": {[]int{500}, time.Second, 0, ""},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				requests := 0
				client := stubbed(func(*http.Request) (*http.Response, error) {
					status := test.statuses[min(requests, len(test.statuses)-1)]
					requests++
					return failure(status, codes[status]), nil
				}, pause)
				ctx := t.Context()
				if test.timeout > 0 {
					var cancel context.CancelFunc
					ctx, cancel = context.WithTimeout(ctx, test.timeout)
					defer cancel()
				}
				_, err := client.ListMicroVMs(ctx, nil)
				var tried *lambdamicrovms.AttemptsError
				if errors.As(err, &tried) != (test.attempts > 0) || tried != nil && tried.Attempts != test.attempts {
					t.Errorf("got %#v, want %d attempts", tried, test.attempts)
				}
				if err == nil || !strings.Contains(err.Error(), test.text) || strings.Contains(err.Error(), "exceeded maximum") {
					t.Errorf("got %v, want %s", err, test.text)
				}
			})
		})
	}
}

// With package fake nothing waits in real time: no Retry-After header, no retryer, and no
// waiter.
func TestFakeTakesNoTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		srv := fake.New(t)
		ownRetryer := srv.Options()
		ownRetryer.Retryer = nil
		clients := map[string]*lambdamicrovms.Client{
			"options of the server": lambdamicrovms.New(srv.Options()),
			"the client's retryer":  lambdamicrovms.New(ownRetryer),
			"more attempts":         lambdamicrovms.New(srv.Options(), func(o *lambdamicrovms.Options) { o.RetryMaxAttempts = 6 }),
		}
		srv.Inject(fake.Throttle{RetryAfter: 7 * time.Second}, fake.On(fake.ListMicroVMs))
		for name, client := range clients {
			before := srv.Now()
			if _, err := client.ListMicroVMs(t.Context(), nil); !lambdamicrovms.IsThrottle(err) {
				t.Errorf("%s: %v", name, err)
			}
			if passed := srv.Now().Sub(before); passed < 14*time.Second {
				t.Errorf("%s: only %v passed on the server's clock", name, passed)
			}
		}

		client := clients["options of the server"]
		image, err := client.CreateMicroVMImage(t.Context(), &lambdamicrovms.CreateMicroVMImageInput{
			Name:         aws.String("app"),
			BaseImageArn: aws.String("arn:aws:lambda:us-east-1:aws:microvm-image:al2023-1"),
			BuildRoleArn: aws.String("arn:aws:iam::123456789012:role/build"),
			CodeArtifact: &types.CodeArtifactMemberUri{Value: "s3://bucket/app.zip"},
		})
		if err != nil {
			t.Fatal(err)
		}
		_, err = lambdamicrovms.NewMicroVMImageCreatedWaiter(client).
			WaitForOutput(t.Context(), &lambdamicrovms.GetMicroVMImageInput{ImageIdentifier: image.ImageArn}, 10*time.Minute)
		if err != nil {
			t.Error(err)
		}
		if waited := time.Since(began); waited != 0 {
			t.Errorf("waited %v", waited)
		}
	})
}
