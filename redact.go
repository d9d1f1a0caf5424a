package lambdamicrovms

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"reflect"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/microvm-go/lambdamicrovms/internal/redact"
	"github.com/microvm-go/lambdamicrovms/internal/restjson"
)

// Format prints the options without the credentials.
func (o Options) Format(s fmt.State, verb rune) {
	type shown Options // without this method
	if o.Credentials != nil {
		o.Credentials = redactedCredentials{}
	}
	_, _ = fmt.Fprintf(s, fmt.FormatString(s, verb), shown(o))
}

// LogValue returns the text of Format for slog.
func (o Options) LogValue() slog.Value { return slog.StringValue(fmt.Sprintf("%+v", o)) }

// MarshalText returns the text of Format for JSON.
func (o Options) MarshalText() ([]byte, error) { return fmt.Appendf(nil, "%+v", o), nil }

// Format prints the client's options without the credentials.
func (c *Client) Format(s fmt.State, verb rune) {
	if c == nil || c.options == nil {
		_, _ = s.Write([]byte("<nil>"))
		return
	}
	c.complete().Format(s, verb) // a concurrent first call may be completing them
}

// redactedCredentials print instead of credentials.
type redactedCredentials struct{}

func (redactedCredentials) Format(s fmt.State, _ rune) { _, _ = s.Write([]byte(redact.Text)) }

func (redactedCredentials) Retrieve(context.Context) (aws.Credentials, error) {
	return aws.Credentials{}, errors.New("the credentials are redacted")
}

// maxCode is the maximum length of an error code from a response.
const maxCode = 256

// learn adds the secrets of a request to those of the call: its secret headers, the
// sensitive members of its body, and the header that net/http sends for the user of a
// URL. body is nil if the request's body is not ours.
func (c *callContext) learn(request any, body *requestBody) {
	if c == nil {
		return
	}
	var values, public []string
	if req, ok := request.(*smithyhttp.Request); ok && req.Request != nil {
		values = redact.OfHeader(values, req.Header)
		if req.URL != nil {
			values = append(values, redact.OfURL(req.URL)...)
			public = append(public, req.URL.Host+req.URL.RequestURI())
		}
	}
	c.add(redact.New(values, public...))
	if body != nil {
		c.learnInput(body.input)
	}
}

func (c *callContext) learnInput(input inputShape) {
	if shape, ok := input.(restjson.Encoder); ok {
		c.add(redact.Of(shape))
	}
}

// keepNoSecrets removes secrets from errors of middleware outside the deserializer.
func keepNoSecrets(metadata middleware.Metadata, err error) {
	if response, ok := awsmiddleware.GetRawResponse(metadata).(*smithyhttp.Response); ok && response.Response != nil {
		response.Request = redact.Request(response.Request)
	}
	var failed *smithyhttp.ResponseError
	if errors.As(err, &failed) && failed.Response != nil && failed.Response.Response != nil {
		failed.Response.Request = redact.Request(failed.Response.Request)
	}
}

// learnIdentity adds the credentials that requests are signed with.
func (c *callContext) learnIdentity(identity any) {
	if known, ok := identity.(*credentialsIdentity); ok && c != nil {
		c.add(redact.New([]string{known.AccessKeyID, known.SecretAccessKey, known.SessionToken}))
	}
}

// learnProxy adds the credentials of the proxy that the HTTP client uses for a request.
// net/http adds them while it sends, so the request that we see lacks them.
func (c *callContext) learnProxy(client HTTPClient, request any) {
	req, ok := request.(*smithyhttp.Request)
	transport := transportOf(client)
	if !ok || transport == nil || c == nil {
		return
	}
	values := redact.OfHeader(nil, transport.ProxyConnectHeader)
	if transport.Proxy != nil {
		if proxy, err := transport.Proxy(req.Request); err == nil {
			values = append(values, redact.OfURL(proxy)...)
		}
	}
	c.add(redact.New(values))
}

// transportOf returns the transport of an HTTP client, or nil if it is not of net/http.
func transportOf(client HTTPClient) *http.Transport {
	switch client := client.(type) {
	case *awshttp.BuildableClient:
		return client.GetTransport()
	case *http.Client:
		transport := client.Transport
		if transport == nil {
			transport = http.DefaultTransport
		}
		known, _ := transport.(*http.Transport)
		return known
	}
	return nil
}

func (c *callContext) add(s *redact.Secrets) {
	for {
		known := c.secrets.Load()
		if c.secrets.CompareAndSwap(known, known.And(s)) {
			return
		}
	}
}

// known returns the secrets that the call has learned so far.
func (c *callContext) known() *redact.Secrets {
	if c == nil {
		return nil
	}
	return c.secrets.Load()
}

// cleanMembers cleans the texts of a modeled error, which come from the response.
func cleanMembers(failed modeledError, secrets *redact.Secrets) {
	members := reflect.ValueOf(failed).Elem()
	for i := range members.NumField() {
		if text, ok := members.Field(i).Addr().Interface().(**string); ok && *text != nil {
			cleaned := secrets.Clean(**text, redact.MaxText)
			*text = &cleaned
		}
	}
}

// Format prints the attempt as JSON with sensitive values as [REDACTED], whatever the
// verb.
func (a WaiterAttempt) Format(s fmt.State, verb rune) { redact.Format(s, verb, "WaiterAttempt", a) }

// LogValue returns the text of Format for slog.
func (a WaiterAttempt) LogValue() slog.Value { return redact.LogValue("WaiterAttempt", a) }

// MarshalJSON returns what LogValue prints. The JSON of Output is that of the service.
func (a WaiterAttempt) MarshalJSON() ([]byte, error) { return redact.Marshal(a) }

// Format prints the text of the error, whatever the verb.
func (e *WaiterFailureError) Format(s fmt.State, _ rune) { redact.FormatError(s, e) }

// LogValue returns the text of the error.
func (e *WaiterFailureError) LogValue() slog.Value { return slog.StringValue(e.Error()) }

// MarshalJSON returns the members, sensitive values as [REDACTED].
func (e *WaiterFailureError) MarshalJSON() ([]byte, error) { return redact.Marshal(e) }

// Format prints the text of the error, whatever the verb.
func (e *WaiterTimeoutError) Format(s fmt.State, _ rune) { redact.FormatError(s, e) }

// LogValue returns the text of the error.
func (e *WaiterTimeoutError) LogValue() slog.Value { return slog.StringValue(e.Error()) }

// MarshalJSON returns the members, sensitive values as [REDACTED].
func (e *WaiterTimeoutError) MarshalJSON() ([]byte, error) { return redact.Marshal(e) }
