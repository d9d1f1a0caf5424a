package lambdamicrovms_test

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"flag"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"reflect"
	"slices"
	"sort"
	"strings"
	"sync/atomic"
	"testing"
	"testing/iotest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/ratelimit"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/smithy-go"
	smithyendpoints "github.com/aws/smithy-go/endpoints"
	"github.com/google/go-cmp/cmp"

	"github.com/microvm-go/lambdamicrovms"
	"github.com/microvm-go/lambdamicrovms/internal/codegen/model"
	"github.com/microvm-go/lambdamicrovms/internal/codegen/sample"
	"github.com/microvm-go/lambdamicrovms/types"
)

var update = flag.Bool("update", false, "rewrite the files under testdata")

// golden compares a text with a file under testdata.
func golden(t *testing.T, file, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s changed (go test -update accepts it), -want +got:\n%s", file, diff)
	}
}

// httpFunc is an HTTP client in one function.
type httpFunc func(*http.Request) (*http.Response, error)

func (f httpFunc) Do(r *http.Request) (*http.Response, error) { return f(r) }

// stubbed returns a client that calls do and retries nothing.
func stubbed(do httpFunc, optFns ...func(*lambdamicrovms.Options)) *lambdamicrovms.Client {
	return lambdamicrovms.New(lambdamicrovms.Options{
		Region:      "us-east-1",
		Credentials: staticCredentials,
		HTTPClient:  do,
		Retryer:     aws.NopRetryer{},
	}, optFns...)
}

// answer returns a response. A nil header is an empty one.
func answer(status int, header http.Header, body string) *http.Response {
	if header == nil {
		header = http.Header{}
	}
	return &http.Response{
		StatusCode: status, Header: header, Body: io.NopCloser(strings.NewReader(body)), ContentLength: int64(len(body)),
	}
}

// failure returns the response of the service for an error with this code.
func failure(status int, code string) *http.Response {
	return answer(status, http.Header{"X-Amzn-Errortype": {code}}, `{"message":"because"}`)
}

// broken returns a response whose body ends with err.
func broken(status int, body string, err error) *http.Response {
	r := answer(status, nil, "")
	r.Body, r.ContentLength = io.NopCloser(io.MultiReader(strings.NewReader(body), iotest.ErrReader(err))), -1
	return r
}

var staticCredentials = aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
	return aws.Credentials{AccessKeyID: "AKID", SecretAccessKey: "SECRET", SessionToken: "SESSION"}, nil
})

// eager sets a retryer that retries without delay and without a quota.
func eager(o *lambdamicrovms.Options) {
	o.Retryer = retry.NewStandard(func(so *retry.StandardOptions) {
		so.RateLimiter = ratelimit.None
		so.Backoff = retry.BackoffDelayerFunc(func(int, error) (time.Duration, error) { return 0, nil })
	})
}

// updateInput returns a valid input with no optional member set.
func updateInput() *lambdamicrovms.UpdateMicroVMImageInput {
	return &lambdamicrovms.UpdateMicroVMImageInput{
		ImageIdentifier: aws.String("arn:aws:lambda:us-east-1:123456789012:microvm-image:web"),
		BaseImageArn:    aws.String("arn:aws:lambda:us-east-1:aws:microvm-image:al2023-1"),
		BuildRoleArn:    aws.String("arn:aws:iam::123456789012:role/build"),
		CodeArtifact:    &types.CodeArtifactMemberUri{Value: "s3://bucket/key.zip"},
	}
}

// tokenOf returns the client token in the body of a request.
func tokenOf(t *testing.T, r *http.Request) string {
	t.Helper()
	var body struct{ ClientToken string }
	if err := json.NewDecoder(r.Body).Decode(&body); err != nil {
		t.Error(err)
	}
	return body.ClientToken
}

// signerFunc is a signer that signs nothing.
type signerFunc func(signCall)

func (f signerFunc) SignHTTP(
	_ context.Context, credentials aws.Credentials, _ *http.Request, payloadHash, service, region string, at time.Time, _ ...func(*v4.SignerOptions),
) error {
	f(signCall{accessKey: credentials.AccessKeyID, payloadHash: payloadHash, service: service, region: region, at: at})
	return nil
}

// signCall has the arguments of a call of a signer.
type signCall struct {
	accessKey, payloadHash, service, region string
	at                                      time.Time
}

