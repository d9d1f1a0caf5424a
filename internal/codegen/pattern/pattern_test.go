package pattern

import (
	"bytes"
	"encoding/json"
	"fmt"
	"go/ast"
	"go/format"
	"go/parser"
	"go/token"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

// modelPatterns returns the patterns of the service model, sorted.
func modelPatterns(t testing.TB) []string {
	t.Helper()
	data, err := os.ReadFile("../../../model/lambda-microvms.json")
	if err != nil {
		t.Fatal(err)
	}
	var model any
	if err := json.Unmarshal(data, &model); err != nil {
		t.Fatal(err)
	}
	var patterns []string
	var walk func(any)
	walk = func(value any) {
		switch value := value.(type) {
		case []any:
			for _, item := range value {
				walk(item)
			}
		case map[string]any:
			for name, member := range value {
				if text, ok := member.(string); ok && name == "smithy.api#pattern" {
					patterns = append(patterns, text)
				}
				walk(member)
			}
		}
	}
	walk(model)
	slices.Sort(patterns)
	patterns = slices.Compact(patterns)
	if len(patterns) < 8 {
		t.Fatalf("found only %d patterns in the model", len(patterns))
	}
	return patterns
}

// morePatterns have features that the patterns of the model lack.
var morePatterns = []string{
	``, `^$`, `a`, `abc`, `^abc`, `abc$`, `a|bc`, `^a|b$`, `^(a|b)$`, `(^ab)*`, `(?:ab$)*`, `^(?:a$|b)c?$`,
	`[a-z]`, `[a-z]*`, `([a-z])+`, `^(([a-z]+))$`, `[a-z]{2,4}`, `^[a-z]{3}$`, `^[a-z]{0,2}-?$`, `(a*)*b`, `a+?b`,
	`.`, `.*`, `.+`, `^.{2}$`, `(?s).+`, `(?s)^.?$`, `[\s\S]*`, `^\S+ \S+$`, " [a-z]+\n", `\d+`, `\w+`, `\W+`, `^[^a]b$`,
	`[\x00-\x1f"\\]+`, `["'\\]+`, `^[^\x00-\x7f]+$`, `[^a-z]*`, `a*`, `(?i)ab`, `(?i)[a-j]+`, `(?i)a+`,
	`\p{L}+`, `\pN*`, `^[\p{Greek}a-z]+$`, `é+`, `[à-ü]*`, `[a-zé\p{Lu}]+`, `[\p{L}\p{L}\p{Ll}]+`,
	`[^\x00-\x{10FFFF}]`, `[^\x00-\x{10FFFF}]+`, `a[^\x00-\x{10FFFF}]`, `x*[^\x00-\x{10FFFF}]*`,
	`^(a|b)*a(a|b){6}$`, `^[0-9]{1,3}(\.[0-9]{1,3}){3}$`,
}

func mustCompile(t testing.TB, pattern string) (*Matcher, *regexp.Regexp) {
	t.Helper()
	m, err := Compile(pattern)
	if err != nil {
		t.Fatal(err)
	}
	return m, regexp.MustCompile(`^(?:` + pattern + `)$`)
}

// corpus returns strings for a pattern: its examples, and mutations and random strings,
// the same in each run.
func corpus(m *Matcher) []string {
	random := rand.New(rand.NewPCG(1, uint64(len(m.pattern))))
	inside, outside := m.Examples()
	texts := append(slices.Clone(inside), outside...)
	pieces := []string{"", "a", "z", "A", "Z", "0", "9", "-", "_", ":", "/", ".", " ", "\n", "\v", "\x00", "\x7f", "é", "世", "\u00a0", "😀", "\ufffd", "\xff", "\xc3", "\xed\xa0\x80", "arn:aws"}
	piece := func() string { return pieces[random.IntN(len(pieces))] }
	for range 500 {
		text := ""
		if len(inside) > 0 {
			text = inside[random.IntN(len(inside))]
		}
		for range 1 + random.IntN(3) {
			from := random.IntN(len(text) + 1)
			to := min(from+random.IntN(3), len(text))
			text = text[:from] + piece() + text[to:]
		}
		texts = append(texts, text, piece()+piece()+piece())
	}
	return texts
}

func TestMatchAgreesWithRegexp(t *testing.T) {
	for _, pattern := range append(modelPatterns(t), morePatterns...) {
		m, oracle := mustCompile(t, pattern)
		for _, text := range corpus(m) {
			if got, want := m.Match(text), oracle.MatchString(text); got != want {
				t.Errorf("%s on %q: got %v, want %v", pattern, text, got, want)
			}
		}
	}
}

// matchDFA returns the source of the function of that name in the root package.
func matchDFA(t *testing.T) []byte {
	t.Helper()
	source, err := os.ReadFile("../../../validator.go")
	if err != nil {
		t.Fatal(err)
	}
	files := token.NewFileSet()
	file, err := parser.ParseFile(files, "validator.go", source, 0)
	if err != nil {
		t.Fatal(err)
	}
	for _, decl := range file.Decls {
		if f, ok := decl.(*ast.FuncDecl); ok && f.Name.Name == "matchDFA" {
			return source[files.Position(f.Pos()).Offset:files.Position(f.End()).Offset]
		}
	}
	t.Fatal("validator.go has no function matchDFA")
	return nil
}

// TestSource compiles the printed functions together with matchDFA of the root package,
// and runs them.
func TestSource(t *testing.T) {
	engine := matchDFA(t)

	patterns := append(modelPatterns(t), morePatterns...)
	texts := make([][]string, len(patterns))
	imports := []string{"encoding/json", "os"}
	var functions, list strings.Builder
	for i, pattern := range patterns {
		m, _ := mustCompile(t, pattern)
		name := fmt.Sprintf("match%d", i)
		source := m.Source(name)
		file := "package main\n\n" + source
		if formatted, err := format.Source([]byte(file)); err != nil {
			t.Fatalf("%s: %v\n%s", pattern, err, source)
		} else if diff := cmp.Diff(string(formatted), file); diff != "" {
			t.Errorf("%s: not as gofmt prints it (-want +got):\n%s", pattern, diff)
		}
		functions.WriteString(source)
		list.WriteString(name + ", ")
		imports = append(imports, m.Imports()...)
		texts[i] = corpus(m)
	}
	slices.Sort(imports)
	imports = slices.Compact(imports)

	program := fmt.Sprintf(`package main

import (
	%s
)

func main() {
	var texts [][][]byte
	if err := json.NewDecoder(os.Stdin).Decode(&texts); err != nil {
		panic(err)
	}
	matched := make([][]bool, len(texts))
	for i, match := range []func(string) bool{%s} {
		for _, text := range texts[i] {
			matched[i] = append(matched[i], match(string(text)))
		}
	}
	if err := json.NewEncoder(os.Stdout).Encode(matched); err != nil {
		panic(err)
	}
}

%s
%s`, `"`+strings.Join(imports, "\"\n\t\"")+`"`, list.String(), functions.String(), engine)
	file := filepath.Join(t.TempDir(), "main.go")
	if err := os.WriteFile(file, []byte(program), 0o600); err != nil {
		t.Fatal(err)
	}

	input := make([][][]byte, len(texts))
	for i, list := range texts {
		for _, text := range list {
			input[i] = append(input[i], []byte(text)) // base64: not all are UTF-8
		}
	}
	stdin, err := json.Marshal(input)
	if err != nil {
		t.Fatal(err)
	}
	run := exec.Command("go", "run", file)
	run.Stdin = bytes.NewReader(stdin)
	run.Stderr = os.Stderr
	stdout, err := run.Output()
	if err != nil {
		t.Fatal(err)
	}
	var matched [][]bool
	if err := json.Unmarshal(stdout, &matched); err != nil {
		t.Fatal(err)
	}
	for i, pattern := range patterns {
		_, oracle := mustCompile(t, pattern)
		for j, text := range texts[i] {
			if got, want := matched[i][j], oracle.MatchString(text); got != want {
				t.Errorf("%s on %q: got %v, want %v", pattern, text, got, want)
			}
		}
	}
}

func TestSourceForms(t *testing.T) {
	tests := []struct {
		pattern, want string
		imports       []string
	}{
		{`^[a-zA-Z0-9-_]+$`, `// is reports whether s matches
//
//	^[a-zA-Z0-9-_]+$
func is(s string) bool {
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '-', c == '_':
		default:
			return false
		}
	}
	return s != ""
}
`, nil},
		{`^[^\s]*$`, `// is reports whether s matches
//
//	^[^\s]*$
func is(s string) bool {
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '\t', '\n', '\f', '\r', ' ':
			return false
		}
	}
	return true
}
`, nil},
		{`^([\p{L}\p{N}é€\x00-\x1f]*)$`, `// is reports whether s matches
//
//	^([\p{L}\p{N}é€\x00-\x1f]*)$
func is(s string) bool {
	for _, c := range s {
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c <= '\x1f',
			c > unicode.MaxASCII && (unicode.In(c, unicode.L, unicode.N) || c == '€'):
		default:
			return false
		}
	}
	return true
}
`, []string{"unicode"}},
		{`^a[0-9]{2}"?$`, `// is reports whether s matches
//
//	^a[0-9]{2}"?$
func is(s string) bool {
	const table = "" +
		"\x01aa\x00\x05\x0109\x00\x0a\x0109\x00\x0f\x81\"\"\x00\x14\x80"
	return matchDFA(table, s)
}
`, nil},
	}
	for _, test := range tests {
		m, _ := mustCompile(t, test.pattern)
		if diff := cmp.Diff(test.want, m.Source("is")); diff != "" {
			t.Errorf("%s: source (-want +got):\n%s", test.pattern, diff)
		}
		if diff := cmp.Diff(test.imports, m.Imports()); diff != "" {
			t.Errorf("%s: imports (-want +got):\n%s", test.pattern, diff)
		}
	}
}

func TestMinimal(t *testing.T) {
	for pattern, want := range map[string]int{
		`^(a|b)$`:              2,
		`^[a-z]*$`:             1,
		`^[a-z]+$`:             2,
		`^(ab|ac)*$`:           2,
		`^(a|b)*a(a|b)$`:       4,
		`^(foo|bar)baz$`:       9,
		`^[^\x00-\x{10FFFF}]$`: 1,
		`^a[^\x00-\x{10FFFF}]`: 1,
	} {
		m, _ := mustCompile(t, pattern)
		if got := len(m.dfa.next); got != want {
			t.Errorf("%s: %d states, want %d", pattern, got, want)
		}
	}
}

func TestCompileErrors(t *testing.T) {
	for pattern, want := range map[string]string{
		`a(b`:                "missing closing )",
		`(a)\1`:              "invalid escape sequence",
		`^a(?=b)$`:           "invalid or unsupported Perl syntax",
		`\bword\b`:           errAssertion.Error(),
		`(?m)^a$`:            errAssertion.Error(),
		`^-[\p{L}]$`:         errSome.Error(),
		`é-`:                 errSome.Error(),
		`(?i)k-`:             errSome.Error(), // also K, the Kelvin sign
		`^[^\p{L}]+$`:        `\p{L}`,
		`^[^é\p{L}]+$`:       `\p{L}`,
		`^(a|b)*a(a|b){20}$`: errTooComplex.Error(),
		`^-[acegikmoqsuwyACEGIKMOQSUWY02468]{900}$`: errTooComplex.Error(),
	} {
		_, err := Compile(pattern)
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), fmt.Sprintf("pattern %q", pattern)) {
			t.Errorf("%s: got error %v, want the pattern and %q", pattern, err, want)
		}
		if _, _, err := Examples(pattern); err == nil {
			t.Errorf("%s: examples without an error", pattern)
		}
	}
}

