package feishutest_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/larksuite/oapi-sdk-go/v3/event/dispatcher/callback"

	"slipway/bot/feishu/feishutest"
	"slipway/bot/screen"
)

func TestWhatPeopleSee(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		elements []string
		text     string
		buttons  []screen.Button
		mentions []string
	}{
		"marks are not seen": {
			elements: []string{words("## Title\n**bold** *it* ~~gone~~ [link](https://x.example) `a*b*c`\n- one\n1. two\n> said\n<font color='grey'>small</font><br>next\n---")},
			text:     "Title\nbold it gone link a*b*c\n• one\n1. two\nsaid\nsmall\nnext",
		},
		"entities escape": {
			elements: []string{words("&#42;&#42;bold&#42;&#42; &#60;at id=all&#62; &amp; snake_case a&#58;OK&#58;")},
			text:     "**bold** <at id=all> & snake_case a:OK:",
		},
		"what is not escaped formats and mentions": {
			elements: []string{words("**bold** <at id=all></at> <at ids=ou_wang,ou_li></at> :OK:")},
			text:     "bold @所有人 @王小明 @Li Lei ☺",
			mentions: []string{"all", wang, li},
		},
		"code mentions nobody":       {elements: []string{words("`<at id=all></at>`")}, text: "<at id=all></at>"},
		"plain text is what it says": {elements: []string{`{"tag":"div","text":{"tag":"plain_text","content":"**x** <at id=all></at>"}}`}, text: "**x** <at id=all></at>"},
		"times are the reader's":     {elements: []string{words("<local_datetime millisecond='1795557600000' format_type='date_num'></local_datetime>")}, text: "2026-11-25 06:00"},
		"the reader's language": {
			elements: []string{`{"tag":"markdown","content":"Hello","i18n_content":{"zh_cn":"**你好**","en_us":"Hello"}}`}, text: "你好",
		},
		"buttons beside a line": {
			elements: []string{
				`{"tag":"column_set","columns":[{"tag":"column","elements":[` + words("**1. api** · waits\nsince noon") + `]},{"tag":"column","elements":[` + button("Run", "run") +
					`,{"tag":"overflow","options":[{"text":{"tag":"plain_text","content":"Skip"},"value":"skip"}],"confirm":{"title":{"tag":"plain_text","content":"Sure?"},"text":{"tag":"plain_text","content":"Skip it."}}}]}]}`,
				`{"tag":"button","type":"primary_filled","text":{"tag":"plain_text","content":"Start"},"disabled":true}`,
			},
			text: "1. api · waits\nsince noon",
			buttons: []screen.Button{
				{Label: "Run", Row: "1. api · waits"},
				{Label: "Skip", Row: "1. api · waits", Question: "Sure?\nSkip it."},
				{Label: "Start", Style: "primary", Disabled: true},
			},
		},
		"a table": {
			elements: []string{`{"tag":"table","columns":[{"name":"a","display_name":"A","data_type":"text"},{"name":"b","display_name":"B","data_type":"number"}],"rows":[{"a":"x","b":1}]}`},
			text:     "A | B\nx | 1",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := newApp(t, feishutest.Config{})
			id := a.send(t, "chat_id", group, around("T", tc.elements...))
			m := a.last(t, wang, group)
			if diff := cmp.Diff("T\n"+tc.text, m.Text); diff != "" {
				t.Errorf("text (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tc.buttons, m.Buttons, cmpopts.IgnoreFields(screen.Button{}, "Handle")); diff != "" {
				t.Errorf("buttons (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tc.mentions, a.server.Mentions(id)); diff != "" {
				t.Errorf("mentions (-want +got):\n%s", diff)
			}
		})
	}
}

func TestWrongAnswersAreViolations(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		answer *callback.CardActionTriggerResponse
		want   string
	}{
		"a toast of no kind": {&callback.CardActionTriggerResponse{Toast: &callback.Toast{Type: "done", Content: "x"}}, "no toast has the type"},
		"an empty toast":     {&callback.CardActionTriggerResponse{Toast: &callback.Toast{Type: "info"}}, "the toast is empty"},
		"a bad card":         {&callback.CardActionTriggerResponse{Card: raw(`{"elements":[]}`)}, "bad card in the answer"},
		"a card of no kind":  {&callback.CardActionTriggerResponse{Card: &callback.Card{Type: "json"}}, "not raw"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := newApp(t, feishutest.Config{})
			set(a, &a.clicked, func(*callback.CardActionTriggerEvent) *callback.CardActionTriggerResponse { return tc.answer })
			a.send(t, "chat_id", group, around("x", button("Go", "go")))
			m := a.last(t, wang, group)
			if _, err := a.server.Person(wang).Press(t.Context(), m, m.Buttons[0]); err == nil {
				t.Error("the press did not fail")
			}
			if v := a.server.Violations(); len(v) != 1 || !strings.Contains(v[0], tc.want) {
				t.Errorf("violations = %v", v)
			}
		})
	}
}

func TestLateAnswerIsAViolation(t *testing.T) {
	t.Parallel()
	inModes := []string{feishutest.LongConnection, feishutest.HTTP}
	for _, mode := range inModes {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			a := newApp(t, feishutest.Config{Mode: mode, AnswerWithin: 50 * time.Millisecond})
			over := make(chan struct{})
			t.Cleanup(func() { close(over) })
			set(a, &a.clicked, func(*callback.CardActionTriggerEvent) *callback.CardActionTriggerResponse { <-over; return nil })
			a.send(t, "chat_id", group, around("x", button("Go", "go")))
			m := a.last(t, wang, group)
			_, err := a.server.Person(wang).Press(t.Context(), m, m.Buttons[0])
			if err == nil || !strings.Contains(err.Error(), "200341") {
				t.Errorf("err = %v", err)
			}
			if v := a.server.Violations(); len(v) != 1 || !strings.Contains(v[0], "not answered within") {
				t.Errorf("violations = %v", v)
			}
		})
	}
}
