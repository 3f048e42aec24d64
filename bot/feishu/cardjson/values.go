package cardjson

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// rule checks one value; at is where it stands.
type rule func(w *walk, at string, v any)

// property is what a component knows about one of its properties.
type property struct {
	need bool
	rule rule
}

// object is what is known about an object, by property.
type object map[string]property

func may(r rule) property  { return property{rule: r} }
func must(r rule) property { return property{need: true, rule: r} }

// with returns the object with more properties.
func (o object) with(more object) object {
	all := make(object, len(o)+len(more))
	for _, from := range []object{o, more} {
		for name, p := range from {
			all[name] = p
		}
	}
	return all
}

// rule checks that a value is such an object.
func (o object) rule(w *walk, at string, v any) {
	m, ok := v.(map[string]any)
	if !ok {
		w.refuse(at, "must be an object")
		return
	}
	w.properties(at, m, o)
}

func anything(*walk, string, any) {}

func boolean(w *walk, at string, v any) {
	if _, ok := v.(bool); !ok {
		w.refuse(at, "must be true or false")
	}
}

func truth(w *walk, at string, v any) {
	if v != true {
		w.refuse(at, "must be true")
	}
}

func anyObject(w *walk, at string, v any) {
	if _, ok := v.(map[string]any); !ok {
		w.refuse(at, "must be an object")
	}
}

// str allows texts of so many characters, any number if 0.
func str(most int) rule {
	return func(w *walk, at string, v any) {
		s, ok := v.(string)
		switch n := utf8.RuneCountInString(s); {
		case !ok:
			w.refuse(at, "must be a string")
		case most > 0 && n > most:
			w.refuse(at, fmt.Sprintf("has %d characters, at most %d are allowed", n, most))
		}
	}
}

func filled(w *walk, at string, v any) {
	if s, ok := v.(string); !ok || s == "" {
		w.refuse(at, "must be a string and not empty")
	}
}

func like(what string, pattern *regexp.Regexp) rule {
	return func(w *walk, at string, v any) {
		if s, ok := v.(string); !ok || !pattern.MatchString(s) {
			w.refuse(at, "must be "+what)
		}
	}
}

func oneOf(values ...string) rule {
	return func(w *walk, at string, v any) {
		if s, ok := v.(string); !ok || !slices.Contains(values, s) {
			w.refuse(at, fmt.Sprintf("is %v, allowed are %s", v, strings.Join(values, ", ")))
		}
	}
}

func whole(least, most int) rule {
	return func(w *walk, at string, v any) {
		n, ok := v.(json.Number)
		i, err := strconv.Atoi(n.String())
		if !ok || err != nil || i < least || i > most {
			w.refuse(at, fmt.Sprintf("must be a whole number from %d to %d", least, most))
		}
	}
}

func number(least, most float64) rule {
	return func(w *walk, at string, v any) {
		n, ok := v.(json.Number)
		f, err := strconv.ParseFloat(n.String(), 64)
		if !ok || err != nil || f < least || f > most {
			w.refuse(at, fmt.Sprintf("must be a number from %g to %g", least, most))
		}
	}
}

func list(each rule) rule { return listUpTo(0, each) }

// listUpTo allows lists of so many entries, any number if 0.
func listUpTo(most int, each rule) rule {
	return func(w *walk, at string, v any) {
		entries, ok := v.([]any)
		if !ok {
			w.refuse(at, "must be a list")
			return
		}
		if most > 0 && len(entries) > most {
			w.refuse(at, fmt.Sprintf("has %d entries, at most %d are allowed", len(entries), most))
		}
		for i, entry := range entries {
			each(w, fmt.Sprintf("%s[%d]", at, i), entry)
		}
	}
}

// sides allows one, two or four lengths such as "4px 0". card-json-v2-structure: margins
// lie in [-99,99]px, paddings in [0,99]px.
func sides(least int) rule {
	return func(w *walk, at string, v any) {
		s, _ := v.(string)
		parts := strings.Fields(s)
		ok := len(parts) == 1 || len(parts) == 2 || len(parts) == 4
		for _, part := range parts {
			n, err := strconv.Atoi(strings.TrimSuffix(part, "px"))
			ok = ok && err == nil && n >= least && n <= 99 && (n == 0 || strings.HasSuffix(part, "px"))
		}
		if !ok {
			w.refuse(at, fmt.Sprintf("must be one, two or four lengths from %dpx to 99px", least))
		}
	}
}

// length allows some words and a length in pixels.
func length(least, most int, words ...string) rule {
	return func(w *walk, at string, v any) {
		s, _ := v.(string)
		digits, isPx := strings.CutSuffix(s, "px")
		n, err := strconv.Atoi(digits)
		if slices.Contains(words, s) || isPx && err == nil && n >= least && n <= most {
			return
		}
		w.refuse(at, fmt.Sprintf("must be %s or a length from %dpx to %dpx", strings.Join(words, ", "), least, most))
	}
}

const endless = 1 << 20

var (
	spacing    = length(0, 99, "small", "medium", "large", "extra_large") // card-json-v2-structure
	fieldWidth = length(100, endless, "default", "fill")                  // …/interactive-components/*
	elementID  = like("a letter and at most 19 letters, digits and underscores", regexp.MustCompile(`^[A-Za-z]\w{0,19}$`))
	radius     = like("a radius in px or %", regexp.MustCompile(`^\d+(px|%)$`))
	webLink    = like("an address", regexp.MustCompile(`^(https?|lark)://\S+$`))
	emptyLink  = like("an address or nothing", regexp.MustCompile(`^((https?|lark)://\S+)?$`))

	align     = oneOf("left", "center", "right")
	vertical  = oneOf("top", "center", "bottom")
	direction = oneOf("vertical", "horizontal")
)

// hues are the colours that have shades.
// enumerations-for-fields-related-to-color.
var hues = regexp.MustCompile(`^(blue|carmine|green|indigo|lime|grey|orange|purple|red|sunflower|turquoise|violet|wathet|yellow)(-(00|50|100|200|300|350|400|500|600|650|700|800|900|950|1000))?$`)

// colour allows the named colours and their shades, and those that the card declares in
// config.style.color.
func colour(more ...string) rule {
	return func(w *walk, at string, v any) {
		s, _ := v.(string)
		if s == "default" || s == "white" || s == "bg-white" || hues.MatchString(s) || slices.Contains(more, s) ||
			w.colours[s] || rgba.MatchString(s) {
			return
		}
		w.refuse(at, fmt.Sprintf("%v is no colour", v))
	}
}

var rgba = regexp.MustCompile(`^rgba\(\s*\d{1,3}\s*,\s*\d{1,3}\s*,\s*\d{1,3}\s*,\s*[\d.]+\s*\)$`)

// languages are the keys of texts in several languages. configure-multi-language-content.
var languages = []string{
	"de_de", "en_us", "es_es", "fr_fr", "hi_in", "id_id", "it_it", "ja_jp", "ko_kr", "ms_my", "pt_br",
	"ru_ru", "th_th", "vi_vn", "zh_cn", "zh_hk", "zh_tw",
}

// inLanguages allows an object with a value per language.
func inLanguages(each rule) rule {
	known := object{}
	for _, language := range languages {
		known[language] = may(each)
	}
	return known.rule
}
