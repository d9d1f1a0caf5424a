package session_test

import (
	"bufio"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/microvm-go/lambdamicrovms/session"
	"github.com/microvm-go/lambdamicrovms/types"
)

// recorded starts a session whose requests are recorded.
func recorded(t *testing.T, optFns ...func(*session.Options)) (s *session.Session, host string, sent func() []*http.Request) {
	srv := newService(t)
	record := &tape{RoundTripper: roundTripper(func(*http.Request) (*http.Response, error) { return newResponse(http.StatusOK, ""), nil })}
	s = srv.start(t, append(optFns, func(o *session.Options) { o.Transport = record })...)
	return s, strings.TrimPrefix(s.URL(0), "https://"), func() []*http.Request {
		all := record.requests
		record.requests = nil
		return all
	}
}

// ownHeaders returns the headers by which the proxy could read a port or a token, in any
// spelling.
func ownHeaders(header http.Header) map[string][]string {
	own := make(map[string][]string)
	for name, values := range header {
		plain := strings.ReplaceAll(strings.ToLower(name), "_", "-")
		if strings.HasPrefix(plain, "x-aws-proxy-") || plain == "connection" || plain == "host" || plain == "sec-websocket-protocol" {
			own[name] = values
		}
	}
	if secret := own["X-Aws-Proxy-Auth"]; len(secret) == 1 && len(secret[0]) > 20 {
		own["X-Aws-Proxy-Auth"] = []string{"TOKEN"}
	}
	return own
}

// A header cannot choose a port that the program has not named or allowed, and no header
// of the proxy is sent twice.
func TestHeadersChoosePorts(t *testing.T) {
	allowed := []types.PortSpecification{port(3000)}
	tests := []struct {
		name    string
		url     string
		header  http.Header
		allowed []types.PortSpecification
		port    string // "" if it is rejected
		more    http.Header
	}{
		{name: "none", url: "/", port: "8080"},
		{name: "the session's", url: "/", header: http.Header{"X-Aws-Proxy-Port": {"8080"}}, port: "8080"},
		{name: "another", url: "/", header: http.Header{"X-Aws-Proxy-Port": {"9"}}},
		{name: "another than the URL's", url: "https://HOST:7/", header: http.Header{"X-Aws-Proxy-Port": {"9"}}},
		{name: "the URL's", url: "https://HOST:7/", header: http.Header{"X-Aws-Proxy-Port": {"7"}}, port: "7"},
		{name: "an allowed one", url: "/", allowed: allowed, header: http.Header{"X-Aws-Proxy-Port": {"3000"}}, port: "3000"},
		{name: "lower case", url: "/", header: http.Header{"x-aws-proxy-port": {"9"}}},
		{name: "lower case, allowed", url: "/", allowed: allowed, header: http.Header{"x-aws-proxy-port": {"3000"}}, port: "3000"},
		{name: "underscores", url: "/", header: http.Header{"X_AWS_Proxy-Port": {"9"}}},
		{name: "underscores, allowed", url: "/", allowed: allowed, header: http.Header{"x_aws_proxy_port": {"3000"}}, port: "3000"},
		{name: "second value", url: "/", allowed: allowed, header: http.Header{"X-Aws-Proxy-Port": {"3000", "9"}}},
		{name: "contradiction", url: "/", allowed: allowed, header: http.Header{"X-Aws-Proxy-Port": {"3000"}, "x-aws-proxy-port": {"8080"}}},
		{name: "list", url: "/", allowed: allowed, header: http.Header{"X-Aws-Proxy-Port": {"3000, 9"}}},
		{name: "overflow", url: "/", allowed: allowed, header: http.Header{"X-Aws-Proxy-Port": {"4294970296"}}},
		{name: "subprotocol", url: "/", header: http.Header{"sec-webSocket-protocol": {"chat, lambda-microvms.port.9"}}},
		{
			name: "subprotocol, allowed", url: "/", allowed: allowed, port: "3000",
			header: http.Header{"Sec-Websocket-Protocol": {"lambda-microvms, lambda-microvms.port.3000", "lambda-microvms.authentication.x, chat"}},
			more:   http.Header{"Sec-Websocket-Protocol": {"lambda-microvms, chat"}},
		},
		{
			name: "another token", url: "/", port: "8080",
			header: http.Header{"X-Aws-Proxy-Auth": {"x"}, "x-aws-proxy-auth": {"y"}, "X_Aws_Proxy_Auth": {"z"}},
		},
		{
			name: "setting of the proxy", url: "/", port: "8080",
			header: http.Header{"x_aws_proxy_force_h2": {"true", "false"}},
			more:   http.Header{"X-Aws-Proxy-Force-H2": {"true"}},
		},
		{
			name: "hop by hop", url: "/", port: "8080",
			header: http.Header{"Connection": {"Upgrade, x-aws-proxy-port", "X-Aws-Proxy-Auth"}},
			more:   http.Header{"Connection": {"Upgrade"}},
		},
		{name: "second host", url: "/", port: "8080", header: http.Header{"host": {"elsewhere.example"}, "HOST": {"elsewhere.example"}}},
		{name: "hop by hop alone", url: "/", port: "8080", header: http.Header{"connection": {"x-aws-proxy-port"}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s, host, sent := recorded(t, func(o *session.Options) { o.HeaderPorts = tt.allowed })
			req := newRequest(t, http.MethodGet, strings.ReplaceAll(tt.url, "HOST", host))
			for name, values := range tt.header {
				req.Header[name] = values
			}
			_, err := s.RoundTrip(req)
			requests := sent()
			if tt.port == "" {
				var refused *session.PortError
				if !errors.As(err, &refused) || len(requests) != 0 {
					t.Errorf("error = %v, want a *PortError; %d requests were sent", err, len(requests))
				}
				return
			}
			if err != nil || len(requests) != 1 {
				t.Fatalf("error = %v; %d requests were sent", err, len(requests))
			}
			want := map[string][]string{"X-Aws-Proxy-Auth": {"TOKEN"}, "X-Aws-Proxy-Port": {tt.port}}
			for name, values := range tt.more {
				want[name] = values
			}
			if diff := cmp.Diff(want, ownHeaders(requests[0].Header)); diff != "" {
				t.Errorf("sent (-want +got):\n%s", diff)
			}
		})
	}
}

