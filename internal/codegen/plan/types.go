package plan

// Split reports whether some members are in the body and some are not.
func (s *Struct) Split() bool {
	body, elsewhere := false, false
	for _, m := range s.Members {
		body = body || m.Location == Body
		elsewhere = elsewhere || m.Location != Body
	}
	return body && elsewhere
}

// Stringlike reports whether the Go type is a string or an enum.
func (t *Type) Stringlike() bool { return t.Kind == String || t.Kind == EnumKind }

// SecretBelow reports whether a value of the type contains a sensitive value.
func (t *Type) SecretBelow() bool { return t.secret() }
