package attack

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"

	"github.com/microvm-go/lambdamicrovms"
	"github.com/microvm-go/lambdamicrovms/internal/clienttest"
)

// endedContext is a context that the test ends.
type endedContext struct {
	context.Context
	done chan struct{}
	err  error
}

func (c *endedContext) Done() <-chan struct{} { return c.done }

func (c *endedContext) Err() error {
	select {
	case <-c.done:
		return c.err
	default:
		return nil
	}
}

// Ending the context must end a call wherever it is stuck: callers have no other
// protection from a slow server. A call that does not return hangs this test.
func TestContextEndsStuckCalls(t *testing.T) {
	type stuck struct {
		says  string // sent before the server goes silent
		mute  bool   // the server does not even read the request
		https bool
		huge  bool // the request is large
		setUp func(o *lambdamicrovms.Options, arrived func())
	}
	tests := map[string]stuck{
		"no response":          {},
		"half a status line":   {says: "HTTP/1.1 20"},
		"headers without end":  {says: "HTTP/1.1 200 OK\r\nX: y\r\n"},
		"early hints":          {says: "HTTP/1.1 103 Early Hints\r\n\r\n"},
		"no body":              {says: "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n"},
		"half a body":          {says: "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{"},
		"half a chunk":         {says: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{"},
		"no last chunk":        {says: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n"},
		"body without end":     {says: "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n{}"},
		"half an error":        {says: "HTTP/1.1 400 No\r\nContent-Length: 20\r\n\r\n{"},
		"half an error, again": {says: "HTTP/1.1 503 No\r\nContent-Length: 20\r\n\r\n{"},
		"request not read":     {mute: true, huge: true},
		"TLS handshake":        {mute: true, https: true},
		"delay of a retry": {says: "HTTP/1.1 503 No\r\nRetry-After: 20\r\nContent-Length: 0\r\n\r\n", setUp: func(o *lambdamicrovms.Options, arrived func()) {
			o.Retryer = patient{arrived}
		}},
		"credentials": {setUp: func(o *lambdamicrovms.Options, arrived func()) {
			o.Credentials = aws.CredentialsProviderFunc(func(ctx context.Context) (aws.Credentials, error) {
				arrived()
				<-ctx.Done()
				return aws.Credentials{}, ctx.Err()
			})
		}},
	}
	for name, test := range tests {
		for _, end := range []error{context.Canceled, context.DeadlineExceeded} {
			t.Run(name+", "+end.Error(), func(t *testing.T) {
				for _, mode := range []aws.ClientLogMode{0, ^aws.ClientLogMode(0)} {
					ctx := &endedContext{context.Background(), make(chan struct{}), end}
					var once sync.Once
					arrived := func() { once.Do(func() { close(ctx.done) }) }
					gone := make(chan struct{})
					options := clienttest.ServeConns(t, func(conn net.Conn) {
						if test.mute {
							_, _ = io.ReadFull(conn, make([]byte, 1))
						} else if clienttest.ReadRequest(conn) {
							_, _ = io.WriteString(conn, test.says)
						}
						if test.setUp == nil {
							arrived()
							_, _ = io.Copy(io.Discard, conn)
							close(gone)
						}
					})
					options.ClientLogMode = mode
					if test.https {
						*options.BaseEndpoint = strings.Replace(*options.BaseEndpoint, "http:", "https:", 1)
					}
					if test.setUp != nil {
						test.setUp(&options, arrived)
					}
					in := clienttest.UpdateInput()
					if test.huge {
						options.Validation = lambdamicrovms.ValidationNone
						in.Description = aws.String(strings.Repeat("x", 16*clienttest.MiB))
					}
					if _, err := lambdamicrovms.New(options).UpdateMicroVMImage(ctx, in); !errors.Is(err, end) {
						t.Errorf("log mode %x: got %v, want %v", mode, err, end)
					}
					if test.setUp == nil && !test.https { // net/http limits a handshake to ten seconds by itself
						<-gone // the client has closed the connection
					}
				}
			})
		}
	}
}

// The client must not read a response that switches the connection to another protocol: a
// context would not end that read.
func TestSwitchedProtocol(t *testing.T) {
	for _, mode := range []aws.ClientLogMode{0, ^aws.ClientLogMode(0)} {
		gone := make(chan struct{})
		options := clienttest.ServeConns(t, func(conn net.Conn) {
			if clienttest.ReadRequest(conn) {
				_, _ = io.WriteString(conn, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n")
				_, _ = io.Copy(io.Discard, conn)
				close(gone)
			}
		})
		options.ClientLogMode = mode
		if _, err := lambdamicrovms.New(options).ListMicroVMs(context.Background(), nil); !clienttest.IsAPIError(101)(err) {
			t.Errorf("got %v", err)
		}
		<-gone
	}
}

// patient is a retryer with a delay of one day.
type patient struct{ arrived func() }

func (patient) IsErrorRetryable(error) bool { return true }
func (patient) MaxAttempts() int            { return 3 }
func (p patient) RetryDelay(int, error) (time.Duration, error) {
	p.arrived()
	return 24 * time.Hour, nil
}
func (patient) GetRetryToken(context.Context, error) (func(error) error, error) {
	return func(error) error { return nil }, nil
}
func (patient) GetInitialToken() func(error) error { return func(error) error { return nil } }

// trusting returns the default HTTP client, which also trusts authority.
func trusting(authority *x509.Certificate) *awshttp.BuildableClient {
	own := lambdamicrovms.New(lambdamicrovms.Options{}).Options().HTTPClient.(*awshttp.BuildableClient)
	return own.WithTransportOptions(func(tr *http.Transport) {
		tr.TLSClientConfig.RootCAs = x509.NewCertPool()
		tr.TLSClientConfig.RootCAs.AddCert(authority)
	})
}

// servedHTTP2 starts an HTTP/2 server and returns the options of a client for it.
func servedHTTP2(t *testing.T, h http.HandlerFunc) lambdamicrovms.Options {
	t.Helper()
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.ProtoMajor != 2 {
			t.Errorf("the request came over %s", r.Proto)
		}
		h(w, r)
	}))
	server.EnableHTTP2 = true
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.StartTLS()
	t.Cleanup(server.Close)
	return lambdamicrovms.Options{
		Region: "us-east-1", BaseEndpoint: &server.URL, Credentials: clienttest.Credentials, HTTPClient: trusting(server.Certificate()),
	}
}

// After a stream reset the call retries with the same client token, and other calls on
// the connection go on.
func TestHTTP2(t *testing.T) {
	reset := func(http.ResponseWriter) { panic(http.ErrAbortHandler) }
	tests := map[string]struct {
		bad   func(http.ResponseWriter)
		again bool
		check func(error) bool // of the error if every response is bad
	}{
		"reset":                 {reset, true, isSendError},
		"reset behind the head": {func(w http.ResponseWriter) { w.(http.Flusher).Flush(); reset(w) }, true, isBroken},
		"reset in the body": {func(w http.ResponseWriter) {
			_, _ = io.WriteString(w, `{"imageVersion":`)
			w.(http.Flusher).Flush()
			reset(w)
		}, true, isBroken},
		"reset in an error": {func(w http.ResponseWriter) {
			w.WriteHeader(http.StatusServiceUnavailable)
			w.(http.Flusher).Flush()
			reset(w)
		}, true, clienttest.IsAPIError(503)},
		"endless body": {func(w http.ResponseWriter) { flood(w, " ", clienttest.GiB) }, false, isSizeErrorOf(16 * clienttest.MiB)},
		"3 MiB of headers": {func(w http.ResponseWriter) {
			for _, name := range []string{"A", "B", "C"} {
				w.Header().Set(name, strings.Repeat("x", clienttest.MiB))
			}
		}, true, isSendError},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			var bodies [][]byte
			bad := 1
			client := lambdamicrovms.New(servedHTTP2(t, func(w http.ResponseWriter, r *http.Request) {
				body, err := io.ReadAll(r.Body)
				if err != nil {
					t.Error(err)
				}
				if bodies = append(bodies, body); len(bodies) <= bad {
					test.bad(w)
					return
				}
				_, _ = io.WriteString(w, `{"imageVersion":"2.0"}`)
			}), clienttest.RetryWithoutDelay)
			var err error
			used := allocated(func() { _, err = client.UpdateMicroVMImage(context.Background(), clienttest.UpdateInput()) })
			want := 1
			if test.again {
				want = 2
			}
			if (err == nil) != test.again || len(bodies) != want {
				t.Errorf("one bad response: error %v, %d requests, want %d", err, len(bodies), want)
			}
			if used > most(16*clienttest.MiB) {
				t.Errorf("%d MiB were allocated", used/clienttest.MiB)
			}
			for _, body := range bodies {
				if !bytes.Equal(body, bodies[0]) {
					t.Errorf("the call was tried again with another body:\n%s\n%s", bodies[0], body)
				}
			}
			bodies, bad = nil, 3
			if _, err := client.UpdateMicroVMImage(context.Background(), clienttest.UpdateInput()); !test.check(err) {
				t.Errorf("bad responses only: %d requests, error %v", len(bodies), err)
			}
			bad = 0
			if _, err := client.UpdateMicroVMImage(context.Background(), clienttest.UpdateInput()); err != nil {
				t.Errorf("the call after it: %v", err)
			}
		})
	}
}

