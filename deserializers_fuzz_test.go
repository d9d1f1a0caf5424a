package lambdamicrovms_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net/http"
	"reflect"
	"strings"
	"testing"

	"github.com/aws/smithy-go"
	"github.com/aws/smithy-go/middleware"
	"github.com/google/go-cmp/cmp"

	"github.com/microvm-go/lambdamicrovms"
	"github.com/microvm-go/lambdamicrovms/internal/codegen/sample"
	"github.com/microvm-go/lambdamicrovms/types"
)

// Every shape decodes a document or returns an error, and a decoded shape survives
// encoding and decoding. The first byte selects the shape.
func FuzzDecodeShapes(f *testing.F) {
	list := shapes(f)
	if len(list) > math.MaxUint8 {
		f.Fatalf("a byte does not pick among %d shapes", len(list))
	}
	number := map[reflect.Type]byte{}
	for i, typ := range list {
		number[typ] = byte(i)
		f.Add(byte(i), []byte(`{"message":"m","Message":null,"resourceId":"r","retryAfterSeconds":7,"port":1,"uri":"s3://b/k"}`))
	}
	for _, op := range readModel(f).Service.Operations {
		for variant := range 3 {
			for _, v := range filled(f, op, variant) {
				data, err := json.Marshal(v)
				if err != nil {
					f.Fatal(err)
				}
				f.Add(number[reflect.TypeOf(v).Elem()], data)
			}
		}
	}
	f.Fuzz(func(t *testing.T, pick byte, data []byte) {
		typ := list[int(pick)%len(list)]
		v, again := reflect.New(typ).Interface(), reflect.New(typ).Interface()
		if err := json.Unmarshal(data, v); err != nil {
			return
		}
		written, err := json.Marshal(v)
		if err != nil {
			t.Fatalf("%T was read from %q and cannot be written: %v", v, data, err)
		}
		if err := json.Unmarshal(written, again); err != nil {
			t.Fatalf("%T was written as %q and cannot be read: %v", v, written, err)
		}
		if !sameJSON(v, again) {
			t.Fatalf("%T: %q became another one by %q", v, data, written)
		}
		_ = fmt.Sprintf("%v %+v", v, again)
	})
}

// sameJSON compares two pointers to shapes. It ignores spacing, because json.Marshal
// changes it in unknown union members.
func sameJSON(a, b any) bool {
	return reflect.DeepEqual(a, b) || cmp.Equal(a, b,
		cmp.Comparer(func(a, b types.UnknownUnionMember) bool {
			var va, vb any
			return a.Tag == b.Tag && json.Unmarshal(a.Value, &va) == nil && json.Unmarshal(b.Value, &vb) == nil && reflect.DeepEqual(va, vb)
		}),
		cmp.Comparer(func(middleware.Metadata, middleware.Metadata) bool { return true }))
}

// Whatever a gateway sends, a call returns an output or an error with the status.
func FuzzResponses(f *testing.F) {
	m := readModel(f)
	modeled := map[string]bool{}
	for i, shape := range errorsOf(m) {
		code := shape.ID.Name()
		modeled[code] = true
		for _, form := range errorForms {
			f.Add(byte(i), shape.Traits.HTTPStatus, strings.ReplaceAll(form.header, "%s", code), strings.ReplaceAll(form.body, "%s", code))
		}
	}
	for i, op := range m.Service.Operations {
		data, err := json.Marshal(filled(f, op, i)[1])
		if err != nil {
			f.Fatal(err)
		}
		f.Add(byte(i), op.Traits.HTTP.Code, "", string(data))
		f.Add(byte(i), op.Traits.HTTP.Code, "", string(data[:len(data)/2]))
	}
	f.Add(byte(0), 502, "", "<html>bad gateway</html>")
	f.Fuzz(func(t *testing.T, pick byte, status int, errorType, body string) {
		if status < 200 || status > 599 {
			return
		}
		op := m.Service.Operations[int(pick)%len(m.Service.Operations)]
		client := stubbed(func(*http.Request) (*http.Response, error) {
			return newResponse(status, http.Header{"X-Amzn-Errortype": {errorType}, "Retry-After": {body}}, body), nil
		})
		out, err := call(t, client, op, sample.Minimal(op.Input))
		if success := status < 300; err == nil && (!success || reflect.ValueOf(out).IsNil()) {
			t.Fatalf("status %d: no error, output %v", status, out)
		}
		if err == nil {
			return
		}
		var operation *smithy.OperationError
		if !errors.As(err, &operation) {
			t.Fatalf("status %d: the error is a %T: %v", status, err, err)
		}
		var api smithy.APIError
		switch {
		case status < 300:
		case !errors.As(err, &api) || api.ErrorCode() == "":
			t.Fatalf("status %d: no code in %v", status, err)
		case modeled[errorType] && fmt.Sprintf("%T", api) != "*types."+errorType:
			t.Fatalf("status %d, type %s: the error is a %T: %v", status, errorType, api, err)
		}
		_ = []bool{
			lambdamicrovms.IsImageBusy(err), lambdamicrovms.IsQuotaExceeded(err), lambdamicrovms.IsThrottle(err),
			lambdamicrovms.IsNotFound(err), lambdamicrovms.IsAlreadyExists(err),
		}
	})
}
