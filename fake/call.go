package fake

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/microvm-go/lambdamicrovms"
	"github.com/microvm-go/lambdamicrovms/internal/microvmid"
	"github.com/microvm-go/lambdamicrovms/internal/restjson"
)

// An Operation is the name of an operation in the API.
type Operation string

// An Override replaces an operation. Its error may be one of package types, any other
// smithy.APIError, or anything else, which becomes a 500.
type Override[I, O any] func(ctx context.Context, in *I) (*O, error)

// call is one request while it is handled.
type call struct {
	server    *Server
	http      *http.Request
	path      string // as it was sent, percent-encoded
	query     []parameter
	body      string
	requestID string
	overrides Overrides

	route       *route
	operation   Operation // "" for an unknown route
	labels      labels
	labelBuffer [3]parameter // spares labels an allocation: no path of the model has more
	scope       scope
	input       any   // decoded
	err         error // the first one of decoding
	struck      []Effect
	damages     []damage
	skew        time.Duration // of the service's clock

	assumptions []string // that the response depends on

	// While the handler runs, under the server's lock.
	now   time.Time
	world *world
}

// newCall reads the head of a request.
func (s *Server) newCall(r *http.Request) *call {
	c := &call{server: s, http: r, path: r.URL.EscapedPath()}
	c.scope = s.scopeOf(r)
	c.requestID = s.ids.uuid()
	c.overrides = *s.overrides.Load()
	return c
}

// handle returns the response to a call. Its order is that of the service: find the
// operation, decode the input, validate it, run the handler.
func (c *call) handle() *response {
	if err := c.findOperation(); err != nil {
		return c.refuse(err)
	}
	out, err := c.dispatch()
	if err == nil && !c.route.readOnly() {
		err = c.server.keep()
	}
	if err != nil {
		return c.refuse(err)
	}
	return c.accept(out)
}

// findOperation finds the operation, and makes the checks that the service makes before
// it decodes the input.
func (c *call) findOperation() error {
	found, labels := findRoute(c.http.Method, c.path, c.labelBuffer[:0])
	if found == nil {
		return errNoRoute
	}
	c.route, c.operation, c.labels = found, found.operation, labels
	if !c.server.serves(c.scope.region) {
		return accessDenied(nil)
	}
	if c.server.config.strict {
		if err := c.verifySignature(); err != nil {
			return err
		}
	}
	var err error
	c.query, err = parseQuery(c.http.URL.RawQuery)
	return err
}

// invoke runs a decoded call: the override, if there is one, else the handler.
func invoke[I, O any, PI interface {
	*I
	restjson.Encoder
	lambdamicrovms.OperationInput
}, PO interface {
	*O
	restjson.Encoder
}, E restjson.Encoder](c *call, in PI, override Override[I, O], handler func(PI) (E, error)) (restjson.Encoder, error) {
	c.input = in
	if err := c.checkFaults(); err != nil {
		return nil, err
	}
	if override == nil && !c.reachesService() {
		return nil, errBadGateway
	}
	if c.err != nil {
		return nil, c.err
	}
	if err := validate(in); err != nil {
		return nil, err
	}
	if override != nil {
		out, err := override(c.http.Context(), in)
		if err != nil || out == nil {
			return PO(new(O)), err
		}
		return PO(out), nil
	}

	c.server.mu.Lock()
	defer c.server.mu.Unlock()
	if c.server.closed {
		return nil, closed()
	}
	c.now = c.server.clock.Now()
	c.world = c.server.world(c.scope)
	out, err := handler(in)
	if err == nil && !c.route.readOnly() {
		c.server.changed()
	}
	return out, err
}

// reachesService reports whether the call gets past the gateway, which fails on a
// malformed MicroVM id whatever else the request contains.
func (c *call) reachesService() bool {
	id := c.label("microvmIdentifier")
	return id == nil || microvmid.Valid(*id)
}

// A route maps a method and a path to an operation.
type route struct {
	operation Operation
	method    string
	path      string // with {labels}
	success   int    // status
}

// readOnly reports whether the operation changes no state.
func (r *route) readOnly() bool { return r.method == http.MethodGet }

// labels are the variable segments of a path, decoded.
type labels []parameter

// get returns "" for a label that the path does not have.
func (l labels) get(name string) string {
	for _, label := range l {
		if label.name == name {
			return label.value
		}
	}
	return ""
}

// findRoute returns nil if there is no such operation. It appends the labels to buffer.
func findRoute(method, path string, buffer labels) (*route, labels) {
	for i := range routes {
		route := &routes[i]
		if route.method != method {
			continue
		}
		if found, ok := matchPath(route.path, path, buffer); ok {
			return route, found
		}
	}
	return nil, nil
}

// matchPath compares segment by segment, so that an encoded slash stays within its label.
// It appends the labels to buffer.
func matchPath(template, path string, buffer labels) (labels, bool) {
	if strings.Count(template, "/") != strings.Count(path, "/") {
		return nil, false // before a label is decoded, which may allocate
	}
	for more := true; more; {
		var want, got string
		want, template, more = strings.Cut(template, "/")
		got, path, _ = strings.Cut(path, "/")
		name, isLabel := strings.CutPrefix(want, "{")
		if !isLabel {
			if want != got {
				return nil, false
			}
			continue
		}
		value, err := url.PathUnescape(got)
		if err != nil || value == "" {
			return nil, false
		}
		buffer = append(buffer, parameter{strings.TrimSuffix(name, "}"), value})
	}
	return buffer, true
}

// label returns a pointer into the labels, which are not modified.
func (c *call) label(name string) *string {
	for i := range c.labels {
		if c.labels[i].name == name {
			return &c.labels[i].value
		}
	}
	return nil
}

// readBody decodes the body. An empty body is an empty object.
func (c *call) readBody(in restjson.Decoder) {
	if strings.TrimSpace(c.body) == "" {
		return
	}
	r := restjson.NewReader(c.body)
	in.DecodeJSON(r)
	if err := r.End(); err != nil {
		c.fail(undecodable(err))
	}
}

func (c *call) fail(err error) {
	if c.err == nil {
		c.err = err
	}
}

// parameter is a named value of the query or the path.
type parameter struct{ name, value string }

// parseQuery rejects a value with an unencoded "=", because the service does. Page tokens
// end in one.
func parseQuery(raw string) ([]parameter, error) {
	var query []parameter
	for raw != "" {
		var pair string
		pair, raw, _ = strings.Cut(raw, "&")
		if pair == "" {
			continue
		}
		name, value, _ := strings.Cut(pair, "=")
		name, nameErr := url.QueryUnescape(name)
		plain, valueErr := url.QueryUnescape(value)
		if nameErr != nil || valueErr != nil || strings.Contains(value, "=") {
			return nil, badQuery()
		}
		query = append(query, parameter{name, plain})
	}
	return query, nil
}

func (c *call) queryString(name string) *string {
	for i := range c.query {
		if c.query[i].name == name {
			return &c.query[i].value
		}
	}
	return nil
}

func (c *call) queryInt32(name string) *int32 { //nolint:unparam // the model has one such parameter today
	text := c.queryString(name)
	if text == nil {
		return nil
	}
	n, err := strconv.ParseInt(*text, 10, 32)
	if err != nil {
		c.fail(badQuery())
		return nil
	}
	value := int32(n)
	return &value
}

func (c *call) queryStrings(name string) []string {
	var values []string
	for _, p := range c.query {
		if p.name == name {
			values = append(values, p.value)
		}
	}
	return values
}

func queryEnum[E ~string](c *call, name string) E {
	if value := c.queryString(name); value != nil {
		return E(*value)
	}
	return ""
}
