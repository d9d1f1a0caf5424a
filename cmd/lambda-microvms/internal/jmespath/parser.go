package jmespath

import (
	"fmt"
	"strings"
)

// projectionStop is the binding power below which a token ends a projection.
const projectionStop = 10

// invalidToken is the reason where no expression can begin with a token.
const invalidToken = "invalid token"

// maxDepth is how deep expressions may nest.
const maxDepth = 1000

type parser struct {
	expression string
	tokens     []token
	at, depth  int
}

// parseError is an expression that does not fit the grammar.
type parseError struct {
	expression, reason string
	token              token
	incomplete         bool // the end, where more is expected
}

func (e *parseError) Error() string {
	if e.incomplete {
		return fmt.Sprintf("Invalid jmespath expression: Incomplete expression:\n\"%s\"\n%s^",
			e.expression, strings.Repeat(" ", e.token.at+1))
	}
	return fmt.Sprintf("%s: Parse error at column %d, token \"%s\" (%s), for expression:\n\"%s\"\n%s^",
		e.reason, e.token.at, e.token.text, strings.ToUpper(e.token.kind.name()), e.expression, strings.Repeat(" ", e.token.at+1))
}

func (k kind) name() string {
	return [...]string{
		"eof", "unquoted_identifier", "quoted_identifier", "literal", "rbracket", "rparen", "comma", "rbrace",
		"number", "current", "expref", "colon", "pipe", "or", "and", "eq", "gt", "lt", "gte", "lte", "ne",
		"flatten", "star", "filter", "dot", "not", "lbrace", "lbracket", "lparen",
	}[k]
}

// Compile parses an expression.
func Compile(expression string) (e *Expression, err error) {
	defer func() {
		switch p := recover().(type) {
		case nil:
		case *lexError:
			err = p
		case *parseError:
			err = p
		default:
			panic(p)
		}
	}()
	p := &parser{expression: expression, tokens: tokenize(expression)}
	root := p.parse(0)
	if p.kind() != eofToken {
		p.fail("Unexpected token: " + p.token().text)
	}
	return &Expression{root}, nil
}

func (p *parser) token() token { return p.tokens[p.at] }
func (p *parser) kind() kind   { return p.tokens[p.at].kind }

func (p *parser) lookahead(n int) kind { return p.tokens[min(p.at+n, len(p.tokens)-1)].kind }

func (p *parser) advance() token {
	t := p.tokens[p.at]
	p.at = min(p.at+1, len(p.tokens)-1)
	return t
}

func (p *parser) fail(reason string) { p.failAt(p.token(), reason) }

func (p *parser) failAt(t token, reason string) {
	panic(&parseError{p.expression, reason, t, t.kind == eofToken && reason == invalidToken})
}

// expected fails, at the end because there is more to come.
func (p *parser) expected(what string) {
	panic(&parseError{p.expression, "Expecting: " + what + ", got: " + p.kind().name(), p.token(), p.kind() == eofToken})
}

func (p *parser) match(k kind) token {
	if p.kind() != k {
		p.expected(k.name())
	}
	return p.advance()
}

func (p *parser) parse(power int) node {
	if p.depth++; p.depth > maxDepth {
		p.fail("Too many levels")
	}
	defer func() { p.depth-- }()
	left := p.prefix(p.advance())
	for power < p.kind().power() {
		left = p.infix(p.advance(), left)
	}
	return left
}

// prefix parses what begins with the token.
func (p *parser) prefix(t token) node {
	switch t.kind {
	case literal:
		return literalNode{t.value}
	case unquoted:
		return fieldNode(t.value.(string))
	case quoted:
		if p.kind() == lparen {
			called := p.token()
			called.at = t.at
			p.failAt(called, "Quoted identifier not allowed for function names.")
		}
		return fieldNode(t.value.(string))
	case star:
		var right node = identityNode{}
		if p.kind() != rbracket {
			right = p.projection(star.power())
		}
		return valueProjectionNode{identityNode{}, right}
	case filter:
		return p.filter(identityNode{})
	case lbrace:
		return p.hash()
	case lparen:
		e := p.parse(0)
		p.match(rparen)
		return e
	case flatten:
		return projectionNode{flattenNode{identityNode{}}, p.projection(flatten.power())}
	case not:
		return notNode{p.parse(not.power())}
	case lbracket:
		return p.prefixBracket()
	case current:
		return identityNode{}
	case expref:
		return exprefNode{p.parse(0)}
	}
	p.failAt(t, invalidToken)
	return nil
}

