package commands

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
)

func TestIsStandIn(t *testing.T) {
	const fake, other, vpc = "http://127.0.0.1:4290", "http://127.0.0.1:4291", "https://vpce-1.lambda.us-east-1.vpce.amazonaws.com"
	for _, test := range []struct {
		name, region  string
		service, logs *string
		want          bool
	}{
		{"AWS", "us-east-1", nil, nil, false},
		{"a fake by --endpoint-url", "us-east-1", aws.String(fake), nil, true},
		{"a fake by AWS_ENDPOINT_URL", "us-east-1", aws.String(fake), aws.String(fake), true},
		{"a fake and other logs", "us-east-1", aws.String(fake), aws.String(other), false},
		{"a VPC endpoint", "us-east-1", aws.String(vpc), nil, false},
		{"a name that only begins like AWS", "us-east-1", aws.String("https://amazonaws.com.example.org"), nil, true},
		{"a VPC endpoint in China", "cn-north-1", aws.String("https://vpce-1.lambda.cn-north-1.vpce.amazonaws.com.cn"), nil, false},
		{"a VPC endpoint in an isolated region", "us-iso-east-1", aws.String("https://vpce-1.lambda.us-iso-east-1.vpce.c2s.ic.gov"), nil, false},
		{"an endpoint for IPv6", "us-east-1", aws.String("https://lambda.us-east-1.api.aws"), nil, false},
		{"no URL", "us-east-1", aws.String("http://[::"), nil, true},
	} {
		if got := isStandIn(test.region, test.service, test.logs); got != test.want {
			t.Errorf("%s: %t", test.name, got)
		}
	}
}
