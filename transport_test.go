package lambdamicrovms_test

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"

	"github.com/microvm-go/lambdamicrovms"
)

// Following a redirect would send the session token to another host.
func TestRedirects(t *testing.T) {
	for name, client := range httpClients() {
		for _, level := range []string{"client", "call"} {
			t.Run(name+" of the "+level, func(t *testing.T) {
				var elsewhere atomic.Int64
				other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { elsewhere.Add(1) }))
				defer other.Close()
				for _, status := range []int{301, 302, 303, 307, 308} {
					options, _ := served(t, func(w http.ResponseWriter, r *http.Request) {
						http.Redirect(w, r, other.URL, status)
					})
					option := func(o *lambdamicrovms.Options) { o.HTTPClient = client }
					for _, call := range []func(*lambdamicrovms.Client, ...func(*lambdamicrovms.Options)) error{
						func(c *lambdamicrovms.Client, o ...func(*lambdamicrovms.Options)) error {
							_, err := c.ListMicroVMs(context.Background(), nil, o...)
							return err
						},
						func(c *lambdamicrovms.Client, o ...func(*lambdamicrovms.Options)) error {
							_, err := c.UpdateMicroVMImage(context.Background(), updateInput(), o...)
							return err
						},
					} {
						var err error
						if level == "client" {
							err = call(lambdamicrovms.New(options, option))
						} else {
							err = call(lambdamicrovms.New(options), option)
						}
						var failed *awshttp.ResponseError
						if !errors.As(err, &failed) || failed.HTTPStatusCode() != status {
							t.Errorf("%d: %v, want an error with that status", status, err)
						}
					}
				}
				if n := elsewhere.Load(); n != 0 {
					t.Errorf("%d redirects were followed", n)
				}
			})
		}
	}
}

// spareConnections are extra connections that net/http may open on a busy machine: it
// drops a connection if it notices the end of a write 50 ms late.
const spareConnections = 3

// Responses that arrive before the request is sent, large or small, must not cost the
// connection.
func TestConnectionsAreReused(t *testing.T) {
	large := `{"description":"` + strings.Repeat("x", 14<<10) + `"}`
	for name, client := range httpClients() {
		t.Run(name, func(t *testing.T) {
			options, connections := served(t, func(w http.ResponseWriter, r *http.Request) {
				if r.Method == http.MethodDelete {
					w.WriteHeader(http.StatusNoContent)
					return
				}
				_, _ = w.Write([]byte(large))
			})
			options.HTTPClient = client
			c := lambdamicrovms.New(options)
			for i := range 250 {
				var err error
				own := func(o *lambdamicrovms.Options) { o.AppID = "app" } // a stack of the call's own, but no connection
				switch i % 4 {
				case 0:
					_, err = c.UpdateMicroVMImage(context.Background(), updateInput())
				case 1:
					_, err = c.UpdateMicroVMImage(context.Background(), updateInput(), own)
				case 2:
					_, err = c.ListMicroVMs(context.Background(), nil)
				default:
					_, err = c.TerminateMicroVM(context.Background(), &lambdamicrovms.TerminateMicroVMInput{MicroVMIdentifier: aws.String("microvm-1")}, own)
				}
				if err != nil {
					t.Fatal(err)
				}
			}
			if n := connections.Load(); n > 1+spareConnections { // with WriteTo there are 6 to 11
				t.Errorf("%d connections for 250 calls in a row", n)
			}
		})
	}
}

// Errors and large responses leave the connection open, too.
func TestConnectionsSurviveErrors(t *testing.T) {
	options, connections := served(t, func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusConflict)
		_, _ = w.Write([]byte(strings.Repeat("<html>", 1000)))
	})
	c := lambdamicrovms.New(options)
	for range 50 {
		if _, err := c.ListMicroVMs(context.Background(), nil); err == nil {
			t.Fatal("no error")
		}
	}
	if n := connections.Load(); n > 1+spareConnections {
		t.Errorf("%d connections for 50 calls in a row", n)
	}
}