// A server without a valid certificate receives neither a request nor any part of the
// credentials.
func TestTLSFailures(t *testing.T) {
	plain := func(conn net.Conn) { _, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}") }
	tests := map[string]struct {
		certificate func(*x509.Certificate)
		unknown     bool // authority
		version     uint16
		raw         func(net.Conn) // speaks this instead of TLS
		check       func(error) bool
	}{
		"good":              {check: isNil},
		"unknown authority": {unknown: true, check: clienttest.IsErrorAs[x509.UnknownAuthorityError]},
		"another host":      {certificate: func(c *x509.Certificate) { c.IPAddresses = []net.IP{net.IPv4(127, 0, 0, 2)} }, check: clienttest.IsErrorAs[x509.HostnameError]},
		"expired":           {certificate: func(c *x509.Certificate) { c.NotAfter = time.Now().Add(-time.Hour) }, check: clienttest.IsErrorAs[x509.CertificateInvalidError]},
		"not valid yet":     {certificate: func(c *x509.Certificate) { c.NotBefore = time.Now().Add(time.Hour) }, check: clienttest.IsErrorAs[x509.CertificateInvalidError]},
		"TLS 1.1":           {version: tls.VersionTLS11, check: isSendError},
		"plain HTTP":        {raw: plain, check: isSendError},
		"closes":            {raw: func(conn net.Conn) { _ = conn.Close() }, check: isSendError},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			change := test.certificate
			if change == nil {
				change = func(*x509.Certificate) {}
			}
			cert := clienttest.Certificate(t, change)
			authority := cert.Leaf
			if test.unknown {
				authority = clienttest.Certificate(t, change).Leaf
			}
			var requests atomic.Int64
			var received wiretap
			options := clienttest.ServeConns(t, func(conn net.Conn) {
				conn = received.of(conn)
				if test.raw != nil {
					_, _ = conn.Read(make([]byte, 64*clienttest.KiB))
					test.raw(conn)
					return
				}
				conn = tls.Server(conn, &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS10, MaxVersion: test.version})
				if clienttest.ReadRequest(conn) {
					requests.Add(1)
					plain(conn)
				}
			})
			*options.BaseEndpoint = strings.Replace(*options.BaseEndpoint, "http:", "https:", 1)
			options.HTTPClient = trusting(authority)
			_, err := lambdamicrovms.New(options, clienttest.RetryWithoutDelay).UpdateMicroVMImage(context.Background(), clienttest.UpdateInput())
			if !test.check(err) {
				t.Errorf("got %v", err)
			}
			if n := requests.Load(); (n == 0) != (err != nil) {
				t.Errorf("%d requests got through", n)
			}
			for _, secret := range []string{"SESSION", "AKID", "Signature=", "microvm-images"} {
				if received.holds(secret) {
					t.Errorf("%s was sent in the clear", secret)
				}
			}
		})
	}
}

