// Package value holds documents the way Python holds JSON, because the output of the AWS
// CLI depends on it: objects keep the order of their members, integers have any size, and
// an integer is not a float.
//
// A document is nil, a bool, a string, an int64, a *big.Int beyond its range, a float64,
// a []any or a *Map.
package value

import (
	"math/big"
	"slices"
	"strconv"
	"strings"
)

// Map is an object whose members keep their order. The zero Map is empty.
type Map struct {
	members []Member
	index   map[string]int // from indexed members on
}

// Member is a member of a Map.
type Member struct {
	Name  string
	Value any
}

// indexed is the size from which a search through the members is slower than an index.
const indexed = 16

// NewMap returns a map with the members.
func NewMap(members ...Member) *Map {
	m := new(Map)
	for _, member := range members {
		m.Set(member.Name, member.Value)
	}
	return m
}

// Len returns the number of members.
func (m *Map) Len() int { return len(m.members) }

// Members returns the members in order. The caller must not change them.
func (m *Map) Members() []Member { return m.members }

func (m *Map) find(name string) int {
	if m.index != nil {
		if i, ok := m.index[name]; ok {
			return i
		}
		return -1
	}
	return slices.IndexFunc(m.members, func(member Member) bool { return member.Name == name })
}

// Get returns the value of a member.
func (m *Map) Get(name string) (any, bool) {
	i := m.find(name)
	if i < 0 {
		return nil, false
	}
	return m.members[i].Value, true
}

// Has reports whether there is a member of the name.
func (m *Map) Has(name string) bool { return m.find(name) >= 0 }

// Set sets a member: in its place if there is one of the name, else as the last one.
func (m *Map) Set(name string, v any) {
	if i := m.find(name); i >= 0 {
		m.members[i].Value = v
		return
	}
	m.members = append(m.members, Member{name, v})
	switch {
	case m.index != nil:
		m.index[name] = len(m.members) - 1
	case len(m.members) >= indexed:
		m.reindex()
	}
}

// Delete removes members.
func (m *Map) Delete(names ...string) {
	for _, name := range names {
		i := m.find(name)
		if i < 0 {
			continue
		}
		m.members = slices.Delete(m.members, i, i+1)
		if m.index != nil {
			m.reindex()
		}
	}
}

func (m *Map) reindex() {
	m.index = make(map[string]int, len(m.members))
	for i := range m.members {
		m.index[m.members[i].Name] = i
	}
}

// Names returns the names of the members, sorted.
func (m *Map) Names() []string {
	names := make([]string, len(m.members))
	for i := range m.members {
		names[i] = m.members[i].Name
	}
	slices.Sort(names)
	return names
}

// Clone returns a copy that shares no part of the document.
func (m *Map) Clone() *Map {
	copied := new(Map)
	for _, member := range m.members {
		copied.Set(member.Name, clone(member.Value))
	}
	return copied
}

func clone(v any) any {
	switch v := v.(type) {
	case *Map:
		return v.Clone()
	case []any:
		list := make([]any, len(v))
		for i := range v {
			list[i] = clone(v[i])
		}
		return list
	}
	return v
}

// Scalar reports whether v has no parts.
func Scalar(v any) bool {
	switch v.(type) {
	case []any, *Map:
		return false
	}
	return true
}

// Int returns an integer in its smallest form.
func Int(i *big.Int) any {
	if i.IsInt64() {
		return i.Int64()
	}
	return i
}

// Text returns a scalar as Python's str does.
func Text(v any) string {
	switch v := v.(type) {
	case nil:
		return "None"
	case bool:
		if v {
			return "True"
		}
		return "False"
	case int64:
		return strconv.FormatInt(v, 10)
	case *big.Int:
		return v.String()
	case float64:
		return FloatText(v)
	case string:
		return v
	}
	return Repr(v)
}

// Repr returns a document as Python's repr does.
func Repr(v any) string {
	switch v := v.(type) {
	case string:
		return Quote(v)
	case []any:
		parts := make([]string, len(v))
		for i, e := range v {
			parts[i] = Repr(e)
		}
		return "[" + strings.Join(parts, ", ") + "]"
	case *Map:
		parts := make([]string, len(v.members))
		for i, m := range v.members {
			parts[i] = Quote(m.Name) + ": " + Repr(m.Value)
		}
		return "{" + strings.Join(parts, ", ") + "}"
	}
	return Text(v)
}

// Quote returns a string as Python's repr does.
func Quote(s string) string {
	quote := `'`
	if strings.Contains(s, `'`) && !strings.Contains(s, `"`) {
		quote = `"`
	}
	var b strings.Builder
	b.WriteString(quote)
	for _, r := range s {
		switch {
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\r':
			b.WriteString(`\r`)
		case r == '\t':
			b.WriteString(`\t`)
		case r == '\\' || string(r) == quote:
			b.WriteByte('\\')
			b.WriteRune(r)
		case r < 0x20 || r == 0x7f:
			b.WriteString(`\x`)
			b.WriteString(hex(uint32(r), 2))
		case !strconv.IsPrint(r) && r <= 0xff:
			b.WriteString(`\x` + hex(uint32(r), 2))
		case !strconv.IsPrint(r) && r <= 0xffff:
			b.WriteString(`\u` + hex(uint32(r), 4))
		case !strconv.IsPrint(r):
			b.WriteString(`\U` + hex(uint32(r), 8))
		default:
			b.WriteRune(r)
		}
	}
	b.WriteString(quote)
	return b.String()
}

func hex(n uint32, width int) string {
	s := strconv.FormatUint(uint64(n), 16)
	return strings.Repeat("0", width-len(s)) + s
}

// FloatText returns a float as Python's repr does.
func FloatText(f float64) string {
	s := strconv.FormatFloat(f, 'e', -1, 64)
	switch s {
	case "NaN":
		return "nan"
	case "+Inf":
		return "inf"
	case "-Inf":
		return "-inf"
	}
	mantissa, exponent, _ := strings.Cut(s, "e")
	if e, _ := strconv.Atoi(exponent); e < -4 || e >= 16 {
		return mantissa + "e" + exponent
	}
	s = strconv.FormatFloat(f, 'f', -1, 64)
	if !strings.Contains(s, ".") {
		s += ".0"
	}
	return s
}

// TypeName returns the name of v's type in Python.
func TypeName(v any) string {
	switch v.(type) {
	case nil:
		return "NoneType"
	case bool:
		return "bool"
	case string:
		return "str"
	case float64:
		return "float"
	case []any:
		return "list"
	case *Map:
		return "dict"
	}
	return "int"
}

// ParseInt reads an integer as Python's int does.
func ParseInt(s string) (any, bool) {
	s = strings.TrimSpace(s)
	digits := strings.TrimLeft(s, "+-")
	if len(s)-len(digits) > 1 || digits == "" || digits[0] == '_' || digits[len(digits)-1] == '_' ||
		strings.Contains(digits, "__") {
		return nil, false
	}
	i, ok := new(big.Int).SetString(strings.ReplaceAll(strings.TrimPrefix(s, "+"), "_", ""), 10)
	if !ok {
		return nil, false
	}
	return Int(i), true
}
