package slipway

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Lang is a language that Slipway speaks to people.
type Lang string

// The languages. Every text exists in both.
const (
	English Lang = "en"
	Chinese Lang = "zh"
)

// ParseLang reads a locale such as "zh-CN", "zh_Hans" or "en". Whatever is not
// Chinese is answered in English.
func ParseLang(locale string) Lang {
	if len(locale) >= 2 && (locale[:2] == "zh" || locale[:2] == "ZH") {
		return Chinese
	}
	return English
}

// Text is one thing to say, in both languages.
type Text struct {
	EN string `json:"en"`
	ZH string `json:"zh"`
}

// In returns the text in the language.
func (t Text) In(l Lang) string {
	if l == Chinese {
		return t.ZH
	}
	return t.EN
}

// T makes a text from two formats that take the same arguments; an argument that is
// itself a Text is said in the format's language.
func T(en, zh string, args ...any) Text {
	if len(args) == 0 {
		return Text{EN: en, ZH: zh}
	}
	return Text{EN: fmt.Sprintf(en, in(English, args)...), ZH: fmt.Sprintf(zh, in(Chinese, args)...)}
}

func in(l Lang, args []any) []any {
	out := make([]any, len(args))
	for i, a := range args {
		if t, ok := a.(Text); ok {
			a = t.In(l)
		}
		out[i] = a
	}
	return out
}

// JoinTexts joins texts with a comma in English and an enumeration comma in Chinese.
func JoinTexts(texts []Text) Text { return joinTexts(texts, Text{", ", "、"}) }

// EitherOf joins texts of which any one will do.
func EitherOf(texts []Text) Text { return joinTexts(texts, Text{" or ", "或"}) }

// joinTexts joins texts, the last one with a word of its own.
func joinTexts(texts []Text, last Text) Text {
	var t Text
	for i, x := range texts {
		switch i {
		case 0:
		case len(texts) - 1:
			t.EN += last.EN
			t.ZH += last.ZH
		default:
			t.EN += ", "
			t.ZH += "、"
		}
		t.EN += x.EN
		t.ZH += x.ZH
	}
	return t
}

// Unprintable tells whether a text holds what no person types: control characters
// other than line breaks and tabs, characters that turn the direction of writing around
// and so disguise a name, or bytes that are no UTF-8.
func Unprintable(s string) bool {
	return !utf8.ValidString(s) || strings.ContainsFunc(s, func(r rune) bool {
		switch {
		case r == '\n' || r == '\t' || r == '\r':
			return false
		case r >= 0x202a && r <= 0x202e, r >= 0x2066 && r <= 0x2069:
			return true
		}
		return unicode.IsControl(r)
	})
}

// UnprintableText says what is wrong with such a text.
func UnprintableText() Text {
	return T("control characters, NUL among them, are not possible here", "不能包含控制字符（例如 NUL）")
}
