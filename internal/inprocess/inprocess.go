// Package inprocess finds the server behind a client that reaches it without a network,
// such as that of package fake. Workflows of a test then live in the server's time, and
// reach the endpoints of its MicroVMs, without being told to.
package inprocess

import (
	"net/http"

	"github.com/microvm-go/lambdamicrovms"
)

// Server is an HTTP client that is the service itself.
type Server interface {
	lambdamicrovms.HTTPClient
	http.RoundTripper
	Clock() lambdamicrovms.Clock
}

// Of returns the server that a client talks to, or nil if there is a network in between.
// The client may be embedded in a stub.
func Of(client any) Server {
	configured, ok := client.(interface{ Options() lambdamicrovms.Options })
	if !ok {
		return nil
	}
	server, _ := configured.Options().HTTPClient.(Server)
	return server
}
