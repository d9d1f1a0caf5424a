// Package clienttest has helpers that the tests in the root and in internal/attack share:
// HTTP clients, servers, and inputs and outputs made from the model.
package clienttest

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
	"io"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"sort"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/ratelimit"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/smithy-go"
	smithyendpoints "github.com/aws/smithy-go/endpoints"

	"github.com/microvm-go/lambdamicrovms"
	"github.com/microvm-go/lambdamicrovms/internal/codegen/model"
	"github.com/microvm-go/lambdamicrovms/types"
)

// Sizes in bytes.
const (
	KiB = 1 << 10
	MiB = 1 << 20
	GiB = 1 << 30
)

var hostLabel = regexp.MustCompile(`^[a-zA-Z0-9]([a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?$`)

// IsHostLabel reports whether text is a single label of a host name.
func IsHostLabel(text string) bool { return hostLabel.MatchString(text) }

// HTTPFunc is an HTTP client in one function.
type HTTPFunc func(*http.Request) (*http.Response, error)

// Do implements lambdamicrovms.HTTPClient.
func (f HTTPFunc) Do(r *http.Request) (*http.Response, error) { return f(r) }

// Stubbed returns a client that sends requests to do and does not retry.
func Stubbed(do HTTPFunc, optFns ...func(*lambdamicrovms.Options)) *lambdamicrovms.Client {
	return lambdamicrovms.New(lambdamicrovms.Options{
		Region:      "us-east-1",
		Credentials: Credentials,
		HTTPClient:  do,
		Retryer:     aws.NopRetryer{},
	}, optFns...)
}

// Response returns a response. A nil header is an empty one.
func Response(status int, header http.Header, body string) *http.Response {
	if header == nil {
		header = http.Header{}
	}
	return &http.Response{
		StatusCode: status, Header: header, Body: io.NopCloser(strings.NewReader(body)), ContentLength: int64(len(body)),
	}
}

// Credentials are valid credentials with a session token.
var Credentials = aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
	return aws.Credentials{AccessKeyID: "AKID", SecretAccessKey: "SECRET", SessionToken: "SESSION"}, nil
})

// RetryWithoutDelay sets a retryer that retries without delay and without a quota.
func RetryWithoutDelay(o *lambdamicrovms.Options) {
	o.Retryer = retry.NewStandard(func(so *retry.StandardOptions) {
		so.RateLimiter = ratelimit.None
		so.Backoff = retry.BackoffDelayerFunc(func(int, error) (time.Duration, error) { return 0, nil })
	})
}

// UpdateInput returns a valid input with no optional member set.
func UpdateInput() *lambdamicrovms.UpdateMicroVMImageInput {
	return &lambdamicrovms.UpdateMicroVMImageInput{
		ImageIdentifier: aws.String("arn:aws:lambda:us-east-1:123456789012:microvm-image:web"),
		BaseImageArn:    aws.String("arn:aws:lambda:us-east-1:aws:microvm-image:al2023-1"),
		BuildRoleArn:    aws.String("arn:aws:iam::123456789012:role/build"),
		CodeArtifact:    &types.CodeArtifactMemberUri{Value: "s3://bucket/key.zip"},
	}
}

// ResolverFunc is an endpoint resolver in one function.
type ResolverFunc func(lambdamicrovms.EndpointParameters) (smithyendpoints.Endpoint, error)

// ResolveEndpoint implements lambdamicrovms.EndpointResolverV2.
func (f ResolverFunc) ResolveEndpoint(_ context.Context, p lambdamicrovms.EndpointParameters) (smithyendpoints.Endpoint, error) {
	return f(p)
}

// TokenFunc is a provider of client tokens in one function.
type TokenFunc func() (string, error)

// GetIdempotencyToken implements lambdamicrovms.IdempotencyTokenProvider.
func (f TokenFunc) GetIdempotencyToken() (string, error) { return f() }

// Serve starts a server on the loopback interface. It returns the options of a client of
// that server, and the number of connections accepted so far.
func Serve(t testing.TB, h http.HandlerFunc) (lambdamicrovms.Options, *atomic.Int64) {
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
	return lambdamicrovms.Options{Region: "us-east-1", BaseEndpoint: &server.URL, Credentials: Credentials}, &connections
}

// HTTPClients returns the kinds of HTTP client that a caller may set.
func HTTPClients() map[string]lambdamicrovms.HTTPClient {
	return map[string]lambdamicrovms.HTTPClient{
		"none":             nil,
		"the SDK's":        awshttp.NewBuildableClient(),
		"net/http's":       &http.Client{Transport: &http.Transport{}},
		"net/http follows": &http.Client{Transport: &http.Transport{}, CheckRedirect: func(*http.Request, []*http.Request) error { return nil }},
	}
}