// A wiretap records all bytes that connections receive.
type wiretap struct {
	mu   sync.Mutex
	data []byte
}

func (r *wiretap) of(conn net.Conn) net.Conn { return &tappedConn{conn, r} }

func (r *wiretap) holds(text string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return bytes.Contains(r.data, []byte(text))
}

type tappedConn struct {
	net.Conn
	wiretap *wiretap
}

func (c *tappedConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	c.wiretap.mu.Lock()
	defer c.wiretap.mu.Unlock()
	c.wiretap.data = append(c.wiretap.data, p[:n]...)
	return n, err
}

// Redirects are not followed on the same host either: the target would not be the
// operation that was called.
func TestRedirectsOnTheSameHost(t *testing.T) {
	for name, client := range clienttest.HTTPClients() {
		t.Run(name, func(t *testing.T) {
			for _, status := range []int{300, 301, 302, 303, 307, 308} {
				for _, location := range []string{"/elsewhere", "elsewhere", "//{}/elsewhere", "http://{}/elsewhere", "http://user:password@{}/", "https://{}/", "file:///etc/passwd", "%zz", ""} {
					var requests atomic.Int64
					options, _ := clienttest.Serve(t, func(w http.ResponseWriter, r *http.Request) {
						requests.Add(1)
						w.Header().Set("Location", strings.ReplaceAll(location, "{}", r.Host))
						w.WriteHeader(status)
					})
					options.HTTPClient, options.Retryer = client, aws.NopRetryer{}
					c := lambdamicrovms.New(options)
					for range 2 {
						if _, err := c.UpdateMicroVMImage(context.Background(), clienttest.UpdateInput()); err == nil {
							t.Errorf("%d to %q: no error", status, location)
						}
						_, err := c.ListMicroVMs(context.Background(), nil)
						if !clienttest.IsAPIError(status)(err) && !isSendError(err) {
							t.Errorf("%d to %q: %v", status, location, err)
						}
					}
					if n := requests.Load(); n != 4 {
						t.Errorf("%d to %q: %d requests for 4 calls", status, location, n)
					}
				}
			}
		})
	}
}
