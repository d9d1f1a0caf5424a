package fake_test

import (
	"context"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/google/go-cmp/cmp"

	"github.com/microvm-go/lambdamicrovms"
)

func TestTags(t *testing.T) {
	ctx := context.Background()
	s := newSession(t)
	// The client must not reject the invalid ARNs: the server is tested.
	client := lambdamicrovms.New(s.Server.Options(), func(o *lambdamicrovms.Options) { o.Validation = lambdamicrovms.ValidationNone })
	list := func(arn string) (map[string]string, error) {
		out, err := client.ListTags(ctx, &lambdamicrovms.ListTagsInput{Resource: &arn})
		if err != nil {
			return nil, err
		}
		return out.Tags, nil
	}
	check := func(when string, want map[string]string) {
		t.Helper()
		got, err := list(imageARN)
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Errorf("%s: %v, -want +got:\n%s", when, err, diff)
		}
	}
	tag := func(arn string, tags map[string]string) error {
		_, err := client.TagResource(ctx, &lambdamicrovms.TagResourceInput{Resource: &arn, Tags: tags})
		return err
	}

	check("at first", map[string]string{})
	if err := tag(imageARN, map[string]string{"a": "1", "b": "2"}); err != nil {
		t.Fatal(err)
	}
	if err := tag(imageARN, map[string]string{"b": "3", "c": "4"}); err != nil {
		t.Fatal(err)
	}
	check("tagged", map[string]string{"a": "1", "b": "3", "c": "4"})
	if _, err := client.UntagResource(ctx, &lambdamicrovms.UntagResourceInput{Resource: aws.String(imageARN), TagKeys: []string{"a", "c", "none"}}); err != nil {
		t.Fatal(err)
	}
	check("untagged", map[string]string{"b": "3"})
	if diff := cmp.Diff(map[string]string{"b": "3"}, getImage(t, client, imageARN).Tags); diff != "" {
		t.Errorf("Get: -want +got:\n%s", diff)
	}
	if got := getImage(t, client, imageARN).State; got != "CREATED" {
		t.Errorf("the image is %s: tags began a build", got)
	}

	vm := "arn:aws:lambda:us-east-1:123456789012:microvm:" + *s.run(nil).MicroVMId
	refusals := []struct{ arn, want string }{
		{vm, "ValidationException"},
		{imageARN + "x", "ResourceNotFoundException"},
		{"arn:aws:lambda:us-east-1:210987654321:microvm-image:app", "AccessDeniedException"},
		{"arn:aws:lambda:us-east-1:123456789012:function:f", "UnknownBehaviorException"},
	}
	for _, test := range refusals {
		_, listErr := list(test.arn)
		for _, err := range []error{listErr, tag(test.arn, map[string]string{"a": "1"})} {
			if diff := cmp.Diff(test.want, code(err)); diff != "" {
				t.Errorf("%s: %v, -want +got:\n%s", test.arn, err, diff)
			}
		}
	}
}
