package params

import (
	"encoding/base64"
	"errors"
	"fmt"
	"math"
	"math/big"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"

	"github.com/microvm-go/lambdamicrovms/cmd/lambda-microvms/internal/value"
)

// The library needs minutes for a small document that is nested deeply, or whose aliases
// repeat aliases. No input of the service comes near these limits.
const (
	maxYAMLDepth  = 100     // of lists and maps in one line, or in brackets
	maxYAMLValues = 100_000 // with those that aliases repeat
)

// LimitError reports YAML that takes too long to read.
type LimitError string

func (e LimitError) Error() string { return string(e) }

// ReadYAML reads a YAML document.
func ReadYAML(text string) (v any, err error) {
	if err := checkYAML(text); err != nil {
		return nil, err
	}
	var decoded any
	if err := yaml.UnmarshalWithOptions([]byte(text), &decoded, yaml.UseOrderedMap()); err != nil {
		return nil, errors.New("the text is not YAML") // the library's errors quote the text
	}
	return fromYAML(decoded)
}

// checkYAML returns a LimitError for a document above the limits. It leaves other errors
// to the decoder.
func checkYAML(text string) error {
	tokens := lexer.Tokenize(text)
	brackets, entries, line := 0, 0, 0
	for _, t := range tokens {
		if t.Position.Line != line {
			entries, line = 0, t.Position.Line
		}
		switch t.Type {
		case token.SequenceStartType, token.MappingStartType:
			brackets++
		case token.SequenceEndType, token.MappingEndType:
			brackets--
		case token.SequenceEntryType: // "- - -"
			entries++
		}
		if max(brackets, entries) > maxYAMLDepth {
			return LimitError(fmt.Sprintf("it nests lists or maps more than %d levels deep", maxYAMLDepth))
		}
	}
	c := counter{anchored: make(map[string]int)}
	if file, err := parser.Parse(tokens, 0); err == nil {
		for _, document := range file.Docs {
			ast.Walk(&c, document)
		}
	}
	if c.values > maxYAMLValues {
		return LimitError(fmt.Sprintf("with its aliases it has more than %d values", maxYAMLValues))
	}
	return nil
}

// counter counts the values of a document with those that aliases repeat.
type counter struct {
	values   int
	anchored map[string]int // values by the name of their anchor
}

// Visit implements ast.Visitor.
func (c *counter) Visit(node ast.Node) ast.Visitor {
	switch n := node.(type) {
	case *ast.AnchorNode:
		inner := counter{anchored: c.anchored}
		ast.Walk(&inner, n.Value)
		c.anchored[n.Name.String()] = inner.values
		c.add(inner.values)
		return nil
	case *ast.AliasNode:
		c.add(c.anchored[n.Value.String()])
		return nil
	}
	c.add(1)
	return c
}

// add stops above the limit, because the number of values can overflow an int.
func (c *counter) add(n int) { c.values = min(c.values+n, maxYAMLValues+1) }

func fromYAML(v any) (any, error) {
	switch v := v.(type) {
	case nil, bool, string, float64:
		return v, nil
	case int:
		return int64(v), nil
	case int64:
		return v, nil
	case uint64:
		if v <= math.MaxInt64 {
			return int64(v), nil
		}
		return new(big.Int).SetUint64(v), nil
	case []byte:
		return base64.StdEncoding.EncodeToString(v), nil
	case []any:
		list := make([]any, len(v))
		for i, e := range v {
			var err error
			if list[i], err = fromYAML(e); err != nil {
				return nil, err
			}
		}
		return list, nil
	case yaml.MapSlice:
		m := new(value.Map)
		for _, item := range v {
			name, ok := item.Key.(string)
			if !ok {
				name = fmt.Sprint(item.Key)
			}
			part, err := fromYAML(item.Value)
			if err != nil {
				return nil, err
			}
			m.Set(name, part)
		}
		return m, nil
	}
	return nil, fmt.Errorf("YAML has a %T", v)
}
