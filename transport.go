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

// idleConnsPerHost suits callers that drive many MicroVMs at once: all requests go to
// one host, and the SDK's ten would close the connections of the rest each time.
const idleConnsPerHost = 100

// maxHeaderBytes is some hundred times what the service sends.
const maxHeaderBytes = 1 << 20

// newHTTPClient makes the client that is used when the caller brings none. The service
// does not compress, so what comes compressed is not from it.
func newHTTPClient() HTTPClient {
	return awshttp.NewBuildableClient().WithTransportOptions(func(t *http.Transport) {
		t.MaxIdleConnsPerHost = idleConnsPerHost
		t.MaxResponseHeaderBytes = maxHeaderBytes
		t.DisableCompression = true
	})
}

// withModeTimeouts applies to the SDK's own client what the defaults mode says; other
// clients are the caller's business.
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

// sender returns the client in a form that follows no redirect: a redirect that is
// followed carries the session token to another host.
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

// frozenClients keeps what became of an SDK client for as long as that client lives.
// It is one for all Clients, since the connections of a shared SDK client are shared.
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

// reports reports whether the transport calls the hooks of httptrace for all that it sends.
func (t *plainTransport) reports() bool {
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

// CloseIdleConnections is called by that of http.Client.
func (t *plainTransport) CloseIdleConnections() {
	if closer, ok := t.transport().(interface{ CloseIdleConnections() }); ok {
		closer.CloseIdleConnections()
	}
}