// A host in any field of a URL must be the session's, and must not appear in the request
// line.
func TestOpaqueAndReceivedTargets(t *testing.T) {
	tests := []struct {
		name string
		req  *http.Request // HOST is the session's
		line string        // request line that is sent, "" if nothing is sent
		port string
		host bool // the error is a *HostError
	}{
		{name: "opaque path", req: &http.Request{URL: &url.URL{Opaque: "/a%2Fb"}}, line: "GET /a%2Fb?q=1 HTTP/1.1", port: "8080"},
		{name: "opaque with host", req: &http.Request{URL: &url.URL{Opaque: "//HOST/a%2Fb"}}, line: "GET /a%2Fb?q=1 HTTP/1.1", port: "8080"},
		{name: "opaque with port", req: &http.Request{URL: &url.URL{Opaque: "//HOST:7"}}, line: "GET /?q=1 HTTP/1.1", port: "7"},
		{name: "opaque absolute", req: &http.Request{URL: &url.URL{Opaque: "https://HOST/a"}}, line: "GET /a?q=1 HTTP/1.1", port: "8080"},
		{name: "opaque foreign", req: &http.Request{URL: &url.URL{Opaque: "//elsewhere.example/a"}}, host: true},
		{name: "opaque foreign behind ours", req: &http.Request{URL: &url.URL{Host: "HOST", Opaque: "//elsewhere.example/a"}}, host: true},
		{name: "opaque foreign absolute", req: &http.Request{URL: &url.URL{Host: "HOST", Opaque: "http://elsewhere.example/a"}}, host: true},
		{name: "opaque userinfo", req: &http.Request{URL: &url.URL{Opaque: "//HOST@elsewhere.example/a"}}, host: true},
		{name: "opaque authority", req: &http.Request{URL: &url.URL{Opaque: "elsewhere.example:443"}}, host: true},
		{name: "opaque mail", req: &http.Request{URL: &url.URL{Opaque: "a@elsewhere.example"}}, host: true},
		{name: "received path", req: &http.Request{RequestURI: "/a", URL: &url.URL{Path: "/a"}}, line: "GET /a?q=1 HTTP/1.1", port: "8080"},
		{name: "received path, port by program", req: &http.Request{RequestURI: "/a", URL: &url.URL{Host: "HOST:7", Path: "/a"}}, line: "GET /a?q=1 HTTP/1.1", port: "7"},
		{name: "received absolute", req: &http.Request{RequestURI: "http://HOST/a", URL: &url.URL{Host: "HOST", Path: "/a"}}, line: "GET /a?q=1 HTTP/1.1", port: "8080"},
		{name: "received absolute with port", req: &http.Request{RequestURI: "http://HOST:7/a", URL: &url.URL{Host: "HOST:7", Path: "/a"}}},
		{name: "received absolute with port and header", req: &http.Request{
			RequestURI: "http://HOST:7/a", URL: &url.URL{Host: "HOST:7", Path: "/a"}, Header: http.Header{"X-Aws-Proxy-Port": {"7"}},
		}},
		{name: "received absolute, port by program", req: &http.Request{RequestURI: "http://a.example/a", URL: &url.URL{Host: "HOST:7", Path: "/a"}}, line: "GET /a?q=1 HTTP/1.1", port: "7"},
		{name: "received absolute foreign", req: &http.Request{RequestURI: "http://a.example/a", URL: &url.URL{Host: "a.example", Path: "/a"}}, host: true},
		{name: "received opaque with port", req: &http.Request{RequestURI: "http:x//HOST:7/a", URL: &url.URL{Host: "HOST", Opaque: "x//HOST:7/a"}}, host: true},
		{name: "received opaque", req: &http.Request{RequestURI: "http:x//HOST/a", URL: &url.URL{Host: "HOST:7", Opaque: "x//HOST/a"}}, host: true},
		{name: "opaque with a word before the host", req: &http.Request{URL: &url.URL{Opaque: "x//HOST/a"}}, host: true},
		{name: "received opaque, absolute, with port", req: &http.Request{RequestURI: "x:https://HOST:7/a", URL: &url.URL{Host: "HOST", Opaque: "https://HOST:7/a"}}},
		{name: "received CONNECT", req: &http.Request{Method: http.MethodConnect, RequestURI: "HOST:7", URL: &url.URL{Host: "HOST:7"}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s, host, sent := recorded(t)
			req := tt.req
			req.URL.Opaque = strings.ReplaceAll(req.URL.Opaque, "HOST", host)
			req.URL.Host = strings.ReplaceAll(req.URL.Host, "HOST", host)
			req.RequestURI = strings.ReplaceAll(req.RequestURI, "HOST", host)
			req.URL.Scheme, req.URL.RawQuery = "https", "q=1"
			_, err := s.RoundTrip(req)
			requests := sent()
			if tt.line == "" {
				var foreign *session.HostError
				var port *session.PortError
				if errors.As(err, &foreign) != tt.host || errors.As(err, &port) == tt.host || len(requests) != 0 {
					t.Errorf("error = %v; %d requests were sent", err, len(requests))
				}
				return
			}
			if err != nil || len(requests) != 1 {
				t.Fatalf("error = %v; %d requests were sent", err, len(requests))
			}
			var wire strings.Builder
			if err := requests[0].Write(&wire); err != nil {
				t.Fatal(err)
			}
			line, _, _ := strings.Cut(wire.String(), "\r\n")
			if got := requests[0].Header.Get("X-Aws-Proxy-Port"); line != tt.line || got != tt.port || requests[0].URL.Host != host || requests[0].Host != host {
				t.Errorf("sent %q to port %s of %s, want %q to port %s", line, got, requests[0].Host, tt.line, tt.port)
			}
		})
	}
}

