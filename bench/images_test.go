package bench

import (
	"testing"

	"github.com/microvm-go/lambdamicrovms/fake"
)

// The fake has the images that the calls expect.
func TestImages(t *testing.T) {
	const n = 60 // more than a page
	client, err := WithImages(fake.New(t), n)
	if err != nil {
		t.Fatal(err)
	}
	if err := Concurrently(GetImage(client), 4, 2); err != nil {
		t.Errorf("get: %v", err)
	}
	if err := ListImages(client, n)(); err != nil {
		t.Errorf("list: %v", err)
	}
	if err := ListImages(client, n+1)(); err == nil {
		t.Error("a missing image is not noticed")
	}
}
