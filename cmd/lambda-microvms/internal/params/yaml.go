package params

import (
	"encoding/base64"
	"errors"
	"fmt"
	"math"
	"math/big"

	"github.com/goccy/go-yaml"

	"github.com/microvm-go/lambdamicrovms/cmd/lambda-microvms/internal/value"
)

// ReadYAML reads a YAML document.
func ReadYAML(text string) (v any, err error) {
	var decoded any
	if err := yaml.UnmarshalWithOptions([]byte(text), &decoded, yaml.UseOrderedMap()); err != nil {
		return nil, errors.New("the text is not YAML") // the library's errors quote the text
	}
	return fromYAML(decoded)
}

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
