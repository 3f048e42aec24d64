package slipway

import (
	"encoding/json"
)

// Mask stands in for every credential that is shown.
const Mask = "***"

// credentialKeys hold the secret of an object with is_credential. The options of
// a choice are among them: they contain the value that was chosen.
var credentialKeys = [...]string{"value", "choice_value", "choice_option", "choice_options", "default", "script"}

// Masked returns a deep copy in which the values of everything with
// is_credential are Mask: params and variables, and objects Slipway knows
// nothing about, at any depth. Empty values stay empty.
func (w *Workflow) Masked() *Workflow {
	return w.rewrite(func(tree map[string]any) {
		eachCredential(tree, func(object map[string]any, key string) {
			object[key] = masked(object[key])
		})
	})
}

// Credentials returns every value that Masked would hide, without empty ones and
// doubles. Output of a run is cleaned of them before anyone sees it.
func (w *Workflow) Credentials() []string {
	var values []string
	seen := make(map[string]struct{})
	eachCredential(w.tree(), func(object map[string]any, key string) {
		eachScalar(object[key], func(text string) {
			if _, found := seen[text]; !found && text != "" {
				seen[text] = struct{}{}
				values = append(values, text)
			}
		})
	})
	return values
}

// rewrite returns a copy made from the workflow's JSON after edit changed it.
func (w *Workflow) rewrite(edit func(map[string]any)) *Workflow {
	tree := w.tree()
	edit(tree)
	data, err := json.Marshal(tree)
	if err != nil {
		panic("slipway: workflow tree cannot be written: " + err.Error())
	}
	copied, problems := readWorkflow(data)
	if len(problems) > 0 {
		panic("slipway: workflow cannot be read back: " + problems[0].String())
	}
	return copied
}

// tree is the workflow's JSON. That cannot fail unless a raw message that the
// program itself put into a spec is no JSON, which is a programming error.
func (w *Workflow) tree() map[string]any {
	data, err := w.MarshalJSON()
	if err != nil {
		panic("slipway: workflow cannot be written: " + err.Error())
	}
	tree, err := parseTree(data)
	if err != nil {
		panic("slipway: workflow cannot be parsed: " + err.Error())
	}
	return tree.(map[string]any)
}

func eachCredential(tree any, visit func(object map[string]any, key string)) {
	switch node := tree.(type) {
	case []any:
		for _, element := range node {
			eachCredential(element, visit)
		}
	case map[string]any:
		secret := node["is_credential"] == true || node["is_credential"] == "true"
		for _, key := range credentialKeys {
			if _, found := node[key]; found && secret {
				visit(node, key)
			}
		}
		for _, child := range node {
			eachCredential(child, visit)
		}
	}
}

func masked(value any) any {
	switch value := value.(type) {
	case nil:
		return nil
	case string:
		if value == "" {
			return ""
		}
	case []any:
		list := make([]any, len(value))
		for i, element := range value {
			list[i] = masked(element)
		}
		return list
	}
	return Mask
}

func eachScalar(value any, visit func(string)) {
	switch value := value.(type) {
	case string:
		visit(value)
	case json.Number:
		visit(value.String())
	case []any:
		for _, element := range value {
			eachScalar(element, visit)
		}
	case map[string]any:
		for _, element := range value {
			eachScalar(element, visit)
		}
	}
}
