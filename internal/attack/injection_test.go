package attack

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/smithy-go"
	smithyendpoints "github.com/aws/smithy-go/endpoints"
	"github.com/google/go-cmp/cmp"

	"github.com/microvm-go/lambdamicrovms"
	"github.com/microvm-go/lambdamicrovms/internal/clienttest"
	"github.com/microvm-go/lambdamicrovms/internal/codegen/model"
)

// hostileTexts are values that a caller might pass on from an attacker who wants to
// change the request.
var hostileTexts = []string{
	"", " ", ".", "..", "...", "/", "//", "\\", "a/b", "/a", "a/", "a//b", "a/../b", "a/./b", "../../microvms", "..\\..", "a/..", "../a", "%2e%2e", "%2E%2E/", "..%2f", "..%252f",
	"%2F", "%2f", "%00", "%0a", "%zz", "%", "a%2Fb", "?", "a?b=c", "?maxResults=1", "#", "a#b", "&", "a&nextToken=b", "a=b", "a;b", "a+b", ";", "@", "user@host", "@evil.example/",
	"a b", "a\tb", "a\nb", "a\r\nb", "a\r\nHost: evil.example\r\n\r\n", "\n", "\r", "\x00", "a\x00b", "\x7f", "\x1b[2J", "\v", "\x85",
	"é", "日本語", "\u2028", "\u202e", "\uff0f", "\u2024\u2024", "\u2215", "e\u0301", "😀", "\ufeff", "\xff", "\xc0\xaf", "a\xc3", "\xed\xa0\x80",
	"http://evil.example/", "//evil.example/", "https:", "{imageIdentifier}", "${jndi:ldap://evil.example/}", "'\"><script>", "tags/x", "microvm-images",
	"arn:aws:lambda:us-east-1:123456789012:microvm-image:web/../../x", strings.Repeat("a", 300), strings.Repeat("/", 3000), strings.Repeat("é", 5000), strings.Repeat("../", 200),
}

// arrival is a request as a server parses it.
type arrival struct {
	method, host string
	segments     []string // of the path; each is unescaped by itself
	query        url.Values
	header       http.Header
	body         map[string]any
}

// arrivals is a handler that keeps the last request.
type arrivals struct {
	*httptest.Server
	mu   sync.Mutex
	last *arrival
}

func newArrivals(t *testing.T) *arrivals {
	t.Helper()
	a := new(arrivals)
	a.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got := &arrival{method: r.Method, host: r.Host, header: r.Header}
		for _, segment := range strings.Split(r.URL.EscapedPath(), "/") {
			plain, err := url.PathUnescape(segment)
			if err != nil {
				t.Errorf("path segment %q: %v", segment, err)
			}
			got.segments = append(got.segments, plain)
		}
		var err error
		if got.query, err = url.ParseQuery(r.URL.RawQuery); err != nil {
			t.Errorf("query %q: %v", r.URL.RawQuery, err)
		}
		data, err := io.ReadAll(r.Body)
		if err == nil && len(data) > 0 {
			err = json.Unmarshal(data, &got.body)
		}
		if err != nil {
			t.Errorf("body %q: %v", data, err)
		}
		a.mu.Lock()
		defer a.mu.Unlock()
		if a.last != nil {
			t.Errorf("a second request for one call: %s %s", r.Method, r.RequestURI)
		}
		a.last = got
		_, _ = io.WriteString(w, "{}")
	}))
	t.Cleanup(a.Close)
	return a
}

// take returns the request since the last take, or nil.
func (a *arrivals) take() *arrival {
	a.mu.Lock()
	defer a.mu.Unlock()
	got := a.last
	a.last = nil
	return got
}

