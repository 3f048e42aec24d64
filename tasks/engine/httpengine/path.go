package httpengine

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// path leads to a value in JSON: names with dots between them, and in brackets places
// in lists and names that hold other characters, such as a.b[0]["c d"]. The empty path
// is the whole.
type path []any // string or int

var errPath = errors.New(`a path such as run.id, runs[0].id or run["a b"] is expected`)

func parsePath(text string) (path, error) {
	var p path
	for rest := text; rest != ""; {
		if !strings.HasPrefix(rest, "[") {
			if p != nil {
				if !strings.HasPrefix(rest, ".") {
					return nil, errPath
				}
				rest = rest[1:]
			}
			end := strings.IndexAny(rest+".", ".[")
			name := rest[:end]
			if name == "" || strings.ContainsAny(name, "]\"' \t\r\n*$") {
				return nil, errPath
			}
			p, rest = append(p, name), rest[end:]
			continue
		}
		step, after, err := parseBracket(rest[1:])
		if err != nil {
			return nil, err
		}
		p, rest = append(p, step), after
	}
	return p, nil
}

// parseBracket reads what stands after a bracket.
func parseBracket(rest string) (step any, after string, err error) {
	if strings.HasPrefix(rest, `"`) {
		d := json.NewDecoder(strings.NewReader(rest))
		var name string
		if d.Decode(&name) != nil {
			return nil, "", errPath
		}
		after, found := strings.CutPrefix(rest[d.InputOffset():], "]")
		if !found {
			return nil, "", errPath
		}
		return name, after, nil
	}
	inside, after, found := strings.Cut(rest, "]")
	place, err := strconv.Atoi(inside)
	if !found || err != nil || place < 0 || strconv.Itoa(place) != inside {
		return nil, "", errPath
	}
	return place, after, nil
}

// mustPath parses a path that was checked before.
func mustPath(text string) path {
	p, err := parsePath(text)
	if err != nil {
		panic("httpengine: settings were not checked: " + err.Error())
	}
	return p
}

// find returns the value at the path, nil if there is none.
func (p path) find(value any) any {
	for _, step := range p {
		switch step := step.(type) {
		case string:
			object, ok := value.(map[string]any)
			if !ok {
				return nil
			}
			value = object[step]
		case int:
			list, ok := value.([]any)
			if !ok || step >= len(list) {
				return nil
			}
			value = list[step]
		}
	}
	return value
}

// text returns the scalar at a path as text; empty if there is none.
func text(value any, at string) string {
	switch v := mustPath(at).find(value).(type) {
	case string:
		return v
	case json.Number:
		return v.String()
	case bool:
		return strconv.FormatBool(v)
	}
	return ""
}

// optional is text of a path that may be left out.
func optional(value any, at string) string {
	if at == "" {
		return ""
	}
	return text(value, at)
}

// moment returns the time at a path in Unix milliseconds; 0 if there is none. It is
// written as RFC 3339, or as a number of seconds or milliseconds.
func moment(value any, at string) int64 {
	said := optional(value, at)
	if t, err := time.Parse(time.RFC3339Nano, said); err == nil {
		return max(0, t.UnixMilli())
	}
	n, err := strconv.ParseFloat(said, 64)
	switch {
	case err != nil, !(n > 0), n > 1e15:
		return 0
	case n < 1e11:
		return int64(n * 1000)
	}
	return int64(n)
}

// decode reads JSON, with numbers as they are written.
func decode(data []byte) (any, error) {
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	var value any
	if err := d.Decode(&value); err != nil {
		return nil, fmt.Errorf("read JSON: %w", err)
	}
	if d.More() {
		return nil, errors.New("read JSON: more follows")
	}
	return value, nil
}
