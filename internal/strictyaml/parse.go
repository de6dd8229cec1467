package strictyaml

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"go.yaml.in/yaml/v4"
)

// Parse returns the root of the only document. The text of an error follows the
// name of the file: ":3: …".
func Parse(data []byte) (*yaml.Node, error) {
	loader, err := yaml.NewLoader(bytes.NewReader(data))
	if err != nil {
		return nil, fmt.Errorf(": %w", err)
	}
	var doc, more yaml.Node
	switch err := loader.Load(&doc); {
	case errors.Is(err, io.EOF):
		return nil, errors.New(": the file is empty; begin the file with \"version: 1\"")
	case err != nil:
		return nil, syntaxError(err)
	}
	switch err := loader.Load(&more); {
	case err == nil:
		return nil, fmt.Errorf(":%d: a second document begins; want a single document", more.Line)
	case !errors.Is(err, io.EOF):
		return nil, syntaxError(err)
	}
	if len(doc.Content) == 0 {
		return nil, errors.New(": the file is empty; begin the file with \"version: 1\"")
	}
	return doc.Content[0], nil
}

func syntaxError(err error) error {
	e, ok := errors.AsType[*yaml.LoadError](err)
	if !ok {
		return fmt.Errorf(": %w", err)
	}
	if e.Mark.Line == 0 {
		return fmt.Errorf(": invalid YAML: %s", e.Message)
	}
	return fmt.Errorf(":%d: invalid YAML: %s", e.Mark.Line, e.Message)
}
