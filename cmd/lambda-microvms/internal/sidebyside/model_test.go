//go:build !race

package sidebyside

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/microvm-go/lambdamicrovms/cmd/lambda-microvms/internal/api"
	"github.com/microvm-go/lambdamicrovms/cmd/lambda-microvms/internal/value"
)

// smithy is what the tables of package api leave out: where members travel.
type smithy struct {
	Shapes map[string]struct {
		Traits  map[string]json.RawMessage
		Members map[string]struct{ Traits map[string]json.RawMessage }
	}
}

// converter writes the model as the AWS CLI reads it: service-2.json, with members in the
// order of the model, and paginators-1.json.
type converter struct {
	testing.TB
	model  smithy
	shapes *value.Map
	names  map[*api.Shape]string
}

func member(name string, v any) value.Member { return value.Member{Name: name, Value: v} }

func writeModel(t testing.TB, directory string) {
	t.Helper()
	text, err := os.ReadFile("../../../../model/lambda-microvms.json")
	if err != nil {
		t.Fatal(err)
	}
	c := &converter{TB: t, shapes: new(value.Map), names: make(map[*api.Shape]string)}
	if err := json.Unmarshal(text, &c.model); err != nil {
		t.Fatal(err)
	}
	operations, pagination := new(value.Map), new(value.Map)
	for i := range api.Operations {
		op := &api.Operations[i]
		operations.Set(op.Name, c.operation(op))
		if pg := op.Paginator; pg != nil {
			pagination.Set(op.Name, value.NewMap(member("input_token", pg.InputToken), member("output_token", pg.OutputToken),
				member("limit_key", pg.Limit), member("result_key", pg.Items)))
		}
	}
	service := value.NewMap(
		member("version", "2.0"),
		member("metadata", value.NewMap(
			member("apiVersion", "2025-09-09"), member("endpointPrefix", "lambda"), member("protocol", "rest-json"),
			member("signatureVersion", "v4"), member("signingName", "lambda"), member("serviceFullName", "AWS Lambda MicroVMs"),
			member("serviceId", "Lambda Microvms"), member("uid", "lambda-microvms-2025-09-09"))),
		member("operations", operations), member("shapes", c.shapes))
	directory = filepath.Join(directory, "lambda-microvms", "2025-09-09")
	if err := os.MkdirAll(directory, 0o755); err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string]*value.Map{
		"service-2.json": service, "paginators-1.json": value.NewMap(member("pagination", pagination)),
	} {
		if err := os.WriteFile(filepath.Join(directory, name), value.Compact(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

const namespace = "com.amazonaws.lambdamicrovms#"

func (c *converter) operation(op *api.Operation) *value.Map {
	var http struct {
		Method, URI string
		Code        int64
	}
	if err := json.Unmarshal(c.model.Shapes[namespace+op.Name].Traits["smithy.api#http"], &http); err != nil {
		c.Fatal(err)
	}
	failures := []any{}
	for _, s := range api.Failures {
		failures = append(failures, value.NewMap(member("shape", c.shape(s))))
	}
	m := value.NewMap(
		member("name", op.Name),
		member("http", value.NewMap(member("method", http.Method), member("requestUri", http.URI), member("responseCode", http.Code))),
		member("input", value.NewMap(member("shape", c.shape(op.Input)))),
		member("documentation", op.Doc),
		member("errors", failures))
	if op.Output.Name != "Unit" {
		m.Set("output", value.NewMap(member("shape", c.shape(op.Output))))
	}
	return m
}

// shape adds a shape and returns its name. Shapes that differ in their limits only have
// one name in the model.
func (c *converter) shape(s *api.Shape) string {
	if name, ok := c.names[s]; ok {
		return name
	}
	name := s.Name
	for i := 2; c.shapes.Has(name); i++ {
		name = fmt.Sprintf("%s%d", s.Name, i)
	}
	c.names[s] = name
	m := new(value.Map)
	c.shapes.Set(name, m)
	kind := s.Kind.String()
	if s.Kind == api.Union {
		kind = "structure"
		m.Set("union", true)
	}
	m.Set("type", kind)
	if s.HasMin {
		m.Set("min", s.Min)
	}
	if s.HasMax {
		m.Set("max", s.Max)
	}
	if len(s.Values) > 0 {
		values := []any{}
		for _, v := range s.Values {
			values = append(values, v)
		}
		m.Set("enum", values)
	}
	switch {
	case s.Kind == api.List:
		m.Set("member", value.NewMap(member("shape", c.shape(s.Elem))))
	case s.Kind == api.Map:
		m.Set("key", value.NewMap(member("shape", c.shape(s.Key))))
		m.Set("value", value.NewMap(member("shape", c.shape(s.Elem))))
	case !s.Scalar():
		c.members(s, m)
	}
	return name
}

func (c *converter) members(s *api.Shape, m *value.Map) {
	members, required := new(value.Map), []any{}
	traits := c.model.Shapes[namespace+s.Name]
	for i := range s.Members {
		mem := &s.Members[i]
		reference := value.NewMap(member("shape", c.shape(mem.Shape)), member("documentation", mem.Doc))
		for trait, location := range map[string]string{"httpLabel": "uri", "httpQuery": "querystring", "httpHeader": "header"} {
			raw, ok := traits.Members[mem.Name].Traits["smithy.api#"+trait]
			if !ok {
				continue
			}
			name := mem.Name
			if location != "uri" {
				name = strings.Trim(string(raw), `"`)
			}
			reference.Set("location", location)
			reference.Set("locationName", name)
		}
		if mem.Token {
			reference.Set("idempotencyToken", true)
		}
		if mem.Required {
			required = append(required, mem.Name)
		}
		members.Set(mem.Name, reference)
	}
	m.Set("members", members)
	if len(required) > 0 {
		m.Set("required", required)
	}
	if raw, ok := traits.Traits["smithy.api#httpError"]; ok {
		var status int64
		if err := json.Unmarshal(raw, &status); err != nil {
			c.Fatal(err)
		}
		m.Set("exception", true)
		m.Set("error", value.NewMap(member("httpStatusCode", status)))
	}
}
