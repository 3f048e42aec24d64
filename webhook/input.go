package webhook

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"slipway"
)

// form reads the fields of a JSON object and gathers everything that is wrong.
type form struct {
	slipway.Faults
	fields map[string]json.RawMessage
}

// readForm takes a body apart. A body that is no JSON object is refused at once; its
// fields are judged as they are read.
func readForm(body []byte) (*form, error) {
	f := &form{fields: map[string]json.RawMessage{}}
	if err := checkJSON(body); err != nil {
		return nil, err
	}
	dec := json.NewDecoder(bytes.NewReader(body))
	if first, err := dec.Token(); err != nil || first != json.Delim('{') {
		return nil, slipway.Refuse(slipway.Invalid, "The body must be a JSON object.", "请求体应为 JSON 对象。")
	}
	for dec.More() {
		var value json.RawMessage
		token, err := dec.Token()
		key, _ := token.(string)
		if err == nil {
			err = dec.Decode(&value)
		}
		if err != nil {
			return nil, slipway.Refuse(slipway.Invalid, "The body is not valid JSON.", "请求体不是有效的 JSON。").Because(err)
		}
		if _, twice := f.fields[key]; twice {
			f.Add(key, "occurs twice", "出现了两次")
		}
		f.fields[key] = value
	}
	return f, nil
}

func checkJSON(body []byte) error {
	var whole json.RawMessage
	err := json.Unmarshal(body, &whole)
	var syntax *json.SyntaxError
	switch {
	case len(bytes.TrimSpace(body)) == 0:
		return slipway.Refuse(slipway.Invalid, "The body is empty; a JSON object is expected.", "请求体为空，应为 JSON 对象。")
	case errors.As(err, &syntax):
		return slipway.Refuse(slipway.Invalid, "The body is not valid JSON; it goes wrong at byte %d.",
			"请求体不是有效的 JSON，第 %d 个字节处有误。", syntax.Offset)
	case err != nil:
		return slipway.Refuse(slipway.Invalid, "The body is not valid JSON.", "请求体不是有效的 JSON。").Because(err)
	}
	return nil
}

// only refuses fields that are not known.
func (f *form) only(known ...string) {
	unknown := make([]string, 0, len(f.fields))
	for key := range f.fields {
		if !slices.Contains(known, key) {
			unknown = append(unknown, key)
		}
	}
	slices.Sort(unknown)
	for _, key := range unknown {
		f.Add(key, "is not a field that is known here; known: %s", "不是此处可用的字段；可用：%s", strings.Join(known, ", "))
	}
}

// text returns a field that holds a text of at most limit characters; "" if it is
// absent or null.
func (f *form) text(key string, limit int) string {
	raw := f.fields[key]
	if len(raw) == 0 || raw[0] == 'n' {
		return ""
	}
	if raw[0] != '"' {
		f.Add(key, "a text is expected, not %s", "应为文本，而不是%s", jsonKind(raw))
		return ""
	}
	var s string
	if err := json.Unmarshal(raw, &s); err != nil {
		f.Add(key, "is not valid JSON", "不是有效的 JSON")
	}
	if slipway.Unprintable(s) {
		f.Append(slipway.Problem{Path: key, Text: slipway.UnprintableText()})
	}
	if n := utf8.RuneCountInString(s); n > limit {
		f.Add(key, "at most %[1]d characters are possible; this has %[2]d", "最多 %[1]d 个字符，目前为 %[2]d 个", limit, n)
	}
	return s
}

// needed returns a text that must be there.
func (f *form) needed(key string, limit int, en, zh string) string {
	s, before := "", f.Len()
	if s = f.text(key, limit); s == "" && f.Len() == before {
		f.Add(key, "%s is expected", "需要填写%s", slipway.T(en, zh))
	}
	return s
}

// truth returns a field that must be true or false.
func (f *form) truth(key string) bool {
	var yes bool
	raw := f.fields[key]
	if len(raw) == 0 || raw[0] == 'n' || json.Unmarshal(raw, &yes) != nil {
		f.Add(key, "true or false is expected", "应为 true 或 false")
	}
	return yes
}

// version returns the plan version that a person saw; 0 if none is given.
func (f *form) version(key string) int64 { //nolint:unparam // fields are named where they are read
	raw := f.fields[key]
	if len(raw) == 0 || raw[0] == 'n' {
		return 0
	}
	n, err := strconv.ParseInt(string(raw), 10, 64)
	if err != nil || n < 1 {
		f.Add(key, "a plan's version is expected: a whole number from 1", "应为发布计划的版本号：不小于 1 的整数")
		return 0
	}
	return n
}

// err returns what is wrong with the fields that were read.
func (f *form) err() error { return f.Err("The body is not right yet.", "请求体有误。") }

func jsonKind(raw json.RawMessage) slipway.Text {
	switch raw[0] {
	case '{':
		return slipway.T("an object", "对象")
	case '[':
		return slipway.T("a list", "列表")
	case 't', 'f':
		return slipway.T("true or false", "布尔值")
	}
	return slipway.T("a number", "数字")
}

