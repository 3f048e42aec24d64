package cardjson

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Problem is one reason why Feishu would refuse a card.
type Problem struct {
	// Path is where, for example $.body.elements[2].text; "$" is the card as a whole.
	Path string
	What string
	// Code is Feishu's code for it, which comes inside of error 230099.
	Code int
}

// String returns the problem in one line.
func (p Problem) String() string { return fmt.Sprintf("%s: %s (%d)", p.Path, p.What, p.Code) }

// Feishu's codes for what is wrong with a card. im-v1/message/create, "230099 子错误码".
const (
	BadCard    = 200621 // "parse card json err, please check whether the card json is correct"
	OldTag     = 200861 // "cards of schema V2 no longer support this capability"
	OverLimit  = 11310  // "element exceeds the limit", "card table number over limit"
	BadRequest = 230025 // "The length of the message content reaches its limit"
)

// Check returns everything that is wrong with a card, nothing if Feishu takes it.
func Check(raw []byte) []Problem {
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.UseNumber()
	var root any
	if err := decoder.Decode(&root); err != nil || decoder.More() {
		return []Problem{{Path: "$", What: "is not JSON", Code: BadCard}}
	}
	w := &walk{
		known: known, column: columnObject,
		names: map[string]string{}, ids: map[string]string{}, colours: declaredColours(root),
	}
	card.rule(w, "$", root)
	w.whole(raw, root)
	return w.problems
}

// Elements returns how many elements a card has, as MaxElements counts them.
func Elements(raw []byte) int {
	var root any
	if json.Unmarshal(raw, &root) != nil {
		return 0
	}
	return count(root)
}

// Size returns how many bytes a card takes in a request that sends it, where it is a
// string inside of JSON. It must not exceed MaxRequest by more than RequestOverhead.
func Size(raw []byte) int {
	encoded, err := json.Marshal(string(raw))
	if err != nil {
		return len(raw)
	}
	return len(encoded)
}

// walk goes through a card and remembers what is around it.
type walk struct {
	known    map[string]object // here and not read directly, because they refer to what walks through them
	column   object
	problems []Problem
	around   []string          // tags of the containers, outermost first
	names    map[string]string // where each name stands
	ids      map[string]string // where each element_id stands
	colours  map[string]bool   // declared in config.style.color
	tables   int               // as components and inside of markdown
	submits  int               // submit buttons of the form that is being walked
}

func (w *walk) refuse(at, what string) {
	w.problems = append(w.problems, Problem{Path: at, What: what, Code: BadCard})
}

func (w *walk) limit(at, what string) {
	w.problems = append(w.problems, Problem{Path: at, What: what, Code: OverLimit})
}

// properties checks an object against what is known about it.
// card-json-v2-breaking-changes-release-notes: "传入不支持的属性将报错".
func (w *walk) properties(at string, m map[string]any, known object) {
	for _, name := range slices.Sorted(maps.Keys(m)) {
		p, ok := known[name]
		switch here := at + "." + name; {
		case !ok:
			w.refuse(here, "unknown property")
		case m[name] == nil:
			w.refuse(here, "must not be null")
		default:
			p.rule(w, here, m[name])
		}
	}
	for _, name := range names(known) {
		if _, there := m[name]; known[name].need && !there {
			w.refuse(at+"."+name, "is missing")
		}
	}
	w.identify(at, m)
}

// identify checks that an element_id stands once in the card.
// card-json-v2-structure: "在同一张卡片内，该字段的值全局唯一".
func (w *walk) identify(at string, m map[string]any) {
	id, ok := m["element_id"].(string)
	if !ok {
		return
	}
	if first, taken := w.ids[id]; taken {
		w.refuse(at+".element_id", fmt.Sprintf("%q already stands at %s", id, first))
		return
	}
	w.ids[id] = at
}

// whole checks what is about the card as a whole.
func (w *walk) whole(raw []byte, root any) {
	if n := count(root); n > MaxElements {
		w.limit("$", fmt.Sprintf("element exceeds the limit: %d of %d", n, MaxElements))
	}
	if w.tables > MaxTables {
		w.limit("$", fmt.Sprintf("card table number over limit: %d of %d", w.tables, MaxTables))
	}
	if n := Size(raw) + RequestOverhead; n > MaxRequest {
		w.problems = append(w.problems, Problem{
			Path: "$", What: fmt.Sprintf("takes %d bytes of a request, at most %d are allowed", n, MaxRequest), Code: BadRequest,
		})
	}
}

// count counts everything with a tag, but not what people or the bot put into values.
func count(v any) int {
	n := 0
	switch v := v.(type) {
	case []any:
		for _, entry := range v {
			n += count(entry)
		}
	case map[string]any:
		if _, ok := v["tag"].(string); ok {
			n++
		}
		for name, value := range v {
			if name != "value" && name != "rows" {
				n += count(value)
			}
		}
	}
	return n
}

func declaredColours(root any) map[string]bool {
	all := map[string]bool{}
	at := root
	for _, name := range []string{"config", "style", "color"} {
		m, _ := at.(map[string]any)
		at = m[name]
	}
	m, _ := at.(map[string]any)
	for name := range m {
		all[name] = true
	}
	return all
}

func names(o object) []string { return slices.Sorted(maps.Keys(o)) }

// markdownTables counts the tables of a Markdown text by their lines of dashes.
func markdownTables(content string) int {
	n := 0
	for line := range strings.SplitSeq(content, "\n") {
		line = strings.TrimSpace(line)
		if strings.Contains(line, "|") && strings.Contains(line, "-") && strings.Trim(line, "|-: ") == "" {
			n++
		}
	}
	return n
}
