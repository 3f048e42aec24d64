package slipway

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"sync"
)

// One mechanism reads and writes all structs of a workflow. Beyond encoding/json
// it knows the struct tags
//
//	also:"name"         a second spelling: read when the first is absent, always written
//	alsovalue:"a=b"     what a is called under the second spelling
//	accept:"string"     a bool or list that is read from a string as well
//
// and it lays what was read (raw) under what is written, so that keys no struct
// knows survive. A list of raw is laid under a list of the same length only, and
// an element under an element of the same identity only: a job that moved or was
// replaced never inherits the unknown keys of its predecessor.

// wireField is a struct field as it is on the wire.
type wireField struct {
	index          int
	name, also     string
	value, alsoVal string
	omitEmpty      bool
	acceptString   bool
}

// wireFieldsOf remembers what wireFields found: map[reflect.Type][]wireField.
var wireFieldsOf sync.Map

func wireFields(t reflect.Type) []wireField {
	if found, ok := wireFieldsOf.Load(t); ok {
		return found.([]wireField)
	}
	fields := make([]wireField, 0, t.NumField())
	for i := range t.NumField() {
		f := t.Field(i)
		if !f.IsExported() {
			continue
		}
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		value, alsoVal, _ := strings.Cut(f.Tag.Get("alsovalue"), "=")
		fields = append(fields, wireField{
			index: i, name: name, also: f.Tag.Get("also"), value: value, alsoVal: alsoVal,
			omitEmpty: options == "omitempty", acceptString: f.Tag.Get("accept") == "string",
		})
	}
	wireFieldsOf.Store(t, fields)
	return fields
}

// identity are the keys that tell one element of a list from another.
var identity = map[string]struct{}{
	"name": {}, "key": {}, "type": {}, "service_name": {}, "service_module": {},
	"repo_name": {}, "data_id": {}, "namespace": {},
}

var (
	rawMessageType  = reflect.TypeFor[json.RawMessage]()
	jobStructType   = reflect.TypeFor[Job]()
	unknownSpecType = reflect.TypeFor[UnknownSpec]()
)

// encoder writes JSON. The first error stays.
type encoder struct {
	buf bytes.Buffer
	err error
}

// value writes v, with the unknown keys of raw.
func (e *encoder) value(v reflect.Value, raw any) {
	switch {
	case v.Type() == unknownSpecType:
		e.message(v.Field(0).Bytes(), "null")
		return
	case v.Type() == rawMessageType:
		e.message(v.Bytes(), `""`)
		return
	}
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface:
		if v.IsNil() {
			e.buf.WriteString("null")
			return
		}
		e.value(v.Elem(), raw)
	case reflect.Struct:
		if job, ok := v.Interface().(Job); ok && isNilSpec(job.Spec) {
			job.Spec = NewJobSpec(job.Type)
			v = reflect.ValueOf(job)
		}
		object, _ := raw.(map[string]any)
		e.object(v, object)
	case reflect.Slice:
		list, _ := raw.([]any)
		e.list(v, list)
	default:
		e.scalar(v.Interface())
	}
}

func isNilSpec(s JobSpec) bool {
	return s == nil || reflect.ValueOf(s).IsNil()
}

func (e *encoder) object(v reflect.Value, raw map[string]any) {
	e.buf.WriteByte('{')
	start := e.buf.Len()
	known := make(map[string]struct{})
	for _, f := range wireFields(v.Type()) {
		known[f.name] = struct{}{}
		below, wasThere := raw[f.name]
		if f.also != "" {
			known[f.also] = struct{}{}
			if !wasThere {
				below = raw[f.also]
			}
		}
		field := v.Field(f.index)
		if f.omitEmpty && !wasThere && isEmpty(field) {
			continue
		}
		e.key(f.name, start)
		e.value(field, below)
		if f.also == "" {
			continue
		}
		e.key(f.also, start)
		if f.value != "" && field.String() == f.value {
			e.scalar(f.alsoVal)
			continue
		}
		e.value(field, below)
	}
	for _, key := range slices.Sorted(maps.Keys(raw)) {
		if _, found := known[key]; !found {
			e.key(key, start)
			e.scalar(raw[key])
		}
	}
	e.buf.WriteByte('}')
}

func isEmpty(v reflect.Value) bool {
	if v.Kind() == reflect.Slice {
		return v.Len() == 0
	}
	return v.IsZero()
}

func (e *encoder) list(v reflect.Value, raw []any) {
	e.buf.WriteByte('[')
	for i := range v.Len() {
		if i > 0 {
			e.buf.WriteByte(',')
		}
		var below any
		if len(raw) == v.Len() && sameIdentity(v.Index(i), raw[i]) {
			below = raw[i]
		}
		e.value(v.Index(i), below)
	}
	e.buf.WriteByte(']')
}

func sameIdentity(v reflect.Value, raw any) bool {
	object, ok := raw.(map[string]any)
	if !ok || v.Kind() != reflect.Struct {
		return false
	}
	for _, f := range wireFields(v.Type()) {
		if _, found := identity[f.name]; !found {
			continue
		}
		if was, _ := object[f.name].(string); was != v.Field(f.index).String() {
			return false
		}
	}
	return true
}

func (e *encoder) key(name string, start int) {
	if e.buf.Len() > start {
		e.buf.WriteByte(',')
	}
	e.scalar(name)
	e.buf.WriteByte(':')
}

func (e *encoder) message(m json.RawMessage, empty string) {
	if len(m) == 0 {
		e.buf.WriteString(empty)
		return
	}
	if err := json.Compact(&e.buf, m); err != nil && e.err == nil {
		e.err = fmt.Errorf("write raw message: %w", err)
	}
}

// scalar writes a string, bool or number, or a value of a parsed tree.
func (e *encoder) scalar(v any) {
	if text, ok := v.(string); ok && isPlain(text) {
		e.buf.WriteByte('"')
		e.buf.WriteString(text)
		e.buf.WriteByte('"')
		return
	}
	enc := json.NewEncoder(&e.buf)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		if e.err == nil {
			e.err = err
		}
		return
	}
	e.buf.Truncate(e.buf.Len() - 1) // the newline that Encode adds
}

// isPlain tells whether a string needs no escape, as nearly all of them do not.
func isPlain(text string) bool {
	for i := range len(text) {
		if c := text[i]; c < ' ' || c > '~' || c == '"' || c == '\\' {
			return false
		}
	}
	return true
}
