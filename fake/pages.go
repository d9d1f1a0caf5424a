package fake

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"hash/fnv"
	"math/rand/v2"
	"sort"
)

// defaultPage is the size of a page without maxResults.
const defaultPage = 50

// cut returns the requested page and the token of the next one. Items must be sorted by
// their places, which are positive and do not change when other items come and go. A
// token is valid only for its operation, account, region and query.
func cut[T any](c *call, items []T, place func(T) int64, limit *int32, token *string, query string) (page []T, next *string, err error) {
	mark := bookmark{Operation: c.operation, Account: c.scope.account, Region: c.scope.region}
	if query != "" {
		sum := sha256.Sum256([]byte(query)) // a query may be longer than any token
		mark.Query = hex.EncodeToString(sum[:8])
	}
	if token != nil {
		asked, ok := parseToken(*token)
		mark.After, mark.Empty = asked.After, asked.Empty
		if !ok || asked != mark {
			return nil, nil, invalid("Invalid nextToken")
		}
	}
	if e, ok := pick[EmptyPages](c); ok && mark.Empty < max(1, e.Count) {
		mark.Empty++
		return nil, ptr(mark.token()), nil
	}
	mark.Empty = 0
	size := defaultPage
	if limit != nil {
		size = int(*limit)
	}
	first := sort.Search(len(items), func(i int) bool { return place(items[i]) > mark.After })
	page = items[first:]
	if len(page) <= size {
		return page, nil, nil
	}
	page = page[:size]
	mark.After = place(page[size-1])
	return page, ptr(mark.token()), nil
}

// bookmark is the content of a page token.
type bookmark struct {
	Operation Operation `json:"o"`
	Account   string    `json:"a"`
	Region    string    `json:"r"`
	Query     string    `json:"q,omitempty"` // hash
	After     int64     `json:"n"`
	Empty     int       `json:"e,omitempty"` // pages without items sent since then
}

// tokenSize makes tokens of 736 characters that end in "=", like those of the service.
const tokenSize = 550

// token returns the bookmark as URL-safe base64, scrambled so that no client depends on
// it.
func (m bookmark) token() string {
	text, _ := json.Marshal(m)
	sum := fnv.New64a()
	_, _ = sum.Write(text)
	sealed := make([]byte, max(tokenSize, 8+len(text)))
	binary.BigEndian.PutUint64(sealed, sum.Sum64())
	copy(sealed[8:], text)
	scramble(sealed[8:], sum.Sum64())
	return base64.URLEncoding.EncodeToString(sealed)
}

func parseToken(token string) (bookmark, bool) {
	sealed, err := base64.URLEncoding.DecodeString(token)
	if err != nil || len(sealed) < 8 {
		return bookmark{}, false
	}
	seed := binary.BigEndian.Uint64(sealed)
	scramble(sealed[8:], seed)
	text := sealed[8:]
	for len(text) > 0 && text[len(text)-1] == 0 {
		text = text[:len(text)-1]
	}
	var m bookmark
	if json.Unmarshal(text, &m) != nil {
		return bookmark{}, false
	}
	return m, m.token() == token
}

// scramble is its own inverse.
func scramble(text []byte, seed uint64) {
	stream := rand.New(rand.NewPCG(seed, seed))
	for i := range text {
		text[i] ^= byte(stream.Uint32())
	}
}
