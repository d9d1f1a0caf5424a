// Package shorthand reads the shorthand syntax of the AWS CLI for structured values:
//
//	parameter     = keyval *( "," keyval )
//	keyval        = key [ "@" ] "=" values
//	key           = 1*( letter / digit / "-" / "_" / "." / "#" / "/" / ":" )
//	values        = csv / explicit-list / hash
//	explicit-list = "[" [ item *( "," item ) [ "," ] ] "]"
//	hash          = "{" [ key [ "@" ] "=" item *( "," ... ) ] "}"
//	item          = explicit-list / hash / quoted / bare
//	csv           = value *( "," value )
//
// A csv with one value is that value, with more a list; it ends where "key=" follows.
// Behind "@=" values may name files. All scalars are strings: the model is applied
// elsewhere.
package shorthand

import (
	"fmt"
	"strings"

	"github.com/microvm-go/lambdamicrovms/cmd/lambda-microvms/internal/value"
)

// Error is a text that is not shorthand. Input and its caret line are apart from the
// reason, so that they can be left out where the input is secret.
type Error struct {
	Reason, Input, Hint string
}

func (e *Error) Error() string {
	text := e.Reason + " for input:\n" + e.Input
	if e.Hint != "" {
		text += "\n" + e.Hint
	}
	return text
}

// Parse reads a parameter. load, unless nil, replaces the values behind "@=".
func Parse(input string, load func(string) (string, error)) (v *value.Map, err error) {
	p := &parser{input: []rune(input), load: load}
	defer func() {
		switch stop := recover().(type) {
		case nil:
		case failure:
			v, err = nil, stop.error
		default:
			panic(stop)
		}
	}()
	return p.parameter(), nil
}

// failure is the panic value that unwinds the parser.
type failure struct{ error }

const eof = rune(-1)

// maxDepth is how deep values may nest.
const maxDepth = 200

type parser struct {
	input []rune
	at    int
	depth int
	load  func(string) (string, error)
}

func (p *parser) parameter() *value.Map {
	params := new(value.Map)
	key, v := p.keyValue()
	params.Set(key, v)
	last := p.at
	for p.at < len(p.input) {
		p.expect(',', true)
		key, v := p.keyValue()
		if params.Has(key) {
			panic(failure{&Error{
				Reason: fmt.Sprintf("Second instance of key %q encountered", key), Input: p.location(last + 1),
				Hint: `This is often because there is a preceding "," instead of a space.`,
			}})
		}
		params.Set(key, v)
		last = p.at
	}
	return params
}

func (p *parser) keyValue() (string, any) {
	key, files := p.key()
	return key, p.resolve(p.values(), files)
}

// key reads a key, and whether "@=" follows in place of "=".
func (p *parser) key() (key string, files bool) {
	start := p.at
	for strings.ContainsRune("-_.#/:", p.current()) || isAlphanumeric(p.current()) {
		p.at++
	}
	key = string(p.input[start:p.at])
	if p.load != nil && p.current() == '@' {
		p.at++
		files = true
	}
	p.expect('=', true)
	return key, files
}

func isAlphanumeric(r rune) bool {
	return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9'
}

// resolve loads the files that the scalars directly in a value name.
func (p *parser) resolve(v any, files bool) any {
	if !files {
		return v
	}
	switch v := v.(type) {
	case string:
		text, err := p.load(v)
		if err != nil {
			panic(failure{err})
		}
		return text
	case []any:
		for i, e := range v {
			if s, ok := e.(string); ok {
				v[i] = p.resolve(s, true)
			}
		}
	}
	return v
}

func (p *parser) values() any {
	switch p.current() {
	case eof:
		return ""
	case '[':
		return p.list()
	case '{':
		return p.hash()
	}
	return p.csv()
}

// csv reads one value or a list, and goes back to the comma before a "key=".
func (p *parser) csv() any {
	first := p.firstValue()
	p.space()
	if p.current() != ',' {
		return first
	}
	p.expect(',', true)
	list := []any{first}
	for {
		v, end, ok := p.listValue()
		if ok {
			list = append(list, v)
		}
		if end {
			break
		}
	}
	if len(list) == 1 {
		return first
	}
	return list
}

// listValue reads the next value of a csv. At what is no value it goes back to the comma,
// unless the input is at its end: then there should have been one.
func (p *parser) listValue() (v string, end, ok bool) {
	defer func() {
		if stop := recover(); stop != nil {
			if _, mine := stop.(failure); !mine || p.at >= len(p.input) {
				panic(stop)
			}
			for p.at >= 0 && p.input[p.at] != ',' {
				p.at--
			}
			end, ok = true, false
		}
	}()
	v = p.secondValue()
	p.space()
	if p.current() == eof {
		return v, true, true
	}
	p.expect(',', true)
	return v, false, true
}

