package images

import (
	"errors"
	"fmt"
	"path"
	"strings"
)

// ignoreRules are the lines of a .dockerignore file. The last one that fits a path, or a folder it is in,
// decides.
type ignoreRules struct {
	rules      []ignoreRule
	exceptions bool // some line begins with "!"
}

// parseIgnore reads a .dockerignore file as Docker does.
func parseIgnore(text string) (*ignoreRules, error) {
	var found ignoreRules
	text = strings.TrimPrefix(text, "\uFEFF")
	line := 0
	for content := range strings.Lines(text) {
		line++
		if strings.HasPrefix(content, "#") {
			continue
		}
		pattern := strings.TrimSpace(content)
		if pattern == "" {
			continue
		}
		var rule ignoreRule
		if pattern, rule.exception = strings.CutPrefix(pattern, "!"); rule.exception {
			found.exceptions = true
			if pattern = strings.TrimSpace(pattern); pattern == "" {
				return nil, fmt.Errorf("line %d: nothing follows the exclamation mark", line)
			}
		}
		pattern = path.Clean(pattern)
		if len(pattern) > 1 {
			pattern = strings.TrimPrefix(pattern, "/")
		}
		if pattern = strings.TrimSpace(pattern); pattern == "" { // Docker does so once more: "a /" is "a"
			continue
		}
		if err := rule.compile(pattern); err != nil {
			return nil, fmt.Errorf("line %d: %w", line, err)
		}
		found.rules = append(found.rules, rule)
	}
	return &found, nil
}

// excludes reports whether the file or folder at a slash-separated path is left out.
func (rs *ignoreRules) excludes(name string) bool {
	excluded := false
	for i := range rs.rules {
		// Only a rule that turns the result over matters.
		if rule := &rs.rules[i]; rule.exception == excluded && rule.fits(name) {
			excluded = !excluded
		}
	}
	return excluded
}

// ignoreRule is one pattern.
type ignoreRule struct {
	exception bool
	tokens    []ignoreToken
	// What every path that fits begins and ends with: a quick way to see that one does not.
	prefix, suffix string
}

type ignoreToken struct {
	kind    tokenKind
	literal rune   // of oneLiteral
	negated bool   // of oneOf
	ranges  []rune // of oneOf: first, last, first, last, ...
}

type tokenKind uint8

const (
	oneLiteral tokenKind = iota
	oneAny               // "?": any character but a slash
	oneOf                // "[a-z]"
	manyInStep           // "*": any characters but slashes
	manyDirs             // "**/": nothing, or folders
	manyAny              // "**" at an end of the pattern: any characters
)

var errPattern = errors.New("syntax error in pattern")

func (r *ignoreRule) compile(pattern string) error {
	literals := true // so far, but for stars at the beginning
	rest := []rune(pattern)
	next := func() rune {
		c := rest[0]
		rest = rest[1:]
		return c
	}
	for first := true; len(rest) > 0; first = false {
		token := ignoreToken{}
		switch c := next(); {
		case c == '*' && len(rest) > 0 && rest[0] == '*':
			next()
			switch {
			case len(rest) == 0:
				token.kind = manyAny
			case first && rest[0] != '/' && !strings.ContainsAny(string(rest), `*?[]\`):
				token.kind = manyAny // "**.log" is any path that ends so
			default:
				token.kind = manyDirs
				if rest[0] == '/' {
					next()
				}
			}
			literals = false
		case c == '*':
			token.kind = manyInStep
			literals = false
		case c == '?':
			token.kind = oneAny
			literals = false
		case c == '[':
			token.kind = oneOf
			literals = false
			var err error
			if rest, err = token.class(rest); err != nil {
				return err
			}
		case c == '\\':
			if len(rest) == 0 {
				return errPattern
			}
			token.literal = next()
		default:
			token.literal = c
		}
		r.tokens = append(r.tokens, token)
		if literals {
			r.prefix += string(token.literal)
		}
	}
	for i := len(r.tokens) - 1; i >= 0 && r.tokens[i].kind == oneLiteral; i-- {
		r.suffix = string(r.tokens[i].literal) + r.suffix
	}
	return nil
}

// class reads what follows a "[" and returns what follows its "]".
func (t *ignoreToken) class(rest []rune) ([]rune, error) {
	char := func() (rune, bool) {
		if len(rest) > 0 && rest[0] == '\\' {
			rest = rest[1:]
		} else if len(rest) > 0 && (rest[0] == '-' || rest[0] == ']') {
			return 0, false
		}
		if len(rest) == 0 {
			return 0, false
		}
		c := rest[0]
		rest = rest[1:]
		return c, true
	}
	if len(rest) > 0 && rest[0] == '^' {
		t.negated, rest = true, rest[1:]
	}
	for {
		if len(rest) > 0 && rest[0] == ']' && len(t.ranges) > 0 {
			return rest[1:], nil
		}
		low, ok := char()
		high := low
		if ok && len(rest) > 0 && rest[0] == '-' {
			rest = rest[1:]
			high, ok = char()
		}
		if !ok {
			return nil, errPattern
		}
		t.ranges = append(t.ranges, low, high)
	}
}

func (t *ignoreToken) accepts(c rune) bool {
	switch t.kind {
	case oneLiteral:
		return c == t.literal
	case oneAny:
		return c != '/'
	}
	for i := 0; i < len(t.ranges); i += 2 {
		if t.ranges[i] <= c && c <= t.ranges[i+1] {
			return !t.negated
		}
	}
	return t.negated
}

// fits reports whether the pattern matches the path or a folder that it is in. It takes time that grows with
// the length of the path times that of the pattern, whatever they are.
func (r *ignoreRule) fits(name string) bool {
	if !strings.HasPrefix(name, r.prefix) || !strings.Contains(name, r.suffix) {
		return false
	}
	// at[t] tells whether the tokens before t match what was read so far; within[t] whether token t is a
	// manyDirs that has begun.
	size := len(r.tokens) + 1
	at, within, next := make([]bool, size), make([]bool, size), make([]bool, size)
	at[0] = true
	for i, c := range name {
		r.skip(at)
		if c == '/' && i > 0 && at[size-1] {
			return true // a folder that the path is in
		}
		clear(next)
		for t := range r.tokens {
			switch token := &r.tokens[t]; token.kind {
			case manyInStep:
				next[t] = next[t] || at[t] && c != '/'
			case manyAny:
				next[t] = next[t] || at[t]
			case manyDirs:
				within[t] = within[t] || at[t]
				next[t+1] = within[t] && c == '/'
			default:
				next[t+1] = at[t] && token.accepts(c)
			}
		}
		at, next = next, at
	}
	r.skip(at)
	return at[size-1]
}

// skip goes past tokens that match nothing.
func (r *ignoreRule) skip(at []bool) {
	for t := range r.tokens {
		if kind := r.tokens[t].kind; kind == manyInStep || kind == manyAny || kind == manyDirs {
			at[t+1] = at[t+1] || at[t]
		}
	}
}
