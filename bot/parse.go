package bot

import (
	"cmp"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"slipway"
)

// Call is what somebody typed, understood.
type Call struct {
	Verb *VerbRow
	Said string // the words that were typed for the verb
	// Plan is "#12", "12" or an id; "" if no plan was named.
	Plan string
	// Item is a number or a name, "" if none was named; To is its new number (move).
	Item string
	To   string
	// Text is what remains: a comment, a name, words to search. It is as it was typed.
	Text    string
	Options []Setting
	// Document is a pasted plan document.
	Document string
}

// Setting is a key=value of a call.
type Setting struct {
	Key   string // as the key table has it
	Typed string
	Value string
}

// Place is where something was typed.
type Place struct {
	Plan string // id of the plan in whose thread it was, "" elsewhere
}

// UnknownVerb is returned by Parse for a text that does not begin with a verb.
type UnknownVerb struct {
	Word string
	// Suggestions are the whole text with a verb that was perhaps meant, the likeliest
	// first.
	Suggestions []string
}

// Error implements error.
func (e *UnknownVerb) Error() string { return "unknown verb " + e.Word }

// Parse understands what somebody typed, in either language. Nothing that was typed is
// dropped: what cannot be used is refused. The error is an *UnknownVerb or a
// *slipway.Error.
func Parse(text string, at Place) (Call, error) {
	s := strings.TrimPrefix(trim(addressed.ReplaceAllString(trim(text), "")), "/")
	if s == "" {
		return Call{Verb: verbByID(verbHelp)}, nil
	}
	// "#12 approve" is as good as "approve #12".
	plan, rest := "", s
	if ref, after := takePlan(s, surePlan); ref != "" {
		plan, rest = ref, after
		if rest == "" {
			return Call{Verb: verbByID(verbShow), Plan: plan}, nil
		}
	}
	row, said, rest := matchVerb(rest)
	if row == nil {
		return Call{}, guess(s)
	}
	c := Call{Verb: row, Said: said, Plan: plan}
	return c, c.read(rest, at)
}

// addressed is how people call the bot where they need not, or what is left of it.
var addressed = regexp.MustCompile(`^(?i:(?:[@＠]\s*slipway|slipway|[/／](?:plan|slipway))(?:[\s　:,：，]+|$))+`)

// verbWord is one thing that can be typed for a verb.
type verbWord struct {
	word string // folded
	row  *VerbRow
}

// verbWords are all words of all verbs, the longest first.
var verbWords = func() []verbWord {
	var out []verbWord
	for i := range verbRows {
		for _, w := range verbRows[i].words() {
			out = append(out, verbWord{fold(w), &verbRows[i]})
			if strings.Contains(w, " ") {
				for _, join := range []string{"_", "-", ""} {
					out = append(out, verbWord{strings.ReplaceAll(w, " ", join), &verbRows[i]})
				}
			}
		}
	}
	slices.SortStableFunc(out, func(a, b verbWord) int { return cmp.Compare(len(b.word), len(a.word)) })
	return out
}()

// matchVerb finds the verb at the beginning of a text; said is how it was typed.
func matchVerb(s string) (row *VerbRow, said, rest string) {
	for _, w := range verbWords {
		if n := matchWord(s, w); n > 0 {
			// "approve: #12" is fine, too.
			return w.row, s[:n], trim(strings.TrimLeft(s[n:], ":：,，"))
		}
	}
	return nil, "", s
}

// matchWord returns how many bytes of s are the word, 0 if s does not begin with it.
func matchWord(s string, w verbWord) int {
	i := 0
	for _, want := range w.word {
		r, n := utf8.DecodeRuneInString(s[i:])
		if n == 0 || unicode.ToLower(foldRune(r)) != want {
			return 0
		}
		i += n
		for want == ' ' {
			next, m := utf8.DecodeRuneInString(s[i:])
			if !isSpace(next) || m == 0 {
				break
			}
			i += m
		}
	}
	next, n := utf8.DecodeRuneInString(s[i:])
	first, _ := utf8.DecodeRuneInString(w.word)
	han := unicode.Is(unicode.Han, first)
	f := foldRune(next)
	switch {
	case n == 0, isSpace(next), f == '#':
	case f == ':' || f == ',':
	case han && (f >= '0' && f <= '9' || isQuote(next)):
	case han && w.row.ID == verbNew:
		// Nothing can go wrong with a name that is glued to it.
	case !unicode.IsLetter(first):
	default:
		return 0
	}
	return i
}

// surePlan names a plan anywhere; a bare number does so only where no plan is understood
// anyway.
var (
	surePlan = regexp.MustCompile(`^(?:#\d{1,18}|[0-9a-f]{24})`)
	anyPlan  = regexp.MustCompile(`^(?:#\d{1,18}|[0-9a-f]{24}|\d{1,18})`)
)

// takePlan takes the name of a plan off the beginning of a text.
func takePlan(s string, pattern *regexp.Regexp) (ref, rest string) {
	folded := []rune(s)
	for i, r := range folded {
		folded[i] = unicode.ToLower(foldRune(r))
	}
	ref = pattern.FindString(string(folded))
	if ref == "" {
		return "", s
	}
	// A folded rune may be shorter than the one it stands for; count runes.
	rest = string([]rune(s)[utf8.RuneCountInString(ref):])
	next, n := utf8.DecodeRuneInString(rest)
	switch {
	case n == 0, isSpace(next):
	case strings.ContainsRune(",，:：、。;；", next):
		rest = rest[n:]
	case ref[0] == '#' && !isASCIIWord(next):
	default:
		return "", s
	}
	return ref, trim(rest)
}

