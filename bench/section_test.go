package bench

import "testing"

func TestSection(t *testing.T) {
	const without = "# Results\n\n## A call\n\nx\n\n## Commands\n\n    y\n"
	const one = "# Results\n\n## A call\n\nx\n\n## Pack\n\n1\n\n## Commands\n\n    y\n"
	if got := Section(without, "Pack"); got != "" {
		t.Errorf("there is %q", got)
	}
	if got := WithSection(without, "Pack", "1\n"); got != one {
		t.Errorf("added: %q", got)
	}
	if got := Section(one, "Pack"); got != "1" {
		t.Errorf("read: %q", got)
	}
	if got := WithSection(WithSection(without, "Pack", "2"), "Pack", "1"); got != one {
		t.Errorf("replaced: %q", got)
	}
}
