package images

import (
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// take must return all entries in order, also across chunks, and remove them from the
// list. Names share more or less with the name before.
func TestEntryList(t *testing.T) {
	for _, length := range []int{0, 1, entriesOfChunk - 1, entriesOfChunk, entriesOfChunk + 1, 3 * entriesOfChunk} {
		var l entryList
		var want, got []entry
		for i := range length {
			name := strings.Repeat("é", i*7%11) + strings.Repeat("è", i*5%3) + fmt.Sprint(i%2)
			e := entry{name: name, mode: fs.FileMode(i), size: int64(i) + 1, modTime: int64(i) + 2}
			l.append(e)
			want = append(want, e)
		}
		for e := range l.take() {
			got = append(got, *e)
			if left := len(slices.Concat(l.chunks...)); left > length-len(got) {
				t.Fatalf("%d entries: %d are kept after %d", length, left, len(got))
			}
		}
		if diff := cmp.Diff(want, got, cmp.AllowUnexported(entry{}, fileID{})); diff != "" || l.length != length {
			t.Errorf("%d entries, length %d: -want +got:\n%s", length, l.length, diff)
		}
	}
}
