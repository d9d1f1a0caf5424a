package lambdamicrovms

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/smithy-go/logging"
	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/microvm-go/lambdamicrovms/internal/redact"
	"github.com/microvm-go/lambdamicrovms/internal/restjson"
)

// requestResponseLogger logs requests and responses as ClientLogMode says. It replaces the
// SDK's, which would log credentials and sensitive members.
type requestResponseLogger struct {
	mode             aws.ClientLogMode
	maxResponseBytes int64
	newOutput        func() outputShape
}

func newRequestResponseLogger(o *Options, op operationShape) *requestResponseLogger {
	return &requestResponseLogger{mode: o.ClientLogMode, maxResponseBytes: o.MaxResponseBytes, newOutput: op.newOutput}
}

func (*requestResponseLogger) ID() string { return "RequestResponseLogger" }

func (m *requestResponseLogger) HandleDeserialize(ctx context.Context, in middleware.DeserializeInput, next middleware.DeserializeHandler) (
	out middleware.DeserializeOutput, metadata middleware.Metadata, err error,
) {
	if m.mode.IsRequest() || m.mode.IsRequestWithBody() {
		req, err := httpRequest(in.Request)
		if err != nil {
			return out, metadata, err
		}
		middleware.GetLogger(ctx).Logf(logging.Debug, "Request\n%s", m.requestText(req))
	}
	out, metadata, err = next.HandleDeserialize(ctx, in)
	if err == nil && (m.mode.IsResponse() || m.mode.IsResponseWithBody()) {
		response, ok := out.RawResponse.(*smithyhttp.Response)
		if !ok {
			return out, metadata, fmt.Errorf("unknown transport type %T", out.RawResponse)
		}
		middleware.GetLogger(ctx).Logf(logging.Debug, "Response\n%s", m.responseText(ctx, response))
	}
	return out, metadata, err
}

func (m *requestResponseLogger) requestText(req *smithyhttp.Request) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s HTTP/1.1\r\nHost: %s\r\n", req.Method, req.URL.RequestURI(), req.URL.Host)
	writeHeaders(&b, req.Header)
	if !m.mode.IsRequestWithBody() {
		return b.String()
	}
	switch body := req.GetStream().(type) {
	case nil:
	case *requestBody:
		encoder := newRequestEncoder()
		encoder.body.Redact = true
		body.input.serialize(encoder)
		b.Write(encoder.body.Bytes())
		encoder.body.Redact = false
		encoder.release()
	default:
		b.WriteString("[a body of unknown content]")
	}
	return b.String()
}

func (m *requestResponseLogger) responseText(ctx context.Context, response *smithyhttp.Response) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s\r\n", response.Proto, response.Status)
	writeHeaders(&b, response.Header)
	if !m.mode.IsResponseWithBody() || response.Body == nil {
		return b.String()
	}
	body, err := readBody(ctx, response.Response, m.maxResponseBytes)
	// The deserializer reads the body again, and gets the same error.
	response.Body = &replayedBody{Reader: io.MultiReader(strings.NewReader(body), failingReader{err}), Closer: response.Body}
	b.WriteString(m.redacted(response.StatusCode, body))
	return b.String()
}

// redacted returns the body without sensitive members. It does not show a body that is not an
// output of the operation, because anything in it may be sensitive.
func (m *requestResponseLogger) redacted(status int, body string) string {
	if status >= 200 && status <= 299 && !isBlank(body) {
		out := m.newOutput()
		encoder, ok := out.(restjson.Encoder)
		if _, err := decodeBody(body, out); ok && err == nil {
			w := restjson.Writer{Redact: true}
			encoder.EncodeJSON(&w)
			if w.Err() == nil {
				return string(w.Bytes())
			}
		}
	}
	return fmt.Sprintf("[%d bytes]", len(body))
}

func writeHeaders(w io.Writer, header http.Header) {
	_ = redact.Header(header).Write(w)
	_, _ = io.WriteString(w, "\r\n")
}

type replayedBody struct {
	io.Reader
	io.Closer
}

// failingReader ends a replayed body: with the error met while reading it, or io.EOF.
type failingReader struct{ err error }

func (r failingReader) Read([]byte) (int, error) {
	if r.err == nil {
		return 0, io.EOF
	}
	return 0, r.err
}

// callLogger removes the secrets of a call from its logs. Middlewares get it from the context.
type callLogger struct {
	logging.Logger
	call *callContext
}

// loggerOfCalls returns the logger of the options. Nothing has to be removed if the client
// logs nothing by itself.
func loggerOfCalls(o *Options) logging.Logger {
	if o.ClientLogMode == 0 {
		return o.Logger
	}
	return callLogger{Logger: o.Logger}
}

func (l callLogger) WithContext(ctx context.Context) logging.Logger {
	return callLogger{Logger: logging.WithContext(ctx, l.Logger), call: callOf(ctx)}
}

func (l callLogger) Logf(classification logging.Classification, format string, v ...any) {
	l.Logger.Logf(classification, "%s", l.call.known().Redact(fmt.Sprintf(format, v...)))
}

// redactingLogger is the logger of signers. They log the canonical request, which has a line
// for each header, the session token included.
type redactingLogger struct {
	logging.Logger
}

func (l redactingLogger) WithContext(ctx context.Context) logging.Logger {
	return redactingLogger{logging.WithContext(ctx, l.Logger)}
}

func (l redactingLogger) Logf(classification logging.Classification, format string, v ...any) {
	l.Logger.Logf(classification, "%s", redact.HeaderLines(fmt.Sprintf(format, v...)))
}
