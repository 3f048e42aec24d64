package bot

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// foldRune writes full-width forms, typographic dashes and foreign spaces as ASCII, so
// that input methods and autocorrect do not get in the way of commands.
func foldRune(r rune) rune {
	switch {
	case r >= '！' && r <= '～':
		return r - '！' + '!'
	case r == '　' || r == '\u00a0' || r == '\u202f' || r >= '\u2000' && r <= '\u200a':
		return ' '
	case r >= '‐' && r <= '―' || r == '−':
		return '-'
	case r == '。':
		return '.'
	}
	return r
}

// fold folds a text and makes it lower case, for comparing.
func fold(s string) string {
	return strings.Map(func(r rune) rune { return unicode.ToLower(foldRune(r)) }, s)
}

func isSpace(r rune) bool { return unicode.IsSpace(foldRune(r)) }

func trim(s string) string { return strings.TrimFunc(s, isSpace) }

// quotes are the pairs of quotation marks that are understood: what opens, and what
// may close it.
var quotes = map[rune]string{
	'"': "\"”", '“': "”“\"", '”': "”\"", '„': "”“", '\'': "'’", '‘': "’'", '’': "’'", '「': "」", '『': "』", '«': "»",
	'＂': "＂\"”", '＇': "＇'’",
}

// word is one word of a text, or several in quotation marks.
type word struct {
	text       string // without quotation marks
	key, value string // of key=value; key as it was typed
	start, end int    // where it stands in the text, in bytes
	quoted     bool   // it is one quotation from its beginning to its end
}

// dashed tells whether a word begins as flags do.
func (w word) dashed() bool {
	first, _ := utf8.DecodeRuneInString(w.text)
	return foldRune(first) == '-'
}

// flag is the name in a word such as "--approvers", however autocorrect wrote its dashes;
// "" if it is none.
func (w word) flag() string {
	name := strings.TrimLeftFunc(w.text, func(r rune) bool { return foldRune(r) == '-' })
	if w.quoted || !w.dashed() || !isKey(name) {
		return ""
	}
	return name
}

// words takes a text apart at its spaces. Quotation marks count at the beginning of a
// word, after "=" and after a comma, and only if they are closed; all other marks
// stay. Nothing of the text is lost but the marks and spaces.
func words(s string) []word {
	var out []word
	for i := 0; i < len(s); {
		r, n := utf8.DecodeRuneInString(s[i:])
		if isSpace(r) {
			i += n
			continue
		}
		w := readWord(s, i)
		out = append(out, w)
		i = w.end
	}
	return out
}

func readWord(s string, start int) word {
	w := word{start: start}
	var text strings.Builder
	keyed := -1 // where the value begins in text
	mayQuote := true
	for i := start; ; {
		r, n := utf8.DecodeRuneInString(s[i:])
		if n == 0 || isSpace(r) {
			w.end = i
			break
		}
		if mayQuote {
			if inner, size, ok := quotation(s[i:]); ok {
				text.WriteString(inner)
				w.quoted = i == start
				i += size
				mayQuote = false
				continue
			}
		}
		w.quoted = false
		name := strings.TrimLeftFunc(text.String(), func(r rune) bool { return foldRune(r) == '-' })
		if keyed < 0 && foldRune(r) == '=' && isKey(name) && !strings.ContainsFunc(s[start:i], isQuote) {
			w.key = name
			text.WriteRune(r)
			keyed = text.Len()
		} else {
			text.WriteString(s[i : i+n])
		}
		f := foldRune(r)
		mayQuote = f == '=' && keyed == text.Len() || f == ',' || r == '、'
		i += n
	}
	w.text = text.String()
	if keyed >= 0 {
		w.value = w.text[keyed:]
	}
	return w
}

func isQuote(r rune) bool { return quotes[r] != "" }

func isKey(s string) bool {
	for i, r := range s {
		if !unicode.IsLetter(r) && (i == 0 || !unicode.IsDigit(r) && r != '_' && r != '.' && r != '-') {
			return false
		}
	}
	return s != ""
}

// quotation reads a quotation at the beginning of s: what is inside, and how many bytes
// it takes with its marks. The closing mark must end a word.
func quotation(s string) (inner string, size int, ok bool) {
	open, n := utf8.DecodeRuneInString(s)
	closing := quotes[open]
	if closing == "" {
		return "", 0, false
	}
	for i := n; i < len(s); {
		r, m := utf8.DecodeRuneInString(s[i:])
		if strings.ContainsRune(closing, r) && r != utf8.RuneError {
			next, _ := utf8.DecodeRuneInString(s[i+m:])
			if i+m == len(s) || isSpace(next) || strings.ContainsRune(",，、:：;；。", next) {
				return s[n:i], i + m, true
			}
		}
		i += m
	}
	return "", 0, false
}

// unquote takes the marks off a text that is one quotation as a whole.
func unquote(s string) string {
	s = trim(s)
	if inner, size, ok := quotation(s); ok && size == len(s) {
		return inner
	}
	return s
}

// list takes a list of names apart: at commas if there are any, else at spaces.
func list(s string) []string {
	var parts []string
	if strings.ContainsAny(s, ",，、;；") {
		parts = strings.FieldsFunc(s, func(r rune) bool { return strings.ContainsRune(",，、;；", r) })
	} else {
		for _, w := range words(s) {
			parts = append(parts, w.text)
		}
	}
	var out []string
	for _, p := range parts {
		if p = unquote(p); p != "" {
			out = append(out, p)
		}
	}
	return out
}
