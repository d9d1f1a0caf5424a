// Package awsmodel writes the model of the service as the AWS CLI v2 reads it, so that
// the CLI knows the service: tests and measurements run it beside this repository's
// programs.
package awsmodel

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// The parts of the Smithy model that the CLI needs.
type (
	smithyModel struct {
		Shapes map[string]smithyShape `json:"shapes"`
	}
	smithyShape struct {
		Type    string                  `json:"type"`
		Members map[string]smithyMember `json:"members"`
		Member  smithyMember            `json:"member"`
		Key     smithyMember            `json:"key"`
		Value   smithyMember            `json:"value"`
		Input   smithyMember            `json:"input"`
		Output  smithyMember            `json:"output"`
		Errors  []smithyMember          `json:"errors"`
		Traits  traits                  `json:"traits"`
	}
	smithyMember struct {
		Target string `json:"target"`
		Traits traits `json:"traits"`
	}
	traits map[string]json.RawMessage

	httpTrait struct {
		Method string `json:"method"`
		URI    string `json:"uri"`
		Code   int    `json:"code"`
	}
	paginatedTrait struct{ InputToken, OutputToken, PageSize, Items string }
	waiterTrait    struct {
		Acceptors []struct {
			State   string `json:"state"`
			Matcher struct {
				Output *struct {
					Path     string `json:"path"`
					Expected string `json:"expected"`
				} `json:"output"`
				ErrorType string `json:"errorType"`
			} `json:"matcher"`
		} `json:"acceptors"`
	}
)

type object = map[string]any

// converter keeps the first error.
type converter struct{ err error }

func (c *converter) fail(format string, args ...any) {
	if c.err == nil {
		c.err = fmt.Errorf("awsmodel: "+format, args...)
	}
}

// has decodes a trait and reports whether it exists.
func (c *converter) has(t traits, name string, into any) bool {
	raw, ok := t[name]
	if ok && into != nil {
		if err := json.Unmarshal(raw, into); err != nil {
			c.fail("trait %s: %w", name, err)
		}
	}
	return ok
}

// Write reads the Smithy model and writes it in the form of the AWS CLI:
// dir/lambda-microvms/2025-09-09/service-2.json and so on.
func Write(from, dir string) error {
	text, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	var model smithyModel
	if err := json.Unmarshal(text, &model); err != nil {
		return fmt.Errorf("awsmodel: %s: %w", from, err)
	}
	c := new(converter)
	operations, shapes, pagination, waiters := object{}, object{}, object{}, object{}
	for id, shape := range model.Shapes {
		switch name := local(id); shape.Type {
		case "service":
		case "operation":
			operations[name] = c.operation(name, shape)
			if p := (paginatedTrait{}); c.has(shape.Traits, "smithy.api#paginated", &p) {
				pagination[name] = object{"input_token": p.InputToken, "output_token": p.OutputToken, "limit_key": p.PageSize, "result_key": p.Items}
			}
			if w := map[string]waiterTrait{}; c.has(shape.Traits, "smithy.waiters#waitable", &w) {
				for waiterName, trait := range w {
					waiters[waiterName] = waiter(name, trait)
				}
			}
		default:
			shapes[name] = c.convert(shape)
		}
	}
	for name, kind := range map[string]string{"String": "string", "Integer": "integer", "Long": "long", "Boolean": "boolean", "Timestamp": "timestamp"} {
		if shapes[name] == nil {
			shapes[name] = object{"type": kind}
		}
	}
	shapes["Unit"] = object{"type": "structure", "members": object{}}

	dir = filepath.Join(dir, "lambda-microvms", "2025-09-09")
	if c.err != nil {
		return c.err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	for name, content := range map[string]object{
		"service-2.json": {
			"version": "2.0",
			"metadata": object{
				"apiVersion": "2025-09-09", "endpointPrefix": "lambda", "protocol": "rest-json", "signatureVersion": "v4",
				"signingName": "lambda", "serviceFullName": "AWS Lambda MicroVMs", "serviceId": "Lambda Microvms", "uid": "lambda-microvms-2025-09-09",
			},
			"operations": operations,
			"shapes":     shapes,
		},
		"paginators-1.json": {"pagination": pagination},
		"waiters-2.json":    {"version": 2, "waiters": waiters},
	} {
		text, err := json.Marshal(content)
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o644); err != nil {
			return err
		}
	}
	return nil
}

func local(id string) string { return id[strings.Index(id, "#")+1:] }

func reference(m smithyMember) object { return object{"shape": local(m.Target)} }

func (c *converter) operation(name string, shape smithyShape) object {
	var http httpTrait
	if !c.has(shape.Traits, "smithy.api#http", &http) {
		c.fail("%s has no HTTP trait", name)
	}
	converted := object{
		"name":  name,
		"http":  object{"method": http.Method, "requestUri": http.URI, "responseCode": http.Code},
		"input": reference(shape.Input),
	}
	if local(shape.Output.Target) != "Unit" {
		converted["output"] = reference(shape.Output)
	}
	var errors []object
	for _, e := range shape.Errors {
		errors = append(errors, reference(e))
	}
	converted["errors"] = errors
	return converted
}

// waiter returns a waiter that polls every second for two minutes.
func waiter(operation string, trait waiterTrait) object {
	var acceptors []object
	for _, a := range trait.Acceptors {
		if a.Matcher.Output != nil {
			acceptors = append(acceptors, object{"state": a.State, "matcher": "path", "argument": a.Matcher.Output.Path, "expected": a.Matcher.Output.Expected})
		} else {
			acceptors = append(acceptors, object{"state": a.State, "matcher": "error", "expected": a.Matcher.ErrorType})
		}
	}
	return object{"operation": operation, "delay": 1, "maxAttempts": 120, "acceptors": acceptors}
}

func (c *converter) convert(shape smithyShape) object {
	switch shape.Type {
	case "structure", "union":
		return c.structure(shape)
	case "list":
		return object{"type": "list", "member": reference(shape.Member)}
	case "map":
		return object{"type": "map", "key": reference(shape.Key), "value": reference(shape.Value)}
	case "enum":
		return object{"type": "string"} // the CLI does not check the values
	}
	return object{"type": shape.Type}
}

func (c *converter) structure(shape smithyShape) object {
	members := object{}
	var required []string
	for name, m := range shape.Members {
		member := reference(m)
		var wire string
		switch {
		case c.has(m.Traits, "smithy.api#httpLabel", nil):
			member["location"], member["locationName"] = "uri", name
		case c.has(m.Traits, "smithy.api#httpQuery", &wire):
			member["location"], member["locationName"] = "querystring", wire
		case c.has(m.Traits, "smithy.api#httpHeader", &wire):
			member["location"], member["locationName"] = "header", wire
		}
		if c.has(m.Traits, "smithy.api#idempotencyToken", nil) {
			member["idempotencyToken"] = true
		}
		if c.has(m.Traits, "smithy.api#required", nil) {
			required = append(required, name)
		}
		members[name] = member
	}
	converted := object{"type": "structure", "members": members}
	if required != nil {
		converted["required"] = required
	}
	if shape.Type == "union" {
		converted["union"] = true
	}
	var status int
	if c.has(shape.Traits, "smithy.api#httpError", &status) {
		converted["exception"], converted["error"] = true, object{"httpStatusCode": status}
	}
	return converted
}
