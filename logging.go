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

// recordLogger is the logger that SlogLogger returns. Clients pass it attributes, which
// could not be restored from a text. Programs without SlogLogger do not link its only
// implementation, nor the handlers of log/slog and encoding/json: for that, other files
// use this interface.
type recordLogger interface {
	logging.Logger
	// enabled reports whether a level is logged.
	enabled(context.Context, slog.Level) bool
	// logf logs a message about a call, or from outside of calls if call is nil.
	logf(ctx context.Context, call *callContext, classification logging.Classification, format string, v []any)
	// logRequest logs a request that is about to be sent.
	logRequest(context.Context, *requestResponseLogger, *smithyhttp.Request)
	// logResponse logs a response, or the error of a request without a response.
	logResponse(context.Context, *requestResponseLogger, *smithyhttp.Response, time.Duration, error)
	// logAttempt logs a failed attempt. The caller has removed the secrets from err.
	logAttempt(ctx context.Context, call *callContext, retryer aws.Retryer, began time.Time, err error)
}

// logsDebug reports whether l logs at level Debug. It is true for nil, because the levels
// of a logger of another type are unknown.
func logsDebug(ctx context.Context, l recordLogger) bool {
	return l == nil || l.enabled(ctx, slog.LevelDebug)
}

// requestResponseLogger logs requests and responses as ClientLogMode says. It replaces
// the SDK's, which would log credentials and sensitive members.
type requestResponseLogger struct {
	mode             aws.ClientLogMode
	maxResponseBytes int64
	newOutput        func() outputShape
	records          recordLogger // the logger, if it is of this type
	warns            bool         // warnings of the SDK are logged
}

func newRequestResponseLogger(s *settings, op operationShape) *requestResponseLogger {
	_, nop := s.options.Logger.(logging.Nop)
	return &requestResponseLogger{
		mode: s.options.ClientLogMode, maxResponseBytes: s.options.MaxResponseBytes, newOutput: op.newOutput,
		records: s.records, warns: !nop,
	}
}

func (*requestResponseLogger) ID() string { return "RequestResponseLogger" }

func (m *requestResponseLogger) HandleDeserialize(ctx context.Context, in middleware.DeserializeInput, next middleware.DeserializeHandler) (
	out middleware.DeserializeOutput, metadata middleware.Metadata, err error,
) {
	logs := m.mode != 0 && logsDebug(ctx, m.records)
	if logs && (m.mode.IsRequest() || m.mode.IsRequestWithBody()) {
		req, err := httpRequest(in.Request)
		if err != nil {
			return out, metadata, err
		}
		if m.records != nil {
			m.records.logRequest(ctx, m, req)
		} else {
			middleware.GetLogger(ctx).Logf(logging.Debug, "Request\n%s", m.requestText(req))
		}
	}
	sent := ownBody(in.Request) // before the transport removes it from the request
	var began time.Time
	if logs {
		began = time.Now()
	}
	out, metadata, err = next.HandleDeserialize(ctx, in)
	response, ok := out.RawResponse.(*smithyhttp.Response)
	if m.warns && ok && response.Response != nil {
		cleanDate(response.Response, callOf(ctx), in.Request, sent)
	}
	if !logs || !m.mode.IsResponse() && !m.mode.IsResponseWithBody() {
		return out, metadata, err
	}
	switch {
	case err == nil && !ok:
		return out, metadata, fmt.Errorf("unknown transport type %T", out.RawResponse)
	case m.records != nil:
		m.records.logResponse(ctx, m, response, time.Since(began), err)
	case err == nil:
		middleware.GetLogger(ctx).Logf(logging.Debug, "Response\n%s", m.responseText(ctx, response))
	}
	return out, metadata, err
}

// cleanDate removes secrets from a Date header that cannot be parsed. A server can repeat
// a secret there, and the SDK logs a warning that quotes the header.
func cleanDate(response *http.Response, call *callContext, request any, sent *requestBody) {
	date := response.Header.Get("Date")
	if date == "" {
		return
	}
	if _, err := http.ParseTime(date); err == nil {
		return
	}
	call.learn(request, sent)
	response.Header = response.Header.Clone() // it can be that of a stub that is reused
	response.Header.Set("Date", call.known().Clean(date, redact.MaxText))
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

// callsLogger wraps the logger of the options. It removes the secrets of a call from the
// messages about the call. Middlewares get it from the context.
type callsLogger struct {
	logging.Logger

	records recordLogger // Logger, if it is of this type
	mode    aws.ClientLogMode
}

// loggerOfCalls returns the logger that the contexts of calls hold.
func loggerOfCalls(o *Options) logging.Logger {
	l, ok := o.Logger.(recordLogger)
	if !ok && o.ClientLogMode == 0 {
		return o.Logger // unwrapped, because user code may expect its own type
	}
	return &callsLogger{Logger: o.Logger, records: l, mode: o.ClientLogMode}
}

// WithContext returns the logger of a call. The retry loop calls it in each attempt, so
// it must not allocate unless messages are likely.
func (l *callsLogger) WithContext(ctx context.Context) logging.Logger {
	call := callOf(ctx)
	switch {
	case l.mode != 0 && logsDebug(ctx, l.records):
		return &callLogger{callsLogger: l, ctx: ctx, call: call}
	case call != nil:
		return (*quietLogger)(call)
	}
	return l
}

func (l *callsLogger) logf(ctx context.Context, call *callContext, classification logging.Classification, format string, v []any) {
	if l.records != nil {
		l.records.logf(ctx, call, classification, format, v)
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

// quietLogger is the logger of a call that logs at most warnings. It converts the
// callContext, so that it costs no allocation.
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
