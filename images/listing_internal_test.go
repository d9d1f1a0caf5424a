package images

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// take must return all entries in order, also across chunks, and remove them from the
// list.
func TestEntryList(t *testing.T) {
	for _, length := range []int{0, 1, entriesOfChunk - 1, entriesOfChunk, entriesOfChunk + 1, 3 * entriesOfChunk} {
		var l entryList
		var want, got []int64
		for i := range length {
			l.append(entry{size: int64(i)})
			want = append(want, int64(i))
		}
		for e := range l.take() {
			got = append(got, e.size)
			if left := len(slices.Concat(l.chunks...)); left > length-len(got) {
				t.Fatalf("%d entries: %d are kept after %d", length, left, len(got))
			}
		}
		if diff := cmp.Diff(want, got); diff != "" || l.length != length {
			t.Errorf("%d entries, length %d: -want +got:\n%s", length, l.length, diff)
		}
	}
}
