package dingtalk

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"slipway"
	"slipway/bot"
)

// The kinds of fields that take text.
const (
	oneLineField = "TextField"
	longField    = "TextareaField"
)

// maxValue is how many characters a field takes, and maxRemark how many a remark.
const (
	maxValue  = 65535
	maxRemark = 1024
)

// field is a field of the form.
type field struct {
	Kind  string `json:"componentName"`
	Props struct {
		Label    string `json:"label"`
		Required bool   `json:"required"`
	} `json:"props"`
}

// fill is what a field of an instance has.
type fill struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// form reads the form of the definition.
func (d *DingTalk) form(ctx context.Context) ([]field, error) {
	var out struct {
		Result struct {
			SchemaContent struct {
				Items []field `json:"items"`
			} `json:"schemaContent"`
		} `json:"result"`
	}
	if err := d.call(ctx, http.MethodGet, pathForm, url.Values{"processCode": {d.Definition}}, nil, &out); err != nil {
		return nil, fmt.Errorf("read form of the approval in DingTalk: %w", err)
	}
	return out.Result.SchemaContent.Items, nil
}

// misfits says what is wrong with a form. A value under a name that the form does not
// have is dropped by DingTalk without a word.
func (d *DingTalk) misfits(form []field) []slipway.Text {
	var found []slipway.Text
	filled := map[string]bool{}
	for _, detail := range details {
		name, ok := d.Fields[detail]
		if !ok {
			continue
		}
		filled[name] = true
		var same []field
		for _, f := range form {
			if f.Props.Label == name {
				same = append(same, f)
			}
		}
		switch {
		case len(same) == 0:
			found = append(found, slipway.T("it has no field “%s”", "没有名为“%s”的控件", name))
		case len(same) > 1:
			found = append(found, slipway.T("it has %[1]d fields “%[2]s”", "有 %[1]d 个名为“%[2]s”的控件", len(same), name))
		case detail == DetailRest && same[0].Kind != longField:
			found = append(found, slipway.T("the field “%s” must be a multi-line text", "控件“%s”应为多行输入框", name))
		case same[0].Kind != longField && same[0].Kind != oneLineField:
			found = append(found, slipway.T("the field “%s” must be a text", "控件“%s”应为单行或多行输入框", name))
		}
	}
	for _, f := range form {
		if f.Props.Required && !filled[f.Props.Label] {
			found = append(found, slipway.T("it demands the field “%s”, which Slipway does not fill in", "必填控件“%s”没有对应的内容", f.Props.Label))
		}
	}
	return found
}

// fills writes a question into the fields of the form.
func (d *DingTalk) fills(form []field, q bot.Question) []fill {
	rest := []string{q.Title, ""}
	texts := map[bot.DetailKey]string{}
	list := q.Details
	if q.URL != "" && !slices.ContainsFunc(list, func(x bot.Detail) bool { return x.Key == bot.DetailLink }) {
		list = append(slices.Clip(list), bot.Detail{Key: bot.DetailLink, Label: slipway.T("Link", "链接").In(q.Lang), Text: q.URL})
	}
	for _, x := range list {
		switch {
		case d.Fields[x.Key] != "" && x.Key != DetailRest:
			texts[x.Key] = x.Text
		case strings.Contains(x.Text, "\n"):
			rest = append(rest, slipway.T("%s:", "%s：", x.Label).In(q.Lang), x.Text)
		default:
			rest = append(rest, slipway.T("%[1]s: %[2]s", "%[1]s：%[2]s", x.Label, x.Text).In(q.Lang))
		}
	}
	end := ""
	if d.Fields[DetailMark] == "" {
		end = "\n\n" + slipway.T("Reference: %s", "编号：%s", q.Mark).In(q.Lang)
	}
	texts[DetailMark] = q.Mark
	// Whatever is too long, the mark stays.
	texts[DetailRest] = shorten(strings.Join(rest, "\n"), maxValue-len([]rune(end))) + end
	var fills []fill
	for _, detail := range details {
		if name := d.Fields[detail]; name != "" {
			fills = append(fills, fill{Name: name, Value: fitting(form, name, texts[detail])})
		}
	}
	return fills
}

// fitting makes a text fit its field: a field of one line gets one, and one that must be
// filled in is.
func fitting(form []field, name, text string) string {
	i := slices.IndexFunc(form, func(f field) bool { return f.Props.Label == name })
	if i >= 0 && form[i].Kind == oneLineField {
		text = strings.Join(strings.FieldsFunc(text, func(r rune) bool { return r == '\n' || r == '\r' }), " / ")
	}
	if text == "" {
		return "-"
	}
	return shorten(text, maxValue)
}
