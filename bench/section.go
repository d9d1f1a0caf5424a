package bench

import "strings"

// PackTitle is the section of RESULTS.md that cmd/pack writes.
const PackTitle = "Packing a folder"

// Section returns the body of a section of RESULTS.md, empty if there is none.
func Section(text, title string) string {
	_, body, _ := strings.Cut(text, "\n## "+title+"\n")
	body, _, _ = strings.Cut(body, "\n## ")
	return strings.TrimSpace(body)
}

// WithSection returns RESULTS.md with a section added before the commands, which are its end,
// or replaced.
func WithSection(text, title, body string) string {
	const end = "\n## Commands\n"
	heading := "\n## " + title + "\n"
	if before, after, found := strings.Cut(text, heading); found {
		_, rest, _ := strings.Cut(after, "\n## ")
		text = before + "\n## " + rest
	}
	before, after, _ := strings.Cut(text, end)
	return strings.TrimRight(before, "\n") + "\n" + heading + "\n" + strings.TrimSpace(body) + "\n" + end + after
}
