package lambdamicrovms

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/smithy-go/logging"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/microvm-go/lambdamicrovms/internal/redact"
)

// SlogLogger returns a logger for Options.Logger that writes records with attributes to
// l, or to slog.Default if l is nil. Options.ClientLogMode selects the records:
//
//   - aws.LogRequest: "request" at level Debug, with operation, attempt, method, url and
//     headers; aws.LogRequestWithBody adds body.
//   - aws.LogResponse: "response" at level Debug, with operation, attempt, status,
//     request_id, duration and headers; aws.LogResponseWithBody adds body. If there is no
//     response, the record is "no response", with duration and error.
//   - aws.LogRetries: "attempt failed" with operation, attempt, max_attempts, status,
//     request_id, duration, error and retry. The level is Info if the client tries again,
//     because nothing else reports that error, and Debug if the caller gets the error.
//   - Other messages of the client, of the AWS SDK and of your middleware: the first
//     line, with operation and attempt, at level Debug or Warn. The attribute text has
//     the other lines.
//
// The handler gets the context of the attempt, with its trace and span. Records contain
// no secrets; see "Secrets" in the package documentation. Nothing is formatted, copied or
// allocated for a level that is not enabled.
func SlogLogger(l *slog.Logger) logging.Logger {
	if l == nil {
		l = slog.Default()
	}
	return &slogLogger{l, context.Background()}
}

// slogLogger is the result of SlogLogger.
type slogLogger struct {
	*slog.Logger

	ctx context.Context //nolint:containedctx // the interface passes it this way
}

func (l *slogLogger) WithContext(ctx context.Context) logging.Logger {
	return &slogLogger{l.Logger, ctx}
}

// Logf logs a message from outside of a call.
func (l *slogLogger) Logf(classification logging.Classification, format string, v ...any) {
	l.logf(l.ctx, nil, classification, format, v)
}

func (l *slogLogger) enabled(ctx context.Context, level slog.Level) bool {
	return l.Enabled(ctx, level)
}

func (l *slogLogger) logf(ctx context.Context, call *callContext, classification logging.Classification, format string, v []any) {
	level := slog.LevelDebug
	if classification == logging.Warn {
		level = slog.LevelWarn
	}
	if !l.Enabled(ctx, level) {
		return
	}
	text := strings.TrimSpace(call.known().Redact(fmt.Sprintf(format, v...)))
	message, more, _ := strings.Cut(text, "\n")
	attrs := call.attrs()
	if more != "" {
		attrs = append(attrs, slog.String("text", more))
	}
	l.LogAttrs(ctx, level, strings.TrimSuffix(message, ":"), attrs...)
}

// attrs returns the attributes that all records of a call have.
func (c *callContext) attrs() []slog.Attr {
	if c == nil {
		return nil
	}
	attrs := []slog.Attr{slog.String("operation", c.operation())}
	if c.attempts > 0 { // 0 outside of the retry loop
		attrs = append(attrs, slog.Int("attempt", c.attempts))
	}
	return attrs
}

func (l *slogLogger) logRequest(ctx context.Context, m *requestResponseLogger, req *smithyhttp.Request) {
	call := callOf(ctx)
	known := call.known()
	attrs := append(call.attrs(),
		slog.String("method", req.Method),
		slog.String("url", known.Redact(req.URL.Scheme+"://"+req.URL.Host+req.URL.RequestURI())),
		headerAttr(known, req.Header))
	if m.mode.IsRequestWithBody() {
		attrs = append(attrs, slog.String("body", known.Redact(m.requestBody(req))))
	}
	l.LogAttrs(ctx, slog.LevelDebug, "request", attrs...)
}

func (l *slogLogger) logResponse(ctx context.Context, m *requestResponseLogger, response *smithyhttp.Response, duration time.Duration, err error) {
	call := callOf(ctx)
	known := call.known()
	attrs := call.attrs()
	if err != nil {
		attrs = append(attrs, slog.Duration("duration", duration), slog.String("error", known.Clean(err.Error(), redact.MaxText)))
		l.LogAttrs(ctx, slog.LevelDebug, "no response", attrs...)
		return
	}
	attrs = append(attrs, slog.Int("status", response.StatusCode))
	attrs = appendRequestID(attrs, known.Clean(requestID(response.Header), redact.MaxText))
	attrs = append(attrs, slog.Duration("duration", duration), headerAttr(known, response.Header))
	if m.mode.IsResponseWithBody() && response.Body != nil {
		attrs = append(attrs, slog.String("body", known.Redact(m.responseBody(ctx, response))))
	}
	l.LogAttrs(ctx, slog.LevelDebug, "response", attrs...)
}

// headerAttr returns the headers as a group, without the values of secret ones.
func headerAttr(known *redact.Secrets, header http.Header) slog.Attr {
	shown := redact.Header(header)
	var attrs []slog.Attr
	for _, name := range slices.Sorted(maps.Keys(shown)) {
		attrs = append(attrs, slog.String(known.Redact(name), known.Clean(strings.Join(shown[name], ", "), redact.MaxText)))
	}
	return slog.Attr{Key: "headers", Value: slog.GroupValue(attrs...)}
}

func (l *slogLogger) logAttempt(ctx context.Context, call *callContext, retryer aws.Retryer, began time.Time, err error) {
	if call == nil { // a middleware has replaced the context
		return
	}
	limit := retryer.MaxAttempts()
	retry := retryer.IsErrorRetryable(err) && (limit <= 0 || call.attempts < limit)
	level := slog.LevelDebug
	if retry {
		level = slog.LevelInfo
	}
	if !l.Enabled(ctx, level) {
		return
	}
	attrs := append(call.attrs(), slog.Int("max_attempts", limit))
	var failed *awshttp.ResponseError
	if errors.As(err, &failed) && failed.HTTPStatusCode() > 0 {
		attrs = append(attrs, slog.Int("status", failed.HTTPStatusCode()))
		attrs = appendRequestID(attrs, failed.RequestID)
	}
	attrs = append(attrs, slog.Duration("duration", time.Since(began)), slog.String("error", err.Error()), slog.Bool("retry", retry))
	l.LogAttrs(ctx, level, "attempt failed", attrs...)
}

func appendRequestID(attrs []slog.Attr, id string) []slog.Attr {
	if id == "" {
		return attrs
	}
	return append(attrs, slog.String("request_id", id))
}