type resolverFunc func(lambdamicrovms.EndpointParameters) (smithyendpoints.Endpoint, error)

func (f resolverFunc) ResolveEndpoint(_ context.Context, p lambdamicrovms.EndpointParameters) (smithyendpoints.Endpoint, error) {
	return f(p)
}

type tokenFunc func() (string, error)

func (f tokenFunc) GetIdempotencyToken() (string, error) { return f() }

const (
	kib = 1 << 10
	mib = 1 << 20
	gib = 1 << 30
)

// served starts a server on the loopback interface. It returns the options of a client of
// that server, and the number of connections accepted so far.
func served(t testing.TB, h http.HandlerFunc) (lambdamicrovms.Options, *atomic.Int64) {
	t.Helper()
	var connections atomic.Int64
	server := httptest.NewUnstartedServer(h)
	server.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			connections.Add(1)
		}
	}
	server.Start()
	t.Cleanup(server.Close)
	return lambdamicrovms.Options{Region: "us-east-1", BaseEndpoint: &server.URL, Credentials: staticCredentials}, &connections
}

// httpClients returns the kinds of HTTP client that a caller may set.
func httpClients() map[string]lambdamicrovms.HTTPClient {
	return map[string]lambdamicrovms.HTTPClient{
		"none":             nil,
		"the SDK's":        awshttp.NewBuildableClient(),
		"net/http's":       &http.Client{Transport: &http.Transport{}},
		"net/http follows": &http.Client{Transport: &http.Transport{}, CheckRedirect: func(*http.Request, []*http.Request) error { return nil }},
	}
}

// rawServer starts a server that calls serve with each connection, and closes it after the
// test. It returns the options of a client of that server, which retries nothing.
func rawServer(t testing.TB, serve func(net.Conn)) lambdamicrovms.Options {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			t.Cleanup(func() { _ = conn.Close() })
			go serve(conn)
		}
	}()
	endpoint := "http://" + listener.Addr().String()
	return lambdamicrovms.Options{Region: "us-east-1", BaseEndpoint: &endpoint, Credentials: staticCredentials, Retryer: aws.NopRetryer{}}
}

// readRequest reads a whole request and reports whether that succeeded.
func readRequest(conn net.Conn) bool {
	r, err := http.ReadRequest(bufio.NewReader(conn))
	if err == nil {
		_, err = io.Copy(io.Discard, r.Body)
	}
	return err == nil
}

// certificate returns a self-signed certificate for 127.0.0.1, with a changed template.
func certificate(t *testing.T, change func(*x509.Certificate)) tls.Certificate {
	t.Helper()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-24 * time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	change(template)
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}
}

func isErrorAs[E error](err error) bool {
	var target E
	return errors.As(err, &target)
}

// isAPIError returns a predicate that reports whether an error is one of the service, with
// this status and a short text.
func isAPIError(status int) func(error) bool {
	return isShort(func(err error) bool {
		var response *awshttp.ResponseError
		var api smithy.APIError
		return errors.As(err, &response) && response.HTTPStatusCode() == status && errors.As(err, &api)
	})
}

func isDeserializationError(err error) bool {
	var failed *smithy.DeserializationError
	return errors.As(err, &failed)
}

// isSizeError reports whether a response exceeded the default limit.
func isSizeError(err error) bool {
	var failed *lambdamicrovms.ResponseSizeError
	return errors.As(err, &failed) && failed.Limit == 16<<20
}