// No request of a remote client to a reverse proxy reaches a port other than the one that
// the program has chosen.
func TestReverseProxy(t *testing.T) {
	s, host, sent := recorded(t)
	to, err := url.Parse(s.URL(3000))
	if err != nil {
		t.Fatal(err)
	}
	quiet := func(w http.ResponseWriter, _ *http.Request, _ error) { w.WriteHeader(http.StatusBadGateway) }
	for name, proxy := range map[string]*httputil.ReverseProxy{
		"to the URL": {Transport: s, ErrorHandler: quiet, Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(to) }},
		"as it is":   {Transport: s, ErrorHandler: quiet, Rewrite: func(*httputil.ProxyRequest) {}},
	} {
		t.Run(name, func(t *testing.T) {
			want := map[string]string{"to the URL": "3000", "as it is": "8080"}[name]
			front := httptest.NewServer(proxy)
			defer front.Close()
			for _, request := range []string{
				"GET /a HTTP/1.1\r\nHost: x\r\n",
				"GET /a HTTP/1.1\r\nHost: x\r\nx-aws-proxy-port: 9000\r\n",
				"GET /a HTTP/1.1\r\nHost: x\r\nX_AWS_PROXY_PORT: 9000\r\n",
				"GET /a HTTP/1.1\r\nHost: x\r\nConnection: X-Aws-Proxy-Port\r\n",
				"GET /a HTTP/1.1\r\nHost: x\r\nSec-WebSocket-Protocol: lambda-microvms.port.9000\r\n",
				"GET http://" + host + ":9000/a HTTP/1.1\r\nHost: x\r\n",
				"GET http://" + host + "/a HTTP/1.1\r\nHost: " + host + ":9000\r\n",
				"GET //" + host + ":9000/a HTTP/1.1\r\nHost: x\r\n",
			} {
				wire, err := net.Dial("tcp", front.Listener.Addr().String())
				if err != nil {
					t.Fatal(err)
				}
				if _, err := io.WriteString(wire, request+"\r\n"); err != nil {
					t.Fatal(err)
				}
				resp, err := http.ReadResponse(bufio.NewReader(wire), nil)
				if err != nil {
					t.Fatal(err)
				}
				_ = resp.Body.Close()
				_ = wire.Close()
				requests := sent()
				for _, req := range requests {
					if got := ownHeaders(req.Header)["X-Aws-Proxy-Port"]; len(got) != 1 || got[0] != want {
						t.Errorf("%q was sent to port %v, want %s", request, got, want)
					}
				}
				if len(requests) == 0 && resp.StatusCode != http.StatusBadGateway {
					t.Errorf("%q: %s without a request", request, resp.Status)
				}
			}
		})
	}
}
