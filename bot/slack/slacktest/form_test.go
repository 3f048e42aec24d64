package slacktest_test

import (
	"errors"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/slack-go/slack"

	"slipway/bot/screen"
)

func plainText(s string) *slack.TextBlockObject {
	return slack.NewTextBlockObject("plain_text", s, false, false)
}

// form is a modal with a field of each kind.
func form(title string) slack.ModalViewRequest {
	name := slack.NewPlainTextInputBlockElement(nil, "v").WithInitialValue("1.2.0").WithMaxLength(10)
	note := slack.NewPlainTextInputBlockElement(nil, "v").WithMultiline(true)
	kind := slack.NewOptionsSelectBlockElement(slack.OptTypeStatic, nil, "v",
		slack.NewOptionBlockObject("fix", plainText("Fix"), nil), slack.NewOptionBlockObject("big", plainText("Big"), nil))
	who := slack.NewOptionsMultiSelectBlockElement(slack.MultiOptTypeUser, nil, "v")
	who.InitialUsers = []string{"U1"}
	more := slack.NewOptionsSelectBlockElement(slack.OptTypeExternal, nil, "v")
	least := 0
	more.MinQueryLength = &least
	sure := slack.NewCheckboxGroupsBlockElement("v", slack.NewOptionBlockObject("true", plainText("I am sure"), nil))
	input := func(id, label string, optional bool, e slack.BlockElement) slack.Block {
		b := slack.NewInputBlock(id, plainText(label), nil, e)
		b.Optional = optional
		return b
	}
	return slack.ModalViewRequest{
		Type: slack.VTModal, Title: plainText(title), Submit: plainText("Send"), PrivateMetadata: "plan-1", CallbackID: "new",
		Blocks: slack.Blocks{BlockSet: []slack.Block{
			slack.NewSectionBlock(plainText("A new plan"), nil, nil),
			input("name", "Name", false, name),
			input("note", "Note", true, note),
			input("kind", "Kind", true, kind),
			input("who", "Who", true, who),
			input("when", "When", true, slack.NewDateTimePickerBlockElement("v")),
			input("more", "Also", true, more),
			input("sure", "Sure", true, sure),
		}},
	}
}

// formAsSeen is form("New plan") as people see it.
var formAsSeen = &screen.Form{Title: "New plan", Text: "A new plan", Submit: "Send", Fields: []screen.Field{
	{Label: "Name", Kind: screen.Text, Required: true, Value: []string{"1.2.0"}, Max: 10},
	{Label: "Note", Kind: screen.Long},
	{Label: "Kind", Kind: screen.Select, Options: []screen.Option{{Value: "fix", Label: "Fix"}, {Value: "big", Label: "Big"}}},
	{Label: "Who", Kind: screen.People, Value: []string{"U1"}},
	{Label: "When", Kind: screen.Time},
	{Label: "Also", Kind: screen.Select},
	{Label: "Sure", Kind: screen.Check, Options: []screen.Option{{Value: "true", Label: "I am sure"}}},
}}

// opens answers a slash command with a form.
func (w *world) opens(view slack.ModalViewRequest) func(heard) any {
	return func(h heard) any {
		if h.kind == "command" {
			if _, err := w.api.OpenView(h.trigger, view); err != nil {
				w.t.Errorf("open view: %v", err)
			}
		}
		return nil
	}
}

