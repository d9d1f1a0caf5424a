package partition_test

import (
	"testing"

	"github.com/microvm-go/lambdamicrovms/internal/partition"
)

func TestLambdaARN(t *testing.T) {
	for _, test := range []struct{ region, partition string }{
		{"us-east-1", "aws"},
		{"ap-southeast-12", "aws"},
		{"aws-global", "aws"},
		{"cn-north-1", "aws-cn"},
		{"aws-cn-global", "aws-cn"},
		{"us-gov-west-1", "aws-us-gov"},
		{"us-iso-east-1", "aws-iso"},
		{"us-isob-east-1", "aws-iso-b"},
		{"eu-isoe-west-1", "aws-iso-e"},
		{"us-isof-south-1", "aws-iso-f"},
		{"eusc-de-east-1", "aws-eusc"},
		{"cn", "aws"},
		{"cn-north", "aws"},
		{"cn-north-x", "aws"},
		{"", "aws"},
	} {
		want := "arn:" + test.partition + ":lambda:" + test.region + ":123456789012:microvm-image:shop"
		if got := partition.LambdaARN(test.region, "123456789012", "microvm-image:shop"); got != want {
			t.Errorf("LambdaARN(%q) = %s, want %s", test.region, got, want)
		}
	}
}

// The mark of FIPS in a region's name is not part of the name.
func TestOfMarkedRegion(t *testing.T) {
	for region, want := range map[string]string{
		"fips-us-east-1":     "aws",
		"us-gov-west-1-fips": "aws-us-gov",
		"fips-us-gov-west-1": "aws-us-gov",
		"fips-us-iso-east-1": "aws-iso",
	} {
		if got := partition.Of(region).Name; got != want {
			t.Errorf("Of(%q) is %s, want %s", region, got, want)
		}
	}
}