func TestExamples(t *testing.T) {
	inside, outside, err := Examples(`^[b-d]+$`)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"b", "bb", "bd", "d"}, inside); diff != "" {
		t.Errorf("inside (-want +got):\n%s", diff)
	}
	for _, want := range []string{"", "ab", "eb", "ba", "be", "éb", "bé", "b😀"} {
		if !slices.Contains(outside, want) {
			t.Errorf("outside: no %q in %q", want, outside)
		}
	}

	for _, pattern := range modelPatterns(t) {
		_, oracle := mustCompile(t, pattern)
		inside, outside, err := Examples(pattern)
		if err != nil {
			t.Fatal(err)
		}
		if len(inside) == 0 || len(outside) == 0 {
			t.Errorf("%s: %d inside, %d outside", pattern, len(inside), len(outside))
		}
		for _, text := range inside {
			if !oracle.MatchString(text) {
				t.Errorf("%s: %q is not inside", pattern, text)
			}
		}
		for _, text := range outside {
			if oracle.MatchString(text) {
				t.Errorf("%s: %q is not outside", pattern, text)
			}
		}
		againInside, againOutside, err := Examples(pattern)
		if err != nil || !slices.Equal(inside, againInside) || !slices.Equal(outside, againOutside) {
			t.Errorf("%s: other examples the second time, error %v", pattern, err)
		}
	}
}

