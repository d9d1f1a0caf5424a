package bench

import "strings"

// Titles of the sections of RESULTS.md that cmd/pack, cmd/waiters, cmd/growth, cmd/cli
// and cmd/fake write.
const (
	PackTitle   = "Packing a directory"
	MemoryTitle = "Memory of packing"
	WaitTitle   = "Waiting"
	GrowthTitle = "Growth"
	CLITitle    = "The command line"
	FakeTitle   = "Fake"
)

// OwnSections are the titles of the sections that cmd/compare does not write, but keeps.
var OwnSections = []string{PackTitle, MemoryTitle, WaitTitle, GrowthTitle, CLITitle, FakeTitle}

// Section returns the body of a section of RESULTS.md, empty if there is none.
func Section(text, title string) string {
	_, body, _ := strings.Cut(text, "\n## "+title+"\n")
	body, _, _ = strings.Cut(body, "\n## ")
	return strings.TrimSpace(body)
}

// WithSection returns RESULTS.md with a section added before the commands, which are its
// end, or replaced.
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
