package fake_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// scripts are the cases in testdata/conformance. The README there describes their format.
type scripts struct {
	cases       []script
	definitions map[string][]step
}

type line struct{ where, text string }

// script is a case.
type script struct {
	line
	facts   []string
	title   string
	options []line
	steps   []step
}

func (s script) name() string { return strings.Join(s.facts, "+") + " " + s.title }

// step is a request with its expected response, or another event.
type step struct {
	line
	verb     string // "send" for requests
	argument string

	request string // the first line, without the version
	headers []headerLine
	body    string

	status   int
	expects  []headerLine // "-" for headers that must be absent
	response string
	mode     string // how the response is compared: "" all of it, "~" in part, "=" as text
}

type headerLine struct{ name, value string }

func readScripts(t *testing.T) scripts {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("testdata", "conformance", "1.*.txt"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no cases: %v", err)
	}
	s := scripts{definitions: make(map[string][]step)}
	for _, file := range append([]string{filepath.Join("testdata", "conformance", "definitions.txt")}, files...) {
		s.read(t, readLines(t, file))
	}
	return s
}

var caseNames = regexp.MustCompile(`^case ((?:1\.\d+\.\d+ )+)(.*)$`)

// read parses a file. Indented lines belong to the case or definition above.
func (s *scripts) read(t *testing.T, lines []line) {
	t.Helper()
	var current *[]step
	var options *[]line
	define := ""
	end := func() {
		if define != "" {
			s.definitions[define] = *current
		}
	}
	for _, l := range lines {
		text, indented := strings.CutPrefix(l.text, "\t")
		if !indented {
			end()
			define = ""
			if name, ok := strings.CutPrefix(l.text, "define "); ok {
				define, current, options = name, new([]step), nil
				continue
			}
			match := caseNames.FindStringSubmatch(l.text)
			if match == nil {
				t.Fatalf("%s: neither a case nor a definition: %s", l.where, l.text)
			}
			s.cases = append(s.cases, script{line: l, facts: strings.Fields(match[1]), title: match[2]})
			c := &s.cases[len(s.cases)-1]
			current, options = &c.steps, &c.options
			continue
		}
		verb, argument, _ := strings.Cut(text, " ")
		switch {
		case verb == "with":
			*options = append(*options, line{l.where, argument})
		case verb == ">" && isRequest(argument):
			*current = append(*current, step{line: l, verb: "send", request: argument})
		case verb == ">":
			last := &(*current)[len(*current)-1]
			if h, ok := headerOf(argument); ok && last.body == "" {
				last.headers = append(last.headers, h)
			} else {
				last.body += argument
			}
		case strings.HasPrefix(verb, "<"):
			if err := (*current)[len(*current)-1].expect(verb[1:], argument); err != nil {
				t.Fatalf("%s: %v", l.where, err)
			}
		default:
			*current = append(*current, step{line: l, verb: verb, argument: argument})
		}
	}
	end()
}

func isRequest(text string) bool {
	method, target, _ := strings.Cut(text, " ")
	return method != "" && strings.ToUpper(method) == method && (strings.HasPrefix(target, "/") || strings.HasPrefix(target, "${"))
}

func headerOf(text string) (headerLine, bool) {
	name, value, ok := strings.Cut(text, ":")
	if !ok || strings.Trim(strings.ToLower(name), "abcdefghijklmnopqrstuvwxyz0123456789-") != "" {
		return headerLine{}, false
	}
	return headerLine{name, strings.TrimSpace(value)}, true
}

func (s *step) expect(mode, text string) error {
	if s.status == 0 {
		status, err := strconv.Atoi(text)
		s.status = status
		return err
	}
	if h, ok := headerOf(text); ok && s.response == "" && mode == "" {
		s.expects = append(s.expects, h)
		return nil
	}
	if s.response != "" && s.mode != mode {
		return fmt.Errorf("a body in two modes")
	}
	s.mode = mode
	s.response += text
	if mode == "=" && text == "" {
		s.response = "@empty"
	}
	return nil
}

var references = regexp.MustCompile(`\$\{(\w+)\}`)

func expand(text string, variables map[string]string) string {
	return references.ReplaceAllStringFunc(text, func(reference string) string {
		value, ok := variables[reference[2:len(reference)-1]]
		if !ok {
			return reference // the comparison will fail
		}
		return value
	})
}

