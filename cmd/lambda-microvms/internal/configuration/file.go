package configuration

import (
	"strings"

	"github.com/microvm-go/lambdamicrovms/cmd/lambda-microvms/internal/fault"
	"github.com/microvm-go/lambdamicrovms/cmd/lambda-microvms/internal/params"
	"github.com/microvm-go/lambdamicrovms/cmd/lambda-microvms/internal/value"
)

// Parse reads the text of the file that an option names: JSON if its name ends in .json,
// else YAML, of which JSON is a part. Errors show nothing of the content.
func Parse(option, path string, text []byte) (*value.Map, error) {
	read, kind := params.ReadYAML, "YAML"
	if strings.HasSuffix(path, ".json") {
		read, kind = value.ReadJSON, "JSON"
	}
	v, err := read(string(text))
	if err != nil {
		return nil, fault.Parameter(option, "%s: Invalid %s: %s", path, kind, err)
	}
	document, ok := v.(*value.Map)
	if !ok {
		return nil, fault.Parameter(option, "%s: expected an object with the members of a configuration, found %s", path, kindOf(v))
	}
	return document, nil
}

// kindOf says what a document is that is no object.
func kindOf(v any) string {
	switch v.(type) {
	case nil:
		return "nothing"
	case bool:
		return "a boolean"
	case string:
		return "a string"
	case []any:
		return "a list"
	}
	return "a number"
}
