package argparse

import (
	"cmp"
	"slices"
	"strings"
)

// The values of the AWS CLI.
const (
	closeCutoff = 0.8
	closeCount  = 3
)

// CloseMatches returns the choices that a word resembles, the best first, as Python's
// difflib.get_close_matches does.
func CloseMatches(word string, choices []string) []string {
	type match struct {
		ratio  float64
		choice string
	}
	var matches []match
	for _, choice := range choices {
		if r := ratio([]rune(choice), []rune(word)); r >= closeCutoff {
			matches = append(matches, match{r, choice})
		}
	}
	slices.SortFunc(matches, func(a, b match) int {
		return cmp.Or(cmp.Compare(b.ratio, a.ratio), cmp.Compare(b.choice, a.choice))
	})
	var list []string
	for _, m := range matches[:min(len(matches), closeCount)] {
		list = append(list, m.choice)
	}
	return list
}

// Nearest returns the choice that a word resembles most, or "" if it resembles none.
// Unlike CloseMatches it compares without regard to letter case and to dashes, so that
// the name of an option finds a member.
func Nearest(word string, choices []string) string {
	plain := func(s string) []rune { return []rune(strings.ToLower(strings.ReplaceAll(s, "-", ""))) }
	best, nearest := 0.5, ""
	for _, choice := range choices {
		if r := ratio(plain(choice), plain(word)); r > best {
			best, nearest = r, choice
		}
	}
	return nearest
}

// ratio is twice the number of characters in matching blocks over all characters.
func ratio(a, b []rune) float64 {
	if len(a)+len(b) == 0 {
		return 1
	}
	return 2 * float64(matching(a, b)) / float64(len(a)+len(b))
}

// matching counts the characters of the longest common block, and of the blocks on its
// left and right.
func matching(a, b []rune) int {
	start, other, size := 0, 0, 0
	lengths := make([]int, len(b)+1)
	for i := range a {
		next := make([]int, len(b)+1)
		for j := range b {
			if a[i] == b[j] {
				next[j+1] = lengths[j] + 1
				if next[j+1] > size {
					start, other, size = i-next[j+1]+1, j-next[j+1]+1, next[j+1]
				}
			}
		}
		lengths = next
	}
	if size == 0 {
		return 0
	}
	return size + matching(a[:start], b[:other]) + matching(a[start+size:], b[other+size:])
}
