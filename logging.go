package lambdamicrovms

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/smithy-go/logging"
	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/microvm-go/lambdamicrovms/internal/redact"
	"github.com/microvm-go/lambdamicrovms/internal/restjson"
)

// requestResponseLogger logs requests and responses as ClientLogMode says. It replaces
// the SDK's, which would log credentials and sensitive members.
type requestResponseLogger struct {
	mode             aws.ClientLogMode
	maxResponseBytes int64
	newOutput        func() outputShape
	slog             *slogLogger // nil if the logger is another one
	// warns reports whether the SDK may log a warning.
	warns bool
}

func newRequestResponseLogger(s *settings, op operationShape) *requestResponseLogger {
	_, nop := s.options.Logger.(logging.Nop)
	return &requestResponseLogger{
		mode: s.options.ClientLogMode, maxResponseBytes: s.options.MaxResponseBytes, newOutput: op.newOutput,
		slog: s.slog, warns: !nop,
	}
}

func (*requestResponseLogger) ID() string { return "RequestResponseLogger" }

func (m *requestResponseLogger) HandleDeserialize(ctx context.Context, in middleware.DeserializeInput, next middleware.DeserializeHandler) (
	out middleware.DeserializeOutput, metadata middleware.Metadata, err error,
) {
	logs := m.mode != 0 && m.slog.enabled(ctx, slog.LevelDebug)
	if logs && (m.mode.IsRequest() || m.mode.IsRequestWithBody()) {
		req, err := httpRequest(in.Request)
		if err != nil {
			return out, metadata, err
		}
		if m.slog != nil {
			m.logRequest(ctx, req)
		} else {
			middleware.GetLogger(ctx).Logf(logging.Debug, "Request\n%s", m.requestText(req))
		}
	}
	sent := ownBody(in.Request) // the transport takes it out of the request
	var began time.Time
	if logs {
		began = time.Now()
	}
	out, metadata, err = next.HandleDeserialize(ctx, in)
	response, ok := out.RawResponse.(*smithyhttp.Response)
	if m.warns && ok && response.Response != nil && !isDated(response.Header) {
		// The SDK warns of the date, and quotes it. A server can repeat a secret there.
		call := callOf(ctx)
		call.learn(in.Request, sent)
		response.Header = response.Header.Clone() // it can be that of a stub that is reused
		response.Header.Set("Date", call.known().Clean(response.Header.Get("Date"), redact.MaxText))
	}
	if !logs || !m.mode.IsResponse() && !m.mode.IsResponseWithBody() {
		return out, metadata, err
	}
	switch {
	case err == nil && !ok:
		return out, metadata, fmt.Errorf("unknown transport type %T", out.RawResponse)
	case m.slog != nil:
		m.logResponse(ctx, response, time.Since(began), err)
	case err == nil:
		middleware.GetLogger(ctx).Logf(logging.Debug, "Response\n%s", m.responseText(ctx, response))
	}
	return out, metadata, err
}

// isDated reports whether the SDK can read the date of a response.
func isDated(header http.Header) bool {
	date := header.Get("Date")
	if date == "" {
		return true
	}
	_, err := http.ParseTime(date)
	return err == nil
}

func (m *requestResponseLogger) requestText(req *smithyhttp.Request) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s HTTP/1.1\r\nHost: %s\r\n", req.Method, req.URL.RequestURI(), req.URL.Host)
	writeHeaders(&b, req.Header)
	if m.mode.IsRequestWithBody() {
		b.WriteString(m.requestBody(req))
	}
	return b.String()
}

// requestBody returns the body without sensitive members.
func (m *requestResponseLogger) requestBody(req *smithyhttp.Request) string {
	switch body := req.GetStream().(type) {
	case nil:
		return ""
	case *requestBody:
		encoder := newRequestEncoder()
		encoder.body.Redact = true
		body.input.serialize(encoder)
		text := string(encoder.body.Bytes())
		encoder.body.Redact = false
		encoder.release()
		return text
	default:
		return "[a body of unknown content]"
	}
}

func (m *requestResponseLogger) responseText(ctx context.Context, response *smithyhttp.Response) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s\r\n", response.Proto, response.Status)
	writeHeaders(&b, response.Header)
	if m.mode.IsResponseWithBody() && response.Body != nil {
		b.WriteString(m.responseBody(ctx, response))
	}
	return b.String()
}

// responseBody reads the body and returns it without sensitive members.
func (m *requestResponseLogger) responseBody(ctx context.Context, response *smithyhttp.Response) string {
	body, err := readBody(ctx, response.Response, m.maxResponseBytes)
	// The deserializer reads the body again, and gets the same error.
	response.Body = &replayedBody{Reader: io.MultiReader(strings.NewReader(body), failingReader{err}), Closer: response.Body}
	return m.redacted(response.StatusCode, body)
}

// redacted returns the body without sensitive members. It does not show a body that is
// not an output of the operation, because anything in it may be sensitive.
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

// callsLogger is the logger of the options for all calls. It removes the secrets of a call
// from what is logged about it. Middlewares get it from the context.
type callsLogger struct {
	logging.Logger

	slog *slogLogger // the same if it is one
	mode aws.ClientLogMode
}

// loggerOfCalls returns the logger that the contexts of calls hold.
func loggerOfCalls(o *Options) logging.Logger {
	l, ok := o.Logger.(*slogLogger)
	if !ok && o.ClientLogMode == 0 {
		return o.Logger // user code may look for its own; the client logs nothing
	}
	return &callsLogger{Logger: o.Logger, slog: l, mode: o.ClientLogMode}
}

// WithContext binds the logger to a call. The retry loop asks for one in each attempt, so
// it costs nothing unless something is likely to be logged.
func (l *callsLogger) WithContext(ctx context.Context) logging.Logger {
	call := callOf(ctx)
	switch {
	case l.mode != 0 && l.slog.enabled(ctx, slog.LevelDebug):
		return &callLogger{callsLogger: l, ctx: ctx, call: call}
	case call != nil:
		return (*quietLogger)(call)
	}
	return l
}

func (l *callsLogger) logf(ctx context.Context, call *callContext, classification logging.Classification, format string, v []any) {
	if l.slog != nil {
		l.slog.logf(ctx, call, classification, format, v)
		return
	}
	logging.WithContext(ctx, l.Logger).Logf(classification, "%s", call.known().Redact(fmt.Sprintf(format, v...)))
}

// callLogger is the logger of one call.
type callLogger struct {
	*callsLogger

	ctx  context.Context //nolint:containedctx // the interface passes it this way
	call *callContext
}

func (l *callLogger) Logf(classification logging.Classification, format string, v ...any) {
	l.logf(l.ctx, l.call, classification, format, v)
}

// quietLogger is a call as its own logger, for the rare warning.
type quietLogger callContext

func (l *quietLogger) Logf(classification logging.Classification, format string, v ...any) {
	call := (*callContext)(l)
	switch logger := middleware.GetLogger(call.shared).(type) {
	case *callsLogger:
		logger.logf(call, call, classification, format, v)
	case *callLogger: // the level depends on the context
		logger.logf(call, call, classification, format, v)
	}
}

// redactingLogger is the logger of signers. They log the canonical request, which has a
// line for each header, the session token included.
type redactingLogger struct {
	logging.Logger
}

func (l redactingLogger) WithContext(ctx context.Context) logging.Logger {
	return redactingLogger{logging.WithContext(ctx, l.Logger)}
}

func (l redactingLogger) Logf(classification logging.Classification, format string, v ...any) {
	l.Logger.Logf(classification, "%s", redact.HeaderLines(fmt.Sprintf(format, v...)))
}
