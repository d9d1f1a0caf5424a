package commands

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
)

func TestIsStandIn(t *testing.T) {
	const fake, other, vpc = "http://127.0.0.1:4290", "http://127.0.0.1:4291", "https://vpce-1.lambda.us-east-1.vpce.amazonaws.com"
	for _, test := range []struct {
		name          string
		service, logs *string
		want          bool
	}{
		{"AWS", nil, nil, false},
		{"a fake by --endpoint-url", aws.String(fake), nil, true},
		{"a fake by AWS_ENDPOINT_URL", aws.String(fake), aws.String(fake), true},
		{"a fake and other logs", aws.String(fake), aws.String(other), false},
		{"a VPC endpoint", aws.String(vpc), nil, false},
		{"a name that only begins like AWS", aws.String("https://amazonaws.com.example.org"), nil, true},
		{"no URL", aws.String("http://[::"), nil, true},
	} {
		if got := isStandIn(test.service, test.logs); got != test.want {
			t.Errorf("%s: %t", test.name, got)
		}
	}
}