// query reads the parameters of an address and gathers everything that is wrong.
type query struct {
	slipway.Faults
	values url.Values
}

// readQuery takes the parameters apart; those that are not known are faults.
func readQuery(r *http.Request, known ...string) *query {
	q := &query{}
	values, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		q.Add("?", "the parameters of the address cannot be read", "无法解析地址中的参数")
	}
	q.values = values
	unknown := make([]string, 0, len(values))
	for key := range values {
		if !slices.Contains(known, key) {
			unknown = append(unknown, key)
		}
	}
	slices.Sort(unknown)
	for _, key := range unknown {
		q.Add(key, "is not a parameter that is known here; known: %s", "不是此处可用的参数；可用：%s", strings.Join(known, ", "))
	}
	return q
}

// one returns a parameter that may be given once.
func (q *query) one(key string) string {
	if len(q.values[key]) > 1 {
		q.Add(key, "is given more than once", "重复给出")
	}
	return q.values.Get(key)
}

// number returns a whole number between two bounds, or the default.
func (q *query) number(key string, least, most, otherwise int64) int64 {
	text := q.one(key)
	if text == "" {
		return otherwise
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < least || n > most {
		q.Add(key, "a whole number from %[1]d to %[2]d is expected", "应为 %[1]d 到 %[2]d 之间的整数", least, most)
		return otherwise
	}
	return n
}

// time returns a time in Unix seconds, 0 if it is absent.
func (q *query) time(key string) int64 {
	text := q.one(key)
	if text == "" {
		return 0
	}
	// A plus sign that nobody escaped arrives as a blank.
	if at, err := parseTime(strings.ReplaceAll(text, " ", "+")); err == nil {
		return at
	}
	q.Add(key, "a time with its zone is expected, for example 2026-11-24T22:00:00+08:00, or Unix seconds",
		"应为带时区的时间，例如 2026-11-24T22:00:00+08:00，或 Unix 秒数")
	return 0
}

// parseTime reads a time with its zone, or Unix seconds.
func parseTime(text string) (int64, error) {
	if at, err := time.Parse(time.RFC3339, text); err == nil && at.Unix() > 0 {
		return at.Unix(), nil
	}
	if n, err := strconv.ParseInt(text, 10, 64); err == nil && n > 0 {
		return n, nil
	}
	return 0, errors.New("neither RFC 3339 nor Unix seconds")
}

func (q *query) err() error {
	return q.Err("The parameters of the address are not right yet.", "地址中的参数有误。")
}

// language returns the language that a caller prefers, English if it does not say.
func language(r *http.Request) slipway.Lang {
	best, lang := 0.0, slipway.English
	for part := range strings.SplitSeq(strings.Join(r.Header.Values("Accept-Language"), ","), ",") {
		tag, options, _ := strings.Cut(strings.TrimSpace(part), ";")
		weight := 1.0
		if value, ok := strings.CutPrefix(strings.TrimSpace(options), "q="); ok {
			weight, _ = strconv.ParseFloat(value, 64)
		}
		word, _, _ := strings.Cut(strings.ToLower(tag), "-")
		if (word == "zh" || word == "en") && weight > best {
			best, lang = weight, slipway.Lang(word)
		}
	}
	return lang
}

// ifMatch returns the plan version that If-Match names, as 3 or "3"; 0 for *.
func ifMatch(r *http.Request) (int64, error) {
	text := strings.TrimSpace(r.Header.Get("If-Match"))
	if text == "*" {
		return 0, nil
	}
	if n := len(text); n > 1 && text[0] == '"' && text[n-1] == '"' {
		text = text[1 : n-1]
	}
	if v, err := strconv.ParseInt(text, 10, 64); err == nil && v >= 1 {
		return v, nil
	}
	var f slipway.Faults
	f.Add("If-Match", "the header names the version that you replace, for example If-Match: 3; * replaces any",
		"请求头应给出要替换的版本，例如 If-Match: 3；使用 * 可替换任意版本")
	return 0, f.Err("If-Match is missing or not right.", "缺少 If-Match 请求头，或其内容有误。")
}

// maxKey is the length of the longest Idempotency-Key.
const maxKey = 128

// requestID returns how a caller's request is recognised when it arrives twice, ""
// without the header Idempotency-Key.
func requestID(r *http.Request, u *slipway.User) (string, error) {
	given := r.Header.Values("Idempotency-Key")
	if len(given) == 0 {
		return "", nil
	}
	key := given[0]
	printable := !strings.ContainsFunc(key, func(c rune) bool { return c <= ' ' || c > '~' })
	if len(given) > 1 || key == "" || len(key) > maxKey || !printable {
		var f slipway.Faults
		f.Add("Idempotency-Key", "1 to %d printable ASCII characters without a blank are expected",
			"应为 1 到 %d 个不含空格的可打印 ASCII 字符", maxKey)
		return "", f.Err("The Idempotency-Key is not right.", "Idempotency-Key 有误。")
	}
	return "api:" + u.ID + ":" + key, nil
}

// bearer returns the token of a request, "" if there is none.
func bearer(r *http.Request) string {
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return ""
	}
	return strings.TrimSpace(token)
}
