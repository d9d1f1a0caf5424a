package plan

// Split says whether some members travel in the body and some elsewhere.
func (s *Struct) Split() bool {
	body, elsewhere := false, false
	for _, m := range s.Members {
		body = body || m.Location == Body
		elsewhere = elsewhere || m.Location != Body
	}
	return body && elsewhere
}

// Stringlike says whether the Go type is a string or an enum.
func (t *Type) Stringlike() bool { return t.Kind == String || t.Kind == EnumKind }

// SecretBelow says whether a value of the type holds anything sensitive.
func (t *Type) SecretBelow() bool { return t.secret() }
