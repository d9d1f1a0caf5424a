package params

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"syscall"
	"unicode/utf8"
)

// source is where the value of an option comes from.
type source uint8

const (
	literal source = iota
	textFile
	binaryFile
)

// load replaces a value that names a file, file://path or fileb://path, by its content.
// In the path ~ and $VARIABLES are expanded.
func load(text string) (content string, from source, err error) {
	path, isText := strings.CutPrefix(text, "file://")
	if !isText {
		var isBinary bool
		if path, isBinary = strings.CutPrefix(text, "fileb://"); !isBinary {
			return text, literal, nil
		}
	}
	path = expand(path)
	data, err := os.ReadFile(path)
	switch {
	case err != nil:
		return "", 0, fmt.Errorf("Unable to load paramfile %s: %s", text, pythonError(err)) //nolint:staticcheck // AWS's text
	case !isText:
		return string(data), binaryFile, nil
	case !utf8.Valid(data):
		//nolint:staticcheck // AWS's text
		return "", 0, fmt.Errorf("Unable to load paramfile (%s), text contents could not be decoded.  If this is a binary file, "+
			"please use the fileb:// prefix instead of the file:// prefix.", path)
	}
	content = strings.ReplaceAll(string(data), "\r\n", "\n")
	return strings.ReplaceAll(content, "\r", "\n"), textFile, nil
}

// Load returns the content of the file that a value names with file:// or fileb://; other
// values are returned as they are.
func Load(text string) (string, error) {
	content, _, err := load(text)
	return content, err
}

// expand expands ~ at the start and variables that are set.
func expand(path string) string {
	if rest, ok := strings.CutPrefix(path, "~"); ok && (rest == "" || rest[0] == '/') {
		if home, err := os.UserHomeDir(); err == nil {
			path = home + rest
		}
	}
	return os.Expand(path, func(name string) string {
		if v, ok := os.LookupEnv(name); ok {
			return v
		}
		if strings.Contains(path, "${"+name+"}") {
			return "${" + name + "}"
		}
		return "$" + name
	})
}

// pythonError says what Python says about a file: [Errno 2] No such file or directory:
// 'x'.
func pythonError(err error) string {
	var path *fs.PathError
	var number syscall.Errno
	if !errors.As(err, &path) || !errors.As(err, &number) {
		return err.Error()
	}
	reason := number.Error()
	return fmt.Sprintf("[Errno %d] %s: '%s'", int(number), strings.ToUpper(reason[:1])+reason[1:], path.Path)
}
