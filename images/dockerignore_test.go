package images

import (
	"io/fs"
	"strings"
	"testing"
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
		{"any depth of a folder", "**/node_modules", "node_modules node_modules/a a/node_modules/b/c", "my_node_modules a/node_modules2"},
		{"folders between", "a/**/z", "a/z a/b/z a/b/c/z a/b/z/x", "z b/z a/bz"},
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
		{"an exception below an excluded folder", "vendor\n!vendor/keep", "vendor vendor/a vendor/keeper", "vendor/keep vendor/keep/b"},
		{"only a part", "*\n!src\n!go.*", "a a/src .env", "src src/a/b go.mod go.sum"},
		{"an exception with a star", "**\n!**/*.txt", "a.go a/b.go a", "a.txt a/b/c.txt"},
		{"an exception with a space", "*\n! src", "a", "src"},
		{"comments and spaces", "# temp\n  a  \n\n\t\n #b\n", "a #b", "temp b"},
		{"a space before the slash at the end", "a /\n/ b\n/ /", "a b a/c", "c"},
		{"a byte order mark", "\uFEFFtemp\r\na\r\n", "temp a", "b"},
		{"a mark before a comment", "\uFEFF# temp\na", "a", "temp"},
		{"paths are cleaned", "./a/../b//c/.", "b/c b/c/d", "a b"},
		{"out of the folder", "../a", "", "a"},
		{"the folder itself", ".", "", "a a/b"},
		{"the folder itself as the root", "/", "", "a a/b"},
		{"a dot is a dot", "a.b", "a.b", "axb"},
		{"letter case counts", "Temp", "Temp", "temp"},
	} {
		rules, err := parseIgnore(c.lines)
		if err != nil {
			t.Errorf("%s: %v", c.reason, err)
			continue
		}
		for _, path := range strings.Fields(c.excluded) {
			if !rules.excludes(path) {
				t.Errorf("%s: %q is included", c.reason, path)
			}
		}
		for _, path := range strings.Fields(c.included) {
			if rules.excludes(strings.TrimSuffix(path, "/")) {
				t.Errorf("%s: %q is excluded", c.reason, path)
			}
		}
	}
}

func TestIgnoreErrors(t *testing.T) {
	for _, c := range []struct{ lines, want string }{
		{"a\n!", "line 2: nothing follows the exclamation mark"},
		{"!  ", "line 1: nothing follows the exclamation mark"},
		{"[a", "line 1: syntax error in pattern"},
		{"# x\n\n[", "line 3: syntax error in pattern"},
		{"[]a]", "line 1: syntax error in pattern"},
		{"[a-]", "line 1: syntax error in pattern"},
		{"[-a]", "line 1: syntax error in pattern"},
		{`a\`, "line 1: syntax error in pattern"},
		{`[a\`, "line 1: syntax error in pattern"},
	} {
		if _, err := parseIgnore(c.lines); err == nil || err.Error() != c.want {
			t.Errorf("%q: got %v, want %s", c.lines, err, c.want)
		}
	}
}

// A pattern must not take forever, whatever it is.
func TestIgnoreManyStars(t *testing.T) {
	rules, err := parseIgnore(strings.Repeat("*a", 50) + "b")
	if err != nil {
		t.Fatal(err)
	}
	if rules.excludes(strings.Repeat("a", 5000)) {
		t.Error("excluded")
	}
}

func FuzzIgnore(f *testing.F) {
	f.Add("**/*.go\n!a/**\n[^a-z]?\\*", "a/b.go")
	f.Add("*\n!src", "src/a")
	f.Add("**a**/b", "xa/b")
	f.Fuzz(func(t *testing.T, lines, path string) {
		rules, err := parseIgnore(lines)
		if err != nil || !fs.ValidPath(path) {
			return
		}
		excluded := rules.excludes(path)
		if again := rules.excludes(path); again != excluded {
			t.Error("it depends on something else")
		}
		if !rules.exceptions && excluded && !rules.excludes(path+"/x") {
			t.Errorf("%q is excluded, but not what is in it", path)
		}
		if all, err := parseIgnore(lines + "\n**"); err == nil && !all.excludes(path) {
			t.Errorf("%q is not excluded by **", path)
		}
	})
}
