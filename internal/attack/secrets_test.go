package attack

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"reflect"
	"runtime/debug"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/smithy-go"
	smithyauth "github.com/aws/smithy-go/auth"
	"github.com/aws/smithy-go/logging"
	"github.com/aws/smithy-go/metrics"
	"github.com/aws/smithy-go/middleware"
	"github.com/aws/smithy-go/tracing"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/microvm-go/lambdamicrovms"
	"github.com/microvm-go/lambdamicrovms/internal/clienttest"
	"github.com/microvm-go/lambdamicrovms/internal/codegen/model"
	"github.com/microvm-go/lambdamicrovms/internal/codegen/sample"
)

// The planted secrets. They contain characters that JSON, HTML and URLs escape.
const (
	plantedMember  = `s3cr3t-of a "member" <&> /more+/é%`
	plantedKeyID   = "AKIDPLANTED000000001"
	plantedKey     = "Planted/Secret+Access/Key/0123456789abcd"
	plantedSession = "UGxhbnRlZFNlc3Npb25Ub2tlbg/AAAAbbbbCCCCdddd0000+1111222233334444/short=="
	plantedHeader  = "planted-proxy-auth.0123456789abcdefABCDEF"
	plantedCookie  = "planted-cookie-0123456789abcdef"
	plantedURL     = "planted-endpoint-password"
)

// planted returns the secrets that no text may contain, by what they are.
func planted() map[string]string {
	return map[string]string{
		"sensitive member": plantedMember, "access key id": plantedKeyID, "secret access key": plantedKey,
		"session token": plantedSession, "header": plantedHeader, "cookie": plantedCookie, "password of the endpoint": plantedURL,
		// How a member looks after its escapes were broken.
		"piece of the session token": "AAAAbbbbCCCCdddd0000",
	}
}

// plainCredentials print their fields, as static credentials do.
type plainCredentials struct{ Value aws.Credentials }

func (c plainCredentials) Retrieve(context.Context) (aws.Credentials, error) { return c.Value, nil }

var plantedCredentials = plainCredentials{aws.Credentials{
	AccessKeyID: plantedKeyID, SecretAccessKey: plantedKey, SessionToken: plantedSession, Source: "planted",
}}

// A search looks for secrets in everything that a program may print, log or keep.
type search struct {
	t     *testing.T
	forms [][2]string // pairs: the text to look for, and which secret it is

	places int
	found  map[string]int // by secret
	quiet  bool           // count, but do not fail the test
}

func newSearch(t *testing.T) *search {
	s := &search{t: t, found: map[string]int{}}
	for what, secret := range planted() {
		decimal := fmt.Sprintf("%d", []byte(secret))
		quoted, err := json.Marshal(secret)
		if err != nil {
			t.Fatal(err)
		}
		known := map[string]bool{}
		for _, form := range []string{
			secret, string(quoted[1 : len(quoted)-1]), strings.Trim(fmt.Sprintf("%q", secret), `"`), strings.Trim(fmt.Sprintf("%+q", secret), `"`),
			hex.EncodeToString([]byte(secret)), fmt.Sprintf("%X", secret), decimal[1 : len(decimal)-1],
			html.EscapeString(secret), url.QueryEscape(secret), url.PathEscape(secret), base64.RawStdEncoding.EncodeToString([]byte(secret)),
		} {
			if !known[form] {
				known[form] = true
				s.forms = append(s.forms, [2]string{form, what})
			}
		}
	}
	return s
}

// also adds a secret that was created during a call.
func (s *search) also(what, secret string) *search {
	return &search{t: s.t, forms: append(s.forms[:len(s.forms):len(s.forms)], [2]string{secret, what}), found: s.found, quiet: s.quiet}
}

// text searches one text.
func (s *search) text(where, text string) { s.texts(where, map[string]string{"": text}) }

// texts searches texts; their keys say how they were produced.
func (s *search) texts(where string, texts map[string]string) {
	var all strings.Builder
	for _, text := range texts {
		all.WriteString(text)
		all.WriteByte('\n')
	}
	s.places += len(texts)
	for _, form := range s.forms {
		if !strings.Contains(all.String(), form[0]) {
			continue
		}
		for how, text := range texts {
			if !strings.Contains(text, form[0]) {
				continue
			}
			if s.found[form[1]]++; !s.quiet {
				s.t.Errorf("%s%s holds the %s: %.2000s", where, how, form[1], text)
				return
			}
		}
	}
}

// lines searches log lines.
func (s *search) lines(where string, lines []string) {
	texts := make(map[string]string, len(lines))
	for i, line := range lines {
		texts[fmt.Sprint(" ", i)] = line
	}
	s.texts(where, texts)
}

var verbs = []string{"%v", "%+v", "%#v", "%s", "%q", "%+q", "%d", "%x", "%X", "% x", "%t", "%o", "%c", "%U", "%e", "%b", "%z"}

