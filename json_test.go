package lambdamicrovms_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/google/go-cmp/cmp"

	"github.com/microvm-go/lambdamicrovms"
	"github.com/microvm-go/lambdamicrovms/internal/codegen/sample"
	"github.com/microvm-go/lambdamicrovms/types"
)

// Inputs and outputs survive JSON with every member, also those of path and query.
func TestJSONRoundTrip(t *testing.T) {
	for _, op := range readModel(t).Service.Operations {
		for variant := range 3 {
			for _, v := range filled(t, op, variant) {
				data, err := json.Marshal(v)
				if err != nil {
					t.Fatal(err)
				}
				again := reflect.New(reflect.TypeOf(v).Elem()).Interface()
				if err := json.Unmarshal(data, again); err != nil {
					t.Fatalf("%T: %v in %s", v, err, data)
				}
				if !reflect.DeepEqual(v, again) {
					t.Errorf("%T: %s became %v", v, data, again)
				}
			}
		}
	}
}

// Inputs reject unknown members, because a typo would reset a member in an update.
// Outputs accept them, because a newer service must not break a client.
func TestUnknownMembers(t *testing.T) {
	for _, doc := range []string{
		`{"desc":"typo"}`,
		`{"hooks":{"microvmHooks":{"runTimeout":1}}}`,
		`{"logging":{"watch":{}}}`,
		`{"codeArtifact":{"uri":"s3://b/k","sha256":"abc"}}`,
		`{"resources":[{"memory":1}]}`,
	} {
		if err := json.Unmarshal([]byte(doc), new(lambdamicrovms.UpdateMicroVMImageInput)); err == nil {
			t.Errorf("an input took %s", doc)
		}
		if err := json.Unmarshal([]byte(doc), new(lambdamicrovms.UpdateMicroVMImageOutput)); err != nil {
			t.Errorf("an output refused %s: %v", doc, err)
		}
	}
}

func TestJSONDetails(t *testing.T) {
	tests := map[string]struct {
		doc  string
		want types.Logging
	}{
		"null siblings":  {`{"logging":{"disabled":null,"cloudWatch":{"logGroup":"g"}}}`, &types.LoggingMemberCloudWatch{Value: types.CloudWatchLogging{LogGroup: aws.String("g")}}},
		"unknown member": {`{"logging":{"s3":{"bucket":"b"}}}`, &types.UnknownUnionMember{Tag: "s3", Value: []byte(`{"bucket":"b"}`)}},
		"null union":     {`{"logging":null}`, nil},
		"empty union":    {`{"logging":{}}`, nil},
		"last wins":      {`{"logging":{"disabled":{}},"logging":{"cloudWatch":{}}}`, &types.LoggingMemberCloudWatch{}},
		"null clears":    {`{"logging":{"disabled":{}},"logging":null}`, nil},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			out := new(lambdamicrovms.GetMicroVMImageVersionOutput)
			if err := json.Unmarshal([]byte(test.doc), out); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, out.Logging); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
	if err := json.Unmarshal([]byte(`{"logging":{"disabled":{},"cloudWatch":{}}}`), new(lambdamicrovms.GetMicroVMImageVersionOutput)); err == nil {
		t.Error("a union with two members set was taken")
	}
	// Members of unions also marshal by themselves, inside a struct of the caller.
	data, err := json.Marshal(map[string]any{"port": &types.PortSpecificationMemberPort{Value: 80}, "all": &types.PortSpecificationMemberAllPorts{}})
	if err != nil || string(data) != `{"all":{"allPorts":{}},"port":{"port":80}}` {
		t.Errorf("%s, %v", data, err)
	}
	var port types.PortSpecificationMemberPort
	if err := json.Unmarshal([]byte(`{"port":81}`), &port); err != nil || port.Value != 81 {
		t.Errorf("%v, %v", port, err)
	}
	if err := json.Unmarshal([]byte(`{"allPorts":{}}`), &port); err == nil {
		t.Error("a port took allPorts")
	}
	// Times keep their fractions of a second.
	at := time.Unix(1700000000, 123456789).UTC()
	data, err = json.Marshal(types.MicroVMItem{StartedAt: &at})
	if err != nil || string(data) != `{"startedAt":1700000000.123456789}` {
		t.Errorf("%s, %v", data, err)
	}
}

