package inprocess_test

import (
	"net/http"
	"testing"

	"github.com/microvm-go/lambdamicrovms"
	"github.com/microvm-go/lambdamicrovms/fake"
	"github.com/microvm-go/lambdamicrovms/internal/inprocess"
)

func TestOf(t *testing.T) {
	srv := fake.New(t)
	client := lambdamicrovms.New(srv.Options())
	type stub struct{ *lambdamicrovms.Client }
	type bare struct{}
	other := srv.Options()
	other.HTTPClient = http.DefaultClient
	for _, test := range []struct {
		reason string
		client any
		want   bool
	}{
		{"a client of the fake", client, true},
		{"a stub around one", stub{client}, true},
		{"a client with a network", lambdamicrovms.New(other), false},
		{"no client", bare{}, false},
		{"nil", nil, false},
	} {
		if got := inprocess.Of(test.client); (got != nil) != test.want {
			t.Errorf("%s: %v", test.reason, got)
		}
	}
}