// Clients and calls with the same HTTP client share its connections.
func TestSharedHTTPClient(t *testing.T) {
	for name, client := range httpClients() {
		if client == nil {
			continue
		}
		t.Run(name, func(t *testing.T) {
			options, connections := served(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(`{}`)) })
			bring := func(o *lambdamicrovms.Options) { o.HTTPClient = client }
			for range 3 {
				if _, err := lambdamicrovms.New(options, bring).ListMicroVMs(context.Background(), nil); err != nil {
					t.Fatal(err)
				}
				if _, err := lambdamicrovms.New(options).ListMicroVMs(context.Background(), nil, bring); err != nil {
					t.Fatal(err)
				}
			}
			if n := connections.Load(); n != 1 {
				t.Errorf("%d connections", n)
			}
		})
	}
}

// The default client keeps as many connections as there are concurrent calls.
func TestParallelConnectionsAreKept(t *testing.T) {
	const parallel = 30
	var arrived sync.WaitGroup
	options, connections := served(t, func(w http.ResponseWriter, _ *http.Request) {
		arrived.Done()
		arrived.Wait()
		_, _ = w.Write([]byte(`{}`))
	})
	c := lambdamicrovms.New(options)
	for range 3 {
		arrived.Add(parallel)
		var calls sync.WaitGroup
		for range parallel {
			calls.Add(1)
			go func() {
				defer calls.Done()
				if _, err := c.ListMicroVMs(context.Background(), nil); err != nil {
					t.Error(err)
				}
			}()
		}
		calls.Wait()
	}
	// A connection returns to the pool shortly after its call has returned, so the next
	// round may open a few more.
	if n := connections.Load(); n > 2*parallel {
		t.Errorf("%d connections for 3 rounds of %d calls", n, parallel)
	}
}

func TestDefaultHTTPClient(t *testing.T) {
	for mode, want := range map[aws.DefaultsMode]time.Duration{
		"":                          10 * time.Second,
		aws.DefaultsModeStandard:    3100 * time.Millisecond,
		aws.DefaultsModeInRegion:    1100 * time.Millisecond,
		aws.DefaultsModeAuto:        3100 * time.Millisecond,
		aws.DefaultsModeCrossRegion: 3100 * time.Millisecond,
	} {
		for name, given := range map[string]*awshttp.BuildableClient{"default": nil, "given": awshttp.NewBuildableClient()} {
			options := lambdamicrovms.Options{DefaultsMode: mode}
			idle := 100
			if given != nil {
				options.HTTPClient, idle = given, awshttp.DefaultHTTPTransportMaxIdleConnsPerHost
			}
			client, ok := lambdamicrovms.New(options).Options().HTTPClient.(*awshttp.BuildableClient)
			if !ok {
				t.Fatalf("%q, %s: the client is a %T", mode, name, client)
			}
			transport := client.GetTransport()
			if transport.TLSHandshakeTimeout != want || transport.MaxIdleConnsPerHost != idle {
				t.Errorf("%q, %s: TLS handshake timeout %v, %d idle connections; want %v, %d",
					mode, name, transport.TLSHandshakeTimeout, transport.MaxIdleConnsPerHost, want, idle)
			}
		}
	}
}

func TestReadTimeoutVariable(t *testing.T) {
	for value, want := range map[string]time.Duration{"true": 5 * time.Minute, "": 0} {
		t.Setenv("AWS_ENABLE_DEFAULT_SOCKET_TIMEOUT_2026", value)
		client := lambdamicrovms.New(lambdamicrovms.Options{}).Options().HTTPClient.(*awshttp.BuildableClient)
		if got, _ := client.GetReadTimeout(); got != want {
			t.Errorf("%q: read timeout %v, want %v", value, got, want)
		}
	}
}

// The frozen form of an SDK client is released together with the SDK client.
func TestFrozenClientsAreForgotten(t *testing.T) {
	client := stubbed(nil)
	gone := make(chan struct{})
	func() {
		bring := awshttp.NewBuildableClient().WithTransportOptions(func(tr *http.Transport) {
			tr.DialContext = func(context.Context, string, string) (net.Conn, error) { return nil, errors.New("no network") }
		})
		if _, err := client.ListMicroVMs(context.Background(), nil, func(o *lambdamicrovms.Options) { o.HTTPClient = bring }); err == nil {
			t.Fatal("no error without a network")
		}
		runtime.AddCleanup(bring, func(c chan struct{}) { close(c) }, gone)
	}()
	for range 100 {
		runtime.GC()
		select {
		case <-gone:
			return
		case <-time.After(10 * time.Millisecond): // cleanups run concurrently
		}
	}
	t.Error("the client is still referenced")
}
