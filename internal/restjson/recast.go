package restjson

// Recast copies the members that the sources share with into by their names on the wire,
// and returns into. The copy is deep: it shares no memory with the sources. A member that
// both shapes get in a later model is copied without a change here.
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