func isASCIIWord(r rune) bool {
	f := foldRune(r)
	return f < utf8.RuneSelf && (unicode.IsLetter(f) || unicode.IsDigit(f) || f == '-' || f == '_' || f == '/')
}

// read takes what follows the verb, by its shape.
func (c *Call) read(rest string, at Place) error {
	shape := c.Verb.Takes
	if shape != TakesNothing && shape != TakesWords && c.Verb.ID != verbNew && c.Plan == "" {
		pattern := anyPlan
		if at.Plan != "" {
			pattern = surePlan
		}
		if c.Plan, rest = takePlan(rest, pattern); c.Plan == "" {
			c.Plan = at.Plan
		}
	}
	switch shape {
	case TakesNothing, TakesPlan:
		if rest != "" {
			return c.tooMuch(rest)
		}
	case TakesWords:
		c.Text = rest
	case TakesPlanText:
		c.Text = unquote(rest)
	case TakesItem:
		c.Item = itemRef(unquote(rest))
	case TakesItemText:
		if ws := words(rest); len(ws) > 0 {
			c.Item, c.Text = itemRef(ws[0].text), unquote(rest[ws[0].end:])
		}
	case TakesPlace:
		return c.readPlace(rest)
	case TakesOptions:
		return c.readOptions(rest)
	}
	return nil
}

func (c *Call) tooMuch(rest string) error {
	return &slipway.Error{
		Code: slipway.Invalid,
		Text: slipway.T("“%[1]s” is too much here. Write: %[2]s", "“%[1]s”是多余的内容。写法：%[2]s", shorten(oneLine(rest), 100), c.Verb.Usage),
	}
}

func (c *Call) readPlace(rest string) error {
	ws := words(rest)
	if len(ws) == 0 {
		return nil
	}
	c.Item = itemRef(ws[0].text)
	if len(ws) > 1 {
		last := ws[len(ws)-1]
		c.Item, c.To = itemRef(unquote(rest[:last.start])), itemRef(last.text)
	}
	return nil
}

var itemNumber = regexp.MustCompile(`^(?:第\s*)?#?(\d{1,4})\s*(?:项|个|条|号)?\.?$`)

// itemRef writes the number of an item plainly; a name stays as it is.
func itemRef(s string) string {
	if m := itemNumber.FindStringSubmatch(fold(s)); m != nil {
		return m[1]
	}
	return s
}

// readOptions takes words and key=value, or a pasted document.
func (c *Call) readOptions(rest string) error {
	if c.Verb.ID == verbNew || c.Verb.ID == verbEdit {
		if doc, ok := document(rest); ok {
			c.Document = doc
			return nil
		}
	}
	known := settingsOf[c.Verb.ID]
	var text strings.Builder
	var problems slipway.Faults
	end := 0
	ws := words(rest)
	for i := 0; i < len(ws); i++ {
		w := ws[i]
		if c.Verb.ID == verbAdd && w.dashed() {
			w.key = "" // what is to be done may well be a command line
		} else if name := w.flag(); w.key == "" && i+1 < len(ws) && settingKey(name, known) != "" {
			// "--approvers bob" is as good as "approvers=bob".
			i++
			w.key, w.value, w.end = name, ws[i].text, ws[i].end
		}
		key := ""
		if w.key != "" {
			key = settingKey(w.key, known)
		}
		for key != "" && i+1 < len(ws) && goesOn(key, w.value, ws[i+1]) {
			i++
			w.value, w.end = strings.TrimRight(w.value, ",，、")+","+ws[i].text, ws[i].end
		}
		switch near := nearSetting(w.key, known); {
		case key != "":
			c.Options = append(c.Options, Setting{Key: key, Typed: w.key, Value: w.value})
			end = w.end
			continue
		case w.key != "" && near != "":
			problems.Add(w.key, "is not known here; did you mean %s=? Put it in quotes if it is meant as text", "不是可用的键，是否想写“%s=”？如果是普通文字，请加引号", near)
		}
		if text.Len() > 0 {
			text.WriteString(rest[end:w.start])
		}
		text.WriteString(rest[w.start:w.end])
		end = w.end
	}
	c.Text = unquote(text.String())
	return problems.Err("Part of the command is not understood.", "命令中有无法识别的内容。")
}

// goesOn tells whether the value of a key goes on with the next word: people are listed
// as "bob, carol", or one mention after the other.
func goesOn(key, value string, next word) bool {
	if key != "approval.approvers" && key != escalateTo || next.key != "" || value == "" {
		return false
	}
	last, _ := utf8.DecodeLastRuneInString(value)
	mention := strings.HasPrefix(next.text, "@") || strings.HasPrefix(next.text, "＠")
	return mention || strings.ContainsRune(",，、", last)
}

var documentStart = regexp.MustCompile(`^(?:---\s|\{\s*"|(?:name|manager|description|start_time|end_time|schedule_execute_time|jira_sprint_association|approval|labels|jobs)\s*:(?:\s|$))`)

// document finds a pasted plan document, in a code fence or plain.
func document(rest string) (string, bool) {
	if body, fenced := strings.CutPrefix(rest, "```"); fenced {
		end := strings.LastIndex(body, "```")
		if end < 0 || trim(body[end+3:]) != "" {
			return "", false
		}
		body = body[:end]
		if first, after, ok := strings.Cut(body, "\n"); ok && isKey(trim(first)) {
			body = after // the language of the fence
		}
		return body, true
	}
	return rest, documentStart.MatchString(rest)
}
