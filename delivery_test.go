package lambdamicrovms_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/microvm-go/lambdamicrovms"
	"github.com/microvm-go/lambdamicrovms/internal/clienttest"
)

type roundTripFunc func(*http.Request) (*http.Response, error)

func (f roundTripFunc) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// transports are the ways in which a caller may set a transport. All but "detached" are
// recognizable as net/http, or pass on the context whose hooks it calls.
func transports(tr *http.Transport) map[string]lambdamicrovms.HTTPClient {
	plain := &http.Client{Transport: tr}
	return map[string]lambdamicrovms.HTTPClient{
		"http.Client":      plain,
		"with a timeout":   &http.Client{Transport: tr, Timeout: time.Hour},
		"round tripper":    &http.Client{Transport: roundTripFunc(tr.RoundTrip)},
		"HTTPClient":       httpFunc(plain.Do),
		"detached":         httpFunc(func(r *http.Request) (*http.Response, error) { return plain.Do(r.WithContext(context.Background())) }),
		"buildable client": awshttp.NewBuildableClient().WithTransportOptions(func(t *http.Transport) { *t = *tr.Clone() }),
	}
}

// ownError is the private error type of a caller's dialer.
type ownError struct{}

func (ownError) Error() string { return "no route" }

// Every cause of a failed net/http call, and whether the service may have received the
// request.
func TestUncertainIsKnown(t *testing.T) {
	serve := func(t *testing.T, o *lambdamicrovms.Options, conn func(net.Conn)) {
		*o.BaseEndpoint = *clienttest.ServeConns(t, conn).BaseEndpoint
	}
	secure := func(t *testing.T, o *lambdamicrovms.Options, tr *http.Transport, change func(*tls.Config), conn func(net.Conn)) {
		cert := clienttest.Certificate(t, func(*x509.Certificate) {})
		tr.TLSClientConfig = &tls.Config{RootCAs: x509.NewCertPool(), MinVersion: tls.VersionTLS12}
		tr.TLSClientConfig.RootCAs.AddCert(cert.Leaf)
		config := &tls.Config{Certificates: []tls.Certificate{cert}}
		change(config)
		serve(t, o, func(c net.Conn) {
			if config.MinVersion == tls.VersionTLS13 {
				c = &lateConn{Conn: c}
			}
			conn(tls.Server(c, config))
		})
		*o.BaseEndpoint = strings.Replace(*o.BaseEndpoint, "http:", "https:", 1)
	}
	https := func(t *testing.T, o *lambdamicrovms.Options, conn func(net.Conn)) {
		serve(t, o, conn)
		*o.BaseEndpoint = strings.Replace(*o.BaseEndpoint, "http:", "https:", 1)
	}
	hello := func(conn net.Conn) { _, _ = conn.Read(make([]byte, 64*clienttest.KiB)) }
	proxied := func(t *testing.T, o *lambdamicrovms.Options, tr *http.Transport, says string) {
		serve(t, o, func(conn net.Conn) {
			hello(conn)
			_, _ = io.WriteString(conn, says)
			_ = conn.Close()
		})
		proxy, err := url.Parse(*o.BaseEndpoint)
		if err != nil {
			t.Fatal(err)
		}
		tr.Proxy = http.ProxyURL(proxy)
		*o.BaseEndpoint = "https://lambda.us-east-1.amazonaws.com"
	}
	dial := func(tr *http.Transport, err error) {
		tr.DialContext = func(context.Context, string, string) (net.Conn, error) { return nil, err }
	}
	// A dialer can end this context. A real deadline could pass before the dialer is
	// called.
	ended := func(ctx context.Context) (context.Context, context.CancelFunc) {
		ctx, cancel := context.WithCancel(ctx)
		return context.WithValue(pastDeadline{ctx}, endKey{}, cancel), cancel
	}
	header := func(value string) func(*lambdamicrovms.Options) {
		return lambdamicrovms.WithAPIOptions(smithyhttp.AddHeaderValue("X-Own", value))
	}
	afterRequest := func(says string) func(net.Conn) {
		return func(conn net.Conn) {
			if clienttest.ReadRequest(conn) {
				_, _ = io.WriteString(conn, says)
			}
			_ = conn.Close()
		}
	}

	tests := map[string]struct {
		setUp func(*testing.T, *lambdamicrovms.Options, *http.Transport)
		ctx   func(context.Context) (context.Context, context.CancelFunc)
		want  bool
		// early causes end a call before net/http calls a hook.
		early bool
		// typed causes are recognized by the error's type, also for a client that calls
		// no hooks.
		typed bool
		// lies are errors that wrongly claim that nothing was sent. Only hooks can refute
		// them.
		lies bool
	}{
		"connection refused": {typed: true, setUp: func(t *testing.T, o *lambdamicrovms.Options, _ *http.Transport) {
			listener, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			*o.BaseEndpoint = "http://" + listener.Addr().String()
			_ = listener.Close()
		}},
		"dialer's own error": {setUp: func(_ *testing.T, _ *lambdamicrovms.Options, tr *http.Transport) { dial(tr, ownError{}) }},
		"no such host": {setUp: func(_ *testing.T, _ *lambdamicrovms.Options, tr *http.Transport) {
			dial(tr, &net.DNSError{Err: "no such host", IsNotFound: true})
		}},
		"deadline while dialing": {ctx: ended, setUp: func(_ *testing.T, _ *lambdamicrovms.Options, tr *http.Transport) {
			tr.DialContext = func(ctx context.Context, _, _ string) (net.Conn, error) {
				ctx.Value(endKey{}).(context.CancelFunc)()
				<-ctx.Done()
				return nil, ctx.Err()
			}
		}},
		"unknown authority": {typed: true, setUp: func(t *testing.T, o *lambdamicrovms.Options, tr *http.Transport) {
			secure(t, o, tr, func(*tls.Config) { tr.TLSClientConfig.RootCAs = x509.NewCertPool() }, hello)
		}},
		"another host's certificate": {typed: true, setUp: func(t *testing.T, o *lambdamicrovms.Options, tr *http.Transport) {
			secure(t, o, tr, func(*tls.Config) { tr.TLSClientConfig.ServerName = "other.example" }, hello)
		}},
		"certificate that a callback refuses": {setUp: func(t *testing.T, o *lambdamicrovms.Options, tr *http.Transport) {
			secure(t, o, tr, func(*tls.Config) {
				tr.TLSClientConfig.VerifyConnection = func(tls.ConnectionState) error { return ownError{} }
			}, hello)
		}},
		"TLS version": {setUp: func(t *testing.T, o *lambdamicrovms.Options, tr *http.Transport) {
			secure(t, o, tr, func(c *tls.Config) { c.MaxVersion = tls.VersionTLS11 }, hello) //nolint:gosec // to be refused
		}},
		"TLS 1.2 client certificate": {setUp: func(t *testing.T, o *lambdamicrovms.Options, tr *http.Transport) {
			secure(t, o, tr, func(c *tls.Config) {
				c.MaxVersion, c.ClientAuth = tls.VersionTLS12, tls.RequireAnyClientCert
			}, hello)
		}},
		"plain HTTP in place of TLS": {setUp: func(t *testing.T, o *lambdamicrovms.Options, _ *http.Transport) {
			https(t, o, func(conn net.Conn) {
				hello(conn)
				_, _ = io.WriteString(conn, "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
			})
		}},
		"closed in the handshake": {setUp: func(t *testing.T, o *lambdamicrovms.Options, _ *http.Transport) {
			https(t, o, func(conn net.Conn) { hello(conn); _ = conn.Close() })
		}},
		"TLS alert": {setUp: func(t *testing.T, o *lambdamicrovms.Options, _ *http.Transport) {
			https(t, o, func(conn net.Conn) { hello(conn); _, _ = conn.Write([]byte{21, 3, 3, 0, 2, 2, 40}); _ = conn.Close() })
		}},
		"handshake timeout": {setUp: func(t *testing.T, o *lambdamicrovms.Options, tr *http.Transport) {
			tr.TLSHandshakeTimeout = 10 * time.Millisecond
			https(t, o, hello)
		}},
		"deadline in the handshake": {ctx: ended, setUp: func(t *testing.T, o *lambdamicrovms.Options, tr *http.Transport) {
			ends := make(chan context.CancelFunc, 2) // one for each operation
			https(t, o, func(conn net.Conn) {
				hello(conn)
				(<-ends)()
				hello(conn)
			})
			tr.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
				ends <- ctx.Value(endKey{}).(context.CancelFunc)
				return new(net.Dialer).DialContext(ctx, network, address)
			}
		}},
		"CONNECT refused": {setUp: func(t *testing.T, o *lambdamicrovms.Options, tr *http.Transport) {
			proxied(t, o, tr, "HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")
		}},
		"CONNECT without a response": {setUp: func(t *testing.T, o *lambdamicrovms.Options, tr *http.Transport) { proxied(t, o, tr, "") }},
		"CONNECT with noise":         {setUp: func(t *testing.T, o *lambdamicrovms.Options, tr *http.Transport) { proxied(t, o, tr, "noise\r\n\r\n") }},
		"proxy not reached": {typed: true, setUp: func(_ *testing.T, _ *lambdamicrovms.Options, tr *http.Transport) {
			tr.Proxy = http.ProxyURL(&url.URL{Scheme: "http", Host: "127.0.0.1:1"})
		}},
		"proxy function": {early: true, setUp: func(_ *testing.T, _ *lambdamicrovms.Options, tr *http.Transport) {
			tr.Proxy = func(*http.Request) (*url.URL, error) { return nil, ownError{} }
		}},
		"illegal header value": {early: true, setUp: func(_ *testing.T, o *lambdamicrovms.Options, _ *http.Transport) { header("a\nb")(o) }},
		"context that has ended": {typed: true, setUp: func(*testing.T, *lambdamicrovms.Options, *http.Transport) {}, ctx: func(ctx context.Context) (context.Context, context.CancelFunc) {
			ctx, cancel := context.WithCancel(ctx)
			cancel()
			return ctx, cancel
		}},

		"closed after the request": {want: true, setUp: func(t *testing.T, o *lambdamicrovms.Options, _ *http.Transport) { serve(t, o, afterRequest("")) }},
		"closed after the head": {want: true, setUp: func(t *testing.T, o *lambdamicrovms.Options, _ *http.Transport) {
			serve(t, o, func(conn net.Conn) { hello(conn); _ = conn.Close() })
		}},
		"noise in place of a response": {want: true, setUp: func(t *testing.T, o *lambdamicrovms.Options, _ *http.Transport) {
			serve(t, o, afterRequest("noise\r\n\r\n"))
		}},
		"half a status line": {want: true, setUp: func(t *testing.T, o *lambdamicrovms.Options, _ *http.Transport) {
			serve(t, o, afterRequest("HTTP/1.1 2"))
		}},
		"header timeout": {want: true, setUp: func(t *testing.T, o *lambdamicrovms.Options, tr *http.Transport) {
			tr.ResponseHeaderTimeout = 10 * time.Millisecond
			serve(t, o, func(conn net.Conn) { clienttest.ReadRequest(conn) })
		}},
		"TLS 1.3 client certificate": {want: true, setUp: func(t *testing.T, o *lambdamicrovms.Options, tr *http.Transport) {
			// The client sends its request before it learns that the server rejects its
			// certificate.
			secure(t, o, tr, func(c *tls.Config) { c.MinVersion, c.ClientAuth = tls.VersionTLS13, tls.RequireAnyClientCert }, hello)
		}},
		"proxy that closes a plain request": {want: true, setUp: func(t *testing.T, o *lambdamicrovms.Options, tr *http.Transport) {
			proxied(t, o, tr, "")
			*o.BaseEndpoint = "http://lambda.us-east-1.amazonaws.com"
		}},
		"connection that says it was never dialed": {want: true, lies: true, setUp: func(t *testing.T, o *lambdamicrovms.Options, tr *http.Transport) {
			serve(t, o, afterRequest(""))
			tr.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
				conn, err := new(net.Dialer).DialContext(ctx, network, address)
				return lyingConn{conn}, err
			}
		}},
	}
	for name, test := range tests {
		for client := range transports(&http.Transport{}) {
			for path, option := range map[string]func(*lambdamicrovms.Options){
				"compiled":  func(*lambdamicrovms.Options) {},
				"assembled": header("x"),
			} {
				t.Run(name+"/"+client+"/"+path, func(t *testing.T) {
					t.Parallel()
					endpoint, tr := "http://service.example", &http.Transport{}
					t.Cleanup(tr.CloseIdleConnections)
					options := lambdamicrovms.Options{Region: "us-east-1", Credentials: staticCredentials, Retryer: aws.NopRetryer{}, BaseEndpoint: &endpoint}
					test.setUp(t, &options, tr)
					options.HTTPClient = transports(tr)[client]
					c := lambdamicrovms.New(options, option)
					if client == "detached" && (test.ctx != nil || test.lies) {
						t.Skip("nothing ends the call, or refutes its error")
					}

					want := test.want
					if client == "detached" && !test.typed || test.early && (client == "round tripper" || client == "HTTPClient") {
						want = true
					}
					for operation, call := range map[string]func(context.Context) error{
						"with a body": func(ctx context.Context) error {
							_, err := c.UpdateMicroVMImage(ctx, updateInput())
							return err
						},
						"without a body": func(ctx context.Context) error {
							_, err := c.TerminateMicroVM(ctx, &lambdamicrovms.TerminateMicroVMInput{MicroVMIdentifier: aws.String("microvm-1")})
							return err
						},
					} {
						ctx, cancel := context.Background(), context.CancelFunc(func() {})
						if test.ctx != nil {
							ctx, cancel = test.ctx(ctx)
						}
						err := call(ctx)
						cancel()
						if err == nil {
							t.Fatalf("%s: no error", operation)
						}
						if got := clienttest.IsErrorAs[*lambdamicrovms.UncertainError](err); got != want {
							t.Errorf("%s: uncertain is %t, want %t: %v", operation, got, want, err)
						}
					}
				})
			}
		}
	}
}

