package session

import (
	"cmp"
	"context"
	"log/slog"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/microvm-go/lambdamicrovms/internal/redact"
	"github.com/microvm-go/lambdamicrovms/internal/workflow"
)

// begin starts the span of an attempt. Its name and properties are those of the semantic
// conventions for HTTP clients. A query is left out, because programs put secrets there.
func (c *exchange) begin(out *http.Request) (context.Context, *workflow.Step) {
	span, method := spanName(out.Method)
	ctx, step := c.s.observer.BeginClient(out.Context(), span, "session: request", slog.LevelDebug,
		slog.String("microvm", c.s.id), slog.Int("port", c.to.port))
	at := c.token.secrets.Clean(withoutQuery(out.URL), redact.MaxText)
	step.Property("http.request.method", method)
	step.Property("url.full", at)
	step.Property("server.address", out.URL.Hostname())
	step.Property("server.port", portOf(out.URL))
	if c.attempts > 1 {
		step.Property("http.request.resend_count", c.attempts-1)
	}
	step.Record(slog.String("method", method), slog.String("url", at))
	return ctx, step
}

// endRequest ends the span of an attempt. The body of the response has not been read.
func endRequest(step *workflow.Step, resp *http.Response, err error) {
	if err != nil {
		step.Property("error.type", redact.TypeName(err))
	}
	if resp != nil {
		step.Property("http.response.status_code", resp.StatusCode)
		step.Record(slog.Int("status", resp.StatusCode))
		if resp.StatusCode >= http.StatusBadRequest {
			step.Fail(strconv.Itoa(resp.StatusCode))
		}
	}
	step.End(err)
}

// recorded returns the error of an attempt for spans and logs. It leaves out what begin
// leaves out, and credentials in headers: transports quote URLs and headers in errors. An
// http.Client is such a transport.
func (c *exchange) recorded(out *http.Request, err error) error {
	if err == nil {
		return nil
	}
	_, query, _ := strings.Cut(out.URL.RequestURI(), "?")
	values := append(redact.OfHeader(redact.OfURL(out.URL), out.Header), query, out.URL.Fragment)
	pairs, _ := url.ParseQuery(query)
	for _, of := range pairs {
		values = append(values, of...)
	}

	// Redact leaves short values, which can be ordinary words. In a URL they are found by
	// their place.
	text := err.Error()
	if query != "" {
		text = strings.ReplaceAll(text, "?"+query, "")
	}
	if fragment := out.URL.EscapedFragment(); fragment != "" {
		text = strings.ReplaceAll(text, "#"+fragment, "")
	}
	if user := out.URL.User.String(); user != "" {
		for _, shown := range []string{user, out.URL.User.Username() + ":***", out.URL.User.Username() + ":xxxxx"} { // by net/http and net/url
			text = strings.ReplaceAll(text, shown+"@", "")
		}
	}
	return redact.WithText(err, redact.New(values).Redact(text))
}

// spanName returns the name of a span and the method in it. A method that is not a common
// one is not shown: remote clients of a reverse proxy choose it, and may send a different
// one each time.
func spanName(method string) (span, shown string) {
	switch method {
	case "":
		return http.MethodGet, http.MethodGet
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete,
		http.MethodConnect, http.MethodOptions, http.MethodTrace:
		return method, method
	}
	return "HTTP", "_OTHER"
}

// withoutQuery returns a URL without user, query and fragment.
func withoutQuery(u *url.URL) string {
	path, _, _ := strings.Cut(cmp.Or(u.Opaque, u.EscapedPath()), "?")
	return u.Scheme + "://" + u.Host + path
}

func portOf(u *url.URL) int {
	scheme := 443
	if u.Scheme == "http" { // an emulator
		scheme = 80
	}
	port, _ := strconv.Atoi(u.Port())
	return cmp.Or(port, scheme)
}
