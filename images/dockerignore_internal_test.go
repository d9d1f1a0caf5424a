package images

import (
	"context"
	"math/rand/v2"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/moby/patternmatcher"
	"github.com/moby/patternmatcher/ignorefile"
)

func TestIgnore(t *testing.T) {
	for _, c := range []struct {
		reason   string
		lines    string
		excluded string // space-separated
		included string
	}{
		{"nothing", "", "", "a a/b Dockerfile"},
		{"a name in the root only", "temp", "temp temp/a temp/a/b", "a/temp tempo"},
		{"an anchored name is the same", "/temp", "temp temp/a", "a/temp"},
		{"a trailing slash is no difference", "temp/", "temp temp/a", "a/temp"},
		{"one level", "*/temp*", "a/temp a/tempo a/temp/b b/temporary.txt", "temp a/b/temp"},
		{"two levels", "*/*/temp*", "a/b/temp a/b/temporary.txt", "temp a/temp a/b/c/temp"},
		{"one character", "temp?", "tempa tempb tempé tempa/x", "temp tempab temp/"},
		{"any depth", "**/*.go", "a.go a/b.go a/b/c.go", "a.gox go"},
		{"any depth, without a slash", "**.go", "a.go a/b.go", "a.gox"},
		{"any depth of a directory", "**/node_modules", "node_modules node_modules/a a/node_modules/b/c", "my_node_modules a/node_modules2"},
		{"directories between", "a/**/z", "a/z a/b/z a/b/c/z a/b/z/x", "z b/z a/bz"},
		{"all below", "a/**", "a/b a/b/c", "a ab"},
		{"everything", "**", "a a/b .git", ""},
		{"everything by a star", "*", "a a/b .git", ""},
		{"stars across", "a**b", "ab a/b axx/b", "axb"},
		{"a class", "[a-c]x", "ax bx cx/y", "dx x"},
		{"a negated class", "[^a-c]x", "dx zx", "ax bx"},
		{"a class with a bracket in it", `[\]a]x`, "]x ax", "bx"},
		{"an escaped star", `a\*`, "a* a*/b", "ab a"},
		{"characters of regular expressions", "a+(b).c$", "a+(b).c$", "aab.c aa+(b)xc$"},
		{"an exception", "*.md\n!README.md", "a.md b.md", "README.md a.txt"},
		{"the last line decides", "*.md\n!README*.md\nREADME-secret.md", "a.md README-secret.md", "README.md README-a.md"},
		{"the last line decides, the other way", "*.md\nREADME-secret.md\n!README*.md", "a.md", "README.md README-secret.md"},
		{"an exception below an excluded directory", "vendor\n!vendor/keep", "vendor vendor/a vendor/keeper", "vendor/keep vendor/keep/b"},
		{"only a part", "*\n!src\n!go.*", "a a/src .env", "src src/a/b go.mod go.sum"},
		{"an exception with a star", "**\n!**/*.txt", "a.go a/b.go a", "a.txt a/b/c.txt"},
		{"an exception with a space", "*\n! src", "a", "src"},
		{"comments and spaces", "# temp\n  a  \n\n\t\n #b\n", "a #b", "temp b"},
		{"a space before the slash at the end", "a /\n/ b\n/ /", "a b a/c", "c"},
		{"a byte order mark", "\uFEFFtemp\r\na\r\n", "temp a", "b"},
		{"a mark before a comment", "\uFEFF# temp\na", "a", "temp"},
		{"paths are cleaned", "./a/../b//c/.", "b/c b/c/d", "a b"},
		{"out of the directory", "../a", "", "a"},
		{"the directory itself", ".", "", "a a/b"},
		{"the directory itself as the root", "/", "", "a a/b"},
		{"a dot is a dot", "a.b", "a.b", "axb"},
		{"letter case counts", "Temp", "Temp", "temp"},
		{"an exception for a directory, before something in it is excluded", "**/*.env\n!config", "config/prod.env a.env", "config config/a"},
		{"the same, deeper", "**/.env\n!apps/web", ".env apps/web/.env", "apps apps/web apps/web/a"},
		{"the same, with a slash", "*/*.pem\n!certs/", "certs/key.pem", "certs certs/a key.pem"},
		{"an exception, and the directory again", "d\n!d/x\nd", "d d/a", "d/x d/x/a"},
	} {
		rules, err := parseIgnore(c.lines)
		if err != nil {
			t.Errorf("%s: %v", c.reason, err)
			continue
		}
		for _, path := range strings.Fields(c.excluded) {
			if excluded, err := rules.excludes(path); !excluded || err != nil {
				t.Errorf("%s: %q is included, %v", c.reason, path, err)
			}
		}
		for _, path := range strings.Fields(c.included) {
			if excluded, err := rules.excludes(strings.TrimSuffix(path, "/")); excluded || err != nil {
				t.Errorf("%s: %q is excluded, %v", c.reason, path, err)
			}
		}
	}
}

