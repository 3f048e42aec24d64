package slipway

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"
	"unicode/utf8"
)

// The limits of what DiffWorkflow tells.
const (
	maxDiffLines = 50
	maxDiffValue = 60 // characters of one value
	maxDiffPath  = 120
)

// DiffWorkflow says how b differs from a, one line for each difference, such as
// "params[2].default: 1 → 2" or "stage deploy: job check added": at most 50 short
// lines, in a fixed order, without credentials. There are none if, and only if, both
// say the same.
func DiffWorkflow(a, b *Workflow) []string {
	if a == nil || b == nil {
		if a == b {
			return nil
		}
		return []string{presence("workflow", b != nil)}
	}
	d := &differ{secrets: newSecrets(a, b)}
	d.object(place{kind: inWorkflow}, a.tree(), b.tree())
	if over := len(d.lines) - maxDiffLines; over > 0 {
		d.lines = append(d.lines[:maxDiffLines-1], fmt.Sprintf("… and %d more differences", over+1))
	}
	return d.lines
}

// place is a place in a workflow as people read it. Stages and jobs are known by their
// names there, everything else by its path.
type place struct {
	text string
	kind placeKind
}

type placeKind int

const (
	elsewhere placeKind = iota
	inWorkflow
	inStages
	inStage
	inJobs
	inJob
)

// key is the place of a key of the object at p.
func (p place) key(key string) place {
	switch {
	case p.kind == inWorkflow && key == "stages":
		return place{key, inStages}
	case p.kind == inStage && key == "jobs":
		return place{p.text, inJobs}
	case p.kind == inStage || p.kind == inJob:
		return place{text: p.text + ": " + key}
	}
	return place{text: join(p.text, key)}
}

// element is the place of an element of the list at p.
func (p place) element(i int, name string) place {
	switch {
	case name != "" && p.kind == inStages:
		return place{"stage " + name, inStage}
	case name != "" && p.kind == inJobs:
		return place{p.text + ": job " + name, inJob}
	case p.kind == inJobs:
		return place{text: fmt.Sprintf("%s: jobs[%d]", p.text, i)}
	}
	return place{text: fmt.Sprintf("%s[%d]", p.text, i)}
}

// named is the place of an element that is there on one side only.
func (p place) named(name string) place {
	if p.kind == inStages || p.kind == inJobs {
		return p.element(0, name)
	}
	return place{text: p.text + "[" + name + "]"}
}

// list is the list at p itself.
func (p place) list() place {
	if p.kind == inJobs {
		return place{text: p.text + ": jobs"}
	}
	return p
}

// differ walks two trees of JSON at once.
type differ struct {
	secrets *strings.Replacer
	lines   []string
}

// newSecrets replaces the credentials of both workflows wherever they appear, the long
// ones first, so that none of them leaves a rest. Those of fewer than four characters
// say nothing.
func newSecrets(workflows ...*Workflow) *strings.Replacer {
	var all []string
	for _, w := range workflows {
		for _, secret := range w.Credentials() {
			all = append(all, secret)
			all = append(all, strings.FieldsFunc(secret, func(r rune) bool { return r == '\n' || r == '\r' })...)
		}
	}
	slices.SortFunc(all, func(a, b string) int {
		if len(a) != len(b) {
			return len(b) - len(a)
		}
		return strings.Compare(a, b)
	})
	var pairs []string
	for _, secret := range slices.Compact(all) {
		if utf8.RuneCountInString(secret) > 3 {
			pairs = append(pairs, secret, Mask)
		}
	}
	return strings.NewReplacer(pairs...)
}

func (d *differ) add(at place, said string) {
	path := d.secrets.Replace(at.text)
	if Unprintable(path) || strings.ContainsAny(path, "\n\r\t") {
		path = strconv.Quote(path)
	}
	d.lines = append(d.lines, short(path, maxDiffPath)+said)
}

func presence(what string, there bool) string {
	if there {
		return what + " added"
	}
	return what + " removed"
}

// addPresence tells of what is on one side only: v, shown if it is short.
func (d *differ) addPresence(at place, there bool, v any) {
	said := presence("", there)
	if v != nil && isScalar(v) {
		said += " (" + d.show(v) + ")"
	}
	d.add(at, said)
}

// object compares two objects, key by key.
func (d *differ) object(at place, a, b map[string]any) {
	secret := isCredential(a) || isCredential(b)
	keys := maps.Clone(a)
	maps.Copy(keys, b)
	for _, key := range slices.Sorted(maps.Keys(keys)) {
		if main, also := spellings()[key]; also && !sameUnder(main, a, b) {
			continue // written under both names, told under the first
		}
		hidden := secret && slices.Contains(credentialKeys[:], key)
		va, inA := a[key]
		vb, inB := b[key]
		switch {
		case inA && inB && hidden:
			if !reflect.DeepEqual(va, vb) {
				d.add(at.key(key), ": "+Mask+" → "+Mask+" (another value)")
			}
		case inA && inB:
			d.value(at.key(key), va, vb)
		case hidden:
			d.addPresence(at.key(key), inB, Mask)
		case inA:
			d.addPresence(at.key(key), false, va)
		default:
			d.addPresence(at.key(key), true, vb)
		}
	}
}

// sameUnder tells whether two objects have the same under a key.
func sameUnder(key string, a, b map[string]any) bool {
	va, inA := a[key]
	vb, inB := b[key]
	return inA == inB && reflect.DeepEqual(va, vb)
}

