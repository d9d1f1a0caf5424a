package session

import (
	"context"
	"fmt"
	"net/http"
	"strconv"

	"github.com/microvm-go/lambdamicrovms"
)

// The subprotocols by which a WebSocket client gives the proxy what browsers cannot put into headers.
const (
	subprotocol      = "lambda-microvms"
	subprotocolToken = subprotocol + ".authentication."
	subprotocolPort  = subprotocol + ".port."
)

// WebSocket returns what a WebSocket library needs to connect to a port of the MicroVM: a wss URL, to which a path may be
// added, and token and port, once as subprotocols and once as headers. One of the two is enough. Port zero is for
// Options.Port. The token is that of the session's requests: connect soon, or ask again; once it is open a connection
// outlives it. Subprotocols and headers are secrets.
//
// A library that takes an http.Client can be given that of the session and the URL instead.
func (s *Session) WebSocket(ctx context.Context, port int) (url string, subprotocols []string, header http.Header, err error) {
	port = or(port, s.options.Port)
	if !isPort(port) {
		return "", nil, nil, fmt.Errorf("session: %d is not a port", port)
	}
	t, err := s.tokens.get(ctx, port)
	if err != nil {
		return "", nil, nil, err
	}
	header = t.header.Clone()
	header.Set(headerPort, strconv.Itoa(port))
	return s.socketURL(), append(tokenSubprotocols(header), subprotocolPort+strconv.Itoa(port)), header, nil
}

// Shell returns the same for a shell in the MicroVM, which is a terminal over a WebSocket: each time with a token of its
// own, which is valid for Options.TokenLifetime. The MicroVM must have been started with the network connector
// SHELL_INGRESS; ALL_INGRESS does not include it. What is sent over the connection is not part of the API.
func (s *Session) Shell(ctx context.Context) (url string, subprotocols []string, header http.Header, err error) {
	if s.tokens.isStopped() {
		return "", nil, nil, ErrClosed
	}
	out, err := s.api.CreateMicroVMShellAuthToken(ctx, &lambdamicrovms.CreateMicroVMShellAuthTokenInput{
		MicroVMIdentifier:   &s.id,
		ExpirationInMinutes: minutes(s.options.TokenLifetime),
	})
	if err != nil {
		return "", nil, nil, fmt.Errorf("session: no shell token for %s: %w", s.id, err)
	}
	header, err = tokenHeader(out.AuthToken)
	if err != nil {
		return "", nil, nil, err
	}
	return s.socketURL(), tokenSubprotocols(header), header, nil
}

func (s *Session) socketURL() string {
	if s.endpoint.Scheme == "http" { // of a stub
		return "ws://" + s.endpoint.Host
	}
	return "wss://" + s.endpoint.Host
}

func tokenSubprotocols(header http.Header) []string {
	names := []string{subprotocol}
	if secret := header.Get(headerToken); secret != "" {
		names = append(names, subprotocolToken+secret)
	}
	return names
}