// value searches the forms in which fmt and slog print a value, alone and inside other
// values.
func (s *search) value(where string, v any) {
	s.printed(where, v)
	if value := reflect.ValueOf(v); value.Kind() == reflect.Pointer && !value.IsNil() && value.Elem().Kind() == reflect.Struct {
		if !holdsLock(value.Elem().Type()) { // vet rejects copies of these
			s.printed(where+", not the pointer", value.Elem().Interface())
		}
	}
}

func (s *search) printed(where string, v any) {
	texts := map[string]string{}
	for part, v := range map[string]any{
		"": v, " in a list": []any{v}, " in a map": map[string]any{"k": v}, " in a field": struct{ Field any }{v}, " in a pointer": &struct{ Field any }{v},
	} {
		for _, verb := range verbs {
			texts[part+" by "+verb] = fmt.Sprintf(verb, v)
		}
	}
	texts[" by Sprintln"] = fmt.Sprintln(v)
	texts[" in an error"] = fmt.Errorf("failed with %v", v).Error()
	var b bytes.Buffer
	for _, handler := range []slog.Handler{slog.NewTextHandler(&b, nil), slog.NewJSONHandler(&b, nil)} {
		logger := slog.New(handler)
		logger.Info("call", "v", v)
		logger.With("v", v).WithGroup("g").Info("call", slog.Group("h", "v", v))
	}
	texts[" by slog"] = b.String()
	s.texts(where, texts)
}

// holdsLock reports whether go vet rejects copies of a type.
func holdsLock(t reflect.Type) bool {
	return t == reflect.TypeFor[lambdamicrovms.Client]()
}

// err searches an error and everything that it wraps: the printed forms and the JSON of
// each.
func (s *search) err(where string, err error) {
	if err == nil {
		return
	}
	where = fmt.Sprintf("%s: %T", where, err)
	texts := map[string]string{}
	for part, v := range map[string]any{"": err, " in a list": []any{err}, " in a field": struct{ Field any }{err}} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%d", "%x", "%t"} {
			texts[part+" by "+verb] = fmt.Sprintf(verb, v)
		}
	}
	data, jsonErr := json.Marshal(err)
	texts[" as JSON"] = string(data) + fmt.Sprint(jsonErr)
	var b bytes.Buffer
	slog.New(slog.NewTextHandler(&b, nil)).Info("call", "v", err, "list", []error{err})
	slog.New(slog.NewJSONHandler(&b, nil)).Info("call", "v", err, "list", []error{err})
	texts[" by slog"] = b.String()
	s.texts(where, texts)
	switch err := err.(type) {
	case interface{ Unwrap() error }:
		s.err(where, err.Unwrap())
	case interface{ Unwrap() []error }:
		for _, err := range err.Unwrap() {
			s.err(where, err)
		}
	}
}

// kept searches all exported fields below a value.
func (s *search) kept(where string, v any) {
	texts := map[string]string{}
	collect("", reflect.ValueOf(v), map[uintptr]bool{}, texts)
	s.texts(where, texts)
}

func collect(where string, v reflect.Value, seen map[uintptr]bool, texts map[string]string) {
	switch v.Kind() {
	case reflect.String:
		texts[where] = v.String()
	case reflect.Pointer:
		if v.IsNil() || seen[v.Pointer()] {
			return
		}
		seen[v.Pointer()] = true
		collect(where, v.Elem(), seen, texts)
	case reflect.Interface:
		collect(where, v.Elem(), seen, texts)
	case reflect.Slice, reflect.Array:
		if v.Type().Elem().Kind() == reflect.Uint8 {
			texts[where] = fmt.Sprintf("%s", v)
			return
		}
		for i := range v.Len() {
			collect(fmt.Sprint(where, "[", i, "]"), v.Index(i), seen, texts)
		}
	case reflect.Map:
		for i := v.MapRange(); i.Next(); {
			if i.Key().String() == "Set-Cookie" {
				continue // callers may read the server's response themselves
			}
			collect(fmt.Sprintf("%s key %v", where, i.Key()), i.Key(), seen, texts)
			collect(fmt.Sprintf("%s[%v]", where, i.Key()), i.Value(), seen, texts)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				collect(where+"."+v.Type().Field(i).Name, v.Field(i), seen, texts)
			}
		}
	}
}

func recovered(f func()) (text string) {
	defer func() {
		if r := recover(); r != nil {
			text = fmt.Sprintf("%v %+v %s", r, r, debug.Stack())
		}
	}()
	f()
	return ""
}

// plant puts the secret into each sensitive member of doc, which package sample has
// marked.
func plant(t testing.TB, doc any) []byte {
	t.Helper()
	data, err := json.Marshal(doc)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := json.Marshal(plantedMember)
	if err != nil {
		t.Fatal(err)
	}
	return bytes.ReplaceAll(data, []byte(`"`+sample.Secret+`"`), secret)
}

