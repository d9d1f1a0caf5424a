package jmespath

import (
	"fmt"
	"strings"

	"github.com/microvm-go/lambdamicrovms/cmd/lambda-microvms/internal/value"
)

// kind is the kind of a token.
type kind uint8

const (
	eofToken kind = iota
	unquoted
	quoted
	literal
	rbracket
	rparen
	comma
	rbrace
	number
	current
	expref
	colon
	pipe
	or
	and
	eq
	gt
	lt
	gte
	lte
	ne
	flatten
	star
	filter
	dot
	not
	lbrace
	lbracket
	lparen
)

// power is how strongly a token binds what is on its left.
func (k kind) power() int {
	switch k {
	case pipe:
		return 1
	case or:
		return 2
	case and:
		return 3
	case eq, gt, lt, gte, lte, ne:
		return 5
	case flatten:
		return 9
	case star:
		return 20
	case filter:
		return 21
	case dot:
		return 40
	case not:
		return 45
	case lbrace:
		return 50
	case lbracket:
		return 55
	case lparen:
		return 60
	}
	return 0
}

type token struct {
	kind  kind
	text  string // as in the expression
	value any    // of identifiers, literals and numbers
	at    int    // in characters
}

type lexer struct {
	text []rune
	at   int
}

// lexError is an expression with a part that is no token.
type lexError struct {
	expression, message string
	at                  int
}

func (e *lexError) Error() string {
	return fmt.Sprintf("Bad jmespath expression: %s:\n%s\n%s^", e.message, e.expression, strings.Repeat(" ", e.at))
}

func (l *lexer) fail(at int, format string, args ...any) {
	panic(&lexError{string(l.text), fmt.Sprintf(format, args...), at})
}

func (l *lexer) peek(offset int) rune {
	if l.at+offset < len(l.text) {
		return l.text[l.at+offset]
	}
	return -1
}

func tokenize(expression string) []token {
	l := &lexer{text: []rune(expression)}
	var tokens []token
	for l.at < len(l.text) {
		if strings.ContainsRune(" \t\n\r", l.text[l.at]) {
			l.at++
			continue
		}
		start := l.at
		t := l.next()
		t.at, t.text = start, string(l.text[start:l.at])
		tokens = append(tokens, t)
	}
	return append(tokens, token{kind: eofToken, at: len(l.text)})
}

func isLetter(r rune) bool { return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r == '_' }
func isDigit(r rune) bool  { return r >= '0' && r <= '9' }

func (l *lexer) next() token {
	c, start := l.text[l.at], l.at
	switch {
	case isLetter(c):
		for isLetter(l.peek(0)) || isDigit(l.peek(0)) {
			l.at++
		}
		return token{kind: unquoted, value: string(l.text[start:l.at])}
	case isDigit(c), c == '-' && isDigit(l.peek(1)):
		l.at++
		for isDigit(l.peek(0)) {
			l.at++
		}
		i, _ := value.ParseInt(string(l.text[start:l.at]))
		return token{kind: number, value: i}
	case c == '"':
		text := l.until('"')
		v, err := value.ReadJSON(`"` + text + `"`)
		if err != nil {
			l.fail(start, "Invalid quoted identifier: %s", err)
		}
		return token{kind: quoted, value: v}
	case c == '\'':
		return token{kind: literal, value: strings.ReplaceAll(l.until('\''), `\'`, `'`)}
	case c == '`':
		return l.literal(start)
	}
	return token{kind: l.symbol(c)}
}

func (l *lexer) symbol(c rune) kind {
	l.at++
	then := func(next rune, both, one kind) kind {
		if l.peek(0) == next {
			l.at++
			return both
		}
		return one
	}
	switch c {
	case '.':
		return dot
	case '*':
		return star
	case ']':
		return rbracket
	case ',':
		return comma
	case ':':
		return colon
	case '@':
		return current
	case '(':
		return lparen
	case ')':
		return rparen
	case '{':
		return lbrace
	case '}':
		return rbrace
	case '[':
		if l.peek(0) == '?' {
			l.at++
			return filter
		}
		return then(']', flatten, lbracket)
	case '|':
		return then('|', or, pipe)
	case '&':
		return then('&', and, expref)
	case '<':
		return then('=', lte, lt)
	case '>':
		return then('=', gte, gt)
	case '!':
		return then('=', ne, not)
	case '=':
		if l.peek(0) == '=' {
			l.at++
			return eq
		}
		l.fail(l.at-1, "Unknown token '='")
	}
	unknown := string(c)
	if c == '-' {
		unknown = "'-'"
	}
	l.fail(l.at-1, "Unknown token %s", unknown)
	return eofToken
}

// until reads to the delimiter that is not behind a backslash, and returns what is
// between.
func (l *lexer) until(delimiter rune) string {
	start := l.at
	l.at++
	from := l.at
	for l.peek(0) != delimiter {
		if l.peek(0) == '\\' {
			l.at++
		}
		if l.at >= len(l.text) {
			l.fail(start, "Unclosed %c delimiter", delimiter)
		}
		l.at++
	}
	l.at++
	return string(l.text[from : l.at-1])
}

// literal reads JSON between backticks, or a string without its quotes.
func (l *lexer) literal(start int) token {
	text := strings.TrimLeft(strings.ReplaceAll(l.until('`'), "\\`", "`"), " \t\n\r")
	v, err := value.ReadJSON(text)
	if err != nil {
		v, err = value.ReadJSON(`"` + text + `"`)
	}
	if err != nil {
		l.fail(start, "Bad token %s", text)
	}
	return token{kind: literal, value: v}
}