// compare returns how a response differs from the expected one.
func compare(s step, variables map[string]string, status int, header http.Header, body string) (problems []string) {
	if status != s.status {
		problems = append(problems, fmt.Sprintf("status %d, want %d", status, s.status))
	}
	for _, h := range s.expects {
		want, got := expand(h.value, variables), header.Get(h.name)
		if want == "-" && got != "" || want != "-" && got != want {
			problems = append(problems, fmt.Sprintf("%s: %q, want %q", h.name, got, want))
		}
	}
	want := expand(s.response, variables)
	switch {
	case want == "":
	case want == "@empty":
		if body != "" {
			problems = append(problems, "the body is not empty")
		}
	case s.mode == "=":
		if body != want {
			problems = append(problems, fmt.Sprintf("body %q, want %q", body, want))
		}
	case !json.Valid([]byte(want)):
		if s.mode != "~" || !strings.Contains(body, want) {
			problems = append(problems, fmt.Sprintf("the body has no %q", want))
		}
	default:
		m := matcher{variables: variables, partly: s.mode == "~"}
		m.match("body", decode(want), decode(body))
		problems = append(problems, m.problems...)
	}
	return problems
}

func decode(text string) (value any) {
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	if err := d.Decode(&value); err != nil {
		return err
	}
	return value
}

// matcher compares JSON with a pattern: JSON whose strings may be @names.
type matcher struct {
	variables map[string]string
	partly    bool // objects may have other members
	problems  []string
}

func (m *matcher) problem(path, format string, args ...any) {
	m.problems = append(m.problems, path+": "+fmt.Sprintf(format, args...))
}

func (m *matcher) match(path string, want, got any) {
	switch want := want.(type) {
	case map[string]any:
		object, ok := got.(map[string]any)
		if !ok {
			m.problem(path, "got %v, want an object", got)
			return
		}
		for _, name := range slices.Sorted(maps.Keys(want)) {
			value, there := object[name]
			switch {
			case want[name] == "@absent" && !there:
			case !there || want[name] == "@absent":
				m.problem(path+"."+name, "present: %t", there)
			default:
				m.match(path+"."+name, want[name], value)
			}
		}
		for _, name := range slices.Sorted(maps.Keys(object)) {
			if _, ok := want[name]; !ok && !m.partly {
				m.problem(path+"."+name, "not expected: %v", object[name])
			}
		}
	case []any:
		list, ok := got.([]any)
		if !ok || len(list) != len(want) {
			m.problem(path, "got %v, want %d items", got, len(want))
			return
		}
		for i := range want {
			m.match(fmt.Sprintf("%s[%d]", path, i), want[i], list[i])
		}
	case string:
		if name, ok := strings.CutPrefix(want, "@"); ok {
			m.matchKind(path, name, got)
		} else if got != want {
			m.problem(path, "got %v, want %q", got, want)
		}
	default:
		if got != want {
			m.problem(path, "got %v, want %v", got, want)
		}
	}
}

var kinds = map[string]func(any) bool{
	"any":   func(any) bool { return true },
	"uuid":  matches(`^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$`),
	"vm":    matches(`^microvm-[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$`),
	"host":  matches(`^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\.lambda-microvm\.us-east-1\.on\.aws$`),
	"jwe":   matches(`^[\w-]+\.[\w-]+\.[\w-]+\.[\w-]+\.[\w-]+$`),
	"text":  matches(`.`),
	"hour":  matches(`^(PENDING|IN_PROGRESS|SUCCESSFUL|FAILED|DELETING)#\d{8}$`),
	"token": matches(`^[\w-]{686,798}={1,2}$`),
	"time": func(v any) bool {
		n, ok := v.(json.Number)
		seconds, err := n.Float64()
		return ok && err == nil && seconds > 1e9 && seconds < 1e10
	},
}

func matches(pattern string) func(any) bool {
	return func(v any) bool {
		text, ok := v.(string)
		return ok && regexp.MustCompile(pattern).MatchString(text)
	}
}

// matchKind checks a value against a kind, and stores it if a name follows: @uuid:build.
func (m *matcher) matchKind(path, name string, got any) {
	name, variable, keep := strings.Cut(name, ":")
	is := kinds[name]
	if is == nil || !is(got) {
		m.problem(path, "got %v, want @%s", got, name)
		return
	}
	if keep {
		m.variables[variable] = fmt.Sprint(got)
		m.variables[variable+"_encoded"] = url.QueryEscape(fmt.Sprint(got))
	}
}
