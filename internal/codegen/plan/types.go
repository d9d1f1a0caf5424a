package plan

// Go returns the Go type as package types (inTypes) or the root package writes it, without the pointer of a member.
func (t *Type) Go(inTypes bool) string {
	qualified := func(name string) string {
		if inTypes {
			return name
		}
		return "types." + name
	}
	switch t.Kind {
	case EnumKind:
		return qualified(t.Enum.Go)
	case Bool:
		return "bool"
	case Int32:
		return "int32"
	case Int64:
		return "int64"
	case Float64:
		return "float64"
	case Time:
		return "time.Time"
	case StructKind:
		return qualified(t.Struct.Go)
	case UnionKind:
		return qualified(t.Union.Go)
	case List:
		return "[]" + t.Elem.Go(inTypes)
	case Map:
		return "map[string]" + t.Elem.Go(inTypes)
	default:
		return "string"
	}
}

// GoType returns the Go type of the field.
func (m *Member) GoType(inTypes bool) string {
	if m.Pointer {
		return "*" + m.Type.Go(inTypes)
	}
	return m.Type.Go(inTypes)
}

// InTypes says whether the struct stands in package types.
func (s *Struct) InTypes() bool { return s.Role == Value || s.Role == Error }

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
