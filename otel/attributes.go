package otel

import (
	"fmt"

	"github.com/aws/smithy-go"
	"go.opentelemetry.io/otel/attribute"
)

// conventional returns the name that the semantic conventions now have for an attribute
// of official clients, or "" if it is the same.
func conventional(name attribute.Key) attribute.Key {
	switch name {
	case "rpc.system":
		return "rpc.system.name"
	case "http.method":
		return "http.request.method"
	case "http.status_code":
		return "http.response.status_code"
	case "api.error_code":
		return "error.type"
	}
	return ""
}

// attributesOf converts properties, in any order: OpenTelemetry sorts attributes.
func attributesOf(properties *smithy.Properties) []attribute.KeyValue {
	values := properties.Values()
	attributes := make([]attribute.KeyValue, 0, len(values))
	for key, value := range values {
		attributes = append(attributes, keyValue(key, value))
	}
	return attributes
}

// spanAttributes returns an attribute under its own and its conventional name.
func spanAttributes(attributes ...attribute.KeyValue) []attribute.KeyValue {
	for _, a := range attributes {
		if name := conventional(a.Key); name != "" {
			attributes = append(attributes, attribute.KeyValue{Key: name, Value: a.Value})
		}
	}
	return attributes
}

// keyValue converts a property. A value of a type that OpenTelemetry lacks becomes text.
func keyValue(key, value any) attribute.KeyValue {
	name := fmt.Sprint(key)
	switch value := value.(type) {
	case string:
		return attribute.String(name, value)
	case bool:
		return attribute.Bool(name, value)
	case int:
		return attribute.Int(name, value)
	case int32:
		return attribute.Int64(name, int64(value))
	case int64:
		return attribute.Int64(name, value)
	case float64:
		return attribute.Float64(name, value)
	case []string:
		return attribute.StringSlice(name, value)
	case []int:
		return attribute.IntSlice(name, value)
	case []int64:
		return attribute.Int64Slice(name, value)
	case []float64:
		return attribute.Float64Slice(name, value)
	case []bool:
		return attribute.BoolSlice(name, value)
	default:
		return attribute.String(name, fmt.Sprint(value))
	}
}
