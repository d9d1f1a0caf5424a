package images

import (
	"io/fs"
	"testing"
)

func FuzzIgnore(f *testing.F) {
	f.Add("**/*.go\n!a/**\n[^a-z]?\\*", "a/b.go")
	f.Add("*\n!src", "src/a")
	f.Add("**a**/b", "xa/b")
	f.Fuzz(func(t *testing.T, lines, name string) {
		rules, err := parseIgnore(lines)
		if err != nil || !fs.ValidPath(name) || name == "." {
			return
		}
		excluded, err := rules.excludes(name)
		if err != nil {
			return
		}
		below := name + "/x"
		if in, err := rules.excludes(below); excluded && err == nil && !in && !rules.reaches(name) {
			t.Errorf("%q is excluded and not reached, but %q is packed", name, below)
		}
		if all, err := parseIgnore(lines + "\n**"); err == nil {
			if excluded, err := all.excludes(name); err == nil && !excluded {
				t.Errorf("%q is not excluded by **", name)
			}
		}
	})
}