// meant returns the request that the model specifies, independent of the client's code.
func meant(op *model.Shape, doc map[string]any, prefix []string) (segments []string, query url.Values) {
	query = url.Values{}
	segments = slices.Clone(prefix)
	for _, segment := range strings.Split(op.Traits.HTTP.URI, "/")[1:] {
		if name, ok := strings.CutPrefix(segment, "{"); ok {
			segment = doc[strings.TrimSuffix(name, "}")].(string)
		}
		segments = append(segments, segment)
	}
	for _, m := range op.Input.Members {
		value, set := doc[m.Name]
		if m.Traits.HTTPQuery == "" || !set {
			continue
		}
		if list, ok := value.([]any); ok {
			for _, item := range list {
				query.Add(m.Traits.HTTPQuery, item.(string))
			}
			slices.Sort(query[m.Traits.HTTPQuery])
		} else {
			query.Add(m.Traits.HTTPQuery, fmt.Sprint(value))
		}
	}
	return segments, query
}

// refusedBefore reports whether err says that the input was rejected before anything was
// sent.
func refusedBefore(err error) bool {
	var invalid smithy.InvalidParamsError
	var unserializable *smithy.SerializationError
	return errors.As(err, &invalid) || errors.As(err, &unserializable)
}

// Whatever an input contains, the server receives the path, query and headers that the
// model specifies, or no request at all.
func TestInjectionByMembers(t *testing.T) {
	server := newArrivals(t)
	cases, sent, refused := 0, 0, 0
	for _, base := range []string{"", "/proxy/a%2Fb"} {
		client := lambdamicrovms.New(lambdamicrovms.Options{
			Region: "us-east-1", Credentials: clienttest.Credentials, Retryer: aws.NopRetryer{}, BaseEndpoint: aws.String(server.URL + base),
		})
		prefix := []string{""}
		if base != "" {
			prefix = []string{"", "proxy", "a/b"}
		}
		// The header names of an untampered request, for each operation.
		usual := map[*model.Shape][]string{}
		for _, op := range clienttest.Model(t).Service.Operations {
			doc, _ := full(op.Input, 0).(map[string]any)
			if _, err := invoked(t, client, op, decoded(t, plant(t, doc), clienttest.NewInput(t, op))); err != nil {
				t.Fatal(err)
			}
			usual[op] = slices.Sorted(maps.Keys(server.take().header))
			for _, m := range op.Input.Members {
				for _, text := range hostileTexts {
					var value any = text
					switch m.Target.Kind {
					case model.String:
					case model.List:
						if value = []any{text, "other"}; m.Target.Element.Target.Kind != model.String {
							continue
						}
					case model.Map:
						value = map[string]any{text: text}
					case model.Enum:
					default:
						continue
					}
					if base != "" && !m.Traits.HTTPLabel && m.Traits.HTTPQuery == "" {
						continue // the body does not depend on the endpoint
					}
					modes := []lambdamicrovms.ValidationMode{lambdamicrovms.ValidationModel, lambdamicrovms.ValidationNone}
					if !m.Traits.HTTPLabel && m.Traits.HTTPQuery == "" {
						modes = modes[1:]
					}
					for _, mode := range modes {
						changed := maps.Clone(doc)
						changed[m.Name] = value
						if m.Target.Kind == model.Enum && text == "" {
							delete(changed, m.Name) // an enum that is "" is not set
						}
						cases++
						name := fmt.Sprintf("%s %s %.60q in mode %v", op.ID.Name(), m.Name, text, mode)
						in := decoded(t, plant(t, doc), clienttest.NewInput(t, op))
						setText(in, m, text)
						_, err := invoked(t, client, op, in, func(o *lambdamicrovms.Options) { o.Validation = mode })
						got := server.take()
						if err != nil {
							if refused++; got != nil || !refusedBefore(err) {
								t.Errorf("%s: error %v, sent %v", name, err, got)
							}
							continue
						}
						if sent++; got == nil {
							t.Errorf("%s: neither an error nor a request", name)
							continue
						}
						for _, values := range got.query { // the signer sorts them
							slices.Sort(values)
						}
						segments, query := meant(op, changed, prefix)
						if diff := cmp.Diff(
							[]any{op.Traits.HTTP.Method, server.Listener.Addr().String(), segments, query, usual[op], bodyOf(op, changed)},
							[]any{got.method, got.host, got.segments, got.query, slices.Sorted(maps.Keys(got.header)), slices.Sorted(maps.Keys(got.body))},
						); diff != "" {
							t.Errorf("%s: -meant +arrived:\n%s", name, diff)
						}
						if m.Traits.HTTPLabel && (strings.Trim(text, ".") == "" || hasDotSegment(text)) {
							t.Errorf("%s: a label of dots was sent", name)
						}
					}
				}
			}
		}
	}
	t.Logf("%d cases: %d sent as meant, %d refused before anything was sent", cases, sent, refused)
	if sent < 1000 || refused < 1000 {
		t.Error("that is too few: is the model read?")
	}
}