// pastDeadline is a context that says that its deadline has passed when it is canceled.
type pastDeadline struct{ context.Context }

func (c pastDeadline) Err() error {
	if c.Context.Err() != nil {
		return context.DeadlineExceeded
	}
	return nil
}

// endKey is the key of the function that cancels a context.
type endKey struct{}

// lateConn is a server's side of a TLS connection. It delays the end of the client's
// handshake until a part of the request follows.
type lateConn struct {
	net.Conn
	hello bool
	held  []byte
}

func (c *lateConn) Read(p []byte) (int, error) {
	if !c.hello && len(p) > 5 { // the header of the first record is read by itself
		c.hello = true
		return c.Conn.Read(p)
	}
	for c.hello && len(c.held) < 500 {
		more := make([]byte, 4*clienttest.KiB)
		n, err := c.Conn.Read(more)
		c.held = append(c.held, more[:n]...)
		if err != nil {
			break
		}
	}
	if len(c.held) == 0 {
		return c.Conn.Read(p)
	}
	n := copy(p, c.held)
	c.held = c.held[n:]
	return n, nil
}

// lyingConn returns errors that wrongly claim that there was no connection.
type lyingConn struct{ net.Conn }

func (c lyingConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if err != nil {
		err = &net.OpError{Op: "dial", Net: "tcp", Err: syscall.ECONNREFUSED}
	}
	return n, err
}