func TestAFormIsOpenedFilledAndSent(t *testing.T) {
	t.Parallel()
	bothWays(t, nil, func(t *testing.T, w *world) {
		open := w.opens(form("New plan"))
		w.app.on(func(h heard) any {
			switch h.kind {
			case "block_suggestion":
				return map[string]any{"options": []any{map[string]any{"text": map[string]any{"type": "plain_text", "text": "Zoe"}, "value": "z"}}}
			case "view_submission":
				if _, err := w.api.PostEphemeral("C1", "U1", slack.MsgOptionText("saved", false)); err != nil {
					t.Error(err)
				}
				return nil
			}
			return open(h)
		})
		ann := w.Person("U1")
		if ann.Form() != nil {
			t.Fatal("a form is open")
		}
		if _, err := ann.Command(w.ctx(), "C1", "", "new"); err != nil {
			t.Fatal(err)
		}
		f := ann.Form()
		if f == nil {
			t.Fatal("no form")
		}
		f.Raw = nil
		if diff := cmp.Diff(formAsSeen, f); diff != "" {
			t.Errorf("form (-want +got):\n%s", diff)
		}

		answer, err := ann.Fill(w.ctx(), map[string][]string{"Name": {""}})
		if err != nil || answer.Errors["Name"] == "" || len(w.app.all("view_submission")) != 0 {
			t.Fatalf("without a name: %+v, %v", answer, err)
		}
		answer, err = ann.Fill(w.ctx(), map[string][]string{"Name": {"12345678901"}})
		if err != nil || answer.Errors["Name"] == "" {
			t.Fatalf("with a long name: %+v, %v", answer, err)
		}
		for label, value := range map[string]string{"Kind": "huge", "Who": "U9", "Nothing": "x"} {
			if _, err := ann.Fill(w.ctx(), map[string][]string{label: {value}}); !errors.Is(err, screen.ErrNotThere) {
				t.Errorf("%s=%s: %v", label, value, err)
			}
		}
		at := w.clock.Now().Add(time.Hour).Unix()
		answer, err = ann.Fill(w.ctx(), map[string][]string{
			"Name": {"1.3.0"}, "Kind": {"big"}, "Who": {"U1", "U2"}, "When": {itoa(at)}, "Also": {"z"}, "Sure": {"true"},
		})
		if err != nil || answer.Errors != nil || answer.Toast != "saved" {
			t.Fatalf("fill: %+v, %v", answer, err)
		}
		if ann.Form() != nil {
			t.Error("the form is still open")
		}
		w.submittedAsFilled(at)
		w.clean()
	})
}

// submittedAsFilled fails unless the app got what TestAFormIsOpenedFilledAndSent fills in, with the time at.
func (w *world) submittedAsFilled(at int64) {
	w.t.Helper()
	var callback slack.InteractionCallback
	if err := jsonInto(w.app.all("view_submission")[0].raw, &callback); err != nil {
		w.t.Fatal(err)
	}
	values := callback.View.State.Values
	if got := values["who"]["v"].SelectedUsers; !cmp.Equal(got, []string{"U1", "U2"}) {
		w.t.Errorf("who %v", got)
	}
	if values["name"]["v"].Value != "1.3.0" || values["kind"]["v"].SelectedOption.Value != "big" || values["when"]["v"].SelectedDateTime != at ||
		values["more"]["v"].SelectedOption.Value != "z" || len(values["sure"]["v"].SelectedOptions) != 1 || callback.View.PrivateMetadata != "plan-1" {
		w.t.Errorf("values %+v", values)
	}
}

func TestErrorsKeepAFormOpenWithWhatWasTyped(t *testing.T) {
	t.Parallel()
	bothWays(t, nil, func(t *testing.T, w *world) {
		open, answers := w.opens(form("New")), []any{
			map[string]any{"response_action": "errors", "errors": map[string]string{"name": "Taken."}},
			map[string]any{"response_action": "update", "view": form("Again")},
			map[string]any{"response_action": "push", "view": form("On top")},
			map[string]any{"response_action": "clear"},
		}
		w.app.on(func(h heard) any {
			if h.kind == "view_submission" {
				answer := answers[0]
				answers = answers[1:]
				return answer
			}
			return open(h)
		})
		ann := w.Person("U1")
		if _, err := ann.Command(w.ctx(), "C1", "", "new"); err != nil {
			t.Fatal(err)
		}
		answer, err := ann.Fill(w.ctx(), map[string][]string{"Name": {"2.0"}, "Note": {"n"}})
		if err != nil || answer.Errors["Name"] != "Taken." {
			t.Fatalf("errors: %+v, %v", answer, err)
		}
		f := ann.Form()
		if f.Fields[0].Error != "Taken." || f.Fields[0].Value[0] != "2.0" {
			t.Errorf("field %+v", f.Fields[0])
		}
		for _, title := range []string{"Again", "On top", ""} {
			if _, err := ann.Fill(w.ctx(), nil); err != nil {
				t.Fatal(err)
			}
			if f := ann.Form(); (f == nil) != (title == "") || f != nil && f.Title != title {
				t.Errorf("form %+v, want %q", f, title)
			}
		}
		if got := len(w.app.all("view_submission")); got != 4 {
			t.Errorf("%d submissions", got)
		}
		w.clean()
	})
}

