package slipway

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"math"
	"reflect"
	"slices"
	"strconv"
)

// parseTree reads one JSON value; numbers keep their text.
func parseTree(data []byte) (any, error) {
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	var tree any
	if err := d.Decode(&tree); err != nil {
		return nil, err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("text after the value")
	}
	return tree, nil
}

// decoder fills structs from a parsed tree and notes every value of the wrong
// type, whose field keeps its zero value, and every key that no struct knows.
type decoder struct {
	problems []FieldProblem
	unknown  []string
}

func (d *decoder) want(path string, w want) {
	d.problems = append(d.problems, FieldProblem{Path: path, Want: w.en, WantZH: w.zh})
}

// value stores in to out, which is settable. null is the zero value everywhere.
func (d *decoder) value(path string, in any, out reflect.Value) {
	if out.Type() == rawMessageType {
		out.SetBytes(rawMessage(in))
		return
	}
	if in == nil {
		if out.Type() == jobStructType {
			out.FieldByName("Spec").Set(reflect.ValueOf(NewJobSpec("")))
		}
		return
	}
	switch out.Kind() {
	case reflect.Pointer:
		out.Set(reflect.New(out.Type().Elem()))
		d.value(path, in, out.Elem())
	case reflect.Struct:
		object, ok := in.(map[string]any)
		if !ok {
			d.want(path, wantObject)
			return
		}
		d.object(path, object, out)
	case reflect.Slice:
		list, ok := in.([]any)
		if !ok {
			d.want(path, wantList)
			return
		}
		out.Set(reflect.MakeSlice(out.Type(), len(list), len(list)))
		for i, element := range list {
			d.value(path+"["+strconv.Itoa(i)+"]", element, out.Index(i))
		}
	case reflect.String:
		text, ok := in.(string)
		if !ok {
			d.want(path, wantString)
			return
		}
		out.SetString(text)
	case reflect.Bool:
		flag, ok := in.(bool)
		if !ok {
			d.want(path, wantBool)
			return
		}
		out.SetBool(flag)
	case reflect.Int, reflect.Int64:
		n, ok := wholeNumber(in)
		if !ok {
			d.want(path, wantInteger)
			return
		}
		out.SetInt(n)
	default:
		panic("slipway: no wire form for " + out.Type().String())
	}
}

func (d *decoder) object(path string, in map[string]any, out reflect.Value) {
	known := make(map[string]struct{})
	for _, f := range wireFields(out.Type()) {
		known[f.name], known[f.also] = struct{}{}, struct{}{}
		field := out.Field(f.index)
		if field.Kind() == reflect.Interface {
			continue // the spec of a job, below
		}
		name := f.name
		if in[name] == nil && f.also != "" {
			name = f.also
		}
		value, found := in[name]
		if !found {
			continue
		}
		if f.value != "" && value == f.alsoVal {
			value = f.value
		}
		if text, ok := value.(string); ok && f.acceptString {
			value = fromString(text, field.Kind())
		}
		d.value(join(path, name), value, field)
	}
	for _, key := range slices.Sorted(maps.Keys(in)) {
		if _, found := known[key]; !found {
			d.unknown = append(d.unknown, join(path, key))
		}
	}
	if job, ok := out.Addr().Interface().(*Job); ok {
		d.spec(join(path, "spec"), in["spec"], job)
	}
}

func (d *decoder) spec(path string, in any, job *Job) {
	job.Spec = NewJobSpec(job.Type)
	if unknown, ok := job.Spec.(*UnknownSpec); ok {
		unknown.Raw = rawMessage(in)
		return
	}
	d.value(path, in, reflect.ValueOf(job.Spec).Elem())
}

func join(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}

// fromString reads a bool or a list that was written as a string. A string that
// is neither is returned as it is, for the decoder to complain about.
func fromString(text string, kind reflect.Kind) any {
	switch {
	case kind == reflect.Bool && text == "":
		return false
	case kind == reflect.Bool:
		if flag, err := strconv.ParseBool(text); err == nil {
			return flag
		}
	case kind == reflect.Slice && text == "":
		return []any{}
	case kind == reflect.Slice:
		return []any{text}
	}
	return text
}

// wholeNumber reads a number, or digits in a string: the document calls several
// numbers strings.
func wholeNumber(in any) (int64, bool) {
	var text string
	switch in := in.(type) {
	case json.Number:
		text = in.String()
	case string:
		text = in
	default:
		return 0, false
	}
	if n, err := strconv.ParseInt(text, 10, 64); err == nil {
		return n, true
	}
	const exact = 1 << 53
	f, err := strconv.ParseFloat(text, 64)
	if err != nil || f != math.Trunc(f) || math.Abs(f) > exact {
		return 0, false
	}
	return int64(f), true
}

func rawMessage(tree any) json.RawMessage {
	var e encoder
	e.scalar(tree)
	return e.buf.Bytes()
}
