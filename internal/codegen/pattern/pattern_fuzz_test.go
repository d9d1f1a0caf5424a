package pattern

import (
	"go/format"
	"regexp"
	"testing"
)

// FuzzMatch compares the patterns of the model with package regexp.
func FuzzMatch(f *testing.F) {
	type pair struct {
		matcher *Matcher
		oracle  *regexp.Regexp
	}
	var pairs []pair
	for _, pattern := range modelPatterns(f) {
		m, oracle := mustCompile(f, pattern)
		pairs = append(pairs, pair{m, oracle})
		inside, outside := m.Examples()
		for _, text := range append(inside[:min(5, len(inside))], outside[:min(5, len(outside))]...) {
			f.Add(text)
		}
	}
	f.Fuzz(func(t *testing.T, text string) {
		for _, p := range pairs {
			if got, want := p.matcher.Match(text), p.oracle.MatchString(text); got != want {
				t.Errorf("%s on %q: got %v, want %v", p.matcher.pattern, text, got, want)
			}
		}
	})
}

// FuzzCompile compares any pattern that is supported with package regexp.
func FuzzCompile(f *testing.F) {
	for _, pattern := range append(modelPatterns(f), morePatterns...) {
		f.Add(pattern, "abc")
	}
	f.Fuzz(func(t *testing.T, pattern, text string) {
		if len(pattern) > 60 {
			return
		}
		m, err := Compile(pattern)
		if err != nil {
			return
		}
		oracle, err := regexp.Compile(`\A(?:` + pattern + `)\z`)
		if err != nil {
			return // nested repeats, or brackets that match only without the anchors
		}
		if got, want := m.Match(text), oracle.MatchString(text); got != want {
			t.Errorf("%q on %q: got %v, want %v", pattern, text, got, want)
		}
		inside, outside := m.Examples()
		for _, text := range inside {
			if !oracle.MatchString(text) {
				t.Errorf("%q: %q is not inside", pattern, text)
			}
		}
		for _, text := range outside {
			if oracle.MatchString(text) {
				t.Errorf("%q: %q is not outside", pattern, text)
			}
		}
		if _, err := format.Source([]byte(m.Source("match"))); err != nil {
			t.Errorf("%q: %v", pattern, err)
		}
	})
}