func TestIgnoreErrors(t *testing.T) {
	for _, c := range []struct{ lines, want string }{
		{"a\n!", `line 2: illegal exclusion pattern: "!"`},
		{"!  ", `line 1: illegal exclusion pattern: "!"`},
		{"!/", `line 1: illegal exclusion pattern: "!"`},
		{"\uFEFFa\r\n!/\r\n[", `line 2: illegal exclusion pattern: "!"`},
		{"[a", "line 1: syntax error in pattern"},
		{"# x\n\n[", "line 3: syntax error in pattern"},
		{"[]a]", "line 1: syntax error in pattern"},
		{"[a-]", "line 1: syntax error in pattern"},
		{"[-a]", "line 1: syntax error in pattern"},
		{`a\`, "line 1: syntax error in pattern"},
		{`[a\`, "line 1: syntax error in pattern"},
		{"a\n\xff", "line 2: the pattern is not UTF-8 text"},
		{"\xff\xfe.\x00e\x00n\x00v\x00", "line 1: the pattern is not UTF-8 text"},
		{".\x00e\x00n\x00v\x00", "line 1: the pattern is not UTF-8 text"},
		{"a\n" + strings.Repeat("a", maxPatternBytes+1), "line 2: the pattern is longer than 4096 bytes"},
		{"\n" + strings.Repeat("*a", 200_000), "line 2: bufio.Scanner: token too long"},
	} {
		if _, err := parseIgnore(c.lines); err == nil || err.Error() != c.want {
			t.Errorf("%.20q: got %v, want %s", c.lines, err, c.want)
		}
	}
	if _, err := parseIgnore("# \xff\x00\n" + strings.Repeat("a", maxPatternBytes)); err != nil {
		t.Error(err)
	}
}

// Some invalid patterns are detected only when they are matched.
func TestIgnoreErrorsLate(t *testing.T) {
	rules, err := parseIgnore("[b-a]")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := rules.excludes("a"); err == nil {
		t.Error("no error")
	}
}

// No pattern may take exponential time.
func TestIgnoreManyStars(t *testing.T) {
	rules, err := parseIgnore(strings.Repeat("*a", 50) + "b")
	if err != nil {
		t.Fatal(err)
	}
	if excluded, err := rules.excludes(strings.Repeat("a", 5000)); excluded || err != nil {
		t.Errorf("excluded is %v, %v", excluded, err)
	}
}

func TestIgnoreReaches(t *testing.T) {
	for _, c := range []struct {
		exception string
		reached   string // space-separated
		not       string
	}{
		{"a", "", "a b a/b"},
		{"a/b", "a", "b a/b a/c ab"},
		{"a/b/c", "a a/b", "b a/c a/b/c"},
		{"*", "", "a a/b"},
		{"*.go", "", "a a/b"},
		{"*/x", "a b", "a/b"},
		{"a/*", "a", "b a/b"},
		{"a*/x", "a ab", "b a/b"},
		{"a/**", "a a/b a/b/c", "b ab"},
		{"a**", "a ab a/b", "b"},
		{"**/x", "a a/b", ""},
		{"a/**/x", "a a/b", "b"},
		{"a[^b]c", "a", "b"}, // a class that leaves something out matches a slash
		{`a\W*`, "a", "b"},   // the backslash gets into a regular expression
		{"a?c", "", "a"},
	} {
		rules, err := parseIgnore("!" + c.exception)
		if err != nil {
			t.Fatal(err)
		}
		for _, dir := range strings.Fields(c.reached) {
			if !rules.reaches(dir) {
				t.Errorf("%s does not reach into %s", c.exception, dir)
			}
		}
		for _, dir := range strings.Fields(c.not) {
			if rules.reaches(dir) {
				t.Errorf("%s reaches into %s", c.exception, dir)
			}
		}
	}
}

// generated returns random patterns over a few names, so that they often match.
func generated(r *rand.Rand) string {
	parts := []string{"a", "b", "ab", "*", "**", "?", "a*", "*b", "**b", "a**", "[ab]", "[^a]", `\a`, `\W`, "..", ".", ""}
	var lines strings.Builder
	for range 1 + r.IntN(5) {
		lines.WriteString([]string{"", "", "!", "/", "!/", " ", "#"}[r.IntN(7)])
		for i := range 1 + r.IntN(4) {
			if i > 0 {
				lines.WriteByte('/')
			}
			lines.WriteString(parts[r.IntN(len(parts))])
		}
		lines.WriteString([]string{"", "", "/", "/**", " "}[r.IntN(5)] + "\n")
	}
	return lines.String()
}

// Zip lists exactly the paths that the library does not match, when it is given every
// path with its parent's result.
func TestIgnoreDifferential(t *testing.T) {
	var paths []string // directories, and files, which have a dot
	var grow func(dir string, depth int)
	grow = func(dir string, depth int) {
		for _, name := range []string{"a", "ab", "b"} {
			paths = append(paths, dir+name, dir+"."+name)
			if depth > 1 {
				grow(dir+name+"/", depth-1)
			}
		}
	}
	grow("", 3)
	dir := t.TempDir()
	for _, name := range paths {
		name := filepath.Join(dir, filepath.FromSlash(name))
		err := os.MkdirAll(filepath.Dir(name), 0o755)
		if err == nil && strings.HasPrefix(filepath.Base(name), ".") {
			err = os.WriteFile(name, nil, 0o600)
		} else if err == nil {
			err = os.MkdirAll(name, 0o755)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, dockerfile), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	slices.Sort(paths)
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close() //nolint:errcheck // it is only read

	compared := 0
	for seed := range uint64(200) {
		lines := generated(rand.New(rand.NewPCG(seed, 1)))
		if err := os.WriteFile(filepath.Join(dir, ".dockerignore"), []byte(lines), 0o600); err != nil {
			t.Fatal(err)
		}
		l := newLister(root, dir, nil, nil)
		listErr := l.list(context.Background())
		want, wantErr := reference(lines, paths)
		if (listErr != nil) != (wantErr != nil) {
			t.Errorf("%q: got the error %v, the library's is %v", lines, listErr, wantErr)
		}
		if wantErr != nil || listErr != nil {
			continue
		}
		compared++
		got := make(map[string]bool)
		for e := range l.entries.take() {
			if e.name != dockerfile && e.name != ".dockerignore" {
				got[e.name] = true
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%q: -library +ours\n%s", lines, diff)
		}
	}
	if compared < 100 {
		t.Errorf("only %d rule files are valid", compared)
	}
}

// reference returns the paths that are not excluded, and their directories.
func reference(lines string, paths []string) (map[string]bool, error) {
	patterns, err := ignorefile.ReadAll(strings.NewReader(lines))
	if err != nil {
		return nil, err
	}
	matcher, err := patternmatcher.New(patterns)
	if err != nil {
		return nil, err
	}
	kept := make(map[string]bool)
	states := map[string]patternmatcher.MatchInfo{".": {}}
	for _, name := range paths { // parents first
		excluded, state, err := matcher.MatchesUsingParentResults(name, states[path.Dir(name)])
		if err != nil {
			return nil, err
		}
		states[name] = state
		for up := name; !excluded && up != "."; up = path.Dir(up) {
			kept[up] = true
		}
	}
	return kept, nil
}