func full(shape *model.Shape, variant int) any {
	if shape.Kind != model.Structure {
		return map[string]any{}
	}
	return sample.Full(shape, func(n int) int { return variant % n })
}

func decoded(t testing.TB, data []byte, v any) any {
	t.Helper()
	if err := json.Unmarshal(data, v); err != nil {
		t.Fatalf("%T: %v in %s", v, err, data)
	}
	return v
}

// below calls f with each struct at and below a value, by pointer.
func below(v reflect.Value, f func(reflect.Value)) {
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface:
		if !v.IsNil() {
			below(v.Elem(), f)
		}
	case reflect.Slice:
		for i := range v.Len() {
			below(v.Index(i), f)
		}
	case reflect.Struct:
		if v.CanAddr() {
			f(v.Addr())
		}
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				below(v.Field(i), f)
			}
		}
	}
}

// Checks the search itself: a search that cannot find a secret would let every test pass.
func TestSearchFindsSecrets(t *testing.T) {
	for what, secret := range planted() {
		s := newSearch(t)
		s.quiet = true
		type plain struct{ Map map[string]string }
		s.value("", plain{map[string]string{"k": "before " + secret + " after"}})
		quoted, _ := json.Marshal(map[string]string{"k": secret})
		for _, text := range []string{string(quoted), html.EscapeString(secret), url.QueryEscape(secret), base64.StdEncoding.EncodeToString([]byte(secret))} {
			before := s.found[what]
			if s.text("", text); s.found[what] == before {
				t.Errorf("the %s is not found in %s", what, text)
			}
		}
		if s.found[what] < 50 {
			t.Errorf("the %s is found only %d times where all print it", what, s.found[what])
		}
	}
	s := newSearch(t)
	s.quiet = true
	s.value("", plantedCredentials)
	s.err("", errors.New(plantedSession))
	for what := range planted() {
		if strings.Contains(what, "key") && s.found[what] < 20 || what == "session token" && s.found[what] < 40 {
			t.Errorf("the %s is found only %d times in plain credentials", what, s.found[what])
		}
	}
	s.kept("", &http.Response{Request: &http.Request{Header: http.Header{"A": {"a " + plantedHeader}}}})
	if s.found["header"] != 1 {
		t.Error("a header that a response keeps is not found")
	}
}

// No verb of fmt and no handler of slog prints a sensitive member of any type.
func TestSecretsInValues(t *testing.T) {
	s := newSearch(t)
	structs, sensitive := map[reflect.Type]bool{}, map[reflect.Type]bool{}
	for _, op := range clienttest.Model(t).Service.Operations {
		for variant := range 3 {
			for i, v := range []any{clienttest.NewInput(t, op), clienttest.NewOutput(t, op)} {
				shape := op.Input
				if i == 1 {
					shape = op.Output
				}
				decoded(t, plant(t, full(shape, variant)), v)
				below(reflect.ValueOf(v), func(v reflect.Value) {
					structs[v.Type()] = true
					wire, err := json.Marshal(v.Interface())
					if err == nil && bytes.Contains(wire, plant(t, sample.Secret)) {
						sensitive[v.Type()] = true
						if text := fmt.Sprintf("%+v", v.Interface()); !strings.Contains(text, "[REDACTED]") {
							t.Errorf("%s does not say that something is left out: %s", v.Type(), text)
						}
					}
					s.value(v.Type().String(), v.Interface())
				})
			}
		}
	}
	t.Logf("%d places searched: %d types, %d of them with sensitive members", s.places, len(structs), len(sensitive))
	if len(sensitive) < 9 {
		t.Errorf("only %d types hold secrets: is the trait lost?", len(sensitive))
	}
}