func (d *differ) value(at place, a, b any) {
	if reflect.DeepEqual(a, b) {
		return
	}
	switch va := a.(type) {
	case map[string]any:
		if vb, ok := b.(map[string]any); ok {
			d.object(at, va, vb)
			return
		}
	case []any:
		if vb, ok := b.([]any); ok {
			d.list(at, va, vb)
			return
		}
	case string:
		if vb, ok := b.(string); ok {
			d.text(at, va, vb)
			return
		}
	}
	d.change(at, d.show(a), d.show(b), "")
}

// change tells of two values as they are shown; those that look the same differ in
// what is not shown.
func (d *differ) change(at place, a, b, rest string) {
	if a == b {
		d.add(at, ": another value"+rest)
		return
	}
	d.add(at, ": "+a+" → "+b+rest)
}

// text compares texts; of several lines it shows the first that differ.
func (d *differ) text(at place, a, b string) {
	la, lb := strings.Split(a, "\n"), strings.Split(b, "\n")
	if len(la) == 1 && len(lb) == 1 {
		d.change(at, d.show(a), d.show(b), "")
		return
	}
	first, count := -1, 0
	for i := range max(len(la), len(lb)) {
		if i < len(la) && i < len(lb) && la[i] == lb[i] {
			continue
		}
		if first < 0 {
			first = i
		}
		count++
	}
	line := func(lines []string) string {
		if first < len(lines) {
			return d.show(lines[first])
		}
		return "(none)"
	}
	rest := ""
	if count > 1 {
		rest = fmt.Sprintf(" (and %d more)", count-1)
	}
	d.change(place{text: fmt.Sprintf("%s: line %d", at.text, first+1)}, line(la), line(lb), rest)
}

// list compares two lists: by the names of their elements if all have different ones,
// else by place.
func (d *differ) list(at place, a, b []any) {
	na, okA := elementNames(a)
	nb, okB := elementNames(b)
	if !okA || !okB {
		d.places(at, a, b)
		return
	}
	var before, after []string // what both have
	for i, name := range na {
		if slices.Contains(nb, name) {
			before = append(before, name)
		} else {
			d.addPresence(at.named(name), false, a[i])
		}
	}
	for i, name := range nb {
		j := slices.Index(na, name)
		if j < 0 {
			d.addPresence(at.named(name), true, b[i])
			continue
		}
		after = append(after, name)
		d.value(at.element(i, name), a[j], b[i])
	}
	if !slices.Equal(before, after) {
		d.add(at.list(), ": in another order")
	}
}

func (d *differ) places(at place, a, b []any) {
	for i := range max(len(a), len(b)) {
		below := at.element(i, "")
		switch {
		case i < len(a) && i < len(b):
			d.value(below, a[i], b[i])
		case i < len(b):
			d.addPresence(below, true, b[i])
		default:
			d.addPresence(below, false, a[i])
		}
	}
}

// elementNames returns the names of the elements of a list; false if one has none or
// two have the same.
func elementNames(list []any) ([]string, bool) {
	names := make([]string, 0, len(list))
	for _, element := range list {
		object, ok := element.(map[string]any)
		if !ok {
			return nil, false
		}
		name := ""
		for _, key := range []string{"name", "key", "service_name", "repo_name"} {
			if name, _ = object[key].(string); name != "" {
				break
			}
		}
		if module, _ := object["service_module"].(string); module != "" {
			name += "/" + module
		}
		if name == "" || slices.Contains(names, name) {
			return nil, false
		}
		names = append(names, name)
	}
	return names, true
}

func isCredential(object map[string]any) bool {
	return object["is_credential"] == true || object["is_credential"] == "true"
}

func isScalar(v any) bool {
	switch v.(type) {
	case map[string]any, []any:
		return false
	}
	return true
}

// show is a value as people read it.
func (d *differ) show(v any) string {
	if text, ok := v.(string); ok {
		text = d.secrets.Replace(text)
		if text == "" || strings.TrimSpace(text) != text || Unprintable(text) || strings.ContainsAny(text, "\n\r\t") {
			text = strconv.Quote(text)
		}
		return short(text, maxDiffValue)
	}
	data, err := json.Marshal(d.cleaned(v))
	if err != nil {
		return Mask
	}
	return short(string(data), maxDiffValue)
}

// cleaned returns a copy of a value without credentials.
func (d *differ) cleaned(v any) any {
	switch v := v.(type) {
	case string:
		return d.secrets.Replace(v)
	case []any:
		list := make([]any, len(v))
		for i, element := range v {
			list[i] = d.cleaned(element)
		}
		return list
	case map[string]any:
		object := make(map[string]any, len(v))
		for key, below := range v {
			object[key] = d.cleaned(below)
			if isCredential(v) && slices.Contains(credentialKeys[:], key) {
				object[key] = masked(below)
			}
		}
		return object
	}
	return v
}

func short(text string, limit int) string {
	if utf8.RuneCountInString(text) <= limit {
		return text
	}
	return string([]rune(text)[:limit-1]) + "…"
}

// spellings returns the second spellings of keys, each with its first.
var spellings = sync.OnceValue(func() map[string]string {
	found := map[string]string{}
	seen := map[reflect.Type]bool{}
	var walk func(reflect.Type)
	walk = func(t reflect.Type) {
		for t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice {
			t = t.Elem()
		}
		if t.Kind() != reflect.Struct || seen[t] {
			return
		}
		seen[t] = true
		for _, f := range wireFields(t) {
			if f.also != "" {
				found[f.also] = f.name
			}
			walk(t.Field(f.index).Type)
		}
	}
	walk(reflect.TypeFor[Workflow]())
	for _, jobType := range JobTypes() {
		walk(reflect.TypeOf(NewJobSpec(jobType)))
	}
	return found
})
