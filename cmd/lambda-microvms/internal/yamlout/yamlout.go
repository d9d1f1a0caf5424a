// Package yamlout writes documents as YAML byte for byte as the AWS CLI does, which uses
// libyaml's emitter with YAML 1.2 rules: block style, sorted keys, sequences not indented
// below their key, lines folded from 80 columns on, and quotes only where they are
// needed.
package yamlout

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/microvm-go/lambdamicrovms/cmd/lambda-microvms/internal/value"
)

const (
	foldFrom     = 80  // columns
	indentation  = 2   // columns
	maxSimpleKey = 128 // bytes; longer keys are written behind "? "
)

// Append appends a document and a newline.
func Append(b []byte, v any) []byte {
	e := &emitter{out: b, indent: -1, whitespace: true, indention: true}
	e.value(v, false)
	return append(e.out, '\n')
}

// emitter holds the place in the output that libyaml's rules depend on.
type emitter struct {
	out        []byte
	column     int
	indent     int
	whitespace bool // the last character was white space
	indention  bool // the line has only indentation and "-", "?" or ":" so far
}

func (e *emitter) value(v any, inMapping bool) {
	switch v := v.(type) {
	case *value.Map:
		if v.Len() == 0 {
			e.indicator("{}", true, false)
			return
		}
		e.mapping(v)
	case []any:
		if len(v) == 0 {
			e.indicator("[]", true, false)
			return
		}
		e.sequence(v, inMapping)
	default:
		e.scalar(v, false)
	}
}

func (e *emitter) enter(indentless bool) (leave func()) {
	old := e.indent
	switch {
	case e.indent < 0:
		e.indent = 0
	case !indentless:
		e.indent += indentation
	}
	return func() { e.indent = old }
}

func (e *emitter) mapping(m *value.Map) {
	defer e.enter(false)()
	for _, name := range m.Names() {
		v, _ := m.Get(name)
		e.newLine()
		if simpleKey(name) {
			e.scalar(name, true)
			e.indicator(":", false, false)
		} else {
			e.indicator("?", true, true)
			e.scalar(name, false)
			e.newLine()
			e.indicator(":", true, true)
		}
		e.value(v, true)
	}
}

func simpleKey(name string) bool { return len(name) <= maxSimpleKey && !analyze(name).multiline }

func (e *emitter) sequence(list []any, inMapping bool) {
	defer e.enter(inMapping && !e.indention)()
	for _, v := range list {
		e.newLine()
		e.indicator("-", true, true)
		e.value(v, false)
	}
}

func (e *emitter) put(r rune) {
	e.out = utf8.AppendRune(e.out, r)
	e.column++
}

func (e *emitter) breakLine() {
	e.out = append(e.out, '\n')
	e.column = 0
}

// newLine goes to the indentation of the level, on a new line unless that is here.
func (e *emitter) newLine() {
	indent := max(0, e.indent)
	if !e.indention || e.column > indent || e.column == indent && !e.whitespace {
		e.breakLine()
	}
	for e.column < indent {
		e.put(' ')
	}
	e.whitespace, e.indention = true, true
}

func (e *emitter) indicator(text string, spaced, indention bool) {
	if spaced && !e.whitespace {
		e.put(' ')
	}
	for _, r := range text {
		e.put(r)
	}
	e.whitespace, e.indention = false, e.indention && indention
}

func (e *emitter) scalar(v any, key bool) {
	old := e.indent
	e.indent = max(0, old) + indentation
	defer func() { e.indent = old }()
	text, isString := v.(string)
	if !isString {
		text = scalarText(v)
		e.plain(text, key)
		return
	}
	a := analyze(text)
	switch {
	case key && a.multiline:
		e.double(text, key)
	case a.plain && !resolves(text):
		e.plain(text, key)
	case a.single:
		e.single(text, key)
	default:
		e.double(text, key)
	}
}

func scalarText(v any) string {
	switch v := v.(type) {
	case nil:
		return "null"
	case bool:
		return fmt.Sprint(v)
	case float64:
		switch text := value.FloatText(v); text {
		case "inf", "nan":
			return "." + text
		case "-inf":
			return "-.inf"
		default:
			return text
		}
	}
	return value.Text(v)
}

// analysis is which forms a text may be written in.
type analysis struct{ multiline, plain, single bool }

func isBreak(r rune) bool {
	return r == '\n' || r == '\r' || r == 0x85 || r == 0x2028 || r == 0x2029
}

// printable reports whether libyaml writes a character outside of double quotes.
func printable(r rune) bool {
	return r == '\n' || r >= 0x20 && r <= 0x7e || r >= 0xa0 && r <= 0xd7ff ||
		r >= 0xe000 && r <= 0xfffd && r != 0xfeff
}

