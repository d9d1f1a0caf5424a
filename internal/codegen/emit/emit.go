package emit

import (
	"errors"
	"fmt"
	"path"

	"github.com/microvm-go/lambdamicrovms/internal/codegen/plan"
)

// Files returns the content of every generated file by its path in the module.
func Files(pl *plan.Plan) (map[string][]byte, error) {
	files := make(map[string][]byte)
	var errs []error
	add := func(name string, print func(*printer)) {
		p := newPrinter(path.Join(pl.Module, path.Dir(name)), pl.Config)
		print(p)
		if p.body.Len() == 0 {
			return
		}
		src, err := p.source()
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", name, err))
		}
		files[name] = src
	}
	root := func(name string, print func(*printer, *plan.Plan)) {
		add(name, func(p *printer) { print(p, pl) })
	}
	inner := func(name string, print func(*printer, *plan.Plan)) {
		add("types/"+name, func(p *printer) { print(p, pl) })
	}

	for _, op := range pl.Operations {
		add("api_op_"+op.Go+".go", func(p *printer) { operation(p, op) })
	}
	root("operations.go", operations)
	root("serializers.go", rootSerializers)
	root("deserializers.go", rootDeserializers)
	root("validators.go", validators)
	root("rules.go", rules)
	root("paginators.go", paginators)
	root("waiters.go", waiters)
	inner("types.go", structs)
	inner("enums.go", enums)
	inner("unions.go", unions)
	inner("errors.go", errorTypes)
	inner("serializers.go", typeSerializers)
	inner("deserializers.go", typeDeserializers)
	return files, errors.Join(errs...)
}