// If the context is canceled after the service has received the request, the outcome is
// unknown.
func TestUncertainAfterCancellation(t *testing.T) {
	update := func(ctx context.Context, c *lambdamicrovms.Client, options ...func(*lambdamicrovms.Options)) error {
		_, err := c.UpdateMicroVMImage(ctx, updateInput(), options...)
		return err
	}
	terminate := func(ctx context.Context, c *lambdamicrovms.Client, options ...func(*lambdamicrovms.Options)) error {
		_, err := c.TerminateMicroVM(ctx, &lambdamicrovms.TerminateMicroVMInput{MicroVMIdentifier: aws.String("microvm-1")}, options...)
		return err
	}
	for path, options := range map[string][]func(*lambdamicrovms.Options){"compiled": nil, "assembled": {func(*lambdamicrovms.Options) {}}} {
		for operation, call := range map[string]func(context.Context, *lambdamicrovms.Client, ...func(*lambdamicrovms.Options)) error{"with a body": update, "without a body": terminate} {
			t.Run(path+"/"+operation, func(t *testing.T) {
				ctx, cancel := context.WithCancel(context.Background())
				defer cancel()
				c := lambdamicrovms.New(clienttest.ServeConns(t, func(conn net.Conn) {
					clienttest.ReadRequest(conn)
					cancel()
				}))
				if err := call(ctx, c, options...); !clienttest.IsErrorAs[*lambdamicrovms.UncertainError](err) || !errors.Is(err, context.Canceled) {
					t.Errorf("got %v", err)
				}
			})
		}
	}
}

