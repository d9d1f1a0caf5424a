package images_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/microvm-go/lambdamicrovms"
	"github.com/microvm-go/lambdamicrovms/images"
)

func TestARN(t *testing.T) {
	for _, c := range []struct{ got, want string }{
		{images.ARN{Region: "eu-west-1", Account: "123456789012", Name: "app"}.String(), "arn:aws:lambda:eu-west-1:123456789012:microvm-image:app"},
		{images.ARN{Region: "cn-north-1", Account: "1", Name: "a"}.String(), "arn:aws-cn:lambda:cn-north-1:1:microvm-image:a"},
		{images.ARN{Region: "us-gov-west-1", Account: "1", Name: "a"}.String(), "arn:aws-us-gov:lambda:us-gov-west-1:1:microvm-image:a"},
		{images.BaseImageARN("us-east-1", "al2023-1"), "arn:aws:lambda:us-east-1:aws:microvm-image:al2023-1"},
		{images.BaseImageARN("fips-us-east-1", "al2023-1"), "arn:aws:lambda:us-east-1:aws:microvm-image:al2023-1"},
		{images.ConnectorARN("us-gov-west-1-fips", "ALL_INGRESS"), "arn:aws-us-gov:lambda:us-gov-west-1:aws:network-connector:aws-network-connector:ALL_INGRESS"},
		{images.ConnectorARN("us-east-1", "ALL_INGRESS"), "arn:aws:lambda:us-east-1:aws:network-connector:aws-network-connector:ALL_INGRESS"},
	} {
		if c.got != c.want {
			t.Errorf("got %s, want %s", c.got, c.want)
		}
	}
}

func TestRegionOfTheClient(t *testing.T) {
	for region, want := range map[string][]string{
		"eu-west-1":          {"arn:aws:lambda:eu-west-1:aws:microvm-image:al2023-1", "arn:aws:lambda:eu-west-1:aws:network-connector:aws-network-connector:SHELL_INGRESS"},
		"fips-us-gov-west-1": {"arn:aws-us-gov:lambda:us-gov-west-1:aws:microvm-image:al2023-1", "arn:aws-us-gov:lambda:us-gov-west-1:aws:network-connector:aws-network-connector:SHELL_INGRESS"},
	} {
		client := lambdamicrovms.New(lambdamicrovms.Options{Region: region})
		got := []string{*images.BaseImage(client, "al2023-1"), images.Connector(client, "SHELL_INGRESS")}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s, -want +got:\n%s", region, diff)
		}
	}
}

func TestParseARN(t *testing.T) {
	const good = "arn:aws:lambda:us-east-1:123456789012:microvm-image:app"
	for _, c := range []struct {
		text    string
		want    images.ARN
		problem string // part of it, empty if there is none
	}{
		{text: good, want: images.ARN{Region: "us-east-1", Account: "123456789012", Name: "app"}},
		{text: "arn:aws:lambda:us-east-1:aws:microvm-image:al2023-1", want: images.ARN{Region: "us-east-1", Account: "aws", Name: "al2023-1"}},
		{text: "arn:aws-cn:lambda:cn-north-1:1:microvm-image:a_B-9", want: images.ARN{Region: "cn-north-1", Account: "1", Name: "a_B-9"}},
		{text: "app", problem: "microvm-image:app): build it with ARN, or look it up with Find"},
		{text: "", problem: `does not begin with "arn:"`},
		{text: "https://example.com", problem: `does not begin with "arn:"`},
		{text: "arn:", problem: "no partition"},
		{text: "arn:aws", problem: "no service"},
		{text: "arn:aws:s3:::bucket", problem: "no region"},
		{text: "arn:aws:lambda", problem: "no region"},
		{text: "arn:aws:lambda:us-east-1::microvm-image:app", problem: "no account"},
		{text: "arn:aws:lambda:us-east-1:1", problem: "no resource"},
		{text: "arn:aws:ec2:us-east-1:1:microvm-image:app", problem: `its service is "ec2"`},
		{text: "arn:aws:lambda:us-east-1:1:microvm-image/app", problem: "with a colon and no slash"},
		{text: "arn:aws:lambda:us-east-1:1:function:app", problem: "it names a function"},
		{text: "arn:aws:lambda:us-east-1:1:microvm-image", problem: "no name"},
		{text: "arn:aws:lambda:us-east-1:1:microvm-image:", problem: "no name"},
		{text: good + ":3", problem: "something follows the name"},
		{text: "arn:aws:lambda:us-east-1:1:microvm-image:a b", problem: "1 to 64 letters"},
		{text: "arn:aws:lambda:us-east-1:1:microvm-image:" + strings.Repeat("a", 65), problem: "1 to 64 letters"},
	} {
		got, err := images.ParseARN(c.text)
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%q, -want +got:\n%s", c.text, diff)
		}
		var problem *images.ARNError
		switch {
		case c.problem == "" && err != nil:
			t.Errorf("%q: %v", c.text, err)
		case c.problem != "" && (!errors.As(err, &problem) || !strings.Contains(problem.Problem, c.problem) || problem.Text != c.text):
			t.Errorf("%q: got %v, want %q", c.text, err, c.problem)
		case err == nil && got.String() != c.text:
			t.Errorf("%q became %q", c.text, got)
		}
	}
}

func TestARNOfPartitions(t *testing.T) {
	for region, partition := range map[string]string{
		"eu-west-1": "aws", "cn-north-1": "aws-cn", "us-gov-west-1": "aws-us-gov", "us-iso-east-1": "aws-iso",
		"us-isob-east-1": "aws-iso-b", "eu-isoe-west-1": "aws-iso-e", "us-isof-south-1": "aws-iso-f", "eusc-de-east-1": "aws-eusc",
	} {
		want := "arn:" + partition + ":lambda:" + region + ":123456789012:microvm-image:shop"
		if got := (images.ARN{Region: region, Account: "123456789012", Name: "shop"}).String(); got != want {
			t.Errorf("ARN in %s = %s, want %s", region, got, want)
		}
	}
}