// Options, clients, and paginators and waiters made from them print no credentials.
func TestSecretsInOptions(t *testing.T) {
	s := newSearch(t)
	given := lambdamicrovms.Options{
		Region: "us-east-1", Credentials: plantedCredentials, BaseEndpoint: aws.String("https://user:" + plantedURL + "@host.example"),
		HTTPClient: clienttest.HTTPFunc(func(*http.Request) (*http.Response, error) { return clienttest.Response(http.StatusOK, nil, `{}`), nil }),
	}
	client := lambdamicrovms.New(given)
	used := lambdamicrovms.New(given)
	if _, err := used.ListMicroVMs(context.Background(), nil); err != nil {
		t.Fatal(err)
	}
	ofConfig := lambdamicrovms.NewFromConfig(aws.Config{Region: "us-east-1", Credentials: aws.NewCredentialsCache(plantedCredentials)})
	resolved := client.Options()
	resolver := resolved.GetIdentityResolver(smithyauth.SchemeIDSigV4)
	identity, err := resolver.GetIdentity(context.Background(), smithy.Properties{})
	if err != nil {
		t.Fatal(err)
	}
	type App struct {
		Client  *lambdamicrovms.Client
		Options lambdamicrovms.Options
		Pointer *lambdamicrovms.Options
	}
	for name, v := range map[string]any{
		"options": given, "pointer to options": &given, "resolved options": resolved, "client": client, "used client": used, "client of a config": ofConfig,
		"nil client": (*lambdamicrovms.Client)(nil), "identity resolver": resolver, "identity": identity,
		"auth scheme": resolved.AuthSchemes[0], "signer": resolved.AuthSchemes[0].Signer(), "scheme's resolver": resolved.AuthSchemes[0].IdentityResolver(resolved),
		"app":       App{client, resolved, &given},
		"paginator": lambdamicrovms.NewListMicroVMsPaginator(client, &lambdamicrovms.ListMicroVMsInput{}),
		"waiter":    lambdamicrovms.NewMicroVMRunningWaiter(client),
	} {
		s.value(name, v)
	}
	for _, o := range []lambdamicrovms.Options{{Region: "us-east-1", Credentials: plantedCredentials}, given, resolved} {
		if text, err := json.Marshal(o); err != nil || !strings.Contains(string(text), "us-east-1") { // else nothing was searched
			t.Errorf("JSON of options: %s, %v", text, err)
		}
		s.value("JSON of options", o)
	}
	t.Logf("%d places searched", s.places)
}

// tellTale records everything that a client passes to a logger, a tracer and a meter.
type tellTale struct {
	mu    sync.Mutex
	texts []string
}

func (r *tellTale) tell(format string, v ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.texts = append(r.texts, fmt.Sprintf(format, v...))
}

func (r *tellTale) take() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	texts := r.texts
	r.texts = nil
	return texts
}

func (r *tellTale) Logf(c logging.Classification, format string, v ...any) {
	r.tell("log %s "+format, append([]any{c}, v...)...)
}

func (r *tellTale) Tracer(scope string, _ ...tracing.TracerOption) tracing.Tracer {
	r.tell("tracer %s", scope)
	return tellTracer{r}
}

type tellTracer struct{ *tellTale }

func (r tellTracer) StartSpan(ctx context.Context, name string, opts ...tracing.SpanOption) (context.Context, tracing.Span) {
	var o tracing.SpanOptions
	for _, fn := range opts {
		fn(&o)
	}
	r.tell("span %s %+v", name, o.Properties.Values())
	return ctx, tellSpan{tellTale: r.tellTale, name: name}
}

type tellSpan struct {
	tracing.Span // never called
	*tellTale
	name string
}

func (s tellSpan) Name() string                   { return s.name }
func (s tellSpan) SetProperty(k, v any)           { s.tell("property %v = %+v %#v", k, v, v) }
func (s tellSpan) SetStatus(v tracing.SpanStatus) { s.tell("status %v", v) }
func (s tellSpan) AddEvent(name string, opts ...tracing.EventOption) {
	var o tracing.EventOptions
	for _, fn := range opts {
		fn(&o)
	}
	s.tell("event %s %+v", name, o.Properties.Values())
}
func (s tellSpan) End() {}

func (r *tellTale) Meter(scope string, _ ...metrics.MeterOption) metrics.Meter {
	r.tell("meter %s", scope)
	return tellMeter{tellTale: r}
}

type tellMeter struct {
	metrics.NopMeter
	*tellTale
}

func (m tellMeter) Float64Histogram(name string, _ ...metrics.InstrumentOption) (metrics.Float64Histogram, error) {
	return tellHistogram{m.tellTale, name}, nil
}

func (m tellMeter) Int64Counter(name string, _ ...metrics.InstrumentOption) (metrics.Int64Counter, error) {
	return tellCounter{m.tellTale, name}, nil
}

type tellHistogram struct {
	*tellTale
	name string
}

func (h tellHistogram) Record(_ context.Context, v float64, opts ...metrics.RecordMetricOption) {
	h.tell("metric %s %v %+v", h.name, v, recorded(opts).Values())
}

type tellCounter struct {
	*tellTale
	name string
}

func (c tellCounter) Add(_ context.Context, v int64, opts ...metrics.RecordMetricOption) {
	c.tell("metric %s %v %+v", c.name, v, recorded(opts).Values())
}

func recorded(opts []metrics.RecordMetricOption) *smithy.Properties {
	var o metrics.RecordMetricOptions
	for _, fn := range opts {
		fn(&o)
	}
	return &o.Properties
}

// withSecretHeader adds a secret header. It is an interceptor, so that shared chains can
// have it, too.
type withSecretHeader struct{}

func (withSecretHeader) AfterSerialization(_ context.Context, in *smithyhttp.InterceptorContext) error {
	in.Request.Header.Set("x-aws-proxy-auth", plantedHeader)
	return nil
}

