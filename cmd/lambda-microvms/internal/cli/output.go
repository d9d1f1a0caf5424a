package cli

import (
	"os"

	"golang.org/x/term"

	"github.com/microvm-go/lambdamicrovms/cmd/lambda-microvms/internal/fault"
	"github.com/microvm-go/lambdamicrovms/cmd/lambda-microvms/internal/output"
)

// defaultWidth is the width of tables where there is no terminal.
const defaultWidth = 80

// printer returns what prints responses: the format is that of the flag, the environment
// or the profile.
func (s *Session) printer() (*output.Printer, error) {
	format := output.Format(s.settings.choose(s.Globals.Output, "output", "AWS_DEFAULT_OUTPUT"))
	if format == "" {
		format = output.JSON
	}
	if !format.Known() {
		return nil, fault.General("Unknown output type: %s", format)
	}
	return &output.Printer{
		Format: format, Query: s.Globals.Query, Out: s.Stdout,
		Color: s.color(s.env.stdout), TerminalWidth: s.env.width(), Terminal: IsTerminal(s.env.stdout),
	}, nil
}

// color reports whether what goes to a stream is colored: where it is a terminal, unless
// --color or NO_COLOR say otherwise.
func (s *Session) color(stream any) bool {
	switch s.Globals.Color {
	case "on":
		return true
	case "off":
		return false
	}
	return s.env.getenv("NO_COLOR") == "" && IsTerminal(stream)
}

// CanMove reports whether standard error is a terminal on which a line can move. Lines of
// --debug would break it up.
func (s *Session) CanMove() bool {
	return IsTerminal(s.Stderr) && !s.Globals.Debug && s.env.getenv("TERM") != "dumb"
}

// IsTerminal reports whether a stream of a Session is a terminal.
func IsTerminal(stream any) bool {
	file, ok := stream.(*os.File)
	return ok && term.IsTerminal(int(file.Fd()))
}

// width is that of the terminal that standard output is.
func (e *environment) width() int {
	if file, ok := e.stdout.(*os.File); ok {
		if width, _, err := term.GetSize(int(file.Fd())); err == nil && width > 0 {
			return width
		}
	}
	return defaultWidth
}
