package httpengine

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"strings"
	"unicode"
)

// part is a piece of a text: literal, or a placeholder.
type part struct {
	literal string
	name    string // of the placeholder; empty: it is literal
	quoted  bool   // the placeholder stands within a string of JSON
}

var placeholder = regexp.MustCompile(`^(?:[a-z_]+|(?:params|secret)\.[A-Za-z_][A-Za-z0-9_.-]*)$`)

// parse cuts a text at its placeholders; $${ stands for ${ itself.
func parse(text string) ([]part, error) {
	var parts []part
	var literal strings.Builder
	within := false // a string of JSON
	flush := func() {
		if literal.Len() > 0 {
			parts = append(parts, part{literal: literal.String()})
			literal.Reset()
		}
	}
	for i := 0; i < len(text); i++ {
		switch rest := text[i:]; {
		case strings.HasPrefix(rest, "$${"):
			literal.WriteString("${")
			i += 2
		case strings.HasPrefix(rest, "${"):
			end := strings.IndexByte(rest, '}')
			if end < 0 || !placeholder.MatchString(rest[2:end]) {
				return nil, errors.New("a placeholder such as ${mark} or ${params.NAME} is expected after ${; write $${ for ${ itself")
			}
			flush()
			parts = append(parts, part{name: rest[2:end], quoted: within})
			i += end
		case within && rest[0] == '\\' && len(rest) > 1:
			literal.WriteString(rest[:2])
			i++
		default:
			within = within != (rest[0] == '"')
			literal.WriteByte(rest[0])
		}
	}
	flush()
	return parts, nil
}

// names returns the placeholders of a text.
func names(parts []part) []string {
	var list []string
	for _, p := range parts {
		if p.name != "" {
			list = append(list, p.name)
		}
	}
	return list
}

// values are what the placeholders of a request stand for.
type values struct {
	texts map[string]string          // by the name of the placeholder
	raw   map[string]json.RawMessage // those that are not written as strings in JSON
}

// fill puts the values in, each written as escape says.
func fill(text string, v values, escape func(part, values) string) string {
	parts, err := parse(text)
	if err != nil {
		panic("httpengine: settings were not checked: " + err.Error())
	}
	var b strings.Builder
	for _, p := range parts {
		b.WriteString(p.literal)
		if p.name != "" {
			b.WriteString(escape(p, v))
		}
	}
	return b.String()
}

// inURL writes a value so that it is one piece of a path or of a query.
func inURL(p part, v values) string {
	return strings.ReplaceAll(url.QueryEscape(v.texts[p.name]), "+", "%20")
}

func inForm(p part, v values) string { return url.QueryEscape(v.texts[p.name]) }

// inHeader writes a value on one line.
func inHeader(p part, v values) string {
	return strings.Map(func(c rune) rune {
		if unicode.IsControl(c) {
			return ' '
		}
		return c
	}, v.texts[p.name])
}

// inJSON writes a value within a string of JSON, or as a value of its own.
func inJSON(p part, v values) string {
	if raw, found := v.raw[p.name]; found && !p.quoted {
		return string(raw)
	}
	b, err := json.Marshal(v.texts[p.name])
	if err != nil {
		panic("httpengine: a text cannot be written: " + err.Error())
	}
	if p.quoted {
		return string(b[1 : len(b)-1])
	}
	return string(b)
}

// isForm tells how the body of a request is written: as a form, or else as JSON.
func isForm(headers ...map[string]string) (bool, error) {
	kind := ""
	for _, h := range headers {
		for name, value := range h {
			if strings.EqualFold(name, "Content-Type") {
				kind = value
			}
		}
	}
	kind, _, _ = strings.Cut(strings.ToLower(kind), ";")
	switch kind = strings.TrimSpace(kind); {
	case kind == "application/x-www-form-urlencoded":
		return true, nil
	case kind == "", kind == "application/json", strings.HasPrefix(kind, "application/") && strings.HasSuffix(kind, "+json"):
		return false, nil
	}
	return false, fmt.Errorf("application/json or application/x-www-form-urlencoded is expected as the Content-Type of a body")
}
