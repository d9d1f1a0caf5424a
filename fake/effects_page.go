package fake

// EmptyPages makes a list answer pages without items, but with a token, before each page that has some.
type EmptyPages struct {
	// Count is how many there are before each page; the default is one.
	Count int
}

func (EmptyPages) effect() {}