// echoes are the ways in which a server, or a proxy in front of it, may repeat a request.
func echoes() map[string]func(w http.ResponseWriter, request, code string, status int) {
	asJSON := func(text string) string { data, _ := json.Marshal(text); return string(data) }
	write := func(contentType string, body func(request string) string) func(http.ResponseWriter, string, string, int) {
		return func(w http.ResponseWriter, request, code string, status int) {
			w.Header().Set("Content-Type", contentType)
			if code != "" {
				w.Header().Set("X-Amzn-Errortype", code)
			}
			w.WriteHeader(status)
			_, _ = io.WriteString(w, body(request))
		}
	}
	return map[string]func(http.ResponseWriter, string, string, int){
		"JSON":          write("application/json", func(r string) string { return `{"message":` + asJSON(r) + `}` }),
		"JSON, slashes": write("application/json", func(r string) string { return `{"Message":` + strings.ReplaceAll(asJSON(r), "/", `\/`) + `}` }),
		"JSON, other members": write("application/json", func(r string) string {
			return `{"resourceId":` + asJSON(r) + `,"resourceType":` + asJSON(r) + `,"reason":` + asJSON(r) + `}`
		}),
		"text":        write("text/plain", func(r string) string { return r }),
		"HTML":        write("text/html", func(r string) string { return "<html><p>" + html.EscapeString(r) + "</p></html>" }),
		"URL":         write("text/plain", url.QueryEscape),
		"broken JSON": write("application/json", func(r string) string { return `{"message":` + asJSON(r) }),
	}
}

// No output of a call contains a secret: logs of every mode, errors and the values in
// them, traces and metrics.
func TestSecretsInCalls(t *testing.T) {
	type request struct{ header, body, signature string }
	var (
		mu     sync.Mutex
		sent   request
		reply  func(w http.ResponseWriter, r request)
		search = newSearch(t)
		calls  int
	)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		var header strings.Builder
		_ = r.Header.Write(&header)
		mu.Lock()
		defer mu.Unlock()
		_, signature, _ := strings.Cut(r.Header.Get("Authorization"), "Signature=")
		sent = request{header.String(), string(body), signature}
		w.Header().Set("Set-Cookie", plantedCookie)
		reply(w, sent)
	}))
	defer server.Close()

	control := newSearch(t)
	control.quiet = true
	modes := []aws.ClientLogMode{0, ^aws.ClientLogMode(0)}
	for bit := range 12 {
		modes = append(modes, 1<<bit)
	}
	var codes []string
	m := clienttest.Model(t)
	for _, shape := range clienttest.Errors(m) {
		codes = append(codes, shape.ID.Name())
	}
	codes = append(codes, "", "TeapotException")
	status := func(i int) int { return []int{400, 403, 409, 429, 500, 503, 302, 600}[i%8] }

	for _, way := range []string{"shared, private", "shared", "own"} {
		for _, mode := range modes {
			var told tellTale
			options := lambdamicrovms.Options{
				Region: "us-east-1", Credentials: plantedCredentials, ClientLogMode: mode, Logger: &told, MaxResponseBytes: 64 * clienttest.KiB,
				BaseEndpoint: aws.String(strings.Replace(server.URL, "http://", "http://user:"+plantedURL+"@", 1)),
			}
			if way != "shared, private" {
				options.TracerProvider, options.MeterProvider = &told, &told
				options.Interceptors.AddAfterSerialization(withSecretHeader{})
			}
			clienttest.RetryWithoutDelay(&options)
			options.RetryMaxAttempts = 2
			client := lambdamicrovms.New(options)
			var own []func(*lambdamicrovms.Options)
			if way == "own" {
				own = append(own, func(*lambdamicrovms.Options) {})
			}
			// To save time each log mode but two runs a ninth of the cases, each another
			// ninth.
			skipped := int(mode) % 97
			some := func(n int) bool {
				skipped++
				return mode != 0 && mode != ^aws.ClientLogMode(0) && (skipped+n)%9 != 0
			}
			// run makes a call and searches everything that it returns, logs and records.
			run := func(op *model.Shape, where string, fails bool, respond func(http.ResponseWriter, request)) {
				t.Helper()
				where = fmt.Sprintf("%s, log mode %x, %s, %s", way, uint64(mode), op.ID.Name(), where)
				mu.Lock()
				reply = respond
				mu.Unlock()
				calls++
				in := decoded(t, plant(t, full(op.Input, calls)), clienttest.NewInput(t, op))
				out, err := invoked(t, client, op, in, own...)
				if (err != nil) != fails {
					t.Fatalf("%s: error %v", where, err)
				}
				s := search.also("signature", sent.signature)
				s.lines(where+" told", told.take())
				if err != nil {
					s.text(where, err.Error())
					if mode == 0 { // the error does not depend on the log mode
						s.err(where, err)
						s.kept(where, err)
					}
				} else if mode == 0 {
					s.value(where, out)
				}
				search.places += s.places
				control.text("", sent.header+sent.body)
			}
			for i, op := range m.Service.Operations {
				run(op, "success", false, func(w http.ResponseWriter, _ request) { _, _ = w.Write(plant(t, full(op.Output, i))) })
				for how, echo := range echoes() {
					for j, text := range []func(r request) string{
						func(r request) string { return r.header + "\n" + r.body },
						func(r request) string { return r.body + "\n" + r.header },
						func(request) string { return plantedMember + " " + plantedSession },
					} {
						if j == 2 && !strings.Contains(string(plant(t, full(op.Input, i))), "s3cr3t") {
							continue // the response cannot repeat what was not sent
						}
						code, status := codes[(calls+i)%len(codes)], status(calls+j)
						if j == 1 && how != "text" && how != "HTML" { // of others all is kept, not an excerpt
							continue
						}
						if some(i + j) {
							continue
						}
						run(op, fmt.Sprintf("echo %d as %s of %q, %d", j, how, code, status), true, func(w http.ResponseWriter, r request) {
							echo(w, text(r), code, status)
						})
					}
				}
				if op.Output.Kind != model.Structure {
					continue
				}
				body := plant(t, full(op.Output, i))
				for what, body := range map[string]string{
					"cut":        string(body[:len(body)-1]),
					"more":       string(body) + string(body),
					"list":       "[" + string(body) + "]",
					"text":       plantedMember,
					"wrong type": strings.NewReplacer(`:"`, `:[{"`, `",`, `"}],`).Replace(string(body)),
					"too long":   string(body) + strings.Repeat(" ", 64*clienttest.KiB),
				} {
					if what == "wrong type" && !strings.Contains(body, "[{") || some(i) {
						continue
					}
					run(op, "broken response: "+what, true, func(w http.ResponseWriter, _ request) { _, _ = io.WriteString(w, body) })
				}
			}
		}
	}
	t.Logf("%d places searched after %d calls", search.places, calls)
	for what := range planted() { // the server received these, and could have repeated them
		if wanted := what != "secret access key" && what != "cookie" && what != "password of the endpoint"; wanted && control.found[what] == 0 {
			t.Errorf("no request held the %s", what)
		}
	}
}

