package redact

import (
	"math/bits"
	"sync"
	"unicode/utf8"

	"github.com/microvm-go/lambdamicrovms/internal/restjson"
)

// A sieve quickly rules out that texts have a run in common with a secret. Where it
// cannot rule that out, the index decides.
//
// Building the index of the secrets takes longer than a call, and nearly no response
// repeats a secret. So the sieve indexes the texts, which are short, and reads each
// secret once. It makes few encodings of the secrets. Instead it decodes hex and base32
// in the texts, where every run of minRun characters has 4 whole bytes of the secret.
type sieve struct {
	raw  []byte // texts that were added and not reduced yet
	text []byte // reduced texts, with a 0 after each
	// keys is the set of all blocks of the texts, and of all groups of 4 bytes that the
	// texts may encode. It is a hash table with linear probing; 0 marks an empty slot.
	keys  []uint64
	shift int // turns a hash into an index of keys

	hasDigits bool // there is a run that can be a part of a list of decimals
	hasHex    bool // there is an 0x
}

// maxSieved is the maximum length of the texts in a sieve. Longer ones need the index.
const maxSieved = 8 << 10

var sieves = sync.Pool{New: func() any { return new(sieve) }}

func newSieve() *sieve { return sieves.Get().(*sieve) }

// release puts the sieve back. The pool must not keep a text, which may hold a secret.
func (v *sieve) release() {
	clear(v.raw)
	clear(v.text)
	clear(v.keys)
	*v = sieve{raw: v.raw[:0], text: v.text[:0], keys: v.keys[:0]}
	if cap(v.raw)+cap(v.text) <= 4*maxSieved {
		sieves.Put(v)
	}
}

// part adds a part of a text.
func (v *sieve) part(text string) { v.raw = append(v.raw, text...) }

// end ends a text.
func (v *sieve) end() {
	start := len(v.text)
	for _, c := range v.raw {
		switch {
		case c >= utf8.RuneSelf || c == '%' || c == '\\' || c == '&':
			v.text = append(v.text[:start], reduce(string(v.raw)).text...)
			v.endRaw()
			return
		case 'A' <= c && c <= 'Z':
			v.text = append(v.text, c+'a'-'A')
		case 'a' <= c && c <= 'z' || '0' <= c && c <= '9':
			v.text = append(v.text, c)
		}
	}
	v.endRaw()
}

func (v *sieve) endRaw() {
	clear(v.raw) // release clears only what raw still has
	v.text, v.raw = append(v.text, 0), v.raw[:0]
}

// add adds a whole text.
func (v *sieve) add(text string) {
	v.part(text)
	v.end()
}

// index fills in the keys after the last text.
func (v *sieve) index() {
	size := 1 << bits.Len(uint(4*len(v.text)+16)) // at most 3 keys for each character
	if cap(v.keys) < size {
		v.keys = make([]uint64, size)
	}
	v.keys = v.keys[:size] // empty: see release
	v.shift = 64 - bits.TrailingZeros(uint(size))
	var hex, base32, word uint64
	var kept, hexes, base32s, digits int // lengths of the runs so far
	for _, c := range v.text {
		if c == 0 {
			kept, hexes, base32s, digits = 0, 0, 0, 0
			continue
		}
		kept++
		if word = word>>8 | uint64(c)<<56; kept >= block {
			v.insert(word)
		}
		digit := '0' <= c && c <= '9'
		switch {
		case digit:
			hex, hexes = hex<<4|uint64(c-'0'), hexes+1
			digits++
		case 'a' <= c && c <= 'f':
			hex, hexes = hex<<4|uint64(c-'a'+10), hexes+1
			digits = 0
		default:
			hexes, digits = 0, 0
		}
		if hexes >= 8 {
			v.insert(bytesKey(uint32(hex))) //nolint:gosec // the last 8 digits
		}
		switch {
		case 'a' <= c && c <= 'z':
			base32, base32s = base32<<5|uint64(c-'a'), base32s+1
		case '2' <= c && c <= '7':
			base32, base32s = base32<<5|uint64(c-'2'+26), base32s+1
		default:
			base32s = 0
		}
		if base32s >= 8 {
			v.insert(bytesKey(uint32(base32 >> 8))) //nolint:gosec // 4 of the 5 bytes of 8 characters
		}
		v.hasDigits = v.hasDigits || digits >= minRun
		v.hasHex = v.hasHex || c == 'x' && kept > 1 && word<<8>>56 == '0'
	}
}

// bytesKey returns the key of 4 bytes. It never equals the key of a block, whose highest
// byte is a character and not 0.
func bytesKey(four uint32) uint64 { return 1<<32 | uint64(four) }