func readModel(t testing.TB) *model.Model {
	t.Helper()
	m, err := model.ReadFile("model/lambda-microvms.json")
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// errorsOf returns all error shapes of the model.
func errorsOf(m *model.Model) []*model.Shape {
	var list []*model.Shape
	for _, s := range m.Shapes {
		if s.Traits.ErrorFault != "" {
			list = append(list, s)
		}
	}
	sort.Slice(list, func(i, j int) bool { return list[i].ID < list[j].ID })
	return list
}

// goName returns the Go name for a name of the model.
func goName(wire string) string {
	return strings.ReplaceAll(strings.ToUpper(wire[:1])+wire[1:], "Microvm", "MicroVM")
}

// mapKeys iterates over the names of headers.
func mapKeys(h http.Header) func(func(string) bool) {
	return func(yield func(string) bool) {
		for k := range h {
			if !yield(k) {
				return
			}
		}
	}
}

// methodOf returns the method of Client for an operation of the model.
func methodOf(t testing.TB, client *lambdamicrovms.Client, op *model.Shape) reflect.Value {
	t.Helper()
	method := reflect.ValueOf(client).MethodByName(goName(op.ID.Name()))
	if !method.IsValid() {
		t.Fatalf("Client has no method for %s", op.ID.Name())
	}
	return method
}

// newInput returns a new, empty input of an operation.
func newInput(t testing.TB, op *model.Shape) lambdamicrovms.OperationInput {
	t.Helper()
	in := methodOf(t, nil, op).Type().In(1)
	return reflect.New(in.Elem()).Interface().(lambdamicrovms.OperationInput)
}

// newOutput returns a new, empty output of an operation.
func newOutput(t testing.TB, op *model.Shape) any {
	t.Helper()
	return reflect.New(methodOf(t, nil, op).Type().Out(0).Elem()).Interface()
}

// call calls an operation with an input whose JSON is that of doc.
func call(t testing.TB, client *lambdamicrovms.Client, op *model.Shape, doc any) (output any, err error) {
	t.Helper()
	in := newInput(t, op)
	data, merr := json.Marshal(doc)
	if merr != nil {
		t.Fatal(merr)
	}
	if uerr := json.Unmarshal(data, in); uerr != nil {
		t.Fatal(uerr)
	}
	results := methodOf(t, client, op).Call([]reflect.Value{reflect.ValueOf(context.Background()), reflect.ValueOf(in)})
	err, _ = results[1].Interface().(error)
	return results[0].Interface(), err
}

// filled returns an input and an output of an operation with all members set. The variant
// selects the members of unions.
func filled(t testing.TB, op *model.Shape, variant int) []any {
	t.Helper()
	values := []any{newInput(t, op), newOutput(t, op)}
	for i, shape := range []*model.Shape{op.Input, op.Output} {
		doc := any(map[string]any{})
		if shape.Kind == model.Structure {
			doc = sample.Full(shape, func(n int) int { return variant % n })
		}
		data, err := json.Marshal(doc)
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(data, values[i]); err != nil {
			t.Fatalf("%T: %v", values[i], err)
		}
	}
	return values
}

// shapes returns the Go types of all shapes that have a JSON form, sorted by name: inputs,
// outputs, errors, and the structures and members of unions below them.
func shapes(t testing.TB) []reflect.Type {
	t.Helper()
	m := readModel(t)
	found := map[reflect.Type]bool{}
	for _, op := range m.Service.Operations {
		for variant := range 3 {
			for _, v := range filled(t, op, variant) {
				findShapes(reflect.ValueOf(v), found)
			}
		}
	}
	for _, shape := range errorsOf(m) {
		client := stubbed(func(*http.Request) (*http.Response, error) {
			return answer(shape.Traits.HTTPStatus, http.Header{"X-Amzn-Errortype": {shape.ID.Name()}}, `{}`), nil
		})
		op := m.Service.Operations[0]
		_, err := call(t, client, op, sample.Minimal(op.Input))
		var api smithy.APIError
		if !errors.As(err, &api) || api.ErrorCode() != shape.ID.Name() {
			t.Fatalf("no %s in %v", shape.ID.Name(), err)
		}
		findShapes(reflect.ValueOf(api), found)
	}
	delete(found, reflect.TypeFor[types.UnknownUnionMember]())

	var list []reflect.Type
	for typ := range found {
		if _, ok := reflect.New(typ).Interface().(json.Unmarshaler); !ok {
			t.Fatalf("%v has no UnmarshalJSON", typ)
		}
		list = append(list, typ)
	}
	slices.SortFunc(list, func(a, b reflect.Type) int { return strings.Compare(a.String(), b.String()) })
	return list
}

// findShapes adds the types of the module's structures at and below v to found.
func findShapes(v reflect.Value, found map[reflect.Type]bool) {
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface:
		if !v.IsNil() {
			findShapes(v.Elem(), found)
		}
	case reflect.Slice:
		for i := range v.Len() {
			findShapes(v.Index(i), found)
		}
	case reflect.Map:
		for _, key := range v.MapKeys() {
			findShapes(v.MapIndex(key), found)
		}
	case reflect.Struct:
		if !strings.HasPrefix(v.Type().PkgPath(), "github.com/microvm-go/") {
			return
		}
		found[v.Type()] = true
		for i := range v.NumField() {
			findShapes(v.Field(i), found)
		}
	}
}
