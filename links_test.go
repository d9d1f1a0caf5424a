package lambdamicrovms_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// Each link from a page of the repository to another leads to a file that exists, and to
// a heading of it. Links to other sites are not followed.
func TestLinks(t *testing.T) {
	output, err := exec.Command("git", "ls-files", "--cached", "--others", "--exclude-standard", "*.md").Output()
	if err != nil {
		t.Skip("not in a clone: ", err)
	}
	pages := map[string]string{}
	for page := range strings.FieldsSeq(string(output)) {
		text, err := os.ReadFile(page)
		if os.IsNotExist(err) {
			continue // removed
		}
		if err != nil {
			t.Fatal(err)
		}
		pages[page] = withoutCode(string(text))
	}
	count := 0
	for page, text := range pages {
		for _, link := range regexp.MustCompile(`\]\(([^)\s]+)\)`).FindAllStringSubmatch(text, -1) {
			file, heading, _ := strings.Cut(link[1], "#")
			if strings.Contains(file, ":") {
				continue
			}
			count++
			to := page
			if file != "" {
				to = filepath.ToSlash(filepath.Join(filepath.Dir(page), file))
			}
			if _, err := os.Stat(to); err != nil {
				t.Errorf("%s: %s does not exist", page, link[1])
			}
			if target, ok := pages[to]; heading != "" && (!ok || !slices.Contains(headings(target), heading)) {
				t.Errorf("%s: %s has no such heading", page, link[1])
			}
		}
	}
	if count < 60 {
		t.Errorf("only %d links", count)
	}
}

// withoutCode removes blocks and spans of code from a page, except from headings.
func withoutCode(page string) string {
	page = regexp.MustCompile("(?ms)^```.*?^```$").ReplaceAllString(page, "")
	lines := strings.Split(page, "\n")
	for i, line := range lines {
		if !strings.HasPrefix(line, "#") {
			lines[i] = regexp.MustCompile("`[^`]*`").ReplaceAllString(line, "")
		}
	}
	return strings.Join(lines, "\n")
}

// headings returns the anchors that GitHub gives to the headings of a page.
func headings(page string) []string {
	var anchors []string
	for _, line := range regexp.MustCompile(`(?m)^#+ (.*)$`).FindAllStringSubmatch(page, -1) {
		kept := regexp.MustCompile(`[^\p{L}\p{N}_\- ]`).ReplaceAllString(strings.ToLower(line[1]), "")
		anchors = append(anchors, strings.ReplaceAll(kept, " ", "-"))
	}
	return anchors
}
