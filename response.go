package lambdamicrovms

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"

	"github.com/aws/smithy-go"
	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/microvm-go/lambdamicrovms/internal/redact"
	"github.com/microvm-go/lambdamicrovms/internal/restjson"
)

// defaultMaxResponseBytes protects against a server that exhausts memory.
const defaultMaxResponseBytes = 16 << 20

// ResponseSizeError reports a response that is longer than Options.MaxResponseBytes. It
// is not retried.
type ResponseSizeError struct {
	// Limit is Options.MaxResponseBytes.
	Limit int64
}

func (e *ResponseSizeError) Error() string {
	return fmt.Sprintf("the response is longer than %d bytes", e.Limit)
}

// RetryableError returns false: a retry would get the same response.
func (*ResponseSizeError) RetryableError() bool { return false }

// brokenResponseError is the error for a truncated response. The call is retried, which
// is safe for all operations: with a client token the service returns what it did before;
// without one the operation sets a state that it sets again, or creates one more auth
// token.
type brokenResponseError struct {
	Cause error // exported for redact.Secrets.Error, which copies it
}

func (e *brokenResponseError) Error() string {
	return fmt.Sprintf("the response broke off: %v", e.Cause)
}

func (e *brokenResponseError) Unwrap() error { return e.Cause }

func (*brokenResponseError) RetryableError() bool { return true }

type deserializeResponse struct {
	*settings
	op operationShape
	// exposed is true if interceptors or middleware see responses and errors. They may
	// fail after a success, and their error then keeps the response.
	exposed bool
}

func (*deserializeResponse) ID() string { return "OperationDeserializer" }

func (m *deserializeResponse) HandleDeserialize(ctx context.Context, in middleware.DeserializeInput, next middleware.DeserializeHandler) (
	out middleware.DeserializeOutput, metadata middleware.Metadata, err error,
) {
	sent := ownBody(in.Request) // before the transport removes it from the request
	if m.logs(ctx) {
		callOf(ctx).learn(in.Request, sent)
	}
	out, metadata, err = next.HandleDeserialize(ctx, in)
	response, ok := out.RawResponse.(*smithyhttp.Response)
	ok = ok && response.Response != nil
	if ok && response.Body != nil {
		defer func() { _ = response.Body.Close() }() // the whole body was read
	}
	var result outputShape
	switch {
	case err != nil:
	case !ok:
		err = &smithy.DeserializationError{Err: fmt.Errorf("unknown transport type %T", out.RawResponse)}
	default:
		result, err = m.deserialize(ctx, in.Request, sent, response.Response, &metadata)
	}
	if err != nil {
		var secrets *redact.Secrets
		if !callOf(ctx).allows(err) {
			secrets = m.secrets(ctx, in.Request, sent)
		}
		if ok {
			secrets.Response(response) // the error keeps it
		}
		return out, metadata, err
	}
	if m.exposed {
		response.Request = redact.Request(response.Request)
	}
	out.Result = result
	return out, metadata, nil
}

// secrets returns the secrets of the call after a request has failed.
func (m *deserializeResponse) secrets(ctx context.Context, request any, sent *requestBody) *redact.Secrets {
	var identity any
	if attempt, err := attemptOf(ctx); err == nil {
		identity = attempt.identity
	}
	call := callOf(ctx)
	call.learnSent(m.settings, request, sent, identity)
	return call.known()
}

func (m *deserializeResponse) deserialize(ctx context.Context, request any, sent *requestBody, response *http.Response, metadata *middleware.Metadata) (outputShape, error) {
	_, span := m.startSpan(ctx, "OperationDeserializer")
	defer span.End()
	defer m.timer(ctx, deserializeDuration, nil)()

	body, err := readBody(ctx, response, m.options.MaxResponseBytes)
	if response.StatusCode < 200 || response.StatusCode > 299 {
		var canceled *smithy.CanceledError
		if errors.As(err, &canceled) {
			return nil, err
		}
		// Status and headers suffice for an error if the body cannot be read.
		err := m.responseError(callOf(ctx), m.secrets(ctx, request, sent), response, body)
		if call := callOf(ctx); call != nil && isGatewayPage(response, body) && hasImpossibleID(call.input) {
			err = markUnsent(&impossibleIDError{Err: err})
		}
		return nil, err
	}
	if err != nil {
		return nil, &smithy.DeserializationError{Err: err}
	}
	if m.op.info().returns {
		if err := checkNotEmpty(body); err != nil {
			return nil, &smithy.DeserializationError{Err: err}
		}
	}
	// A new output for each attempt: a failed attempt leaves nothing in the next one's
	// output.
	out := m.op.newOutput()
	unknown, err := decodeBody(body, out)
	if err != nil {
		if contentType := response.Header.Get("Content-Type"); !strings.Contains(contentType, "json") {
			err = fmt.Errorf("%w (the content type is %.64q)", err, contentType)
		}
		return nil, &smithy.DeserializationError{Err: err}
	}
	if unknown != nil {
		metadata.Set(unknownSettingsKey{}, unknown)
	}
	return out, nil
}

