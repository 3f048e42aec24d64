package bot

import (
	"cmp"
	"slices"
	"strings"
	"unicode"

	"github.com/agnivade/levenshtein"
)

// guess says that a text does not begin with a verb, and which verbs were perhaps
// meant: those within two letters, and those that begin so.
func guess(s string) *UnknownVerb {
	typed, rest := s, ""
	if i := strings.IndexFunc(s, func(r rune) bool { return isSpace(r) || foldRune(r) == '#' }); i >= 0 {
		typed, rest = s[:i], s[i:]
	}
	type near struct {
		row      *VerbRow
		meant    string
		distance int // letters that differ, 0 for the beginning of a verb
		alias    int // 1 for a word that is not the verb's name
	}
	var found []near
	if row := verbByID("approve"); slices.Contains(nods, fold(typed)) {
		meant := row.Name
		if isHan(typed) {
			meant = row.ZH[0]
		}
		found = append(found, near{row, meant + rest, 0, 0})
	}
	for _, w := range verbWords {
		d, meant := levenshtein.ComputeDistance(fold(typed), w.word), w.word+rest
		switch n := len([]rune(w.word)); {
		case strings.HasPrefix(w.word, fold(typed)) && (len(typed) > 1 || isHan(typed)):
			d = 0
		case d <= 2 && (d < (n+1)/2 || d <= n/2 && isHan(w.word)):
		case isHan(w.word) && n > 1 && strings.HasPrefix(fold(typed), w.word):
			// "取消发布": the verb is there, but glued to other words.
			d, meant = 1, w.word+" "+trim(s[len(w.word):])
		default:
			continue
		}
		n := near{w.row, meant, d, 1}
		if w.word == w.row.Name || w.word == w.row.ZH[0] {
			n.alias = 0
		}
		found = append(found, n)
	}
	slices.SortStableFunc(found, func(a, b near) int {
		return cmp.Or(cmp.Compare(a.distance, b.distance), cmp.Compare(a.alias, b.alias), cmp.Compare(len(a.meant), len(b.meant)))
	})
	u := &UnknownVerb{Word: shorten(oneLine(typed), 60)}
	var rows []*VerbRow
	for _, f := range found {
		if !slices.Contains(rows, f.row) && len(rows) < 3 {
			rows = append(rows, f.row)
			u.Suggestions = append(u.Suggestions, f.meant)
		}
	}
	return u
}

func isHan(s string) bool {
	return strings.ContainsFunc(s, func(r rune) bool { return unicode.Is(unicode.Han, r) })
}