func (p *parser) prefixBracket() node {
	switch {
	case p.kind() == number || p.kind() == colon:
		return p.index(identityNode{})
	case p.kind() == star && p.lookahead(1) == rbracket:
		p.at += 2
		return projectionNode{identityNode{}, p.projection(star.power())}
	}
	return p.list()
}

// infix parses what the token connects with the left side.
func (p *parser) infix(t token, left node) node {
	switch t.kind {
	case dot:
		if p.kind() != star {
			return pipeNode{left, p.afterDot(dot.power())}
		}
		p.advance()
		return valueProjectionNode{left, p.projection(dot.power())}
	case pipe:
		return pipeNode{left, p.parse(pipe.power())}
	case or:
		return orNode{left, p.parse(or.power())}
	case and:
		return andNode{left, p.parse(and.power())}
	case eq, ne, gt, lt, gte, lte:
		return comparatorNode{t.kind, left, p.parse(t.kind.power())}
	case lparen:
		return p.call(t, left)
	case filter:
		return p.filter(left)
	case flatten:
		return projectionNode{flattenNode{left}, p.projection(flatten.power())}
	case lbracket:
		if p.kind() == number || p.kind() == colon {
			return p.index(left)
		}
		p.match(star)
		p.match(rbracket)
		return projectionNode{left, p.projection(star.power())}
	}
	p.failAt(t, invalidToken)
	return nil
}

func (p *parser) call(t token, left node) node {
	name, ok := left.(fieldNode)
	if !ok {
		p.failAt(t, "Invalid function name")
	}
	f := functionNode{name: string(name)}
	for p.kind() != rparen {
		f.args = append(f.args, p.parse(0))
		if p.kind() == comma {
			p.advance()
		}
	}
	p.match(rparen)
	return f
}

func (p *parser) filter(left node) node {
	condition := p.parse(0)
	p.match(rbracket)
	var right node = identityNode{}
	if p.kind() != flatten {
		right = p.projection(filter.power())
	}
	return filterNode{left, right, condition}
}

// index parses what is between the brackets of [1] or [1:2], and the rest of a slice.
func (p *parser) index(left node) node {
	if p.kind() != colon && p.lookahead(1) != colon {
		i := p.match(number).value
		p.match(rbracket)
		return pipeNode{left, indexNode{i}}
	}
	var s sliceNode
	for part := 0; p.kind() != rbracket; {
		switch p.kind() {
		case colon:
			if part++; part == len(s.parts) {
				p.fail("syntax error")
			}
		case number:
			s.parts[part] = p.token().value
		default:
			p.fail("syntax error")
		}
		p.advance()
	}
	p.match(rbracket)
	return projectionNode{pipeNode{left, s}, p.projection(star.power())}
}

func (p *parser) list() node {
	var l multiListNode
	for {
		l = append(l, p.parse(0))
		if p.kind() == rbracket {
			p.advance()
			return l
		}
		p.match(comma)
	}
}

func (p *parser) hash() node {
	var h multiHashNode
	for {
		if p.kind() != quoted && p.kind() != unquoted {
			p.expected("['quoted_identifier', 'unquoted_identifier']")
		}
		name := p.advance().value.(string)
		p.match(colon)
		h = append(h, pair{name, p.parse(0)})
		switch p.kind() {
		case comma:
			p.advance()
		case rbrace:
			p.advance()
			return h
		}
	}
}

// projection parses what is applied to each element.
func (p *parser) projection(power int) node {
	switch k := p.kind(); {
	case k.power() < projectionStop:
		return identityNode{}
	case k == lbracket || k == filter:
		return p.parse(power)
	case k == dot:
		p.advance()
		return p.afterDot(power)
	}
	p.fail("syntax error")
	return nil
}

func (p *parser) afterDot(power int) node {
	switch p.kind() {
	case quoted, unquoted, star:
		return p.parse(power)
	case lbracket:
		p.advance()
		return p.list()
	case lbrace:
		p.advance()
		return p.hash()
	}
	p.fail("Expecting: ['quoted_identifier', 'unquoted_identifier', 'lbracket', 'lbrace'], got: " + p.kind().name())
	return nil
}