// Shapes without secrets print as their name and their JSON; nil pointers as <nil> or
// null.
func TestShapesPrintAsJSON(t *testing.T) {
	for _, typ := range shapes(t) {
		pointer := reflect.New(typ)
		if _, isError := pointer.Interface().(error); isError {
			continue // prints as its text
		}
		if _, ok := pointer.Elem().Interface().(fmt.Formatter); !ok {
			t.Errorf("values of %v have no Format", typ)
		}
	}
	out := &lambdamicrovms.GetMicroVMOutput{MicroVMId: aws.String("m"), State: types.MicroVMStateRunning, StateReason: aws.String("r")}
	const text = `GetMicroVMOutput{"microvmId":"m","state":"RUNNING","stateReason":"r"}`
	for how, got := range printed(out) {
		want := text
		if strings.HasPrefix(how, "slog JSON") {
			want = strings.TrimPrefix(want, "GetMicroVMOutput")
		}
		if strings.HasPrefix(how, "slog") {
			got = strings.ReplaceAll(got, `\"`, `"`)
		}
		if !strings.Contains(got, want) {
			t.Errorf("printed by %s: %s, want it to contain %s", how, got, want)
		}
	}
	out = nil
	var log bytes.Buffer
	slog.New(slog.NewJSONHandler(&log, nil)).Info("", "out", out)
	if text := fmt.Sprintf("%v %+v", out, out); text != "<nil> <nil>" || !strings.Contains(log.String(), `"out":null`) {
		t.Errorf("nil prints as %s, and in slog as %s", text, log.String())
	}
}

// No verb of fmt and no handler of slog prints a sensitive value, at any depth.
func TestSecretsAreNotPrinted(t *testing.T) {
	sensitive := 0
	for _, op := range readModel(t).Service.Operations {
		for _, v := range filled(t, op, 0) {
			data, err := json.Marshal(v)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Contains(data, []byte(sample.Secret)) {
				continue
			}
			sensitive++
			for how, text := range printed(v) {
				if strings.Contains(text, sample.Secret) {
					t.Errorf("%T printed by %s holds the secret: %s", v, how, text)
				}
				if !strings.Contains(text, "[REDACTED]") {
					t.Errorf("%T printed by %s does not say that something is left out: %s", v, how, text)
				}
			}
		}
	}
	if sensitive < 8 {
		t.Errorf("only %d inputs and outputs hold secrets: is the trait lost?", sensitive)
	}
}

// printed returns the ways in which a program may print a pointer to a struct.
func printed(v any) map[string]string {
	value := reflect.ValueOf(v).Elem().Interface()
	list := reflect.Append(reflect.MakeSlice(reflect.SliceOf(reflect.TypeOf(value)), 0, 1), reflect.ValueOf(value)).Interface()
	texts := make(map[string]string)
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%d", "%x"} {
		texts[verb+" of the pointer"] = fmt.Sprintf(verb, v)
		texts[verb+" of the value"] = fmt.Sprintf(verb, value)
		texts[verb+" of a list"] = fmt.Sprintf(verb, list)
		texts[verb+" of a field"] = fmt.Sprintf(verb, struct{ Field any }{value})
		texts[verb+" of a pointer in a field"] = fmt.Sprintf(verb, struct{ Field any }{v})
	}
	texts["an error"] = fmt.Errorf("call with %+v failed", v).Error()
	for name, handler := range map[string]func(*bytes.Buffer) slog.Handler{
		"slog text": func(b *bytes.Buffer) slog.Handler { return slog.NewTextHandler(b, nil) },
		"slog JSON": func(b *bytes.Buffer) slog.Handler { return slog.NewJSONHandler(b, nil) },
	} {
		for how, arg := range map[string]any{"pointer": v, "value": value} {
			var b bytes.Buffer
			slog.New(handler(&b)).Info("call", "input", arg, slog.Group("g", "x", arg))
			texts[name+" of the "+how] = b.String()
		}
	}
	return texts
}