func TestExampleOfLength(t *testing.T) {
	tests := []struct {
		pattern string
		length  int
		want    string
		none    bool
	}{
		{pattern: `^[a-z]+$`, length: 3, want: "aaa"},
		{pattern: `^[a-z]+$`, length: 0, none: true},
		{pattern: `^[a-z]*$`, length: 0, want: ""},
		{pattern: `^(ab)*$`, length: 3, none: true},
		{pattern: `^(ab)*$`, length: 4, want: "abab"},
		{pattern: `^[0-9]{3}:x*$`, length: 6, want: "000:xx"},
		{pattern: `^[0-9]{3}:x*$`, length: 3, none: true},
		{pattern: `^[^\x00-\x7f]+$`, length: 2, want: "éé"},
		{pattern: `^[ßλ]+$`, length: 2, want: "ßß"},
		{pattern: `^\p{Thai}+$`, length: 1, want: "ก"},
	}
	for _, test := range tests {
		m, _ := mustCompile(t, test.pattern)
		if got, ok := m.Example(test.length); got != test.want || ok == test.none {
			t.Errorf("%s, %d: got %q, %v", test.pattern, test.length, got, ok)
		}
	}
	for _, pattern := range modelPatterns(t) {
		m, oracle := mustCompile(t, pattern)
		for _, length := range []int{100, 10000} {
			got, ok := m.Example(length)
			if !ok || utf8.RuneCountInString(got) != length || !oracle.MatchString(got) {
				t.Errorf("%s, %d: got %q, %v", pattern, length, got, ok)
			}
		}
	}
}
