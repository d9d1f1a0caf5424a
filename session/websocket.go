package session

import (
	"cmp"
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

// Handshake has the arguments that a WebSocket library needs to connect. Subprotocols and
// Header both contain the token: do not log them, and pass only one of them to the
// library. A Handshake itself prints, logs and marshals without them.
type Handshake struct {
	// URL is a wss URL, or a ws URL if Options.BaseEndpoint is an http URL. You may
	// append a path.
	URL string
	// Host is the value of the Host header. It differs from the URL's host only with
	// Options.BaseEndpoint.
	Host string
	// Subprotocols are the values of Sec-WebSocket-Protocol.
	Subprotocols []string
	// Header has the same information as headers.
	Header http.Header
}

func (h Handshake) text() string {
	return fmt.Sprintf("session.Handshake{%s, Host: %s, Subprotocols: [REDACTED], Header: [REDACTED]}", h.URL, h.Host)
}

// Format prints no secrets.
func (h Handshake) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, h.text()) }

// LogValue returns the text that Format prints.
func (h Handshake) LogValue() slog.Value { return slog.StringValue(h.text()) }

// MarshalJSON returns the text that Format prints as a JSON string.
func (h Handshake) MarshalJSON() ([]byte, error) { return json.Marshal(h.text()) }

// WebSocket returns the arguments to connect to a port of the MicroVM. Zero means
// Options.Port. The token is the one that the session's requests use and may expire soon:
// connect at once, and call WebSocket again for each connection. An open connection is
// not affected when the token expires.
//
// If the library accepts an http.Client, use [Session.Client] and [Session.URL] instead.
func (s *Session) WebSocket(ctx context.Context, port int) (*Handshake, error) {
	port = cmp.Or(port, s.options.Port)
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

// Shell returns the arguments to connect to a shell in the MicroVM, a terminal over a
// WebSocket. Each call creates a token that is valid for Options.TokenLifetime. The
// MicroVM must have been started with the network connector SHELL_INGRESS; ALL_INGRESS
// does not include it. The API does not document the messages of the connection.
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
		return nil, s.secrets.Error(fmt.Errorf("session: no shell token for %s: %w", s.id, err))
	}
	return s.handshake(header), nil
}

func (s *Session) handshake(header http.Header) *Handshake {
	scheme := "wss"
	if s.address.Scheme == "http" { // an emulator
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