// An HTTP client may resend a request by itself and fail to connect the second time. The
// first sending still counts.
func TestUncertainAfterRetryOfTheHTTPClient(t *testing.T) {
	options := clienttest.ServeConns(t, func(conn net.Conn) {
		clienttest.ReadRequest(conn)
		_ = conn.Close()
	})
	refused := &net.OpError{Op: "dial", Net: "tcp", Err: syscall.ECONNREFUSED}
	tests := map[string]func(error) error{
		"last error":  func(error) error { return refused },
		"both errors": func(first error) error { return errors.Join(refused, first) },
		"in one text": func(first error) error { return fmt.Errorf("%w, then %w", refused, first) },
	}
	for name, second := range tests {
		for way, ctx := range map[string]func(*http.Request) context.Context{
			"reported": (*http.Request).Context,
			"detached": func(*http.Request) context.Context { return context.Background() },
		} {
			if name == "last error" && way == "detached" {
				continue // that client calls no hooks
			}
			t.Run(name+", "+way, func(t *testing.T) {
				options := options
				options.Retryer = aws.NopRetryer{}
				options.HTTPClient = httpFunc(func(r *http.Request) (*http.Response, error) {
					_, err := new(http.Transport).RoundTrip(r.WithContext(ctx(r)))
					return nil, second(err)
				})
				_, err := lambdamicrovms.New(options).UpdateMicroVMImage(context.Background(), updateInput())
				if !clienttest.IsErrorAs[*lambdamicrovms.UncertainError](err) {
					t.Errorf("got %v", err)
				}
			})
		}
	}
}

