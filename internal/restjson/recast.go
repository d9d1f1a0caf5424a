package restjson

// Recast copies the members that into shares with the sources, by wire name, and returns
// into. The copy is deep: it shares no memory with the sources. If a later model adds a
// member to both shapes, Recast copies it without a change.
func Recast[O Decoder](into O, from ...Encoder) O {
	for _, source := range from {
		w := borrowWriter()
		source.EncodeJSON(w)
		src := string(w.Bytes())
		returnWriter(w)
		into.DecodeJSON(NewReader(src))
	}
	return into
}