// invoked calls an operation by its shape.
func invoked(t testing.TB, client *lambdamicrovms.Client, op *model.Shape, in any, options ...func(*lambdamicrovms.Options)) (any, error) {
	t.Helper()
	args := []reflect.Value{reflect.ValueOf(context.Background()), reflect.ValueOf(in)}
	for _, option := range options {
		args = append(args, reflect.ValueOf(option))
	}
	results := clienttest.Method(t, client, op).Call(args)
	err, _ := results[1].Interface().(error)
	return results[0].Interface(), err
}

// Errors from before the response contain no secrets either: validation in each mode,
// serialization, credentials, endpoint and connection.
func TestSecretsInErrorsBeforeTheResponse(t *testing.T) {
	s := newSearch(t)
	documents, failed := 0, 0
	refused := errors.New("connection refused")
	client := lambdamicrovms.New(lambdamicrovms.Options{
		Region: "us-east-1", Credentials: plantedCredentials, Retryer: aws.NopRetryer{},
		HTTPClient: clienttest.HTTPFunc(func(*http.Request) (*http.Response, error) { return nil, refused }),
	})
	for _, op := range clienttest.Model(t).Service.Operations {
		// Breaks each constraint in an input with secrets, and also the constraints of
		// sensitive members.
		whole, _ := full(op.Input, 0).(map[string]any)
		for _, b := range sample.Boundaries(op.Input) {
			for _, doc := range b.Outside[:min(8, len(b.Outside))] {
				mixed := map[string]any{}
				for _, source := range []map[string]any{whole, doc.(map[string]any)} {
					for k, v := range source {
						mixed[k] = v
					}
				}
				if b.Rule == "required" {
					delete(mixed, b.Path[0])
				}
				in := decoded(t, plant(t, longSecrets(op.Input, mixed)), clienttest.NewInput(t, op)).(lambdamicrovms.OperationInput)
				documents++
				for _, mode := range []lambdamicrovms.ValidationMode{lambdamicrovms.ValidationModel, lambdamicrovms.ValidationStrict} {
					if err := lambdamicrovms.Validate(in, mode); err != nil {
						failed++
						s.err("", err)
						for _, v := range lambdamicrovms.Violations(err) {
							s.err("violation", v)
						}
					}
				}
			}
		}
		for name, option := range map[string]func(*lambdamicrovms.Options){
			"connection": func(*lambdamicrovms.Options) {},
			"endpoint":   func(o *lambdamicrovms.Options) { o.BaseEndpoint = aws.String("https://user:" + plantedURL + "@%zz") },
			"endpoint that is relative": func(o *lambdamicrovms.Options) {
				o.BaseEndpoint = aws.String("//user:" + plantedURL + "@host")
			},
			"endpoint with a query": func(o *lambdamicrovms.Options) {
				o.BaseEndpoint = aws.String("https://user:" + plantedURL + "@host?" + plantedURL)
			},
			"endpoint with a port": func(o *lambdamicrovms.Options) {
				o.BaseEndpoint = aws.String("https://user:" + plantedURL + "@host:port")
			},
			"region":      func(o *lambdamicrovms.Options) { o.Region = "evil.com/" },
			"credentials": func(o *lambdamicrovms.Options) { o.Credentials = halfCredentials{plantedCredentials} },
			"signer that is none of ours": func(o *lambdamicrovms.Options) {
				o.AuthSchemes = []smithyhttp.AuthScheme{strangeScheme{o.AuthSchemes[0]}}
			},
		} {
			in := decoded(t, plant(t, full(op.Input, 0)), clienttest.NewInput(t, op))
			_, err := invoked(t, client, op, in, func(o *lambdamicrovms.Options) { o.Validation = lambdamicrovms.ValidationNone }, option)
			if err == nil {
				t.Errorf("%s, %s: no error", op.ID.Name(), name)
			}
			failed++
			s.err(name, err)
		}
		// JSON that is not an input of the operation.
		for variant := range 3 {
			data := plant(t, full(op.Input, variant))
			for _, bad := range malformed(data) {
				if err := json.Unmarshal(bad, clienttest.NewInput(t, op)); err != nil {
					failed++
					s.err("JSON of an input", err)
				}
			}
		}
	}
	t.Logf("%d places searched in %d errors, those of %d documents in two modes of validation among them", s.places, failed, documents)
	if failed < 1000 {
		t.Errorf("only %d calls failed", failed)
	}
}