func TestErrorsAboutWhatIsNoInputAreAViolation(t *testing.T) {
	t.Parallel()
	w := newWorld(t, overHTTP, nil)
	open := w.opens(form("New"))
	w.app.on(func(h heard) any {
		if h.kind == "view_submission" {
			return map[string]any{"response_action": "errors", "errors": map[string]string{"nowhere": "Bad."}}
		}
		return open(h)
	})
	if _, err := w.Person("U1").Command(w.ctx(), "C1", "", "new"); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Person("U1").Fill(w.ctx(), nil); err == nil || !strings.Contains(err.Error(), "trouble connecting") {
		t.Errorf("fill: %v", err)
	}
	w.violates("no inputs")
}

func TestATriggerOpensOneFormWithinThreeSeconds(t *testing.T) {
	t.Parallel()
	w := newWorld(t, overHTTP, nil)
	var codes []string
	try := func(trigger string) {
		code := ""
		if _, err := w.api.OpenView(trigger, form("New")); err != nil {
			code = err.Error()
		}
		codes = append(codes, code)
	}
	w.app.on(func(h heard) any {
		w.clock.Pass(3 * time.Second)
		try(h.trigger)
		try(h.trigger)
		return nil
	})
	if _, err := w.Person("U1").Command(w.ctx(), "C1", "", "new"); err != nil {
		t.Fatal(err)
	}
	w.app.on(func(h heard) any {
		w.clock.Pass(3*time.Second + 1)
		try(h.trigger)
		return nil
	})
	if _, err := w.Person("U1").Command(w.ctx(), "C1", "", "new"); err != nil {
		t.Fatal(err)
	}
	try("made.up")
	if diff := cmp.Diff([]string{"", "exchanged_trigger_id", "expired_trigger_id", "invalid_trigger_id"}, codes); diff != "" {
		t.Errorf("codes (-want +got):\n%s", diff)
	}
	if len(w.Violations()) != 3 {
		t.Errorf("violations %q", w.Violations())
	}
}

func TestViewsAreUpdatedUnlessSomebodyElseWasFaster(t *testing.T) {
	t.Parallel()
	w := newWorld(t, overHTTP, nil)
	var view *slack.ViewResponse
	var trigger string
	w.app.on(func(h heard) any {
		var err error
		if h.kind == "command" {
			view, err = w.api.OpenView(h.trigger, form("One"))
		} else {
			trigger = h.trigger
		}
		if err != nil {
			t.Error(err)
		}
		return map[string]any{}
	})
	if _, err := w.Person("U1").Command(w.ctx(), "C1", "", "new"); err != nil {
		t.Fatal(err)
	}
	if _, err := w.api.UpdateView(form("Two"), "", view.Hash, view.ID); err != nil {
		t.Fatal(err)
	}
	if _, err := w.api.UpdateView(form("Three"), "", view.Hash, view.ID); err == nil || err.Error() != "hash_conflict" {
		t.Errorf("stale hash: %v", err)
	}
	if f := w.Person("U1").Form(); f.Title != "Two" {
		t.Errorf("form %q", f.Title)
	}
	for i, want := range []string{"", "", "push_limit_reached"} {
		if _, err := w.Client("U1").GlobalShortcut(w.ctx(), "new"); err != nil {
			t.Fatal(err)
		}
		_, err := w.api.PushView(trigger, form("Push"))
		if got := errorText(err); got != want {
			t.Errorf("push %d: %q, want %q", i+1, got, want)
		}
	}
	for range 3 {
		if err := w.Person("U1").CloseForm(w.ctx()); err != nil {
			t.Error(err)
		}
	}
	if _, err := w.api.UpdateView(form("Three"), "", "", view.ID); errorText(err) != "not_found" {
		t.Errorf("update a closed view: %v", err)
	}
	if err := w.Person("U1").CloseForm(w.ctx()); !errors.Is(err, screen.ErrNotThere) {
		t.Errorf("close what is closed: %v", err)
	}
}

