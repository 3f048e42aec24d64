package local

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"

	"go.yaml.in/yaml/v3"
)

// maxNodes bounds what a document may unfold to: aliases can make a small file large.
const maxNodes = 100_000

// yamlToJSON turns one YAML document into JSON. Only what YAML itself calls a bool,
// a number or null becomes one; dates stay the text they were written as.
func yamlToJSON(data []byte) ([]byte, error) {
	var document yaml.Node
	if err := yaml.Unmarshal(data, &document); err != nil {
		return nil, err
	}
	if len(document.Content) != 1 {
		return nil, errors.New("the file is empty")
	}
	c := converter{left: maxNodes}
	tree, err := c.value(document.Content[0])
	if err != nil {
		return nil, err
	}
	return json.Marshal(tree)
}

type converter struct{ left int }

func (c *converter) value(n *yaml.Node) (any, error) {
	if c.left--; c.left < 0 {
		return nil, fmt.Errorf("line %d: the document unfolds to more than %d values", n.Line, maxNodes)
	}
	switch n.Kind {
	case yaml.AliasNode:
		return c.value(n.Alias)
	case yaml.MappingNode:
		object := make(map[string]any, len(n.Content)/2)
		err := c.mapping(n, object)
		return object, err
	case yaml.SequenceNode:
		list := make([]any, 0, len(n.Content))
		for _, child := range n.Content {
			v, err := c.value(child)
			if err != nil {
				return nil, err
			}
			list = append(list, v)
		}
		return list, nil
	case yaml.ScalarNode:
		return scalar(n)
	case yaml.DocumentNode:
	}
	return nil, fmt.Errorf("line %d: a document inside a document", n.Line)
}

// mapping fills object. Keys of the mapping itself win over merged ones, whichever
// comes first.
func (c *converter) mapping(n *yaml.Node, object map[string]any) error {
	own := make(map[string]struct{})
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		if key.ShortTag() == "!!merge" {
			if err := c.merge(value, object, own); err != nil {
				return err
			}
			continue
		}
		if key.Kind != yaml.ScalarNode {
			return fmt.Errorf("line %d: a key must be a plain word", key.Line)
		}
		if _, found := own[key.Value]; found {
			return fmt.Errorf("line %d: the key %q occurs twice", key.Line, key.Value)
		}
		v, err := c.value(value)
		if err != nil {
			return err
		}
		own[key.Value] = struct{}{}
		object[key.Value] = v
	}
	return nil
}

func (c *converter) merge(n *yaml.Node, object map[string]any, own map[string]struct{}) error {
	v, err := c.value(n)
	if err != nil {
		return err
	}
	sources, ok := v.([]any)
	if !ok {
		sources = []any{v}
	}
	for _, source := range sources {
		merged, ok := source.(map[string]any)
		if !ok {
			return fmt.Errorf("line %d: only mappings can be merged", n.Line)
		}
		for key, value := range merged {
			if _, found := own[key]; !found {
				object[key] = value
			}
		}
	}
	return nil
}

func scalar(n *yaml.Node) (any, error) {
	switch n.ShortTag() {
	case "!!null":
		return nil, nil //nolint:nilnil // null is a value
	case "!!bool":
		return strconv.ParseBool(n.Value)
	case "!!int", "!!float":
		var v any
		if err := n.Decode(&v); err != nil {
			return nil, err
		}
		if _, err := json.Marshal(v); err != nil {
			return n.Value, nil //nolint:nilerr // .inf and .nan are no JSON numbers
		}
		return v, nil
	default:
		return n.Value, nil
	}
}