// longSecrets replaces the strings of sensitive members by secrets that are too long.
func longSecrets(shape *model.Shape, doc any) any {
	switch doc := doc.(type) {
	case string:
		if !shape.Traits.Sensitive || doc == sample.Secret || len(doc) < len(plantedMember) {
			return doc
		}
		return (plantedMember + doc)[:len(doc)]
	case []any:
		list := make([]any, len(doc))
		for i, item := range doc {
			list[i] = longSecrets(shape.Element.Target, item)
		}
		return list
	case map[string]any:
		object := make(map[string]any, len(doc))
		for k, v := range doc {
			if shape.Kind == model.Map {
				object[k] = longSecrets(shape.Value.Target, v)
				continue
			}
			object[k] = v
			for _, m := range shape.Members {
				if m.Name == k {
					object[k] = longSecrets(m.Target, v)
				}
			}
		}
		return object
	}
	return doc
}

// malformed returns copies of a document that are broken next to its secrets.
func malformed(data []byte) (list [][]byte) {
	secret, _ := json.Marshal(plantedMember)
	for _, wrong := range []string{"[%s]", `{"a":%s}`, "%s,%s", "%s %s", "1%s", `%s:1`, `[{"a":%s}`} {
		list = append(list, bytes.ReplaceAll(data, secret, []byte(strings.ReplaceAll(wrong, "%s", string(secret)))))
	}
	for at := 0; ; {
		i := bytes.Index(data[at:], secret)
		if i < 0 {
			break
		}
		at += i + len(secret)
		for _, cut := range []int{at - 3, at - 1, at, min(len(data), at+1)} {
			list = append(list, data[:cut])
		}
		list = append(list, append(bytes.Clone(data[:at-1]), '\\', 'x', '"', '}'), append(bytes.Clone(data[:at-1]), '\n', '"', '}'))
	}
	return append(list, append(bytes.Clone(data), secret...), secret, append([]byte("x"), secret...))
}

// halfCredentials return credentials together with an error.
type halfCredentials struct{ plainCredentials }

func (c halfCredentials) Retrieve(context.Context) (aws.Credentials, error) {
	return c.Value, errors.New("expired")
}

// strangeScheme passes the signer an identity of an unexpected type.
type strangeScheme struct{ smithyhttp.AuthScheme }

type strangeIdentity struct {
	smithyauth.Identity
	Secret string
}

func (strangeScheme) IdentityResolver(smithyauth.IdentityResolverOptions) smithyauth.IdentityResolver {
	return strangeScheme{}
}

func (strangeScheme) GetIdentity(context.Context, smithy.Properties) (smithyauth.Identity, error) {
	return &strangeIdentity{Secret: plantedKey}, nil
}