// Failed requests of a credentials provider, to another service, are not requests of the
// call.
func TestErrorsBeforeTheTransportAreCertain(t *testing.T) {
	other := &smithyhttp.RequestSendError{Err: syscall.ECONNRESET}
	client := stubbed(func(*http.Request) (*http.Response, error) {
		t.Error("sent")
		return nil, errors.New("sent")
	}, func(o *lambdamicrovms.Options) {
		o.Credentials = aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) { return aws.Credentials{}, other })
	})
	_, err := client.UpdateMicroVMImage(context.Background(), updateInput())
	if !errors.Is(err, syscall.ECONNRESET) || clienttest.IsErrorAs[*lambdamicrovms.UncertainError](err) {
		t.Errorf("got %v", err)
	}
}

// Middleware that discards the response does not hide that a request was canceled while
// it was sent.
func TestUncertainWhenMiddlewareDropsACancellation(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	client := stubbed(func(*http.Request) (*http.Response, error) {
		cancel()
		return nil, context.Canceled
	}, lambdamicrovms.WithAPIOptions(func(stack *middleware.Stack) error {
		return stack.Deserialize.Add(middleware.DeserializeMiddlewareFunc("Drop", func(
			ctx context.Context, in middleware.DeserializeInput, next middleware.DeserializeHandler,
		) (middleware.DeserializeOutput, middleware.Metadata, error) {
			_, metadata, err := next.HandleDeserialize(ctx, in)
			return middleware.DeserializeOutput{}, metadata, err
		}), middleware.After)
	}))
	if _, err := client.UpdateMicroVMImage(ctx, updateInput()); !clienttest.IsErrorAs[*lambdamicrovms.UncertainError](err) {
		t.Errorf("got %v", err)
	}
}

// A redirect is a rejection, even if its Location is not a URL.
func TestRedirectToNoURL(t *testing.T) {
	for name, client := range httpClients() {
		for _, status := range []int{301, 302, 303, 307, 308} {
			t.Run(fmt.Sprint(name, " ", status), func(t *testing.T) {
				requests := 0
				server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
					requests++
					w.Header().Set("Location", "http://[oops/%zz")
					w.WriteHeader(status)
				}))
				defer server.Close()
				c := lambdamicrovms.New(lambdamicrovms.Options{Region: "us-east-1", Credentials: staticCredentials, BaseEndpoint: &server.URL, HTTPClient: client}, eager)
				_, err := c.TerminateMicroVM(context.Background(), &lambdamicrovms.TerminateMicroVMInput{MicroVMIdentifier: aws.String("microvm-1")})
				if !clienttest.IsAPIError(status)(err) || clienttest.IsErrorAs[*lambdamicrovms.UncertainError](err) || requests != 1 {
					t.Errorf("%d requests, error %v", requests, err)
				}
			})
		}
	}
}
