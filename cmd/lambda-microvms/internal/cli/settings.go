package cli

import (
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/google/shlex"

	"github.com/microvm-go/lambdamicrovms/cmd/lambda-microvms/internal/fault"
)

// environment is where a command runs.
type environment struct {
	lookup         func(string) (string, bool) // of a variable
	stdout, stderr io.Writer
}

func (e *environment) getenv(name string) string {
	v, _ := e.lookup(name)
	return v
}

// settings are the keys of the profile that the SDK does not read: those of the command
// line itself.
type settings struct {
	env     *environment
	profile string
	keys    map[string]string
}

// profileName returns the profile to use, and whether a flag or variable names it.
func (e *environment) profileName(flag string) (name string, chosen bool) {
	for _, name := range [...]string{flag, e.getenv("AWS_PROFILE"), e.getenv("AWS_DEFAULT_PROFILE")} {
		if name != "" {
			return name, true
		}
	}
	return "default", false
}

func (e *environment) file(variable, name string) string {
	if path := e.getenv(variable); path != "" {
		return e.expand(path)
	}
	return filepath.Join(e.getenv("HOME"), ".aws", name)
}

// expand replaces a ~ at the beginning of a path, where the shell has not.
func (e *environment) expand(path string) string {
	if rest, ok := strings.CutPrefix(path, "~/"); ok {
		return filepath.Join(e.getenv("HOME"), rest)
	}
	return path
}

// newSettings fails if a profile that a flag or variable names is in neither file.
func newSettings(e *environment, flag string) (*settings, error) {
	name, chosen := e.profileName(flag)
	s := &settings{env: e, profile: name}
	found, err := s.load()
	if err != nil || found || !chosen {
		return s, err
	}
	_, found, err = section(e.file("AWS_SHARED_CREDENTIALS_FILE", "credentials"), name)
	if err == nil && !found {
		err = fault.General("The config profile (%s) could not be found", name)
	}
	return s, err
}

// partialCredentials returns an error if a file has half of the profile's key.
func (s *settings) partialCredentials() error {
	stored, _, _ := section(s.env.file("AWS_SHARED_CREDENTIALS_FILE", "credentials"), s.profile)
	for _, source := range []struct {
		name string
		keys map[string]string
	}{{"shared-credentials-file", stored}, {"config-file", s.keys}} {
		const id, secret = "aws_access_key_id", "aws_secret_access_key"
		switch {
		case source.keys[id] != "" && source.keys[secret] == "":
			return fault.General("Partial credentials found in %s, missing: %s", source.name, secret)
		case source.keys[id] == "" && source.keys[secret] != "":
			return fault.General("Partial credentials found in %s, missing: %s", source.name, id)
		}
	}
	return nil
}

// load reads the profile, and reports whether it is in the file.
func (s *settings) load() (found bool, err error) {
	name := "profile " + s.profile
	if s.profile == "default" {
		name = s.profile
	}
	path := s.env.file("AWS_CONFIG_FILE", "config")
	s.keys, found, err = section(path, name)
	if err == nil && !found && s.profile == "default" {
		s.keys, found, err = section(path, "profile default")
	}
	return found, err
}

// get returns a key of the profile, empty if it is not set.
func (s *settings) get(key string) string {
	v, _ := s.lookup(key)
	return v
}

func (s *settings) lookup(key string) (v string, set bool) {
	v, set = s.keys[key]
	return v, set
}

// checkMaxAttempts refuses a number of attempts that the SDK would take for no limit, or
// for its default.
func (s *settings) checkMaxAttempts() error {
	text := s.choose("", "max_attempts", "AWS_MAX_ATTEMPTS")
	if n, err := strconv.Atoi(text); text == "" || err == nil && n >= 1 {
		return nil
	}
	return fault.General(`Value provided to "max_attempts": %s must be an integer greater than or equal to one`, text)
}

// choose returns the first that is set: of a flag, variables, and the profile's key.
func (s *settings) choose(flag, key string, variables ...string) string {
	if flag != "" {
		return flag
	}
	for _, name := range variables {
		if v := s.env.getenv(name); v != "" {
			return v
		}
	}
	return s.get(key)
}

// plainTitle returns the title of a section without quotes, which the AWS CLI writes
// around a name with spaces.
func plainTitle(title string) string {
	words := strings.Fields(title)
	if isQuoted(title) {
		if split, err := shlex.Split(title); err == nil {
			words = split
		}
	}
	return strings.Join(words, " ")
}

func isQuoted(title string) bool { return strings.ContainsAny(title, `'"`) }

// withPlainTitles returns the text of an INI file without the quotes in its titles.
func withPlainTitles(text string) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		rest, isTitle := strings.CutPrefix(strings.TrimSpace(line), "[")
		if title, after, closed := strings.Cut(rest, "]"); isTitle && closed && isQuoted(title) {
			line = "[" + plainTitle(title) + "]" + after + "\n"
		}
		b.WriteString(line)
	}
	return b.String()
}

// section reads a section of an INI file. Lines that are indented more than the key
// before them, the values of nested keys, are skipped. A file that is not there has no
// sections.
func section(path, name string) (keys map[string]string, found bool, err error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, false, nil
	}
	invalid := fault.General("Unable to parse config file: %s", path)
	inside, any := false, false
	const noKey = 1 << 30
	indent := noKey // of the key before
	for line := range strings.Lines(string(text)) {
		trimmed := strings.TrimSpace(line)
		if rest, ok := strings.CutPrefix(trimmed, "["); ok {
			title, _, closed := strings.Cut(rest, "]")
			if !closed {
				return nil, false, invalid
			}
			any, indent = true, noKey
			inside = plainTitle(title) == name
			if inside && !found {
				keys, found = make(map[string]string), true
			}
			continue
		}
		if trimmed == "" || strings.ContainsRune("#;", rune(trimmed[0])) {
			continue
		}
		if !any {
			return nil, false, invalid
		}
		blanks := len(line) - len(strings.TrimLeft(line, " \t"))
		if blanks > indent {
			continue
		}
		indent = blanks
		at := strings.IndexAny(trimmed, "=:")
		if at < 0 {
			return nil, false, invalid
		}
		if inside {
			keys[strings.ToLower(strings.TrimSpace(trimmed[:at]))] = strings.TrimSpace(trimmed[at+1:])
		}
	}
	return keys, found, nil
}