// A panic of user code reaches the caller unchanged, whichever step panics, and leaves no
// secret in traces and logs.
func TestSecretsInPanics(t *testing.T) {
	s := newSearch(t)
	panics := 0
	var told tellTale
	observed := func(o *lambdamicrovms.Options) {
		o.TracerProvider, o.MeterProvider, o.Logger, o.ClientLogMode = &told, &told, &told, ^aws.ClientLogMode(0)
	}
	base := lambdamicrovms.Options{Region: "us-east-1", Credentials: plantedCredentials, HTTPClient: clienttest.HTTPFunc(func(*http.Request) (*http.Response, error) {
		return clienttest.Response(http.StatusOK, nil, `{}`), nil
	})}
	for _, op := range clienttest.Model(t).Service.Operations {
		for step, option := range map[string]func(*lambdamicrovms.Options){
			"HTTP client": func(o *lambdamicrovms.Options) {
				o.HTTPClient = clienttest.HTTPFunc(func(r *http.Request) (*http.Response, error) { panic(fmt.Sprint("panic ", r.Body)) })
			},
			"credentials": func(o *lambdamicrovms.Options) {
				o.Credentials = aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) { panic("panic") })
			},
			"response": func(o *lambdamicrovms.Options) {
				o.HTTPClient = clienttest.HTTPFunc(func(*http.Request) (*http.Response, error) {
					r := clienttest.Response(http.StatusOK, nil, "")
					r.Body = panicking{}
					return r, nil
				})
			},
			"interceptor": func(o *lambdamicrovms.Options) { o.Interceptors.AddAfterSerialization(panicking{}) },
			"initialize": lambdamicrovms.WithAPIOptions(func(stack *middleware.Stack) error {
				return stack.Initialize.Add(middleware.InitializeMiddlewareFunc("panic", func(_ context.Context, in middleware.InitializeInput, _ middleware.InitializeHandler) (
					middleware.InitializeOutput, middleware.Metadata, error,
				) {
					panic(fmt.Sprintf("panic %v %+v %#v", in, in, in))
				}), middleware.After)
			}),
			"serialize": lambdamicrovms.WithAPIOptions(func(stack *middleware.Stack) error {
				return stack.Serialize.Add(middleware.SerializeMiddlewareFunc("panic", func(_ context.Context, in middleware.SerializeInput, _ middleware.SerializeHandler) (
					middleware.SerializeOutput, middleware.Metadata, error,
				) {
					panic(fmt.Sprintf("panic %v %+v %#v", in, in, in))
				}), middleware.After)
			}),
			"build": lambdamicrovms.WithAPIOptions(func(stack *middleware.Stack) error {
				return stack.Build.Add(middleware.BuildMiddlewareFunc("panic", func(_ context.Context, in middleware.BuildInput, _ middleware.BuildHandler) (
					middleware.BuildOutput, middleware.Metadata, error,
				) {
					panic(fmt.Sprintf("panic %v %+v %#v", in, in, in))
				}), middleware.After)
			}),
			"finalize": lambdamicrovms.WithAPIOptions(func(stack *middleware.Stack) error {
				return stack.Finalize.Add(middleware.FinalizeMiddlewareFunc("panic", func(_ context.Context, in middleware.FinalizeInput, _ middleware.FinalizeHandler) (
					middleware.FinalizeOutput, middleware.Metadata, error,
				) {
					panic(fmt.Sprintf("panic %v %+v %#v", in, in, in))
				}), middleware.After)
			}),
			"deserialize": lambdamicrovms.WithAPIOptions(func(stack *middleware.Stack) error {
				return stack.Deserialize.Add(middleware.DeserializeMiddlewareFunc("panic", func(_ context.Context, in middleware.DeserializeInput, _ middleware.DeserializeHandler) (
					middleware.DeserializeOutput, middleware.Metadata, error,
				) {
					panic(fmt.Sprintf("panic %v %+v %#v", in, in, in))
				}), middleware.After)
			}),
		} {
			for _, level := range []string{"client", "call"} {
				for _, watch := range [][]func(*lambdamicrovms.Options){nil, {observed}} {
					in := decoded(t, plant(t, full(op.Input, 0)), clienttest.NewInput(t, op))
					text := recovered(func() {
						if level == "client" {
							_, _ = invoked(t, lambdamicrovms.New(base, append(watch, option)...), op, in)
						} else {
							_, _ = invoked(t, lambdamicrovms.New(base, watch...), op, in, option)
						}
					})
					if !strings.Contains(text, "panic") {
						t.Errorf("%s, %s: no panic", op.ID.Name(), step)
					}
					panics++
					s.text(step+" of the "+level, text)
					s.lines(step+" of the "+level, told.take())
				}
			}
		}
	}
	t.Logf("%d places searched after %d panics", s.places, panics)
}

type panicking struct{}

func (panicking) Read([]byte) (int, error) { panic("panic in a body") }
func (panicking) Close() error             { return nil }
func (panicking) AfterSerialization(_ context.Context, in *smithyhttp.InterceptorContext) error {
	panic(fmt.Sprintf("panic %v %+v", in.Input, in.Request))
}