// bodyOf returns the names of the members that are in the body.
func bodyOf(op *model.Shape, doc map[string]any) []string {
	var names []string
	for _, m := range op.Input.Members {
		if _, set := doc[m.Name]; set && !m.Traits.HTTPLabel && m.Traits.HTTPQuery == "" {
			names = append(names, m.Name)
		}
	}
	slices.Sort(names)
	return names
}

func hasDotSegment(text string) bool {
	return slices.ContainsFunc(strings.FieldsFunc(text, func(c rune) bool { return c == '/' || c == '\\' }), func(s string) bool { return strings.Trim(s, ".") == "" })
}

// setText sets a member of an input directly, because text may be invalid UTF-8, which
// JSON cannot carry.
func setText(in any, m *model.Member, text string) {
	field := reflect.ValueOf(in).Elem().FieldByName(clienttest.GoName(m.Name))
	switch field.Kind() {
	case reflect.Pointer:
		field.Set(reflect.ValueOf(&text))
	case reflect.String:
		field.SetString(text)
	case reflect.Slice:
		field.Set(reflect.ValueOf([]string{text, "other"}))
	case reflect.Map:
		field.Set(reflect.ValueOf(map[string]string{text: text}))
	}
}

// A switchboard is a transport that connects to one server whatever the address. It
// records the addresses.
type switchboard struct {
	mu    sync.Mutex
	lines []string
}

func (s *switchboard) transport(server *arrivals) *http.Transport {
	dial := func(kind string) func(context.Context, string, string) (net.Conn, error) {
		return func(ctx context.Context, network, address string) (net.Conn, error) {
			s.mu.Lock()
			s.lines = append(s.lines, kind+" "+address)
			s.mu.Unlock()
			return new(net.Dialer).DialContext(ctx, network, server.Listener.Addr().String())
		}
	}
	return &http.Transport{DialContext: dial("plain"), DialTLSContext: dial("TLS"), DisableKeepAlives: true}
}

func (s *switchboard) take() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	lines := s.lines
	s.lines = nil
	return lines
}

