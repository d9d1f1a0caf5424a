package commands

import (
	"github.com/microvm-go/lambdamicrovms/cmd/lambda-microvms/internal/configuration"
	"github.com/microvm-go/lambdamicrovms/cmd/lambda-microvms/internal/value"
	"github.com/microvm-go/lambdamicrovms/images"
	"github.com/microvm-go/lambdamicrovms/internal/redact"
)

// wirePaths returns the changes with the paths that --set understands.
func wirePaths(changes images.Changes) images.Changes {
	shape := settings()
	shape.Members = append(shape.Members, *tagsMember())
	list := make(images.Changes, len(changes))
	for i, c := range changes {
		c.Path = configuration.WirePath(shape, c.Path)
		list[i] = c
	}
	return list
}

func changesText(changes images.Changes) string { return wirePaths(changes).String() + "\n" }

// changesDocument returns the changes as a document without secrets.
func changesDocument(changes images.Changes) []any {
	list := make([]any, 0, len(changes))
	for _, c := range wirePaths(changes) {
		m := value.NewMap(value.Member{Name: "path", Value: c.Path}, value.Member{Name: "kind", Value: string(c.Kind)})
		for _, side := range []struct{ name, text string }{{"old", c.Old}, {"new", c.New}} {
			if side.text != "" {
				m.Set(side.name, changeValue(c, side.text))
			}
		}
		list = append(list, m)
	}
	return list
}

func changeValue(c images.Change, text string) any {
	if c.Secret {
		return redact.Text
	}
	v, err := value.ReadJSON(text)
	if err != nil {
		return text
	}
	return v
}
