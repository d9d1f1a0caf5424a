package session_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/microvm-go/lambdamicrovms/session"
)

// endpoint serves one request per connection with a function.
func endpoint(t *testing.T, says func(*http.Request, net.Conn)) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				defer func() { _ = conn.Close() }()
				if req, err := http.ReadRequest(bufio.NewReader(conn)); err == nil {
					says(req, conn)
				}
			}()
		}
	}()
	return "http://" + listener.Addr().String()
}

// No error contains a token that the endpoint echoes.
func TestTokenEchoed(t *testing.T) {
	for name, format := range map[string]string{
		"status line": "HTTP/1.1 %s\r\n\r\n",
		"protocol":    "%s 200 OK\r\n\r\n",
		"header line": "HTTP/1.1 200 OK\r\n%s\r\n\r\n",
		"length":      "HTTP/1.1 200 OK\r\nContent-Length: %s\r\n\r\n",
		"encoding":    "HTTP/1.1 200 OK\r\nTransfer-Encoding: %s\r\n\r\n",
		"location":    "HTTP/1.1 302 Found\r\nLocation: http://[%s\r\nContent-Length: 0\r\n\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			srv := newService(t)
			var secret string
			base := endpoint(t, func(r *http.Request, conn net.Conn) {
				secret = r.Header.Get("X-Aws-Proxy-Auth")
				fmt.Fprintf(conn, format, secret)
			})
			s := srv.start(t, func(o *session.Options) { o.BaseEndpoint, o.Transport = base, nil })
			for _, url := range []string{"/", s.URL(0)} {
				_, err := s.Client().Get(url)
				if err == nil {
					t.Fatal("no error")
				}
				if parts := strings.Split(secret, "."); secret == "" || strings.Contains(err.Error(), secret) || strings.Contains(err.Error(), parts[len(parts)-1]) {
					t.Errorf("token %q in %v", secret, err)
				}
			}
		})
	}
}

// A context ends a request wherever the endpoint holds it.
func TestContextEndsHeldRequests(t *testing.T) {
	for name, begin := range map[string]string{
		"nothing":               "",
		"half a header":         "HTTP/1.1 200 OK\r\nA:",
		"half a refusal":        "HTTP/1.1 403 Forbidden\r\nContent-Length: 28\r\n\r\nRequest missing auth",
		"no body of a 502":      "HTTP/1.1 502 Bad Gateway\r\nTransfer-Encoding: chunked\r\n\r\n",
		"promised body of 502":  "HTTP/1.1 502 Bad Gateway\r\nContent-Length: 5\r\n\r\n",
		"informational for now": "HTTP/1.1 103 Early Hints\r\n\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			srv := newService(t)
			ctx, cancel := context.WithCancel(context.Background())
			defer cancel()
			base := endpoint(t, func(_ *http.Request, conn net.Conn) {
				_, _ = io.WriteString(conn, begin)
				cancel()
				_, _ = io.Copy(io.Discard, conn) // until the client hangs up
			})
			s := srv.start(t, func(o *session.Options) { o.BaseEndpoint, o.Transport = base, nil })
			resp, err := s.RoundTrip(newRequest(t, http.MethodGet, "/").WithContext(ctx))
			if err == nil {
				_, err = io.ReadAll(resp.Body)
				closed(t, resp.Body)
			}
			if !errors.Is(err, context.Canceled) {
				t.Errorf("error = %v, want that the context has ended", err)
			}
		})
	}
}

// No redirect, in whatever notation, leads to another host.
func TestHostileRedirects(t *testing.T) {
	for _, location := range []string{
		"https://HOST@elsewhere.example/", "https://elsewhere.example#HOST", "https://elsewhere.example?HOST", `https://HOST\@elsewhere.example/`,
		`\\elsewhere.example/`, "//elsewhere.example", "https:elsewhere.example/", "https:/elsewhere.example/", "https://HOST.elsewhere.example/",
		"https://HOST:7@elsewhere.example/", "https://HOST./", "https://HOST%2eelsewhere.example/", "file:///etc/passwd", "https://HOST:99999/",
		"https://HOST%00.elsewhere.example/", "javascript:alert(1)", "https://elsewhere。example/", " https://elsewhere.example/",
	} {
		srv := newService(t)
		var s *session.Session
		var host string
		sent := &tape{RoundTripper: roundTripper(func(req *http.Request) (*http.Response, error) {
			resp := newResponse(http.StatusOK, "")
			if req.URL.Path == "/begin" {
				resp.StatusCode = http.StatusFound
				resp.Header.Set("Location", strings.ReplaceAll(location, "HOST", host))
			}
			return resp, nil
		})}
		s = srv.start(t, func(o *session.Options) { o.Transport = sent })
		host = strings.TrimPrefix(s.URL(0), "https://")
		for _, base := range []string{"", s.URL(0)} {
			_, _ = s.Client().Get(base + "/begin")
		}
		if diff := cmp.Diff([]string{s.URL(0)}, sent.hosts()); diff != "" {
			t.Errorf("%s: requests went to (-want +got):\n%s", location, diff)
		}
		for _, req := range sent.requests {
			if req.Host != host || req.Header.Get("X-Aws-Proxy-Port") != "8080" || req.URL.Opaque != "" {
				t.Errorf("%s: sent %s to port %s of %s", location, req.URL, req.Header.Get("X-Aws-Proxy-Port"), req.Host)
			}
		}
	}
}

// The session does not wait forever for a body whose reads return no bytes.
func TestIdleBody(t *testing.T) {
	for _, status := range []int{http.StatusForbidden, http.StatusBadGateway} {
		srv := newService(t)
		s := srv.start(t, func(o *session.Options) {
			o.Transport = roundTripper(func(*http.Request) (*http.Response, error) {
				resp := newResponse(status, "")
				resp.Body = io.NopCloser(idle{})
				return resp, nil
			})
		})
		resp, err := s.Client().Get("/")
		if err != nil || resp.StatusCode != status {
			t.Errorf("%v, %v, want a response of %d", resp, err, status)
		}
	}
}

// idle is a body whose reads return no bytes.
type idle struct{}

func (idle) Read([]byte) (int, error) { return 0, nil }
