package lambdamicrovms

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
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

// learned is what errors and logs of a call must not show. It is immutable.
type learned struct {
	secrets *redact.Secrets
	input   inputShape // the secrets of this input are among them
	request any        // the secrets of this request are among them, and it was sent
	allowed error      // a pointer; holds none of the secrets, nor does its response
}

// A lesson collects secrets that a call learns together.
type lesson struct {
	values, public []string
	input          inputShape
	request        any
}

// learn adds the secrets of a request to those of the call: its secret headers, the
// sensitive members of its body, and the header that net/http sends for the user of a
// URL. body is nil if the request's body is not ours.
func (c *callContext) learn(request any, body *requestBody) {
	var l lesson
	l.addRequest(request)
	if body != nil {
		c.addInput(&l, body.input)
	}
	c.add(&l)
}

// learnSent adds the secrets of a request that was sent, of the identity that has signed
// it, and of the proxy.
func (c *callContext) learnSent(s *settings, request any, body *requestBody, identity any) {
	l := lesson{request: request}
	l.addIdentity(identity)
	l.addRequest(request)
	l.addProxy(s, request)
	if body != nil {
		c.addInput(&l, body.input)
	} else if c != nil {
		c.addInput(&l, c.input)
	}
	c.add(&l)
}

func (c *callContext) learnIdentity(identity any) {
	var l lesson
	l.addIdentity(identity)
	c.add(&l)
}

func (c *callContext) learnInput(input inputShape) {
	var l lesson
	c.addInput(&l, input)
	c.add(&l)
}

// hasLearned reports whether the request is the last one that learnSent was called with.
func (c *callContext) hasLearned(request any) bool {
	if c == nil || request == nil {
		return false
	}
	known := c.learned.Load()
	return known != nil && known.request == request
}

func (l *lesson) addRequest(request any) {
	req, ok := request.(*smithyhttp.Request)
	if !ok || req.Request == nil {
		return
	}
	l.values = redact.OfHeader(l.values, req.Header)
	if req.URL != nil {
		l.values = append(l.values, redact.OfURL(req.URL)...)
		l.public = append(l.public, req.URL.Host+req.URL.RequestURI())
	}
}

// addIdentity adds the credentials that requests are signed with.
func (l *lesson) addIdentity(identity any) {
	if known, ok := identity.(*credentialsIdentity); ok {
		l.values = append(l.values, known.AccessKeyID, known.SecretAccessKey, known.SessionToken)
	}
}

// addProxy adds the credentials of the proxy that the HTTP client uses for a request.
// net/http adds them while it sends, so the request that we see lacks them.
func (l *lesson) addProxy(s *settings, request any) {
	req, ok := request.(*smithyhttp.Request)
	transport := s.netTransport()
	if !ok || transport == nil {
		return
	}
	l.values = redact.OfHeader(l.values, transport.ProxyConnectHeader)
	if transport.Proxy != nil {
		if proxy, err := transport.Proxy(req.Request); err == nil {
			l.values = append(l.values, redact.OfURL(proxy)...)
		}
	}
}

// addInput adds the sensitive members of an input, unless the call knows them.
func (c *callContext) addInput(l *lesson, input inputShape) {
	if c == nil || input == nil {
		return
	}
	if known := c.learned.Load(); known != nil && known.input == input {
		return
	}
	if shape, ok := input.(restjson.Encoder); ok {
		l.values, l.public = redact.AppendOf(l.values, l.public, shape)
		l.input = input
	}
}

func (c *callContext) add(l *lesson) {
	if c == nil || len(l.values) == 0 && len(l.public) == 0 && l.request == nil {
		return
	}
	for {
		known := c.learned.Load()
		next := &learned{input: l.input, request: l.request}
		if known == nil {
			next.secrets = redact.New(l.values, l.public...)
		} else {
			next.secrets = known.secrets.Plus(l.values, l.public)
			if next.input == nil {
				next.input = known.input
			}
			if next.request == nil {
				next.request = known.request
			}
		}
		if c.learned.CompareAndSwap(known, next) {
			return
		}
	}
}

// allow remembers that the error of a response, and the response, hold none of the
// secrets.
func (c *callContext) allow(err error) {
	for {
		known := c.learned.Load()
		if known == nil {
			return
		}
		next := *known
		next.allowed = err
		if c.learned.CompareAndSwap(known, &next) {
			return
		}
	}
}

// allows reports whether err is the error that was allowed last, perhaps wrapped with the
// request ID and the number of attempts, and the call has learned nothing since.
func (c *callContext) allows(err error) bool {
	if c == nil {
		return false
	}
	known := c.learned.Load()
	if known == nil || known.allowed == nil {
		return false
	}
	//nolint:errorlint // each error on the way adds to the text
	if exhausted, ok := err.(*retry.MaxAttemptsError); ok {
		err = exhausted.Err
	}
	//nolint:errorlint // as above
	if failed, ok := err.(*awshttp.ResponseError); ok {
		if failed.ResponseError == nil || failed.Response == nil || failed.Response.Response == nil || failed.RequestID != requestID(failed.Response.Header) {
			return false
		}
		err = failed.Err
	}
	return err == known.allowed //nolint:errorlint // this very error
}

// known returns the secrets that the call has learned so far.
func (c *callContext) known() *redact.Secrets {
	if c == nil {
		return nil
	}
	if known := c.learned.Load(); known != nil {
		return known.secrets
	}
	return nil
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

// netTransport returns the transport of the HTTP client, or nil if it is not of net/http.
func (s *settings) netTransport() *http.Transport {
	switch client := s.options.HTTPClient.(type) {
	case *awshttp.BuildableClient:
		s.sdkTransport.once.Do(func() { s.sdkTransport.transport = client.GetTransport() }) // copies it
		return s.sdkTransport.transport
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
