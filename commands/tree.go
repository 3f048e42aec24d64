package commands

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// maxDepth is how deep a document may nest.
const maxDepth = 50

// object keeps the keys of a document's mapping in their order.
type object struct {
	keys   []string
	values map[string]any
}

// parseTree reads YAML or JSON as object, []any, string, json.Number, bool and nil.
// YAML times stay strings. Keys that occur twice, anchors and aliases are refused.
func parseTree(data []byte) (any, error) {
	if !utf8.Valid(data) {
		return nil, errors.New("it is not UTF-8")
	}
	if t := bytes.TrimSpace(data); len(t) > 0 && t[0] == '{' {
		return parseJSON(t)
	}
	return parseYAML(data)
}

func parseJSON(data []byte) (any, error) {
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber()
	tree, err := jsonValue(dec, 0)
	if err != nil {
		return nil, err
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("something follows the document's end")
	}
	return tree, nil
}

func jsonValue(dec *json.Decoder, depth int) (any, error) {
	if depth > maxDepth {
		return nil, fmt.Errorf("it nests deeper than %d levels", maxDepth)
	}
	tok, err := dec.Token()
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return nil, errors.New("the JSON ends too early")
	}
	if err != nil {
		return nil, err
	}
	switch d, _ := tok.(json.Delim); d {
	case '{':
		return jsonObject(dec, depth)
	case '[':
		list := []any{}
		for dec.More() {
			v, err := jsonValue(dec, depth+1)
			if err != nil {
				return nil, err
			}
			list = append(list, v)
		}
		_, err := dec.Token()
		return list, err
	}
	return tok, nil
}

func jsonObject(dec *json.Decoder, depth int) (any, error) {
	o := object{values: map[string]any{}}
	for dec.More() {
		k, err := dec.Token()
		if err != nil {
			return nil, err
		}
		key, _ := k.(string)
		v, err := jsonValue(dec, depth+1)
		if err != nil {
			return nil, err
		}
		if err := o.put(key, v); err != nil {
			return nil, err
		}
	}
	_, err := dec.Token()
	return o, err
}

func (o *object) put(key string, v any) error {
	if _, twice := o.values[key]; twice {
		return fmt.Errorf("the key %q occurs twice", key)
	}
	o.keys = append(o.keys, key)
	o.values[key] = v
	return nil
}

func parseYAML(data []byte) (any, error) {
	dec := yaml.NewDecoder(bytes.NewReader(data))
	var n yaml.Node
	if err := dec.Decode(&n); err != nil {
		if errors.Is(err, io.EOF) {
			return nil, errors.New("it is empty")
		}
		return nil, errors.New(strings.TrimPrefix(err.Error(), "yaml: "))
	}
	if err := dec.Decode(&yaml.Node{}); !errors.Is(err, io.EOF) {
		return nil, errors.New("it holds more than one document")
	}
	return yamlValue(&n, 0)
}

func yamlValue(n *yaml.Node, depth int) (any, error) {
	if depth > maxDepth {
		return nil, fmt.Errorf("it nests deeper than %d levels", maxDepth)
	}
	if n.Anchor != "" || n.Kind == yaml.AliasNode {
		return nil, fmt.Errorf("line %d: anchors and aliases are not understood here", n.Line)
	}
	switch n.Kind {
	case yaml.DocumentNode:
		return yamlValue(n.Content[0], depth)
	case yaml.MappingNode:
		return yamlObject(n, depth)
	case yaml.SequenceNode:
		list := []any{}
		for _, c := range n.Content {
			v, err := yamlValue(c, depth+1)
			if err != nil {
				return nil, err
			}
			list = append(list, v)
		}
		return list, nil
	case yaml.ScalarNode, yaml.AliasNode:
	}
	return yamlScalar(n)
}

func yamlObject(n *yaml.Node, depth int) (any, error) {
	o := object{values: map[string]any{}}
	for i := 0; i+1 < len(n.Content); i += 2 {
		k := n.Content[i]
		if k.Kind != yaml.ScalarNode {
			return nil, fmt.Errorf("line %d: a key must be a word", k.Line)
		}
		v, err := yamlValue(n.Content[i+1], depth+1)
		if err != nil {
			return nil, err
		}
		if err := o.put(k.Value, v); err != nil {
			return nil, fmt.Errorf("line %d: %w", k.Line, err)
		}
	}
	return o, nil
}

func yamlScalar(n *yaml.Node) (any, error) {
	switch n.ShortTag() {
	case "!!null":
		return nil, nil //nolint:nilnil // null is a value
	case "!!bool":
		var b bool
		if err := n.Decode(&b); err != nil {
			return nil, fmt.Errorf("line %d: %w", n.Line, err)
		}
		return b, nil
	case "!!int":
		var i int64
		if err := n.Decode(&i); err != nil {
			return n.Value, nil //nolint:nilerr // too big for a number: text
		}
		return json.Number(fmt.Sprint(i)), nil
	case "!!float":
		return json.Number(n.Value), nil
	}
	return n.Value, nil
}

// plain turns a tree into what encoding/json marshals.
func plain(v any) any {
	switch t := v.(type) {
	case object:
		m := make(map[string]any, len(t.keys))
		for k, x := range t.values {
			m[k] = plain(x)
		}
		return m
	case []any:
		l := make([]any, len(t))
		for i, x := range t {
			l[i] = plain(x)
		}
		return l
	}
	return v
}
