package help

import (
	"fmt"
	"strings"
)

// Man returns a page in the language of man(7), under a name for man and with a summary.
// It keeps the lines of the page: many are syntax.
func Man(program, name, summary, version, text string) string {
	var b strings.Builder
	fmt.Fprintf(&b, ".TH %s 1 \"\" %s \"User Commands\"\n.nh\n.ad l\n", manArgument(strings.ToUpper(program)), manArgument(version))
	fmt.Fprintf(&b, ".SH \"NAME\"\n%s \\- %s\n", manText(name), manText(summary))
	if i := strings.Index(text, "\nDESCRIPTION\n"); i >= 0 { // the page has its own NAME
		text = text[i:]
	} else { // the page of the program
		b.WriteString(".SH \"SYNOPSIS\"\n")
	}
	literal := false
	for _, line := range strings.Split(strings.TrimSpace(text), "\n") {
		if indented := strings.HasPrefix(line, " "); indented != literal && line != "" {
			if literal = indented; literal {
				b.WriteString(".nf\n")
			} else {
				b.WriteString(".fi\n")
			}
		}
		switch {
		case line == "" && literal:
			b.WriteString("\n")
		case line == "":
			b.WriteString(".PP\n")
		case isHeading(line):
			fmt.Fprintf(&b, ".SH %s\n", manArgument(strings.ToUpper(strings.TrimSuffix(line, ":"))))
		case isOption(line):
			fmt.Fprintf(&b, ".SS %s\n", manArgument(line))
		case literal:
			b.WriteString(manText(line) + "\n")
		default:
			b.WriteString(manText(line) + "\n.br\n")
		}
	}
	if literal {
		b.WriteString(".fi\n")
	}
	return b.String()
}

// isHeading reports whether a line is a heading: in capital letters, or before a list of
// the program's page.
func isHeading(line string) bool {
	return line == strings.ToUpper(line) && strings.Trim(line, "ABCDEFGHIJKLMNOPQRSTUVWXYZ ") == "" ||
		line == "Commands:" || line == "Operations of the service:" || line == "Global options:"
}

// isOption reports whether a line is the name of an option with its kind.
func isOption(line string) bool {
	return strings.HasPrefix(line, "--") && strings.HasSuffix(strings.TrimSuffix(line, " [required]"), ")")
}

// manArgument quotes an argument of a macro.
func manArgument(text string) string {
	return `"` + strings.ReplaceAll(manText(text), `"`, `\(dq`) + `"`
}

// manText escapes what is special in text, also at the start of a line.
func manText(text string) string {
	text = strings.NewReplacer(`\`, `\e`, "-", `\-`, "^", `\(ha`, "~", `\(ti`, "`", `\(ga`, "'", `\(aq`).Replace(text)
	if strings.HasPrefix(text, ".") {
		text = `\&` + text
	}
	return text
}
