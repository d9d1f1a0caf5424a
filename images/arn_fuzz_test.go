package images_test

import (
	"testing"

	"github.com/microvm-go/lambdamicrovms/images"
)

func FuzzParseARN(f *testing.F) {
	f.Add("arn:aws:lambda:us-east-1:123456789012:microvm-image:app")
	f.Add("arn:aws:lambda:us-east-1:1:microvm-image/app")
	f.Add("app")
	f.Fuzz(func(t *testing.T, text string) {
		arn, err := images.ParseARN(text)
		if err != nil {
			return
		}
		again, err := images.ParseARN(arn.String())
		if err != nil || again != arn {
			t.Errorf("%q: %v, %v, %v", text, arn, again, err)
		}
	})
}
