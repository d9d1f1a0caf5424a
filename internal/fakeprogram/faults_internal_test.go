package fakeprogram

import (
	"context"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/google/go-cmp/cmp"

	"github.com/microvm-go/lambdamicrovms"
	"github.com/microvm-go/lambdamicrovms/fake"
)

// TestFaults checks the statuses of five list calls with a fault; 0 means no response.
func TestFaults(t *testing.T) {
	for _, tt := range []struct {
		fault string
		want  []int
	}{
		{"throttle", []int{429, 429, 429, 429, 429}},
		{"throttle?on=ListMicrovmImages&first=2", []int{429, 429, 200, 200, 200}},
		{"throttle?on=RunMicrovm&on=GetMicrovm", []int{200, 200, 200, 200, 200}},
		{"throttle?image=app", []int{200, 200, 200, 200, 200}},
		{"server-error?status=503&nth=2", []int{200, 503, 200, 200, 200}},
		{"bad-gateway?chance=1", []int{502, 502, 502, 502, 502}},
		{"quota-exceeded?message=That+is+enough.&nth=5", []int{200, 200, 200, 200, 402}},
		{"reset?first=1", []int{0, 200, 200, 200, 200}},
		{"slow?delay=1h", []int{200, 200, 200, 200, 200}},
	} {
		t.Run(tt.fault, func(t *testing.T) {
			inject, err := parseFault(tt.fault)
			if err != nil {
				t.Fatal(err)
			}
			srv := fake.New(t)
			inject(srv)
			client := lambdamicrovms.New(srv.Options())
			for range 5 {
				_, _ = client.ListMicroVMImages(context.Background(), &lambdamicrovms.ListMicroVMImagesInput{}, func(o *lambdamicrovms.Options) {
					o.Retryer = aws.NopRetryer{}
				})
			}
			var got []int
			for _, call := range srv.Calls() {
				got = append(got, call.Status)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

func TestFaultNames(t *testing.T) {
	for _, fault := range []string{
		"fail-build?reason=x&generation=3", "stuck-build", "fail-start?reason=x", "fail-suspend", "throttle?retry-after=1s", "quota-exceeded",
		"server-error", "bad-gateway", "reset", "skew-clock?by=-1h", "slow", "hang", "cut-body?after=3", "malformed-json?body=x", "lose-answer", "empty-pages?count=2",
	} {
		if _, err := parseFault(fault); err != nil {
			t.Errorf("%s: %v", fault, err)
		}
	}
	for fault, want := range map[string]string{
		"":                    `there is no fault ""`,
		"flood":               `there is no fault "flood"`,
		"throttle?reason=x":   `throttle has no "reason"`,
		"slow?delay=1":        `delay: time: missing unit in duration "1"`,
		"throttle?first=many": `first: strconv.Atoi: parsing "many": invalid syntax`,
		"throttle?seed=1":     `throttle has no "seed"`,
		"throttle?on=%zz":     `invalid URL escape "%zz"`,
	} {
		if _, err := parseFault(fault); err == nil || err.Error() != want {
			t.Errorf("%s: %v, want %s", fault, err, want)
		}
	}
}
