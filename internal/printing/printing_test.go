package printing

import (
	"go/importer"
	"go/token"
	"go/types"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"
)

const module = "github.com/microvm-go/lambdamicrovms"

// load returns the packages of the module that programs import, with their types.
func load(t *testing.T) []*types.Package {
	t.Helper()
	paths := []string{module, module + "/types", module + "/images", module + "/session", module + "/fake"}
	command := exec.Command("go", append([]string{"list", "-export", "-deps", "-f", "{{.ImportPath}}={{.Export}}"}, paths...)...)
	command.Stderr = os.Stderr
	list, err := command.Output()
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]string{}
	for line := range strings.Lines(string(list)) {
		path, file, _ := strings.Cut(strings.TrimSpace(line), "=")
		files[path] = file
	}
	imports := importer.ForCompiler(token.NewFileSet(), "gc", func(path string) (io.ReadCloser, error) { return os.Open(files[path]) })
	var packages []*types.Package
	for _, path := range paths {
		pkg, err := imports.Import(path)
		if err != nil {
			t.Fatal(err)
		}
		packages = append(packages, pkg)
	}
	return packages
}

func hasMethod(t types.Type, name string) bool {
	object, _, _ := types.LookupFieldOrMethod(t, false, nil, name)
	_, ok := object.(*types.Func)
	return ok
}

// isSecret reports whether a type is a shape of the model with a sensitive member.
func isSecret(t types.Type) bool {
	return hasMethod(types.NewPointer(t), "EncodeJSON") && hasMethod(t, "LogValue")
}

// reaches returns the path on which fmt or encoding/json get from a value of a type to a
// sensitive member, or "" if there is none. The value in an any may be sensitive. Errors
// are checked by their own types.
func reaches(t types.Type, seen map[types.Type]bool) string {
	if seen[t] {
		return ""
	}
	seen[t] = true
	if named, ok := types.Unalias(t).(*types.Named); ok {
		if isSecret(named) {
			return named.Obj().Name()
		}
		if pkg := named.Obj().Pkg(); pkg == nil || !strings.HasPrefix(pkg.Path(), module) || strings.Contains(pkg.Path(), "/internal/") {
			return ""
		}
	}
	switch under := t.Underlying().(type) {
	case *types.Pointer:
		return reaches(under.Elem(), seen)
	case *types.Slice:
		return reaches(under.Elem(), seen)
	case *types.Array:
		return reaches(under.Elem(), seen)
	case *types.Map:
		if found := reaches(under.Key(), seen); found != "" {
			return found
		}
		return reaches(under.Elem(), seen)
	case *types.Interface:
		if under.Empty() {
			return "any"
		}
	case *types.Struct:
		for i := range under.NumFields() {
			if strings.Contains(under.Tag(i), `redact:"secret"`) {
				return under.Field(i).Name()
			}
			if found := reaches(under.Field(i).Type(), seen); found != "" {
				return under.Field(i).Name() + "." + found
			}
		}
	}
	return ""
}

// A type through which a sensitive member could be printed must prevent that: with Format
// for fmt, with LogValue for slog, and, if it is an error, with MarshalJSON for errors
// inside other values.
func TestExportedTypesPrintNoSecrets(t *testing.T) {
	errorType := types.Universe.Lookup("error").Type().Underlying().(*types.Interface)
	reaching := 0
	for _, pkg := range load(t) {
		for _, name := range pkg.Scope().Names() {
			object, ok := pkg.Scope().Lookup(name).(*types.TypeName)
			if !ok || !object.Exported() || object.IsAlias() {
				continue
			}
			named := object.Type().(*types.Named)
			full := pkg.Name() + "." + name
			if _, isInterface := named.Underlying().(*types.Interface); isInterface || named.TypeParams().Len() > 0 {
				continue
			}
			path := name
			if !isSecret(named) {
				found := reaches(named, map[types.Type]bool{})
				if found == "" {
					continue
				}
				path += "." + found
			}
			reaching++
			wanted := []string{"Format", "LogValue"}
			receiver := types.Type(named)
			if isError := types.Implements(types.NewPointer(named), errorType); isError || holdsLock(named) {
				receiver = types.NewPointer(named)
				if isError {
					wanted = append(wanted, "MarshalJSON")
				}
			}
			for _, method := range wanted {
				if !hasMethod(receiver, method) {
					t.Errorf("%s has no %s: %s may be printed", full, method, path)
				}
			}
		}
	}
	if reaching < 20 {
		t.Errorf("only %d types reach sensitive members: is the search broken?", reaching)
	}
}

// holdsLock reports whether values of a type must not be copied. For such a type methods
// of the pointer suffice.
func holdsLock(t *types.Named) bool {
	fields, ok := t.Underlying().(*types.Struct)
	if !ok {
		return false
	}
	for i := range fields.NumFields() {
		field := types.TypeString(fields.Field(i).Type(), nil)
		if strings.HasPrefix(field, "sync.") || strings.HasPrefix(field, "sync/atomic.") {
			return true
		}
	}
	return false
}
