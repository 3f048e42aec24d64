package feishu

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"slipway/bot"
	"slipway/bot/feishu/feishutest"
	"slipway/storage"
)

func TestASlowBotIsSpokenForAndHeardLater(t *testing.T) {
	t.Parallel()
	eachMode(t, func(t *testing.T, w *world) {
		w.patience = 100 * time.Millisecond
		release := make(chan struct{})
		w.bot.answers(func(context.Context, bot.Event) bot.Reply {
			<-release
			return bot.Reply{Toast: &bot.Toast{Kind: bot.ToastDone, Text: "Done at last."}, Card: say("new state"), Whisper: say("and a whisper")}
		})
		demand[any](t)(w.Post(t.Context(), bot.Target{Room: roomRef(group)}, *say("plan", bot.Action{ID: "go", Label: "Go"}), "k"))
		m := w.newest(t, li, group, "plan")
		a, err := w.chat.Person(li).Press(t.Context(), m, buttonOf(t, m, "Go"))
		if err != nil || a.Toast != "Working on it. The result comes as a message." {
			t.Errorf("the click was answered with %+v, %v", a, err)
		}
		if _, err := w.chat.Person(li).Command(t.Context(), group, "", "help"); err != nil {
			t.Errorf("the mention was not answered: %v", err)
		}
		close(release)
		w.newest(t, li, w.chat.Direct(li), "Done at last.")
		w.newest(t, li, w.chat.Direct(li), "and a whisper")
		if now := w.newest(t, wang, group, "new state"); now.ID != m.ID {
			t.Error("the card did not change in place")
		}
	})
}

func TestFeishuIsAnsweredWithinThreeSecondsWhateverTheBotTakes(t *testing.T) {
	t.Parallel()
	w := newWorld(t, feishutest.Config{Mode: modeHTTP})
	f := demand[*Feishu](t)(New(w.Config))
	if all := f.patience + grace; all >= 3*time.Second {
		t.Errorf("Feishu may wait for %s", all)
	}
	if click := min(f.patience, f.clickPatience) + grace; click >= time.Second {
		t.Errorf("somebody who clicked may wait for %s", click)
	}
	w.bot.answers(func(ctx context.Context, _ bot.Event) bot.Reply {
		if deadline, ok := ctx.Deadline(); !ok || time.Until(deadline) < 30*time.Second {
			t.Errorf("what was begun is cut off at %v", deadline)
		}
		return bot.Reply{}
	})
	demand[any](t)(w.chat.Person(li).Command(t.Context(), w.chat.Direct(li), "", "help"))
}

func TestAPanicOfTheBotIsNotTheEnd(t *testing.T) {
	t.Parallel()
	w := newWorld(t, feishutest.Config{Mode: modeSocket})
	w.bot.answers(func(context.Context, bot.Event) bot.Reply { panic("oops") })
	demand[any](t)(w.chat.Person(li).Command(t.Context(), w.chat.Direct(li), "", "help"))
	w.bot.answers(func(context.Context, bot.Event) bot.Reply { return bot.Reply{Whisper: say("still here")} })
	demand[any](t)(w.chat.Person(li).Command(t.Context(), w.chat.Direct(li), "", "help"))
	w.newest(t, li, w.chat.Direct(li), "still here")
	if !strings.Contains(w.log.String(), "oops") {
		t.Error("the log does not tell of it")
	}
}

