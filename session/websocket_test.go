package session_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/google/go-cmp/cmp"

	"github.com/microvm-go/lambdamicrovms"
	"github.com/microvm-go/lambdamicrovms/fake"
	"github.com/microvm-go/lambdamicrovms/session"
	"github.com/microvm-go/lambdamicrovms/types"
)

// Subprotocols and headers each get a connection through the proxy.
func TestWebSocket(t *testing.T) {
	ctx := context.Background()
	arrived := fake.Destination{}
	note := http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { arrived = fake.DestinationOf(r.Context()) })
	srv := newService(t, fake.WithApplication(note), fake.WithShell(note))
	in := srv.input()
	in.IngressNetworkConnectors = []string{
		"arn:aws:lambda:us-east-1:aws:network-connector:aws-network-connector:HTTP_INGRESS",
		"arn:aws:lambda:us-east-1:aws:network-connector:aws-network-connector:SHELL_INGRESS",
	}
	s, err := session.Run(ctx, srv, in, srv.options, func(o *session.Options) { o.Port = 7000 })
	if err != nil {
		t.Fatal(err)
	}
	socket := func(port int) func(context.Context) (*session.Handshake, error) {
		return func(ctx context.Context) (*session.Handshake, error) { return s.WebSocket(ctx, port) }
	}
	to := func(port int) fake.Destination {
		return fake.Destination{MicroVMID: s.ID(), ImageARN: srv.image, ImageVersion: "1.0", Port: port, Shell: port == 0}
	}
	tests := []struct {
		name         string
		dial         func(context.Context) (*session.Handshake, error)
		want         fake.Destination
		subprotocols []string // with TOKEN
		header       http.Header
	}{
		{
			"a port", socket(3000), to(3000),
			[]string{"lambda-microvms", "lambda-microvms.authentication.TOKEN", "lambda-microvms.port.3000"},
			http.Header{"X-Aws-Proxy-Auth": {"TOKEN"}, "X-Aws-Proxy-Port": {"3000"}},
		},
		{
			"the session's port", socket(0), to(7000),
			[]string{"lambda-microvms", "lambda-microvms.authentication.TOKEN", "lambda-microvms.port.7000"},
			http.Header{"X-Aws-Proxy-Auth": {"TOKEN"}, "X-Aws-Proxy-Port": {"7000"}},
		},
		{
			"shell", s.Shell, to(0),
			[]string{"lambda-microvms", "lambda-microvms.authentication.TOKEN"},
			http.Header{"X-Aws-Proxy-Auth": {"TOKEN"}},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			h, err := tt.dial(ctx)
			if err != nil {
				t.Fatal(err)
			}
			url, subprotocols, header := h.URL, h.Subprotocols, h.Header
			if want := strings.TrimPrefix(url, "wss://"); h.Host != want {
				t.Errorf("Host = %s, want %s", h.Host, want)
			}
			if want := strings.Replace(s.URL(0), "https", "wss", 1); url != want {
				t.Errorf("URL = %s, want %s", url, want)
			}
			for name, with := range map[string]http.Header{
				"header":       header,
				"subprotocols": {"Sec-Websocket-Protocol": {strings.Join(subprotocols, ", ")}},
			} {
				arrived = fake.Destination{}
				req, _ := http.NewRequest(http.MethodGet, strings.Replace(url, "wss", "https", 1), nil)
				req.Header = with
				resp, err := srv.RoundTrip(req)
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(tt.want, arrived); diff != "" {
					t.Errorf("by %s: %s (-want +got):\n%s", name, resp.Status, diff)
				}
			}
			secret := header.Get("X-Aws-Proxy-Auth")
			for i := range subprotocols {
				subprotocols[i] = strings.Replace(subprotocols[i], secret, "TOKEN", 1)
			}
			header.Set("X-Aws-Proxy-Auth", "TOKEN")
			if diff := cmp.Diff(tt.subprotocols, subprotocols); diff != "" {
				t.Errorf("subprotocols (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tt.header, header); diff != "" {
				t.Errorf("header (-want +got):\n%s", diff)
			}
		})
	}
	get := func() int {
		resp, err := s.Client().Get("/")
		if err != nil {
			t.Fatal(err)
		}
		return resp.StatusCode
	}
	if get() != http.StatusOK {
		t.Error("the session's own token was changed by its user")
	}
}

func TestWebSocketFails(t *testing.T) {
	ctx := context.Background()
	srv := newService(t)
	s := srv.start(t)
	if _, err := s.WebSocket(ctx, 65536); err == nil {
		t.Error("port 65536 is no error")
	}
	var invalid *types.ValidationException
	if _, err := s.Shell(ctx); !errors.As(err, &invalid) || !strings.Contains(err.Error(), "SHELL_INGRESS") {
		t.Errorf("Shell = %v, want that it is not open", err)
	}
	srv.SetOverrides(fake.Overrides{
		CreateMicroVMAuthToken: func(context.Context, *lambdamicrovms.CreateMicroVMAuthTokenInput) (*lambdamicrovms.CreateMicroVMAuthTokenOutput, error) {
			return nil, &types.AccessDeniedException{}
		},
		CreateMicroVMShellAuthToken: func(_ context.Context, in *lambdamicrovms.CreateMicroVMShellAuthTokenInput) (*lambdamicrovms.CreateMicroVMShellAuthTokenOutput, error) {
			if diff := cmp.Diff(aws.Int32(15), in.ExpirationInMinutes); diff != "" {
				t.Errorf("expiration (-want +got):\n%s", diff)
			}
			return &lambdamicrovms.CreateMicroVMShellAuthTokenOutput{AuthToken: map[string]string{"x-new-header": "secret"}}, nil
		},
	})
	var denied *types.AccessDeniedException
	if _, err := s.WebSocket(ctx, 0); !errors.As(err, &denied) {
		t.Errorf("WebSocket = %v, want the client's error", err)
	}
	// A token with unknown headers can be sent only in headers.
	h, err := s.Shell(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"lambda-microvms"}, h.Subprotocols); diff != "" {
		t.Errorf("subprotocols (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(http.Header{"X-New-Header": {"secret"}}, h.Header); diff != "" {
		t.Errorf("header (-want +got):\n%s", diff)
	}
}

// A Handshake does not print its secrets.
func TestHandshakeIsRedacted(t *testing.T) {
	h := session.Handshake{
		URL: "wss://a.on.aws", Host: "a.on.aws",
		Subprotocols: []string{"lambda-microvms.authentication.secret"}, Header: http.Header{"X-Aws-Proxy-Auth": {"secret"}},
	}
	var logs bytes.Buffer
	for _, value := range []any{h, &h, []session.Handshake{h}, map[string]any{"a": &h}, struct{ H session.Handshake }{h}} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%d", "%x"} {
			fmt.Fprintf(&logs, verb, value)
		}
		slog.New(slog.NewJSONHandler(&logs, nil)).Info("value", "value", value)
		slog.New(slog.NewTextHandler(&logs, nil)).Info("value", "value", value)
		if err := json.NewEncoder(&logs).Encode(value); err != nil {
			t.Error(err)
		}
	}
	if strings.Contains(logs.String(), "secret") || strings.Contains(logs.String(), fmt.Sprintf("%x", "secret")) {
		t.Errorf("secrets in %s", logs.String())
	}
	want := "session.Handshake{wss://a.on.aws, Host: a.on.aws, Subprotocols: [REDACTED], Header: [REDACTED]}"
	if got := fmt.Sprint(h); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
