package lambdamicrovms_test

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"io"
	"net/http"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/smithy-go"
	"github.com/google/go-cmp/cmp"

	"github.com/microvm-go/lambdamicrovms/internal/clienttest"
	"github.com/microvm-go/lambdamicrovms/internal/codegen/model"
	"github.com/microvm-go/lambdamicrovms/internal/codegen/sample"
	"github.com/microvm-go/lambdamicrovms/types"
)

// The helpers that internal/attack uses too.
type (
	httpFunc     = clienttest.HTTPFunc
	resolverFunc = clienttest.ResolverFunc
	tokenFunc    = clienttest.TokenFunc
)

var (
	newResponse            = clienttest.Response
	call                   = clienttest.Call
	eager                  = clienttest.RetryWithoutDelay
	errorsOf               = clienttest.Errors
	goName                 = clienttest.GoName
	httpClients            = clienttest.HTTPClients
	isDeserializationError = clienttest.IsDeserializationError
	isSizeError            = clienttest.IsSizeError
	methodOf               = clienttest.Method
	newInput               = clienttest.NewInput
	newOutput              = clienttest.NewOutput
	readModel              = clienttest.Model
	served                 = clienttest.Serve
	staticCredentials      = clienttest.Credentials
	stubbed                = clienttest.Stubbed
	updateInput            = clienttest.UpdateInput
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

// failure returns the response of the service for an error with this code.
func failure(status int, code string) *http.Response {
	return newResponse(status, http.Header{"X-Amzn-Errortype": {code}}, `{"message":"because"}`)
}

// broken returns a response whose body ends with err.
func broken(status int, body string, err error) *http.Response {
	r := newResponse(status, nil, "")
	r.Body, r.ContentLength = io.NopCloser(io.MultiReader(strings.NewReader(body), iotest.ErrReader(err))), -1
	return r
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

// shapes returns the Go types of all shapes that have a JSON form, sorted by name:
// inputs, outputs, errors, and the structures and members of unions below them.
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
			return newResponse(shape.Traits.HTTPStatus, http.Header{"X-Amzn-Errortype": {shape.ID.Name()}}, `{}`), nil
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