func TestTheHomePageIsPublishedWhenItIsOpened(t *testing.T) {
	t.Parallel()
	bothWays(t, nil, func(t *testing.T, w *world) {
		w.app.on(func(h heard) any {
			if h.str("event", "type") == "app_home_opened" || h.kind == "block_actions" {
				user := h.str("event", "user") + h.str("user", "id")
				_, err := w.api.PublishViewContext(w.ctx(), slack.PublishViewContextRequest{UserID: user, View: slack.HomeTabViewRequest{
					Type: slack.VTHomeTab, Blocks: slack.Blocks{BlockSet: card("Home "+itoa(int64(len(w.app.all("")))), "h")},
				}})
				if err != nil {
					t.Error(err)
				}
			}
			return nil
		})
		home, err := w.Person("U1").OpenHome(w.ctx())
		if err != nil || !strings.HasPrefix(home.Text, "Home 1\n") {
			t.Fatalf("home %+v, %v", home, err)
		}
		if _, err := w.Person("U1").Press(w.ctx(), home, button(t, home, "Approve").Agreed()); err != nil {
			t.Fatal(err)
		}
		click := w.app.all("block_actions")[0]
		if click.str("container", "type") != "view" || click.str("response_url") != "" || click.str("view", "id") != home.ID {
			t.Errorf("click %s", click.raw)
		}
		if home, err := w.Client("U1").Home(); err != nil || !strings.HasPrefix(home.Text, "Home 2\n") || home.Edits != 1 {
			t.Errorf("home %+v, %v", home, err)
		}
		w.clean()
	})
}

func TestAPastedLinkIsUnfurled(t *testing.T) {
	t.Parallel()
	bothWays(t, nil, func(t *testing.T, w *world) {
		w.app.on(func(h heard) any {
			if h.str("event", "type") == "link_shared" {
				unfurls := map[string]slack.Attachment{"https://plans.example/p/1": {Blocks: slack.Blocks{BlockSet: card("Plan 1", "u")}}}
				if _, _, _, err := w.api.UnfurlMessage(h.str("event", "channel"), h.str("event", "message_ts"), unfurls); err != nil {
					t.Error(err)
				}
			}
			return nil
		})
		shown, err := w.Person("U1").Paste(w.ctx(), "C1", "https://plans.example/p/1")
		if err != nil || !strings.HasPrefix(shown, "Plan 1\n") {
			t.Errorf("shown %q, %v", shown, err)
		}
		m := w.last("U2", "C1")
		if _, err := w.Person("U2").Press(w.ctx(), m, button(t, m, "Approve").Agreed()); err != nil {
			t.Fatal(err)
		}
		if got := w.app.all("block_actions")[0].str("container", "app_unfurl_url"); got != "https://plans.example/p/1" {
			t.Errorf("unfurl of %q", got)
		}
		if shown, err := w.Person("U1").Paste(w.ctx(), "C1", "https://elsewhere.example/"); shown != "" || err != nil {
			t.Errorf("elsewhere: %q, %v", shown, err)
		}
		w.clean()
	})
}

func TestAShortcutCarriesTheMessage(t *testing.T) {
	t.Parallel()
	bothWays(t, nil, func(t *testing.T, w *world) {
		if _, err := w.Person("U1").Write(w.ctx(), "C1", "", "ship it"); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Client("U2").Shortcut(w.ctx(), "C1", w.last("U2", "C1").ID, "attach"); err != nil {
			t.Fatal(err)
		}
		h := w.app.all("message_action")[0]
		if h.str("callback_id") != "attach" || h.str("message", "text") != "ship it" || h.trigger == "" {
			t.Errorf("shortcut %s", h.raw)
		}
		w.clean()
	})
}

func itoa(n int64) string { return strconv.FormatInt(n, 10) }