func (v *sieve) slot(key uint64) int { return int(key * 0x9e3779b97f4a7c15 >> v.shift) } //nolint:gosec // less than len(keys)

func (v *sieve) insert(key uint64) {
	i := v.slot(key)
	for v.keys[i] != 0 && v.keys[i] != key {
		i = (i + 1) & (len(v.keys) - 1)
	}
	v.keys[i] = key
}

func (v *sieve) has(key uint64) bool {
	for i := v.slot(key); v.keys[i] != 0; i = (i + 1) & (len(v.keys) - 1) {
		if v.keys[i] == key {
			return true
		}
	}
	return false
}

// A stream cuts characters into blocks and looks them up.
type stream struct {
	*sieve

	word  uint64
	count int
	found bool
}

func (s *stream) put(c byte) {
	s.word = s.word>>8 | uint64(c)<<56
	if s.count++; s.count%block == 0 && s.has(s.word) {
		s.found = true
	}
}

// hasBlock reports whether the texts have a block of a needle, cut as the index cuts it.
func (v *sieve) hasBlock(needle []byte) bool {
	s := stream{sieve: v}
	for _, c := range needle {
		s.put(c)
	}
	return s.found
}

// mayHold reports whether a text may hold a part of the secret in any encoding.
func (v *sieve) mayHold(secret string) bool {
	kept, found := v.plain(secret)
	switch {
	case found:
		return true
	case kindOf(secret, kept) != indexed:
		return false
	case v.encoded([]byte(secret)):
		return true
	}
	return !restjson.IsPlain(secret) && v.encoded([]byte(jsonText(secret)))
}

// plain looks up the secret itself. It also returns how many bytes of it reduce keeps.
func (v *sieve) plain(secret string) (kept int, found bool) {
	if !isSimple(secret) {
		reduced := reduce(secret).text
		return len(reduced), v.hasBlock(reduced) || v.hasBlock(lettersAndDigits([]byte(secret)))
	}
	s := stream{sieve: v}
	for i := range len(secret) {
		switch c := secret[i]; {
		case 'A' <= c && c <= 'Z':
			s.put(c + 'a' - 'A')
		case 'a' <= c && c <= 'z' || '0' <= c && c <= '9':
			s.put(c)
		}
	}
	return s.count, s.found
}

// isSimple reports whether reduce only has to drop characters of a text.
func isSimple(text string) bool {
	for i := range len(text) {
		if c := text[i]; c >= utf8.RuneSelf || c == '%' || c == '\\' || c == '&' {
			return false
		}
	}
	return true
}

// minDecoded is the minimum length of a form whose encodings all have minRun characters.
// An encoding that begins inside a group of base32 lacks up to two characters.
const minDecoded = 11

// encoded looks up the encodings of a form.
func (v *sieve) encoded(form []byte) bool {
	control := false
	for _, c := range form {
		control = control || c < 10 // one digit in a list of decimals
	}
	if len(form) < minDecoded || control || v.hasDigits || v.hasHex { // rare: make all encodings
		return !eachEncoding(form, func(needle []byte) bool { return !v.hasBlock(needle) })
	}
	var four uint32
	for i, c := range form {
		if four = four<<8 | uint32(c); i >= 3 && v.has(bytesKey(four)) {
			return true
		}
	}
	for shift := range 3 {
		if v.base64(form, shift) {
			return true
		}
	}
	return false
}

// base64 looks up the letters and digits of the base64 of a form of at least minDecoded
// bytes that begins shift bytes into a group of three, as eachEncoding makes them.
func (v *sieve) base64(form []byte, shift int) bool {
	s := stream{sieve: v}
	put := func(six uint) {
		if c := base64Kept[six&63]; c != '+' {
			s.put(c)
		}
	}
	switch shift {
	case 1:
		put(uint(form[0])<<2 | uint(form[1])>>6)
		put(uint(form[1]))
		form = form[2:]
	case 2:
		put(uint(form[0]))
		form = form[1:]
	}
	for ; len(form) >= 3; form = form[3:] {
		group := uint(form[0])<<16 | uint(form[1])<<8 | uint(form[2])
		put(group >> 18)
		put(group >> 12)
		put(group >> 6)
		put(group)
	}
	if len(form) > 0 {
		put(uint(form[0]) >> 2)
	}
	if len(form) > 1 {
		put(uint(form[0])<<4 | uint(form[1])>>4)
	}
	return s.found
}

// base64Kept is the alphabet of base64 in lower case, with + for what is dropped.
const base64Kept = "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz0123456789++"
