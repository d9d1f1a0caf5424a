package params

import (
	"encoding/base64"
	"errors"
	"fmt"
	"math"
	"math/big"
	"slices"
	"strings"

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

// YAMLError reports YAML that is refused: it takes too long to read, or the library reads
// another value than the AWS CLI.
type YAMLError string

func (e YAMLError) Error() string { return string(e) }

// ReadYAML reads a YAML document.
func ReadYAML(text string) (v any, err error) {
	text = strings.TrimPrefix(text, "\ufeff") // a byte order mark
	if err := checkYAML(text); err != nil {
		return nil, err
	}
	var decoded any
	if err := yaml.UnmarshalWithOptions([]byte(text), &decoded, yaml.UseOrderedMap()); err != nil {
		return nil, errors.New("the text is not YAML") // the library's errors quote the text
	}
	return fromYAML(decoded)
}

// checkYAML returns a YAMLError for a document above the limits, or that is ambiguous. It
// leaves other errors to the decoder.
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
		if err := checkToken(t); err != nil {
			return err
		}
		if max(brackets, entries) > maxYAMLDepth {
			return YAMLError(fmt.Sprintf("it nests lists or maps more than %d levels deep", maxYAMLDepth))
		}
	}
	c := counter{anchored: make(map[string]int)}
	if file, err := parser.Parse(tokens, 0); err == nil {
		if len(file.Docs) > 1 {
			return YAMLError("it has more than one document")
		}
		for _, document := range file.Docs {
			ast.Walk(&c, document)
		}
	}
	if c.mergesList {
		return YAMLError("it merges a list of maps with <<: merge them one by one, or write the members")
	}
	if c.values > maxYAMLValues {
		return YAMLError(fmt.Sprintf("with its aliases it has more than %d values", maxYAMLValues))
	}
	return nil
}

// checkToken refuses what the library reads in another way than the AWS CLI.
func checkToken(t *token.Token) error {
	switch {
	case t.Type == token.OctetIntegerType && !strings.HasPrefix(strings.TrimLeft(t.Value, "+-"), "0o"):
		return YAMLError(fmt.Sprintf("line %d: a number with a leading 0 can be decimal or octal: remove the 0, or write 0o for octal", t.Position.Line))
	case t.Type == token.TagType && !slices.Contains([]string{"!!str", "!!int", "!!float", "!!bool", "!!null", "!!map", "!!seq"}, t.Value):
		return YAMLError(fmt.Sprintf("line %d: only the tags of JSON are known, such as !!str", t.Position.Line))
	}
	return nil
}

// counter counts the values of a document with those that aliases repeat.
type counter struct {
	values int
	// mergesList reports a << with a list.
	mergesList bool
	anchored   map[string]int // values by the name of their anchor
}

// Visit implements ast.Visitor.
func (c *counter) Visit(node ast.Node) ast.Visitor {
	switch n := node.(type) {
	case *ast.AnchorNode:
		inner := counter{anchored: c.anchored}
		ast.Walk(&inner, n.Value)
		c.mergesList = c.mergesList || inner.mergesList
		c.anchored[n.Name.String()] = inner.values
		c.add(inner.values)
		return nil
	case *ast.MappingValueNode:
		_, merges := n.Key.(*ast.MergeKeyNode)
		_, isList := n.Value.(*ast.SequenceNode)
		c.mergesList = c.mergesList || merges && isList
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
