package jenkinstest

import (
	"fmt"
	"strconv"
	"strings"
)

// tree is what the query parameter of that name picks of an object. A nil one picks all.
type tree map[string]branch

type branch struct {
	below    tree
	from, to int // of a list; to 0: all
}

// parseTree reads "a,b[c,d]{0,5}".
func parseTree(text string) (tree, error) {
	if text == "" {
		return nil, nil
	}
	t, rest, err := parseBranches(text)
	if err == nil && rest != "" {
		err = fmt.Errorf("tree %q: %q is too much", text, rest)
	}
	return t, err
}

func parseBranches(text string) (tree, string, error) {
	t := tree{}
	for {
		end := strings.IndexAny(text+",", ",[]{")
		name := text[:end]
		if name == "" {
			return nil, "", fmt.Errorf("tree has an empty name before %q", text)
		}
		text = text[end:]
		var b branch
		var err error
		if strings.HasPrefix(text, "[") {
			if b.below, text, err = parseBranches(text[1:]); err != nil {
				return nil, "", err
			}
			if !strings.HasPrefix(text, "]") {
				return nil, "", fmt.Errorf("tree lacks a ] before %q", text)
			}
			text = text[1:]
		}
		if strings.HasPrefix(text, "{") {
			if b.from, b.to, text, err = parseRange(text[1:]); err != nil {
				return nil, "", err
			}
		}
		t[name] = b
		if !strings.HasPrefix(text, ",") {
			return t, text, nil
		}
		text = text[1:]
	}
}

func parseRange(text string) (from, to int, rest string, err error) {
	inside, rest, ok := strings.Cut(text, "}")
	first, last, two := strings.Cut(inside, ",")
	from, errFrom := strconv.Atoi(first)
	to, errTo := strconv.Atoi(last)
	if !ok || !two || errFrom != nil || errTo != nil {
		return 0, 0, "", fmt.Errorf("tree has a range %q", text)
	}
	return from, to, rest, nil
}

// pick returns what the tree names of a value. Classes are always told.
func (t tree) pick(value any) any {
	switch value := value.(type) {
	case []any:
		list := []any{}
		for _, v := range value {
			list = append(list, t.pick(v))
		}
		return list
	case map[string]any:
		picked := map[string]any{}
		for name, v := range value {
			b, named := t[name]
			switch {
			case t == nil, name == "_class":
				picked[name] = v
			case named:
				picked[name] = b.pick(v)
			}
		}
		return picked
	}
	return value
}

func (b branch) pick(value any) any {
	list, ok := value.([]any)
	if ok && b.to > 0 {
		value = list[min(b.from, len(list)):min(b.to, len(list))]
	}
	return b.below.pick(value)
}