// requestID returns the request ID in the header of a response, or "".
func requestID(header http.Header) string {
	if id := header.Get("X-Amzn-Requestid"); id != "" {
		return id
	}
	return header.Get("X-Amz-Requestid")
}

// checkNotEmpty rejects an empty success where the model requires members of the output:
// a connection cut at the first byte looks like that. An object without members passes,
// because programs stub HTTP with it.
func checkNotEmpty(body string) error {
	if body = trimBlank(body); body == "" || body == "null" {
		return &brokenResponseError{fmt.Errorf("it has no output: %w", io.ErrUnexpectedEOF)}
	}
	return nil
}

type unknownSettingsKey struct{}

// UnknownSettings returns the paths of settings in a response that this version of the
// module cannot read, such as "codeArtifact.sha256", or nil if there are none. Call it
// with the ResultMetadata of an output. Check it before you build a request from an
// output: the output does not hold these members (except for the only member of a union,
// as [types.UnknownUnionMember]), so that an UpdateMicroVMImage would reset them.
//
// A setting is a member of a structure or union that requests hold too. At most 16 are
// listed, and none that is null. An unknown member of the output itself is not listed,
// because nothing tells settings from the information that the service adds to its
// responses. The output of a stub lists nothing.
func UnknownSettings(metadata middleware.Metadata) []string {
	paths, ok := metadata.Get(unknownSettingsKey{}).(func() []string)
	if !ok {
		return nil
	}
	return paths()
}

// decodeBody decodes the body of a success, which may be empty. It returns what
// [restjson.Reader.UnknownSettings] does.
func decodeBody(body string, out outputShape) (unknown func() []string, err error) {
	if isBlank(body) {
		return nil, nil
	}
	r := readers.Get().(*restjson.Reader)
	r.Reset(body)
	out.decode(r)
	err = r.End()
	unknown = r.UnknownSettings()
	r.Reset("") // the pool must not keep the response
	readers.Put(r)
	if errors.Is(err, io.ErrUnexpectedEOF) {
		err = &brokenResponseError{err}
	}
	return unknown, err
}

var readers = sync.Pool{New: func() any { return new(restjson.Reader) }}

func trimBlank(s string) string { return strings.Trim(s, " \t\r\n") }

func isBlank(s string) bool { return trimBlank(s) == "" }

var bodyBuffers = sync.Pool{New: func() any { return new(bodyBuffer) }}

type bodyBuffer struct {
	bytes.Buffer
	source io.LimitedReader
}

// readBody reads the whole body. On error it also returns what it has read.
func readBody(ctx context.Context, response *http.Response, limit int64) (string, error) {
	if response.Body == nil || response.StatusCode == http.StatusSwitchingProtocols {
		return "", nil // the body of 101 is a connection, which the context does not close
	}
	buffer := bodyBuffers.Get().(*bodyBuffer)
	defer func() {
		buffer.source.R = nil
		if buffer.Cap() <= maxPooledBuffer {
			clear(buffer.Bytes()) // secrets, as in a request's buffer
			buffer.Reset()
			bodyBuffers.Put(buffer)
		}
	}()
	buffer.source = io.LimitedReader{R: response.Body, N: max(limit, limit+1)} // limit+1 overflows if there is no limit
	n, err := buffer.ReadFrom(&buffer.source)
	switch {
	case err == nil && n <= limit:
		return buffer.String(), nil
	case err == nil:
		return string(buffer.Bytes()[:limit]), &ResponseSizeError{Limit: limit}
	case ctx.Err() != nil:
		return buffer.String(), &smithy.CanceledError{Err: ctx.Err()}
	}
	var known interface{ RetryableError() bool }
	if !errors.As(err, &known) { // otherwise the logger has read it with this function
		err = &brokenResponseError{err}
	}
	return buffer.String(), err
}
