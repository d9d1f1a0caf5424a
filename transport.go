package lambdamicrovms

import (
	"context"
	"io"
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
	"github.com/aws/smithy-go"
	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"
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
		return withoutRedirects(client)
	case *awshttp.BuildableClient:
		return frozen(client)
	default:
		return client
	}
}

// directTransport does what smithyhttp.ClientHandler does, in chains that nobody listens
// to: it measures nothing, and sends the attempt's own request rather than a copy.
type directTransport struct {
	client  HTTPClient
	general middleware.Handler
}

func (t *directTransport) Handle(ctx context.Context, input any) (any, middleware.Metadata, error) {
	req, err := httpRequest(input)
	if err != nil {
		return nil, middleware.Metadata{}, err
	}
	body, own := req.GetStream().(*requestBody)
	if !own && req.GetStream() != nil {
		return t.general.Handle(ctx, input) // a signer has replaced it
	}
	if err := smithyhttp.ValidateEndpointHost(req.Host); err != nil {
		return nil, middleware.Metadata{}, err
	}

	// The response keeps the request, which shares its memory with req: that lets go of the stream.
	*req = smithyhttp.Request{Request: req.Request}
	request := req.Request
	*request = *request.WithContext(ctx)
	x := new(exchange)
	if own {
		x.body.rest = body.data
		request.Body = &x.body
	} else if request.ContentLength == -1 {
		request.ContentLength = 0
	}
	response, err := t.client.Do(request) //nolint:bodyclose // deserializeResponse does it
	_ = x.body.Close()                    // the HTTP client may do so later, or never
	if response == nil {
		response = &http.Response{Header: http.Header{}, Body: http.NoBody}
	}
	if err != nil {
		err = &smithyhttp.RequestSendError{Err: err}
		if ctx.Err() != nil {
			err = &smithy.CanceledError{Err: ctx.Err()}
		}
	}
	x.response.Response = response
	return &x.response, middleware.Metadata{}, err
}

// exchange is what else it takes to send a request.
type exchange struct {
	body     sentBody
	response smithyhttp.Response
}

// sentBody is the body of an attempt on its way. Once closed it lets go of the data, even
// if the HTTP client still reads: other calls will use its memory.
type sentBody struct {
	mu   sync.Mutex
	rest []byte
}

func (b *sentBody) Read(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.rest) == 0 {
		return 0, io.EOF
	}
	n := copy(p, b.rest)
	b.rest = b.rest[n:]
	return n, nil
}

func (b *sentBody) Close() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.rest = nil
	return nil
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
	kept, known := frozenClients.LoadOrStore(key, withoutRedirects(made))
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

func withoutRedirects(client *http.Client) *http.Client {
	copied := *client
	copied.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &copied
}
