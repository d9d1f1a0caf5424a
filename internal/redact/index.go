package redact

import (
	"bytes"
	"encoding/binary"
	"unicode/utf8"
)

const (
	// block is the number of bytes that the index looks up at once. Every run of minRun
	// bytes contains a whole block that begins at a multiple of block.
	block = 8
	// maxPlaces limits how many places of one block are tried, so that a repetitive
	// secret does not make the search slow.
	maxPlaces = 4
)

// An index finds the runs that a text has in common with needles. The time is linear in
// the lengths of the text and the needles.
type index struct {
	text    []byte // of all needles
	needles []needle
	places  []place
	first   map[uint64]int32 // index of a block's first place, plus one
}

type needle struct {
	from, to int    // in the text of the index
	tail     string // the rest of the secret, which reducing removes
}

// A place is the position of a block in a needle.
type place struct {
	needle, at int32
	next       int32 // index of the next place of the same block, plus one
}

// A finding is a part of a text that must be replaced.
type finding struct {
	start, end int
	tail       string
}

// grow makes room for the needles of secrets.
func (x *index) grow(secrets []string) {
	// Estimates for a secret, and for each byte of a secret: see addEncodings.
	const needlesOfOne, bytesOfOne = 12, 20
	size, needles := 0, 0
	for _, secret := range secrets {
		if len(secret) >= minSecret {
			size, needles = size+bytesOfOne*len(secret), needles+needlesOfOne
		}
	}
	if needles == 0 {
		return
	}
	x.text = make([]byte, 0, size)
	x.needles = make([]needle, 0, needles)
	x.places = make([]place, 0, size/block)
	x.first = make(map[uint64]int32, size/block)
}

// add adds a needle. It ignores a text that is shorter than a block.
func (x *index) add(text []byte, tail string) {
	if len(text) < block {
		return
	}
	if x.first == nil {
		x.first = make(map[uint64]int32, 64)
	}
	x.needles = append(x.needles, needle{len(x.text), len(x.text) + len(text), tail})
	x.text = append(x.text, text...)
	for at := 0; at+block <= len(text); at += block {
		key := binary.LittleEndian.Uint64(text[at:])
		x.places = append(x.places, place{needle: int32(len(x.needles) - 1), at: int32(at), next: x.first[key]}) //nolint:gosec // secrets are short
		x.first[key] = int32(len(x.places))                                                                      //nolint:gosec // as above
	}
}

// isWithout reports whether a text certainly has no run in common with a needle. It saves
// reducing most texts, and returns false for one that has to be reduced to know: one that
// may contain escapes or letters that are not ASCII.
func (x *index) isWithout(text string) bool {
	kept, last := 0, uint64(0) // how many bytes reduce keeps, and the last of them as a key of x.first
	for i := range len(text) {
		c := text[i]
		switch {
		case c >= utf8.RuneSelf || c == '%' || c == '\\' || c == '&':
			return len(text) < block // a reduced text is never longer
		case 'A' <= c && c <= 'Z':
			c += 'a' - 'A'
		case 'a' <= c && c <= 'z' || '0' <= c && c <= '9':
		default:
			continue
		}
		last = last>>8 | uint64(c)<<56
		if kept++; kept >= block && x.first[last] != 0 {
			return false
		}
	}
	return true
}

// find returns the runs in the order of the text, without those that public, a reduced
// text, contains.
func (x *index) find(r reduced, public string) []finding {
	var found []finding
	text, allowed := r.text, []byte(public)
	done := 0 // the text before it was searched
	for i := 0; i+block <= len(text); i++ {
		from, to, tail := x.longest(text, i, done)
		if to == 0 {
			continue
		}
		if bytes.Contains(allowed, text[from:to]) {
			// Continue inside the run: another secret may begin there and not be public.
			done = max(done, to-minRun)
			i = max(i, done)
			continue
		}
		found = append(found, finding{start: int(r.start[from]), end: int(r.end[to-1]), tail: tail})
		done, i = to, to-1
	}
	return found
}

// longest returns the longest run around the block at i. The run does not begin before
// done.
func (x *index) longest(text []byte, i, done int) (from, to int, tail string) {
	tries := 0
	for at := x.first[binary.LittleEndian.Uint64(text[i:])]; at != 0 && tries < maxPlaces; tries++ {
		p := x.places[at-1]
		at = p.next
		n := x.needles[p.needle]
		needle := x.text[n.from:n.to]
		left, right := 0, block
		for left < int(p.at) && i-left > done && text[i-left-1] == needle[int(p.at)-left-1] {
			left++
		}
		for int(p.at)+right < len(needle) && i+right < len(text) && text[i+right] == needle[int(p.at)+right] {
			right++
		}
		whole := left == int(p.at) && int(p.at)+right == len(needle)
		if (left+right >= minRun || whole) && left+right > to-from {
			from, to, tail = i-left, i+right, ""
			if int(p.at)+right == len(needle) {
				tail = n.tail
			}
		}
	}
	return from, to, tail
}
