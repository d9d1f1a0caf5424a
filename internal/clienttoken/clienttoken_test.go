package clienttoken_test

import (
	"errors"
	"testing"

	"github.com/microvm-go/lambdamicrovms"
	"github.com/microvm-go/lambdamicrovms/internal/clienttoken"
)

type provider struct {
	token string
	err   error
}

func (p provider) GetIdempotencyToken() (string, error) { return p.token, p.err }

func TestNew(t *testing.T) {
	client := func(p lambdamicrovms.IdempotencyTokenProvider) *lambdamicrovms.Client {
		return lambdamicrovms.New(lambdamicrovms.Options{IdempotencyTokenProvider: p})
	}
	if token, err := clienttoken.New(client(provider{token: "mine"})); err != nil || *token != "mine" {
		t.Errorf("New of a client with a provider = %v, %v; want its token", token, err)
	}
	failed := errors.New("no token")
	if token, err := clienttoken.New(client(provider{err: failed})); !errors.Is(err, failed) || token != nil {
		t.Errorf("New of a client whose provider fails = %v, %v; want its error", token, err)
	}
	seen := map[string]bool{}
	for _, api := range []any{client(nil), client(nil), nil, struct{}{}} {
		token, err := clienttoken.New(api)
		if err != nil || len(*token) != 36 || seen[*token] {
			t.Fatalf("New = %v, %v; want a new UUID", token, err)
		}
		seen[*token] = true
	}
}