// ServeConns starts a server that calls serve with each connection, and closes it after
// the test. It returns the options of a client of that server, which retries nothing.
func ServeConns(t testing.TB, serve func(net.Conn)) lambdamicrovms.Options {
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
	return lambdamicrovms.Options{Region: "us-east-1", BaseEndpoint: &endpoint, Credentials: Credentials, Retryer: aws.NopRetryer{}}
}

// ReadRequest reads a whole request and reports whether that succeeded.
func ReadRequest(conn net.Conn) bool {
	r, err := http.ReadRequest(bufio.NewReader(conn))
	if err == nil {
		_, err = io.Copy(io.Discard, r.Body)
	}
	return err == nil
}

// Certificate returns a self-signed certificate for 127.0.0.1 after change has modified
// its template.
func Certificate(t *testing.T, change func(*x509.Certificate)) tls.Certificate {
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

// IsErrorAs reports whether an error is an E or wraps one.
func IsErrorAs[E error](err error) bool {
	var target E
	return errors.As(err, &target)
}

// IsAPIError returns a predicate that reports whether an error is a short API error with
// this status.
func IsAPIError(status int) func(error) bool {
	return IsShort(func(err error) bool {
		var response *awshttp.ResponseError
		var api smithy.APIError
		return errors.As(err, &response) && response.HTTPStatusCode() == status && errors.As(err, &api)
	})
}

// IsShort returns a predicate that reports whether check holds and the error's text is
// short.
func IsShort(check func(error) bool) func(error) bool {
	return func(err error) bool { return check(err) && len(err.Error()) < KiB }
}

// IsDeserializationError reports whether a response could not be decoded.
func IsDeserializationError(err error) bool {
	var failed *smithy.DeserializationError
	return errors.As(err, &failed)
}

// IsSizeError reports whether a response exceeded the default limit.
func IsSizeError(err error) bool {
	var failed *lambdamicrovms.ResponseSizeError
	return errors.As(err, &failed) && failed.Limit == 16<<20
}

// Model reads the model of the API, from any directory of the module.
func Model(t testing.TB) *model.Model {
	t.Helper()
	const file = "model/lambda-microvms.json"
	directory := "."
	for range 3 {
		if _, err := os.Stat(filepath.Join(directory, file)); err == nil {
			break
		}
		directory = filepath.Join(directory, "..")
	}
	m, err := model.ReadFile(filepath.Join(directory, file))
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// Errors returns all error shapes of the model.
func Errors(m *model.Model) []*model.Shape {
	var list []*model.Shape
	for _, s := range m.Shapes {
		if s.Traits.ErrorFault != "" {
			list = append(list, s)
		}
	}
	sort.Slice(list, func(i, j int) bool { return list[i].ID < list[j].ID })
	return list
}

// GoName returns the Go name for a name of the model.
func GoName(wire string) string {
	return strings.ReplaceAll(strings.ToUpper(wire[:1])+wire[1:], "Microvm", "MicroVM")
}

// Method returns the method of Client for an operation of the model.
func Method(t testing.TB, client *lambdamicrovms.Client, op *model.Shape) reflect.Value {
	t.Helper()
	method := reflect.ValueOf(client).MethodByName(GoName(op.ID.Name()))
	if !method.IsValid() {
		t.Fatalf("Client has no method for %s", op.ID.Name())
	}
	return method
}

// NewInput returns a new, empty input of an operation.
func NewInput(t testing.TB, op *model.Shape) lambdamicrovms.OperationInput {
	t.Helper()
	in := Method(t, nil, op).Type().In(1)
	return reflect.New(in.Elem()).Interface().(lambdamicrovms.OperationInput)
}

// NewOutput returns a new, empty output of an operation.
func NewOutput(t testing.TB, op *model.Shape) any {
	t.Helper()
	return reflect.New(Method(t, nil, op).Type().Out(0).Elem()).Interface()
}

// Call calls an operation with the input that doc encodes.
func Call(t testing.TB, client *lambdamicrovms.Client, op *model.Shape, doc any) (output any, err error) {
	t.Helper()
	in := NewInput(t, op)
	data, merr := json.Marshal(doc)
	if merr != nil {
		t.Fatal(merr)
	}
	if uerr := json.Unmarshal(data, in); uerr != nil {
		t.Fatal(uerr)
	}
	results := Method(t, client, op).Call([]reflect.Value{reflect.ValueOf(context.Background()), reflect.ValueOf(in)})
	err, _ = results[1].Interface().(error)
	return results[0].Interface(), err
}