// Whatever the options contain, requests go to the intended host with the usual headers,
// and over TLS unless the caller asked for plain HTTP.
func TestInjectionByOptions(t *testing.T) {
	server := newArrivals(t)
	var board switchboard
	client := lambdamicrovms.New(lambdamicrovms.Options{
		Region: "us-east-1", Credentials: clienttest.Credentials, Retryer: aws.NopRetryer{}, HTTPClient: &http.Client{Transport: board.transport(server)},
	})
	cases, sent, refused := 0, 0, 0
	var usual []string
	// try makes a call with options. The request that arrives must have the given host
	// and the same headers as without them.
	try := func(name, line, host string, mayFail bool, options ...func(*lambdamicrovms.Options)) *arrival {
		t.Helper()
		cases++
		_, err := client.UpdateMicroVMImage(context.Background(), clienttest.UpdateInput(), options...)
		lines, got := board.take(), server.take()
		if err != nil {
			if refused++; got != nil || !mayFail {
				t.Errorf("%s: error %v; connections to %q, request %v", name, err, lines, got)
			}
			return nil
		}
		sent++
		if got == nil {
			t.Errorf("%s: neither an error nor a request", name)
			return nil
		}
		if usual == nil {
			usual = slices.Sorted(maps.Keys(got.header))
		}
		segments := []string{"", "2025-09-09", "microvm-images", *clienttest.UpdateInput().ImageIdentifier}
		if diff := cmp.Diff(
			[]any{[]string{line}, host, http.MethodPut, segments, url.Values{}, usual},
			[]any{lines, got.host, got.method, got.segments, got.query, slices.Sorted(maps.Keys(got.header))},
		); diff != "" {
			t.Errorf("%s: -meant +arrived:\n%s", name, diff)
		}
		for header, values := range got.header {
			if len(values) != 1 || strings.ContainsAny(values[0], "\r\n\x00") {
				t.Errorf("%s: header %s %q", name, header, values)
			}
		}
		return got
	}
	const host = "lambda.us-east-1.amazonaws.com"
	try("nothing", "TLS "+host+":443", host, false)
	for _, text := range append(slices.Clone(hostileTexts),
		"evil.com/", "a.b", "us-east-1@evil", "us-east-1.evil.com", "us-east-1:80", "us-east-1\n", "us-east-1\r\nHost: evil", "us-east-1#", "us-east-1?", "us-east-1/", "us-east-1\\",
		"-us-east-1", "us-east-1-", "us_east_1", "us-east-1.", ".us-east-1", "fips-", "-fips", "fips-fips-us-east-1", "fips-evil.com/", "aws-global", strings.Repeat("a", 63), strings.Repeat("a", 64),
	) {
		// A region becomes exactly one label of the host, or the call fails.
		plain := strings.NewReplacer("-fips-", "-", "fips-", "", "-fips", "").Replace(text)
		want, prefix := plain, "lambda."
		if plain != text {
			prefix = "lambda-fips."
		}
		want = prefix + want + ".amazonaws.com"
		valid := clienttest.IsHostLabel(plain)
		if got := try(fmt.Sprintf("region %.60q", text), "TLS "+want+":443", want, !valid, func(o *lambdamicrovms.Options) { o.Region = text }); got != nil {
			if !valid {
				t.Errorf("region %q: a request to %s", text, got.host)
			}
			if !strings.Contains(got.header.Get("Authorization"), "/"+plain+"/lambda/aws4_request, ") {
				t.Errorf("region %q: signed for %s", text, got.header.Get("Authorization"))
			}
		}
		if text != "" { // with an endpoint no region is needed, but none may be wrong
			if got := try(fmt.Sprintf("region %.60q, explicit endpoint", text), "plain own.example:80", "own.example", !valid || plain != text, func(o *lambdamicrovms.Options) {
				o.Region, o.BaseEndpoint = text, aws.String("http://own.example")
			}); got != nil && !valid {
				t.Errorf("region %q: a request, signed with %s", text, got.header.Get("Authorization"))
			}
		}

		for name, set := range map[string]func(*lambdamicrovms.Options){
			"application id": func(o *lambdamicrovms.Options) { o.AppID = text },
			"user agent":     lambdamicrovms.WithAPIOptions(awsmiddleware.AddUserAgentKeyValue(text, text)),
			"signing name":   lambdamicrovms.WithSigV4SigningName(text),
			"signing region": lambdamicrovms.WithSigV4SigningRegion(text),
			"access key": func(o *lambdamicrovms.Options) {
				o.Credentials = plainCredentials{aws.Credentials{AccessKeyID: text, SecretAccessKey: "SECRET", SessionToken: "SESSION"}}
			},
			"secret key": func(o *lambdamicrovms.Options) {
				o.Credentials = plainCredentials{aws.Credentials{AccessKeyID: "AKID", SecretAccessKey: text, SessionToken: "SESSION"}}
			},
			"session token": func(o *lambdamicrovms.Options) {
				o.Credentials = plainCredentials{aws.Credentials{AccessKeyID: "AKID", SecretAccessKey: "SECRET", SessionToken: text}}
			},
			"token": func(o *lambdamicrovms.Options) {
				o.IdempotencyTokenProvider = clienttest.TokenFunc(func() (string, error) { return text, nil })
			},
			"header of a resolver": lambdamicrovms.WithEndpointResolverV2(clienttest.ResolverFunc(func(lambdamicrovms.EndpointParameters) (smithyendpoints.Endpoint, error) {
				return smithyendpoints.Endpoint{URI: url.URL{Scheme: "https", Host: host}, Headers: http.Header{"Content-Type": {text}}}, nil
			})),
		} {
			if name == "session token" && text == "" {
				continue // then there is no such header
			}
			mayFail := name != "application id" && name != "user agent" && name != "secret key" // a token must not be too long
			got := try(fmt.Sprintf("%s %.60q", name, text), "TLS "+host+":443", host, mayFail, set)
			if got == nil {
				continue
			}
			if agent := got.header.Get("User-Agent"); strings.ContainsFunc(agent, func(c rune) bool { return c < ' ' || c > '~' }) {
				t.Errorf("%s %q: user agent %q", name, text, agent)
			}
			if name == "token" && utf8.ValidString(text) && got.body["clientToken"] != text {
				t.Errorf("token %q arrived as %q", text, got.body["clientToken"])
			}
		}
	}
	t.Logf("%d cases: %d sent as meant, %d refused before anything was sent", cases, sent, refused)
}

