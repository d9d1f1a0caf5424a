package lambdamicrovms_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"strings"
	"testing"

	"github.com/aws/smithy-go"

	"github.com/microvm-go/lambdamicrovms/internal/codegen/model"
	"github.com/microvm-go/lambdamicrovms/internal/codegen/sample"
)

// Whatever stands in a document, each input and output reads it or returns an error, and what was read is written and
// read again without loss. The first byte picks the type.
func FuzzDecodeShapes(f *testing.F) {
	m := readModel(f)
	for i, op := range m.Service.Operations {
		for variant := range 3 {
			for kind, shape := range []*model.Shape{op.Input, op.Output} {
				doc := any(map[string]any{})
				if shape.Kind == model.Structure {
					doc = sample.Full(shape, func(n int) int { return variant % n })
				}
				data, err := json.Marshal(doc)
				if err != nil {
					f.Fatal(err)
				}
				f.Add(byte(2*i+kind), data)
			}
		}
	}
	f.Add(byte(1), []byte(`{"createdAt":1e400}`))
	f.Add(byte(3), []byte(`{"logging":{"new":{"a":[1,2,{"b":null}]}}}`))
	f.Fuzz(func(t *testing.T, pick byte, data []byte) {
		op := m.Service.Operations[int(pick/2)%len(m.Service.Operations)]
		fresh := func() any { return newOutput(t, op) }
		if pick%2 == 0 {
			fresh = func() any { return newInput(t, op) }
		}
		v := fresh()
		if err := json.Unmarshal(data, v); err != nil {
			return
		}
		written, err := json.Marshal(v)
		if err != nil {
			t.Fatalf("%T was read from %q and cannot be written: %v", v, data, err)
		}
		again := fresh()
		if err := json.Unmarshal(written, again); err != nil {
			t.Fatalf("%T was written as %q and cannot be read: %v", v, written, err)
		}
		rewritten, err := json.Marshal(again)
		if err != nil || string(written) != string(rewritten) {
			t.Fatalf("%T: %q became %q (%v)", v, written, rewritten, err)
		}
		_ = fmt.Sprintf("%v %+v", v, again)
	})
}

// Whatever a gateway answers, a call ends with an output or with an error that tells the status.
func FuzzAnswers(f *testing.F) {
	m := readModel(f)
	for i, form := range errorForms {
		f.Add(byte(i), 400+i, strings.ReplaceAll(form.header, "%s", "ThrottlingException"), strings.ReplaceAll(form.body, "%s", "ThrottlingException"))
	}
	f.Add(byte(0), 502, "", "<html>bad gateway</html>")
	f.Add(byte(5), 200, "", `{"items":[{}],"nextToken":"x"`)
	f.Fuzz(func(t *testing.T, pick byte, status int, errorType, body string) {
		if status < 200 || status > 599 {
			return
		}
		op := m.Service.Operations[int(pick)%len(m.Service.Operations)]
		client := stubbed(func(*http.Request) (*http.Response, error) {
			return answer(status, http.Header{"X-Amzn-Errortype": {errorType}, "Retry-After": {body}}, body), nil
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
		if status >= 300 && (!errors.As(err, &api) || api.ErrorCode() == "") {
			t.Fatalf("status %d: no code in %v", status, err)
		}
	})
}
