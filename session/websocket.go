package session

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strconv"

	"github.com/microvm-go/lambdamicrovms"
)

// Handshake is what a WebSocket library needs to connect. Subprotocols and Header hold the
// token, once each: give the library one of the two. A Handshake prints, logs and marshals
// without them; the fields by themselves are secrets.
type Handshake struct {
	// URL is a wss URL, ws with an Options.BaseEndpoint of http. A path may be appended.
	URL string
	// Host is the value of the Host header, which differs from the URL's host with
	// Options.BaseEndpoint only.
	Host string
	// Subprotocols are the values of Sec-WebSocket-Protocol.
	Subprotocols []string
	// Header are headers that say the same.
	Header http.Header
}

func (h Handshake) text() string {
	return fmt.Sprintf("session.Handshake{%s, Host: %s, Subprotocols: [REDACTED], Header: [REDACTED]}", h.URL, h.Host)
}

// Format prints no secrets.
func (h Handshake) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, h.text()) }

// LogValue is what Format prints.
func (h Handshake) LogValue() slog.Value { return slog.StringValue(h.text()) }

// MarshalJSON returns what Format prints, as a string.
func (h Handshake) MarshalJSON() ([]byte, error) { return json.Marshal(h.text()) }

// WebSocket returns what it takes to connect to a port of the MicroVM, zero for
// Options.Port. The token is that of the session's requests: connect soon, or ask again. A
// connection outlives the token once it is open.
//
// A library that takes an http.Client can be given [Session.Client] and [Session.URL]
// instead.
func (s *Session) WebSocket(ctx context.Context, port int) (*Handshake, error) {
	port = or(port, s.options.Port)
	if !isPort(port) {
		return nil, notAPort(strconv.Itoa(port))
	}
	t, err := s.tokens.get(ctx, port)
	if err != nil {
		return nil, err
	}
	h := s.handshake(t.header.Clone())
	h.Header.Set(headerPort, strconv.Itoa(port))
	h.Subprotocols = append(h.Subprotocols, subprotocolPort+strconv.Itoa(port))
	return h, nil
}

// Shell returns the same for a shell in the MicroVM, which is a terminal over a WebSocket:
// each time with a token of its own, which is valid for Options.TokenLifetime. The MicroVM
// must have been started with the network connector SHELL_INGRESS; ALL_INGRESS does not
// include it. The messages of the connection are not part of the API.
func (s *Session) Shell(ctx context.Context) (*Handshake, error) {
	if s.tokens.isStopped() {
		return nil, ErrClosed
	}
	out, err := s.api.CreateMicroVMShellAuthToken(ctx, &lambdamicrovms.CreateMicroVMShellAuthTokenInput{
		MicroVMIdentifier:   &s.id,
		ExpirationInMinutes: minutes(s.options.TokenLifetime),
	})
	if err == nil && out == nil {
		out = &lambdamicrovms.CreateMicroVMShellAuthTokenOutput{}
	}
	var header http.Header
	if err == nil {
		header, err = tokenHeader("CreateMicroVMShellAuthToken", out.AuthToken)
	}
	if err != nil {
		return nil, fmt.Errorf("session: no shell token for %s: %w", s.id, err)
	}
	return s.handshake(header), nil
}

func (s *Session) handshake(header http.Header) *Handshake {
	scheme := "wss"
	if s.address.Scheme == "http" { // of an emulator
		scheme = "ws"
	}
	h := &Handshake{
		URL:          (&url.URL{Scheme: scheme, Host: s.address.Host}).String(),
		Host:         s.endpoint.Host,
		Subprotocols: []string{subprotocol},
		Header:       header,
	}
	if secret := header.Get(headerToken); secret != "" {
		h.Subprotocols = append(h.Subprotocols, subprotocolToken+secret)
	}
	return h
}
