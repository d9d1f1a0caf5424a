// Package clienttoken makes the client tokens of requests that a workflow repeats itself.
package clienttoken

import (
	cryptorand "crypto/rand"

	smithyrand "github.com/aws/smithy-go/rand"

	"github.com/microvm-go/lambdamicrovms"
)

// New returns a client token from the IdempotencyTokenProvider of the client, or a random
// UUID if api is not a client. The service never forgets a token, so a token must not be
// derived from a name or from content.
func New(api any) (*string, error) {
	var provider lambdamicrovms.IdempotencyTokenProvider = smithyrand.NewUUIDIdempotencyToken(cryptorand.Reader)
	if client, ok := api.(interface{ Options() lambdamicrovms.Options }); ok {
		if o := client.Options(); o.IdempotencyTokenProvider != nil {
			provider = o.IdempotencyTokenProvider
		}
	}
	token, err := provider.GetIdempotencyToken()
	if err != nil {
		return nil, err
	}
	return &token, nil
}
