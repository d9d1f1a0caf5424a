package images

import (
	"errors"
	"fmt"
	"path/filepath"
	"runtime"
	"strings"
	"unicode/utf8"

	"github.com/moby/patternmatcher"
	"github.com/moby/patternmatcher/ignorefile"
)

const (
	// Without limits, a file of a few megabytes takes gigabytes of memory and minutes: a
	// compiled pattern needs several hundred times its length, and compiling it takes
	// quadratic time.
	maxIgnoreBytes  = 256 << 10
	maxPatternBytes = 4 << 10
)

// ignoreRules are the patterns of a .dockerignore file.
type ignoreRules struct {
	matcher    *patternmatcher.PatternMatcher
	exceptions []string // slash-separated, without "!"
}

// ignoreState records which patterns match a directory or one of its parents. The zero
// value is that of the root.
type ignoreState = patternmatcher.MatchInfo

// parseIgnore reads the text of a .dockerignore file.
func parseIgnore(text string) (*ignoreRules, error) {
	matcher, err := newMatcher(text)
	if err != nil {
		return nil, locate(text, err)
	}
	rules := &ignoreRules{matcher: matcher}
	for _, pattern := range matcher.Patterns() {
		if pattern.Exclusion() {
			rules.exceptions = append(rules.exceptions, filepath.ToSlash(pattern.String()))
		}
	}
	return rules, nil
}

func newMatcher(text string) (*patternmatcher.PatternMatcher, error) {
	patterns, err := ignorefile.ReadAll(strings.NewReader(text))
	if err != nil {
		return nil, err
	}
	for _, pattern := range patterns {
		if len(pattern) > maxPatternBytes {
			return nil, fmt.Errorf("the pattern is longer than %d bytes", maxPatternBytes)
		}
		// Docker accepts such a file, for example in UTF-16, and then excludes nothing.
		if !utf8.ValidString(pattern) || strings.Contains(pattern, "\x00") {
			return nil, errors.New("the pattern is not UTF-8 text")
		}
	}
	return patternmatcher.New(patterns)
}

// locate adds the number of the first invalid line to the error.
func locate(text string, err error) error {
	number, before := 0, ""
	for line := range strings.Lines(text) {
		number++
		if _, wrong := newMatcher(before + line); wrong != nil {
			return fmt.Errorf("line %d: %w", number, wrong)
		}
		before = "\n" // so that a byte order mark is removed from the first line only
	}
	return err
}

// match reports whether the file or directory at a slash-separated path is excluded. It
// returns the state to pass as parent for the content of a directory.
func (rs *ignoreRules) match(name string, parent ignoreState) (excluded bool, state ignoreState, err error) {
	return rs.matcher.MatchesUsingParentResults(name, parent)
}

// excludes reports whether the file or directory at a path is excluded.
func (rs *ignoreRules) excludes(name string) (excluded bool, err error) {
	var state ignoreState
	for end := range len(name) + 1 {
		if end == len(name) || name[end] == '/' {
			if excluded, state, err = rs.match(name[:end], state); err != nil {
				return false, err
			}
		}
	}
	return excluded, nil
}

// reaches reports whether an exception may match something in an excluded directory.
func (rs *ignoreRules) reaches(dir string) bool {
	for _, exception := range rs.exceptions {
		if mayMatchBelow(exception, dir) {
			return true
		}
	}
	return false
}

// mayMatchBelow reports whether a pattern may match a path below a directory. It compares
// the text before the first wildcard. It also compares the depth, unless the pattern
// contains something that can match a slash: "**", a class, or a backslash where it is an
// escape.
func mayMatchBelow(pattern, dir string) bool {
	wildcards, slashes := `*?[]^\`, `[\`
	if runtime.GOOS == "windows" {
		wildcards, slashes = `*?[]^`, `[`
	}
	prefix, below := pattern, dir+"/"
	wild := strings.IndexAny(pattern, wildcards)
	if wild >= 0 {
		prefix = pattern[:wild]
	}
	if !strings.HasPrefix(prefix, below) && (wild < 0 || !strings.HasPrefix(below, prefix)) {
		return false
	}
	return strings.Contains(pattern, "**") || strings.ContainsAny(pattern, slashes) ||
		strings.Count(pattern, "/") >= strings.Count(below, "/")
}