func analyze(text string) analysis {
	if text == "" {
		return analysis{plain: true, single: true}
	}
	var indicators, special, breaks, breakSpace, spaceBreak, leading, trailing bool
	if strings.HasPrefix(text, "---") || strings.HasPrefix(text, "...") {
		indicators = true
	}
	runes := []rune(text)
	afterSpace, afterBreak, afterBlank := false, false, true
	for i, r := range runes {
		last := i == len(runes)-1
		blankNext := last || runes[i+1] == ' ' || runes[i+1] == '\t' || isBreak(runes[i+1])
		switch {
		case i == 0 && strings.ContainsRune("#,[]{}&*!|>'\"%@`", r),
			(r == ':' || i == 0 && (r == '?' || r == '-')) && blankNext,
			i > 0 && r == '#' && afterBlank:
			indicators = true
		}
		if !printable(r) {
			special = true
		}
		switch {
		case r == ' ':
			leading, trailing = leading || i == 0, trailing || last
			breakSpace = breakSpace || afterBreak
			afterSpace, afterBreak = true, false
		case isBreak(r):
			breaks = true
			leading, trailing = leading || i == 0, trailing || last
			spaceBreak = spaceBreak || afterSpace
			afterSpace, afterBreak = false, true
		default:
			afterSpace, afterBreak = false, false
		}
		afterBlank = r == ' ' || r == '\t' || isBreak(r)
	}
	quoted := breakSpace || spaceBreak || special
	return analysis{
		multiline: breaks,
		plain:     !quoted && !leading && !trailing && !breaks && !indicators,
		single:    !quoted,
	}
}

func (e *emitter) start() {
	if !e.whitespace {
		e.put(' ')
	}
}

// folds reports whether a line may be broken at a space.
func (e *emitter) folds(key, afterSpace bool) bool { return !key && !afterSpace && e.column > foldFrom }

func (e *emitter) plain(text string, key bool) {
	if text != "" {
		e.start()
	}
	runes, afterSpace := []rune(text), false
	for i, r := range runes {
		if r == ' ' {
			if e.folds(key, afterSpace) && i+1 < len(runes) && runes[i+1] != ' ' {
				e.newLine()
			} else {
				e.put(r)
			}
			afterSpace = true
			continue
		}
		e.put(r)
		e.indention, afterSpace = false, false
	}
	e.whitespace, e.indention = false, false
}

func (e *emitter) single(text string, key bool) {
	e.indicator("'", true, false)
	runes, afterSpace, afterBreak := []rune(text), false, false
	for i, r := range runes {
		switch {
		case r == ' ':
			if e.folds(key, afterSpace) && i > 0 && i < len(runes)-1 && runes[i+1] != ' ' {
				e.newLine()
			} else {
				e.put(r)
			}
			afterSpace = true
			continue
		case isBreak(r):
			if !afterBreak && r == '\n' {
				e.breakLine()
			}
			if r == '\n' {
				e.breakLine()
			} else {
				e.out = utf8.AppendRune(e.out, r)
				e.column = 0
			}
			e.indention, afterBreak = true, true
			continue
		}
		if afterBreak {
			e.newLine()
		}
		if r == '\'' {
			e.put('\'')
		}
		e.put(r)
		e.indention, afterSpace, afterBreak = false, false, false
	}
	if afterBreak {
		e.newLine()
	}
	e.whitespace = true
	e.indicator("'", false, false)
	e.whitespace, e.indention = false, false
}

func (e *emitter) double(text string, key bool) {
	e.indicator(`"`, true, false)
	runes, afterSpace := []rune(text), false
	for i, r := range runes {
		switch {
		case !printable(r) || isBreak(r) || r == '"' || r == '\\':
			for _, c := range escaped(r) {
				e.put(c)
			}
			afterSpace = false
		case r == ' ':
			if e.folds(key, afterSpace) && i > 0 && i < len(runes)-1 {
				e.newLine()
				if runes[i+1] == ' ' {
					e.put('\\')
				}
			} else {
				e.put(r)
			}
			afterSpace = true
		default:
			e.put(r)
			afterSpace = false
		}
	}
	e.indicator(`"`, false, false)
	e.whitespace, e.indention = false, false
}

func escaped(r rune) string {
	switch r {
	case 0:
		return `\0`
	case '\a':
		return `\a`
	case '\b':
		return `\b`
	case '\t':
		return `\t`
	case '\n':
		return `\n`
	case '\v':
		return `\v`
	case '\f':
		return `\f`
	case '\r':
		return `\r`
	case 0x1b:
		return `\e`
	case '"', '\\':
		return `\` + string(r)
	case 0x85:
		return `\N`
	case 0xa0:
		return `\_`
	case 0x2028:
		return `\L`
	case 0x2029:
		return `\P`
	}
	switch {
	case r <= 0xff:
		return fmt.Sprintf(`\x%02X`, r)
	case r <= 0xffff:
		return fmt.Sprintf(`\u%04X`, r)
	}
	return fmt.Sprintf(`\U%08X`, r)
}
