package gitlab

import (
	"bytes"
	"encoding/json"
	"slices"

	"go.yaml.in/yaml/v3"
)

// declared is a variable or an input that a configuration declares.
type declared struct {
	name        string
	kind        string // of an input: string, number, boolean, array
	description string
	value       string // the default
	hasDefault  bool
	options     []string
}

// readMerged reads the stages and the global variables of a merged configuration.
func readMerged(merged string) (stages []string, variables []declared) {
	stages = []string{"build", "test", "deploy"}
	var document yaml.Node
	if yaml.Unmarshal([]byte(merged), &document) == nil && len(document.Content) == 1 {
		root := document.Content[0]
		if list := entry(root, "stages"); list != nil && list.Kind == yaml.SequenceNode {
			stages = texts(list)
		}
		variables = readDeclared(entry(root, "variables"), "value")
	}
	stages = slices.DeleteFunc(stages, func(s string) bool { return s == ".pre" || s == ".post" })
	return append(append([]string{".pre"}, stages...), ".post"), variables
}

// readInputs reads the inputs of the header of a configuration.
func readInputs(file []byte) []declared {
	var document yaml.Node
	if yaml.NewDecoder(bytes.NewReader(file)).Decode(&document) != nil || len(document.Content) != 1 {
		return nil
	}
	return readDeclared(entry(entry(document.Content[0], "spec"), "inputs"), "default")
}

// readDeclared reads a mapping of names to values, or to what is said about them.
func readDeclared(all *yaml.Node, value string) []declared {
	var list []declared
	for name, said := range entries(all) {
		d := declared{name: name, kind: "string"}
		if said.Kind != yaml.MappingNode {
			d.value, d.hasDefault = text(said), said.Tag != "!!null"
			list = append(list, d)
			continue
		}
		if given := entry(said, value); given != nil {
			d.value, d.hasDefault = text(given), true
		}
		if about := entry(said, "description"); about != nil {
			d.description = text(about)
		}
		if kind := entry(said, "type"); kind != nil {
			d.kind = text(kind)
		}
		if options := entry(said, "options"); options != nil {
			d.options = texts(options)
		} else if d.kind == "boolean" {
			d.options = []string{"true", "false"}
		}
		list = append(list, d)
	}
	return list
}

// entries goes through a mapping in its order; nil is an empty one.
func entries(m *yaml.Node) func(func(string, *yaml.Node) bool) {
	return func(yield func(string, *yaml.Node) bool) {
		m = followed(m)
		if m == nil || m.Kind != yaml.MappingNode {
			return
		}
		for i := 0; i+1 < len(m.Content); i += 2 {
			if !yield(m.Content[i].Value, followed(m.Content[i+1])) {
				return
			}
		}
	}
}

func followed(n *yaml.Node) *yaml.Node {
	if n != nil && n.Kind == yaml.AliasNode {
		return n.Alias
	}
	return n
}

func entry(m *yaml.Node, key string) *yaml.Node {
	for name, value := range entries(m) {
		if name == key {
			return value
		}
	}
	return nil
}

// text is a scalar as it is written, or anything else as JSON.
func text(n *yaml.Node) string {
	if n.Kind == yaml.ScalarNode {
		if n.Tag == "!!null" {
			return ""
		}
		return n.Value
	}
	var value any
	if n.Decode(&value) != nil {
		return ""
	}
	b, err := json.Marshal(value)
	if err != nil {
		return ""
	}
	return string(b)
}

func texts(list *yaml.Node) []string {
	var all []string
	for _, n := range list.Content {
		all = append(all, text(followed(n)))
	}
	return all
}
