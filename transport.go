package lambdamicrovms

import (
	"net"
	"net/http"
	"os"
	"runtime"
	"sync"
	"time"
	"weak"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/defaults"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
)

// idleConnsPerHost suits callers with many concurrent calls. All requests go to one host,
// and the SDK's limit of ten would close all other connections after each call.
const idleConnsPerHost = 100

// maxHeaderBytes limits response headers to about a hundred times what the service sends.
const maxHeaderBytes = 1 << 20

// newHTTPClient returns the default HTTP client. It does not ask for compression, because
// the service does not compress.
func newHTTPClient() HTTPClient {
	return awshttp.NewBuildableClient().WithTransportOptions(func(t *http.Transport) {
		t.MaxIdleConnsPerHost = idleConnsPerHost
		t.MaxResponseHeaderBytes = maxHeaderBytes
		t.DisableCompression = true
	})
}

// withModeTimeouts applies the timeouts of the defaults mode to the SDK's client. It
// leaves other clients alone.
func withModeTimeouts(client HTTPClient, mode aws.DefaultsMode) HTTPClient {
	buildable, ok := client.(*awshttp.BuildableClient)
	if !ok {
		return client
	}
	if settings, err := defaults.GetModeConfiguration(mode); err == nil {
		buildable = buildable.WithDialerOptions(func(d *net.Dialer) {
			if timeout, ok := settings.GetConnectTimeout(); ok {
				d.Timeout = timeout
			}
		}).WithTransportOptions(func(t *http.Transport) {
			if timeout, ok := settings.GetTLSNegotiationTimeout(); ok {
				t.TLSHandshakeTimeout = timeout
			}
		})
	}
	if _, set := buildable.GetReadTimeout(); !set && os.Getenv("AWS_ENABLE_DEFAULT_SOCKET_TIMEOUT_2026") == "true" {
		buildable = buildable.WithReadTimeout(5 * time.Minute)
	}
	return buildable
}

// sender returns the client in a form that follows no redirect. Following one would send
// the session token to another host.
func sender(client HTTPClient) HTTPClient {
	switch client := client.(type) {
	case *http.Client:
		return withoutRedirects(client, false)
	case *awshttp.BuildableClient:
		return frozen(client)
	default:
		return client
	}
}

// frozenClients maps an SDK client to its frozen form for as long as the SDK client
// lives. All Clients share it, because Clients with the same SDK client share its
// connections.
var frozenClients sync.Map // weak.Pointer[awshttp.BuildableClient] → *http.Client

func frozen(client *awshttp.BuildableClient) HTTPClient {
	key := weak.Make(client)
	if known, ok := frozenClients.Load(key); ok {
		return known.(*http.Client)
	}
	made, ok := client.Freeze().(*http.Client)
	if !ok {
		return client
	}
	kept, known := frozenClients.LoadOrStore(key, withoutRedirects(made, true))
	if !known {
		runtime.AddCleanup(client, forgetFrozen, key)
	}
	return kept.(*http.Client)
}

func forgetFrozen(key weak.Pointer[awshttp.BuildableClient]) {
	if gone, ok := frozenClients.LoadAndDelete(key); ok {
		gone.(*http.Client).CloseIdleConnections()
	}
}

// withoutRedirects returns a copy of the client that returns redirects as they are. isSDK
// says that it is an SDK client, whose transport type is hidden.
func withoutRedirects(client *http.Client, isSDK bool) *http.Client {
	copied := *client
	copied.Transport = &plainTransport{base: client.Transport, isSDK: isSDK}
	copied.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &copied
}

// plainTransport removes a Location that is not a URL from redirects: http.Client would
// replace the response by an error before it asks CheckRedirect.
type plainTransport struct {
	base  http.RoundTripper // nil for http.DefaultTransport
	isSDK bool
}

func (t *plainTransport) transport() http.RoundTripper {
	if t.base == nil {
		return http.DefaultTransport
	}
	return t.base
}

// callsHooks reports whether the transport calls the hooks of httptrace for all requests.
func (t *plainTransport) callsHooks() bool {
	_, ok := t.transport().(*http.Transport)
	return ok || t.isSDK
}

func (t *plainTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	response, err := t.transport().RoundTrip(r)
	if err != nil || response == nil || response.StatusCode < 300 || response.StatusCode > 399 {
		return response, err
	}
	if location := response.Header.Get("Location"); location != "" {
		if _, err := r.URL.Parse(location); err != nil {
			response.Header.Del("Location")
		}
	}
	return response, nil
}

// CloseIdleConnections is called by http.Client.CloseIdleConnections.
func (t *plainTransport) CloseIdleConnections() {
	if closer, ok := t.transport().(interface{ CloseIdleConnections() }); ok {
		closer.CloseIdleConnections()
	}
}