func TestACardIsNotChangedBeforeTheClickOnItIsAnswered(t *testing.T) {
	t.Parallel()
	eachMode(t, func(t *testing.T, w *world) {
		ref := demand[bot.MsgRef](t)(w.Post(t.Context(), bot.Target{Room: roomRef(group)}, *say("plan", bot.Action{ID: "go", Label: "Go"}), "k"))
		var updates sync.WaitGroup
		w.bot.answers(func(ctx context.Context, ev bot.Event) bot.Reply {
			later := context.WithoutCancel(ctx)
			updates.Go(func() { // as the repaint that the commit causes
				if err := w.Update(later, ev.Msg, *say("repainted")); err != nil {
					t.Errorf("Update: %v", err)
				}
			})
			return bot.Reply{Toast: &bot.Toast{Kind: bot.ToastDone, Text: "Done."}}
		})
		m := w.newest(t, li, group, "plan")
		for range 3 {
			demand[any](t)(w.chat.Person(li).PressSeen(t.Context(), m, buttonOf(t, m, "Go")))
		}
		updates.Wait()
		if now := w.newest(t, li, group, "repainted"); now.ID != ref.ID || now.Edits != 3 {
			t.Errorf("the card is %+v", now)
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		done := w.clicks.begin("om_x")
		defer done()
		if err := w.Update(ctx, bot.MsgRef{ID: "om_x"}, *say("x")); !errors.Is(err, context.Canceled) {
			t.Errorf("who waits for a click and is called off gets %v", err)
		}
	})
}

func TestWhatIsDeliveredTwiceIsAnsweredOnce(t *testing.T) {
	t.Parallel()
	eachMode(t, func(t *testing.T, w *world) {
		w.chat.Faults().DeliverTwice(true)
		w.bot.answers(func(context.Context, bot.Event) bot.Reply {
			return bot.Reply{Whisper: say("whisper"), Message: say("message"), Form: windowForm()}
		})
		demand[any](t)(w.chat.Person(li).Command(t.Context(), group, "", "help"))
		eventually(t, "the second delivery", func() bool { return len(w.chat.Deliveries(typeMessage)) == 2 })
		w.newest(t, li, group, "message")
		w.newest(t, li, w.chat.Direct(li), "whisper")
		w.newest(t, li, w.chat.Direct(li), "Edit #12")
		w.stop() // nothing more is under way
		saw := w.bot.saw()
		if len(saw) != 2 || saw[0].ID != saw[1].ID {
			t.Errorf("the bot saw %+v", saw)
		}
		if n := len(w.chat.Person(wang).Look(group)); n != 2 { // what was typed, and one answer
			t.Errorf("the group sees %d messages", n)
		}
		if n := len(w.direct(li)); n != 2 {
			t.Errorf("%d direct messages, want 2", n)
		}
	})
}

func TestALimitDelaysAReplyAndLosesNone(t *testing.T) {
	t.Parallel()
	w := newWorld(t, feishutest.Config{Mode: modeSocket})
	w.chat.Faults().RateLimit(feishutest.OpSend, 2, time.Second)
	w.bot.answers(func(context.Context, bot.Event) bot.Reply { return bot.Reply{Whisper: say("after all")} })
	demand[any](t)(w.chat.Person(li).Command(t.Context(), w.chat.Direct(li), "", "help"))
	w.newest(t, li, w.chat.Direct(li), "after all")
}

func TestAFormThatWasAskedForByTypingIsOfNoCard(t *testing.T) {
	t.Parallel()
	w := newWorld(t, feishutest.Config{Mode: modeHTTP})
	w.bot.answers(func(_ context.Context, ev bot.Event) bot.Reply {
		if ev.Kind == bot.Mention {
			return bot.Reply{Form: windowForm()}
		}
		return bot.Reply{Card: say("new state")} // of a card that is not there
	})
	head := demand[bot.MsgRef](t)(w.Post(t.Context(), bot.Target{Room: roomRef(group)}, *say("plan"), "k"))
	demand[any](t)(w.chat.Person(li).Command(t.Context(), group, head.ID, "edit"))
	w.newest(t, li, w.chat.Direct(li), "Edit #12")
	demand[any](t)(w.chat.Person(li).Fill(t.Context(), nil))
	if ev := w.bot.last(t, bot.Submission); ev.Msg.ID != "" || ev.Msg.Thread != head.ID || ev.Room.ID != group {
		t.Errorf("the bot saw %+v", ev)
	}
	w.stop()
	if strings.Contains(w.log.String(), "level=ERROR") {
		t.Errorf("the log has errors:\n%s", w.log)
	}
}

func TestARevokedTokenIsReplacedAndTheCallRepeated(t *testing.T) {
	t.Parallel()
	w := newWorld(t, feishutest.Config{Mode: modeSocket})
	ref := demand[bot.MsgRef](t)(w.Post(t.Context(), bot.Target{Room: roomRef(group)}, *say("plan"), "k"))
	w.chat.Faults().Revoke()
	var calls sync.WaitGroup
	for range 4 {
		calls.Go(func() {
			if _, err := w.Resolve(context.Background(), userRef(li)); err != nil {
				t.Errorf("after the token was revoked: %v", err)
			}
		})
	}
	calls.Wait()
	if err := w.Update(t.Context(), ref, *say("plan 2")); err != nil {
		t.Fatal(err)
	}
	if n := len(w.chat.Calls(feishutest.OpToken)); n > 3 {
		t.Errorf("%d tokens were asked for", n)
	}
	// Once, not for ever.
	w.chat.Faults().Fail(feishutest.OpPatch, 99991663, 2)
	if err := w.Update(t.Context(), ref, *say("plan 3")); !refusedWith(err, 99991663) {
		t.Errorf("a token that is never good: %v", err)
	}
}

func TestOneTokenServesManyAndIsRenewedInTime(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	now := time.Now()
	clock := func() time.Time {
		mu.Lock()
		defer mu.Unlock()
		return now
	}
	w := newWorld(t, feishutest.Config{Mode: modeHTTP, Now: clock})
	call := func() {
		t.Helper()
		var calls sync.WaitGroup
		for range 8 {
			calls.Go(func() {
				if _, err := w.Resolve(context.Background(), userRef(li)); err != nil {
					t.Errorf("Resolve: %v", err)
				}
			})
		}
		calls.Wait()
	}
	call()
	if n := len(w.chat.Calls(feishutest.OpToken)); n != 1 {
		t.Errorf("%d tokens for 8 calls", n)
	}
	for range 3 {
		mu.Lock()
		now = now.Add(2*time.Hour - 3*time.Minute)
		mu.Unlock()
		call()
	}
	if n := len(w.chat.Calls(feishutest.OpToken)); n != 4 {
		t.Errorf("%d tokens in 6 hours, want 4", n)
	}
	for _, c := range w.chat.Calls(feishutest.OpUser) {
		if c.Code != 0 {
			t.Errorf("a call was made with a token that was over: %+v", c)
		}
	}
}

func TestRefusalsMeanWhatTheBotKnows(t *testing.T) {
	t.Parallel()
	w := newWorld(t, feishutest.Config{Mode: modeSocket})
	ref := demand[bot.MsgRef](t)(w.Post(t.Context(), bot.Target{Room: roomRef(group)}, *say("plan"), "k"))
	update := func() error { return w.Update(t.Context(), ref, *say("plan 2")) }

	w.chat.Faults().RateLimit(feishutest.OpPatch, 1, 7*time.Second)
	limited := (*bot.RateLimited)(nil)
	if err := update(); !errors.As(err, &limited) || limited.After != 7*time.Second {
		t.Errorf("a limit: %v", err)
	}
	for _, code := range []int{99991400, 230020} {
		w.chat.Faults().Fail(feishutest.OpPatch, code, 1)
		if err := update(); !errors.As(err, &limited) || limited.After != time.Second {
			t.Errorf("code %d: %v", code, err)
		}
	}
	for _, code := range []int{230011, 230110, 232009, 230002} {
		w.chat.Faults().Fail(feishutest.OpPatch, code, 1)
		if err := update(); !errors.Is(err, bot.ErrGone) {
			t.Errorf("code %d: %v", code, err)
		}
	}
	w.chat.Faults().Fail(feishutest.OpPatch, 502, 1)
	if err := update(); err == nil || errors.Is(err, bot.ErrGone) || errors.As(err, new(*bot.RateLimited)) {
		t.Errorf("a broken gateway: %v", err)
	}
	w.chat.Faults().AgeMessages(15 * 24 * time.Hour)
	if err := update(); !errors.Is(err, bot.ErrTooOld) {
		t.Errorf("after 15 days: %v", err)
	}
	_, err := w.Post(t.Context(), bot.Target{Room: roomRef("oc_elsewhere")}, *say("x"), "k2")
	if err == nil {
		t.Error("a card was posted in a room that is not there")
	}
	if posted, err := w.Store.Posted(t.Context(), string(bot.Feishu), "k2"); err != nil || posted {
		t.Errorf("the key of a refused post is taken: %v", err)
	}
	w.chat.AddUser(feishutest.User{OpenID: "ou_hidden", Name: "Hidden", Hidden: true})
	if _, err := w.Post(t.Context(), bot.Target{User: userRef("ou_hidden")}, *say("x"), "k3"); !errors.Is(err, bot.ErrGone) {
		t.Errorf("to somebody outside of the app's range: %v", err)
	}
}

func TestAKeySendsOnceWhateverHappens(t *testing.T) {
	t.Parallel()
	w := newWorld(t, feishutest.Config{Mode: modeSocket})
	to := bot.Target{Room: roomRef(group)}
	seen := func() int { return len(w.chat.Person(li).Look(group)) }

	first := demand[bot.MsgRef](t)(w.Post(t.Context(), to, *say("one"), "k1"))
	again := demand[bot.MsgRef](t)(w.Post(t.Context(), to, *say("one, changed"), "k1"))
	if first != again || seen() != 1 {
		t.Errorf("the same key sent %v and %v", first, again)
	}

	// The answer is lost on the way: asked again at once, with the mark of the message.
	w.chat.Faults().LoseAnswer(feishutest.OpSend, 1)
	demand[any](t)(w.Post(t.Context(), to, *say("two"), "k2"))
	if seen() != 2 {
		t.Errorf("%d messages after a lost answer, want 2", seen())
	}

	// It is lost twice: nobody knows, so for a while nobody tries.
	w.chat.Faults().LoseAnswer(feishutest.OpSend, 2)
	if _, err := w.Post(t.Context(), to, *say("three"), "k3"); err == nil {
		t.Error("a post without an answer succeeded")
	}
	limited := (*bot.RateLimited)(nil)
	if _, err := w.Post(t.Context(), to, *say("three"), "k3"); !errors.As(err, &limited) || limited.After < time.Second {
		t.Errorf("while it is in doubt: %v", err)
	}
	later := w.Config // of another replica
	later.Now = func() time.Time { return time.Now().Add(storage.PostPatience + time.Second) }
	f := demand[*Feishu](t)(New(later))
	three := demand[bot.MsgRef](t)(f.Post(t.Context(), to, *say("three"), "k3"))
	if seen() != 3 || three.ID == "" {
		t.Errorf("%d messages, want 3", seen())
	}

	// Refused for sure: free for the next try.
	w.chat.Faults().RateLimit(feishutest.OpSend, 1, time.Second)
	if _, err := w.Post(t.Context(), to, *say("four"), "k4"); !errors.As(err, &limited) {
		t.Errorf("a limit: %v", err)
	}
	demand[any](t)(w.Post(t.Context(), to, *say("four"), "k4"))
	if seen() != 4 {
		t.Errorf("%d messages, want 4", seen())
	}
	for _, c := range w.chat.Calls(feishutest.OpSend) {
		var body struct{ UUID string }
		if err := json.Unmarshal(c.Body, &body); err != nil || body.UUID == "" || len(body.UUID) > 50 {
			t.Errorf("a message has the mark %q: %v", body.UUID, err)
		}
	}
}

func TestThreadsPeopleAndReminders(t *testing.T) {
	t.Parallel()
	w := newWorld(t, feishutest.Config{Mode: modeSocket})
	head := demand[bot.MsgRef](t)(w.Post(t.Context(), bot.Target{Room: roomRef(group)}, *say("plan"), "k1"))
	line := demand[bot.MsgRef](t)(w.Post(t.Context(), bot.Target{ReplyTo: head}, *say("created"), "k2"))
	more := demand[bot.MsgRef](t)(w.Post(t.Context(), bot.Target{ReplyTo: line}, *say("edited"), "k3"))
	if line.Thread != head.ID || more.Thread != head.ID || more.Room != head.Room || len(w.chat.Person(li).Thread(group, head.ID)) != 2 {
		t.Errorf("the thread has %+v and %+v", line, more)
	}
	w.chat.Faults().Fail(feishutest.OpReply, 230071, 1) // a group without topics
	demand[any](t)(w.Post(t.Context(), bot.Target{ReplyTo: head}, *say("submitted"), "k4"))

	direct := demand[bot.MsgRef](t)(w.Post(t.Context(), bot.Target{User: userRef(li)}, *say("asked"), "k5"))
	if direct.Room.ID != w.chat.Direct(li) {
		t.Errorf("the direct message stands in %s", direct.Room.ID)
	}
	if err := w.Buzz(t.Context(), direct, []bot.UserRef{userRef(li)}); err != nil || len(w.chat.Calls(feishutest.OpUrgent)) != 1 {
		t.Errorf("Buzz: %v", err)
	}
	if err := w.Buzz(t.Context(), direct, nil); err != nil || len(w.chat.Calls(feishutest.OpUrgent)) != 1 {
		t.Errorf("Buzz without people: %v", err)
	}
	if err := w.Whisper(t.Context(), roomRef(group), userRef(wang), *say("psst")); err != nil {
		t.Error(err)
	}
	w.newest(t, wang, w.chat.Direct(wang), "psst")
	if l, err := w.Permalink(t.Context(), head); err != nil || l != "https://applink.feishu.cn/client/chat/open?openChatId="+group {
		t.Errorf("Permalink = %s, %v", l, err)
	}

	p := demand[bot.Person](t)(w.Resolve(t.Context(), userRef(wang)))
	if p.Name != "王小明" || p.Email != "wang@example.com" {
		t.Errorf("Resolve = %+v", p)
	}
	if _, err := w.Resolve(t.Context(), userRef("ou_nobody")); !errors.Is(err, bot.ErrGone) {
		t.Errorf("Resolve of nobody: %v", err)
	}
	u := demand[bot.UserRef](t)(w.Find(t.Context(), "LI@example.com"))
	if u != userRef(li) {
		t.Errorf("Find = %+v", u)
	}
	if _, err := w.Find(t.Context(), "nobody@example.com"); !errors.Is(err, bot.ErrGone) {
		t.Errorf("Find of nobody: %v", err)
	}
}

func TestTheDoctorFindsWhatIsWrong(t *testing.T) {
	t.Parallel()
	w := newWorld(t, feishutest.Config{Mode: modeHTTP})
	wrong := func() string {
		var b strings.Builder
		for _, f := range w.Probe(t.Context()) {
			if f.What.EN == "" || f.What.ZH == "" || !f.OK && (f.Mend.EN == "" || f.Mend.ZH == "") {
				t.Errorf("a finding says nothing: %+v", f)
			}
			if !f.OK {
				b.WriteString(f.What.EN + "\n")
			}
		}
		return b.String()
	}
	if got := wrong(); !strings.Contains(got, "not to "+w.PublicURL+"/feishu/cards") || strings.Count(got, "\n") != 1 {
		t.Errorf("callbacks go elsewhere:\n%s", got)
	}
	w.chat.SetApp(w.PublicURL)
	if got := wrong(); got != "" {
		t.Errorf("something is wrong with what is right:\n%s", got)
	}
	w.chat.SetScopes("im:message", "contact:contact.base:readonly")
	if got := wrong(); !strings.Contains(got, "contact:user.email:readonly") || strings.Contains(got, "send_as_bot") || strings.Contains(got, "urgent") || strings.Count(got, "\n") != 5 {
		t.Errorf("the missing scopes are\n%s", got)
	}
	w.chat.SetScopes(feishutest.DefaultScopes...)
	w.chat.Faults().Fail(feishutest.OpBot, 230006, 1)
	if got := wrong(); got != "The app has no working bot.\n" {
		t.Errorf("without a bot:\n%s", got)
	}
	w.chat.Subscribe(feishutest.Subscriptions{Events: []string{typeMessage}, CallbackMode: modeSocket})
	if got := wrong(); got != "Callbacks are not sent over your server's addresses /feishu/events and /feishu/cards: buttons do nothing.\nCallback card.action.trigger is not subscribed to.\n" {
		t.Errorf("without callbacks:\n%s", got)
	}
	w.chat.Subscribe(feishutest.Subscriptions{Callbacks: []string{typeClick}})
	if got := wrong(); got != "Event im.message.receive_v1 is not subscribed to.\n" {
		t.Errorf("without events:\n%s", got)
	}
	w.chat.Subscribe(feishutest.Subscriptions{Callbacks: []string{typeClick}, Unpublished: true})
	if got := wrong(); got != "No version of the app is published.\n" {
		t.Errorf("without a version:\n%s", got)
	}
	w.chat.Subscribe(feishutest.DefaultSubscriptions)
	f := clockFinding(-3 * time.Minute)
	if f.OK || !strings.Contains(f.What.EN, "3m0s") {
		t.Errorf("a clock that is off: %+v", f)
	}
	c := w.Config
	c.AppSecret = "wrong"
	other := demand[*Feishu](t)(New(c))
	if got := other.Probe(t.Context()); got[0].OK || !strings.Contains(got[0].What.EN, "does not take the app's id and secret") {
		t.Errorf("a wrong secret: %+v", got[0])
	}
	c.BaseURL = "http://127.0.0.1:1"
	other = demand[*Feishu](t)(New(c))
	if got := other.Probe(t.Context()); got[0].OK || !strings.Contains(got[0].What.EN, "cannot be reached") {
		t.Errorf("no Feishu: %+v", got[0])
	}
}
