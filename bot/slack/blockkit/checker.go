package blockkit

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// Problem is one thing that Slack would refuse.
type Problem struct {
	Path string // JSON pointer, for example /blocks/0/text/text
	What string // in Slack's words where they are known
	// Code is the error that Slack answers with, "" for the usual one of the method.
	Code string
}

// String returns the problem as it stands in response_metadata.messages.
func (p Problem) String() string {
	return fmt.Sprintf("[ERROR] %s [json-pointer:%s]", p.What, p.Path)
}

// surface is where blocks are shown.
type surface string

const (
	inMessage surface = "message"
	inModal   surface = "modal"
	inHome    surface = "home"
)

// checker walks one payload and collects what is wrong with it.
type checker struct {
	surface  surface
	problems []Problem
	blockIDs map[string]bool
	focused  int
	inputs   int
	tables   int
	markdown int // characters of the markdown blocks so far
	texts    int // characters of all texts so far
}

// rule checks one value.
type rule func(c *checker, path string, v any)

// shape is an object: its properties, and which of them must be there.
type shape struct {
	required []string
	props    map[string]rule
}

func newChecker(on surface) *checker {
	return &checker{surface: on, blockIDs: map[string]bool{}}
}

func (c *checker) add(path, format string, args ...any) {
	c.problems = append(c.problems, Problem{Path: path, What: fmt.Sprintf(format, args...)})
}

func (c *checker) addCode(path, code, format string, args ...any) {
	c.problems = append(c.problems, Problem{Path: path, Code: code, What: fmt.Sprintf(format, args...)})
}

// object checks v against a shape and returns it, nil if it is no object. Every object
// may have a type; whoever knows which one checks it.
func (c *checker) object(path string, v any, s shape) map[string]any {
	o, ok := v.(map[string]any)
	if !ok {
		c.add(path, "must provide an object")
		return nil
	}
	for _, name := range s.required {
		if _, ok := o[name]; !ok {
			c.add(path, "missing required field: %s", name)
		}
	}
	for _, name := range sortedKeys(o) {
		switch check, known := s.props[name]; {
		case known:
			check(c, path+"/"+name, o[name])
		case name != "type":
			c.add(path, "invalid additional property: %s", name)
		}
	}
	return o
}

// typed checks v as one of several objects that are told apart by their type.
func (c *checker) typed(path string, v any, shapes map[string]shape) (map[string]any, string) {
	o, ok := v.(map[string]any)
	if !ok {
		c.add(path, "must provide an object")
		return nil, ""
	}
	kind, _ := o["type"].(string)
	s, ok := shapes[kind]
	if !ok {
		c.add(path+"/type", "unsupported type: %s", kind)
		return nil, kind
	}
	return c.object(path, v, s), kind
}

// list checks v as a list of min to max entries and calls each for every entry.
func (c *checker) list(path string, v any, minimum, maximum int, each rule) []any {
	entries, ok := v.([]any)
	if !ok {
		c.add(path, "must provide an array")
		return nil
	}
	if len(entries) < minimum {
		c.add(path, "no less than %d items allowed, %d given", minimum, len(entries))
	}
	if len(entries) > maximum {
		c.add(path, "no more than %d items allowed, %d given", maximum, len(entries))
	}
	for i, e := range entries {
		each(c, path+"/"+strconv.Itoa(i), e)
	}
	return entries
}

func listOf(minimum, maximum int, each rule) rule {
	return func(c *checker, path string, v any) { c.list(path, v, minimum, maximum, each) }
}

func objectOf(s shape) rule {
	return func(c *checker, path string, v any) { c.object(path, v, s) }
}

// str checks a string of min to max characters.
func str(minimum, maximum int) rule {
	return func(c *checker, path string, v any) { c.str(path, v, minimum, maximum) }
}

func (c *checker) str(path string, v any, minimum, maximum int) {
	s, ok := v.(string)
	switch {
	case !ok:
		c.add(path, "must be a string")
	case Len(s) < minimum:
		c.add(path, "must be more than %d characters", minimum-1)
	case Len(s) > maximum:
		c.add(path, "must be less than %d characters", maximum+1)
	}
}

func boolean(c *checker, path string, v any) {
	if _, ok := v.(bool); !ok {
		c.add(path, "must be a boolean")
	}
}

// integer checks a whole number from min to max.
func integer(minimum, maximum int64) rule {
	return func(c *checker, path string, v any) {
		n, ok := v.(json.Number)
		if !ok {
			c.add(path, "must be an integer")
			return
		}
		i, err := n.Int64()
		if err != nil || i < minimum || i > maximum {
			c.add(path, "must be an integer from %d to %d", minimum, maximum)
		}
	}
}

// oneOf checks a string that is one of a few words.
func oneOf(words ...string) rule {
	return func(c *checker, path string, v any) {
		if s, ok := v.(string); !ok || !slices.Contains(words, s) {
			c.add(path, "must be one of %s", strings.Join(words, ", "))
		}
	}
}

// both checks a value by two rules.
func both(one, other rule) rule {
	return func(c *checker, path string, v any) {
		one(c, path, v)
		other(c, path, v)
	}
}

// address checks a link. How long one may be depends on where it stands, so that is a rule of its own.
func address(c *checker, path string, v any) {
	s, _ := v.(string)
	u, err := url.Parse(s)
	if err != nil || u.Scheme == "" || (u.Host == "" && u.Opaque == "") {
		c.add(path, "must be a valid url")
	}
}

// unique reports values of a property that occur twice in a list of objects.
func (c *checker) unique(path string, entries []any, property string) {
	seen := map[string]bool{}
	for i, e := range entries {
		o, _ := e.(map[string]any)
		s, _ := o[property].(string)
		if s == "" {
			continue
		}
		if seen[s] {
			c.add(path+"/"+strconv.Itoa(i)+"/"+property, "%s already exists: %s", property, s)
		}
		seen[s] = true
	}
}

// decode reads JSON with its numbers kept as they are written.
func decode(raw json.RawMessage) (any, error) {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		return nil, fmt.Errorf("read JSON: %w", err)
	}
	if d.More() {
		return nil, fmt.Errorf("read JSON: more than one value")
	}
	return v, nil
}

func sortedKeys(o map[string]any) []string {
	keys := make([]string, 0, len(o))
	for k := range o {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