func (p *parser) list() []any {
	p.enter()
	defer func() { p.depth-- }()
	p.expect('[', true)
	list := []any{}
	for p.current() != ']' {
		list = append(list, p.item())
		p.space()
		if p.current() != ']' {
			p.expect(',', false)
			p.space()
		}
	}
	p.expect(']', false)
	return list
}

func (p *parser) hash() *value.Map {
	p.enter()
	defer func() { p.depth-- }()
	p.expect('{', true)
	m := new(value.Map)
	for p.current() != '}' {
		key, files := p.key()
		v := p.resolve(p.item(), files)
		p.space()
		if p.current() != '}' {
			p.expect(',', false)
			p.space()
		}
		m.Set(key, v)
	}
	p.expect('}', false)
	return m
}

func (p *parser) enter() {
	if p.depth++; p.depth > maxDepth {
		panic(failure{&Error{Reason: "Too many levels", Input: p.location(p.at)}})
	}
}

func (p *parser) item() any {
	switch p.current() {
	case '[':
		return p.list()
	case '{':
		return p.hash()
	}
	return p.firstValue()
}

// firstValue reads a value that may hold "=", or nothing.
func (p *parser) firstValue() string {
	if c := p.current(); c == '\'' || c == '"' {
		return p.quoted(c)
	}
	v, _ := p.bare("\"',]}")
	return v
}

// secondValue reads a value of a csv behind the first: one that does not hold "=".
func (p *parser) secondValue() string {
	if c := p.current(); c == '\'' || c == '"' {
		return p.quoted(c)
	}
	v, ok := p.bare("\"',=")
	if !ok {
		p.fail("<second>", "<none>", p.at)
	}
	return v
}

// bare reads a run of characters without those that end it.
func (p *parser) bare(ends string) (v string, ok bool) {
	start := p.at
	for {
		switch c := p.current(); {
		case c == '\\' && p.at+1 < len(p.input) && p.input[p.at+1] == ',':
			p.at += 2
		case c == eof,
			p.at == start && (strings.ContainsRune("\"',=[{", c) || isSpace(c)),
			p.at > start && strings.ContainsRune(ends, c):
			text := strings.ReplaceAll(string(p.input[start:p.at]), `\,`, `,`)
			return strings.TrimRightFunc(text, isSpace), p.at > start
		default:
			p.at++
		}
	}
}

// quoted reads a value between quotes, which a backslash escapes inside, as it does
// itself. A backslash before the last quote there is cannot be an escape.
func (p *parser) quoted(quote rune) string {
	end, last := -1, -1
	for i := p.at + 1; i < len(p.input) && end < 0; i++ {
		switch c := p.input[i]; {
		case c == '\\' && i+1 < len(p.input) && (p.input[i+1] == '\\' || p.input[i+1] == quote):
			if i++; p.input[i] == quote {
				last = i
			}
		case c == quote:
			end = i
		}
	}
	if end < 0 {
		end = last
	}
	if end < 0 {
		name := "double quoted"
		if quote == '\'' {
			name = "singled quoted"
		}
		p.fail("<"+name+">", "<none>", p.at)
	}
	text := string(p.input[p.at+1 : end])
	p.at = end + 1
	text = strings.ReplaceAll(text, `\`+string(quote), string(quote))
	return strings.ReplaceAll(text, `\\`, `\`)
}

func (p *parser) current() rune {
	if p.at < len(p.input) {
		return p.input[p.at]
	}
	return eof
}

func (p *parser) expect(c rune, around bool) {
	if around {
		p.space()
	}
	switch actual := p.current(); actual {
	case c:
	case eof:
		p.fail(string(c), "EOF", p.at)
	default:
		p.fail(string(c), string(actual), p.at)
	}
	p.at++
	if around {
		p.space()
	}
}

func isSpace(r rune) bool { return r == ' ' || r >= '\t' && r <= '\r' }

func (p *parser) space() {
	for isSpace(p.current()) {
		p.at++
	}
}

func (p *parser) fail(expected, actual string, at int) {
	panic(failure{&Error{
		Reason: fmt.Sprintf("Expected: '%s', received: '%s'", expected, actual), Input: p.location(at),
	}})
}

// location shows the input with a caret below a place of it.
func (p *parser) location(at int) string {
	at = min(at, len(p.input))
	consumed, rest := string(p.input), ""
	before := string(p.input[:at])
	column := at - len([]rune(before[:strings.LastIndexByte(before, '\n')+1]))
	if next := strings.IndexByte(string(p.input[at:]), '\n'); next >= 0 {
		cut := len(before) + next
		consumed, rest = consumed[:cut], consumed[cut:]
	}
	return consumed + "\n" + strings.Repeat(" ", column) + "^" + rest
}