// Requests go to the explicit endpoint, or the call fails. Plain HTTP is used only if the
// endpoint says so.
func TestInjectionByEndpoints(t *testing.T) {
	server := newArrivals(t)
	var board switchboard
	plainHTTP := lambdamicrovms.EndpointResolverOptions{DisableHTTPS: true}
	tests := map[string]struct {
		base    string
		options lambdamicrovms.EndpointResolverOptions
		line    string // empty for an error
		host    string
		prefix  string
	}{
		"none":                       {line: "TLS lambda.us-east-1.amazonaws.com:443", host: "lambda.us-east-1.amazonaws.com"},
		"none, plain":                {options: plainHTTP, line: "plain lambda.us-east-1.amazonaws.com:80", host: "lambda.us-east-1.amazonaws.com"},
		"https":                      {base: "https://own.example", line: "TLS own.example:443", host: "own.example"},
		"https, plain":               {base: "https://own.example", options: plainHTTP, line: "plain own.example:80", host: "own.example"},
		"http":                       {base: "http://own.example", line: "plain own.example:80", host: "own.example"},
		"capitals":                   {base: "HTTPS://OWN.example", line: "TLS OWN.example:443", host: "OWN.example"},
		"port":                       {base: "https://own.example:8443", line: "TLS own.example:8443", host: "own.example:8443"},
		"port of the other scheme":   {base: "https://own.example:80", line: "TLS own.example:80", host: "own.example:80"},
		"user":                       {base: "https://evil.example@own.example", line: "TLS own.example:443", host: "own.example"},
		"user and password":          {base: "https://evil.example:443@own.example", line: "TLS own.example:443", host: "own.example"},
		"escaped at":                 {base: "https://evil.example%2F@own.example", line: "TLS own.example:443", host: "own.example"},
		"IPv6":                       {base: "http://[::1]:8080", line: "plain [::1]:8080", host: "[::1]:8080"},
		"path":                       {base: "https://own.example/a", line: "TLS own.example:443", host: "own.example", prefix: "/a"},
		"path of dots":               {base: "https://own.example/a/..", line: "TLS own.example:443", host: "own.example", prefix: "/a/.."},
		"path with escapes":          {base: "https://own.example/a%2F..%2Fb%3Fc%23", line: "TLS own.example:443", host: "own.example", prefix: "/a/../b?c#"},
		"path with a host":           {base: "https://own.example//evil.example", line: "TLS own.example:443", host: "own.example", prefix: "//evil.example"},
		"path with an at":            {base: "https://own.example/@evil.example", line: "TLS own.example:443", host: "own.example", prefix: "/@evil.example"},
		"no scheme":                  {base: "own.example"},
		"no scheme, port":            {base: "own.example:443"},
		"no scheme, slashes":         {base: "//own.example"},
		"no host":                    {base: "https://"},
		"no host, path":              {base: "https:///own.example"},
		"no host, port":              {base: "https://:443"},
		"no slashes":                 {base: "https:own.example"},
		"one slash":                  {base: "https:/own.example"},
		"empty":                      {base: " "},
		"space in front":             {base: " https://own.example"},
		"space behind":               {base: "https://own.example "},
		"line break":                 {base: "https://own.example\n"},
		"header":                     {base: "https://own.example\r\nX: y"},
		"header in the path":         {base: "https://own.example/\r\nX: y"},
		"NUL":                        {base: "https://own.example\x00.evil.example"},
		"escaped NUL":                {base: "https://own.example%00.evil.example"},
		"escaped slash in host":      {base: "https://own.example%2F.evil.example"},
		"backslash":                  {base: `https://own.example\@evil.example`},
		"backslashes":                {base: `https:\\own.example`},
		"query":                      {base: "https://own.example?a=b"},
		"empty query":                {base: "https://own.example?"},
		"fragment":                   {base: "https://own.example#a"},
		"two ports":                  {base: "https://own.example:80:443"},
		"port that is none":          {base: "https://own.example:https"},
		"file":                       {base: "file:///etc/passwd"},
		"file on a host":             {base: "file://own.example/etc/passwd"},
		"another scheme":             {base: "ftp://own.example"},
		"script":                     {base: "javascript:alert(1)"},
		"scheme with a line break":   {base: "ht\ntp://own.example"},
		"another scheme, plain HTTP": {base: "//own.example", options: plainHTTP},
	}
	for name, test := range tests {
		for _, level := range []string{"client", "call"} {
			set := func(o *lambdamicrovms.Options) {
				o.EndpointOptions = test.options
				if test.base != "" {
					o.BaseEndpoint = &test.base
				}
			}
			options := lambdamicrovms.Options{
				Region: "us-east-1", Credentials: clienttest.Credentials, Retryer: aws.NopRetryer{}, HTTPClient: &http.Client{Transport: board.transport(server)},
			}
			var err error
			if level == "client" {
				_, err = lambdamicrovms.New(options, set).UpdateMicroVMImage(context.Background(), clienttest.UpdateInput())
			} else {
				_, err = lambdamicrovms.New(options).UpdateMicroVMImage(context.Background(), clienttest.UpdateInput(), set)
			}
			lines, got := board.take(), server.take()
			if test.line == "" {
				if err == nil || got != nil || len(lines) > 0 {
					t.Errorf("%s of the %s: error %v, connections to %q", name, level, err, lines)
				}
				continue
			}
			if err != nil || got == nil {
				t.Errorf("%s of the %s: %v", name, level, err)
				continue
			}
			path := test.prefix + "/2025-09-09/microvm-images/" + *clienttest.UpdateInput().ImageIdentifier
			if diff := cmp.Diff([]any{[]string{test.line}, test.host, path}, []any{lines, got.host, strings.Join(got.segments, "/")}); diff != "" {
				t.Errorf("%s of the %s: -meant +arrived:\n%s", name, level, diff)
			}
		}
	}
	t.Logf("%d endpoints, of the client and of the call", len(tests))
}
