package slack

import (
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"slipway/bot"
	"slipway/storage"
)

func TestSameKeyPostsOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t, overHTTP)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for {
				_, err := w.slack.Post(t.Context(), bot.Target{Room: roomRef("C0GEN")}, card("plan"), "card:1")
				var limit *bot.RateLimited
				if !errors.As(err, &limit) {
					if err != nil {
						t.Error(err)
					}
					return
				}
			}
		})
	}
	wg.Wait()
	first := w.post(card("plan"), "card:1")
	if n := len(w.Calls("chat.postMessage")); n != 1 {
		t.Errorf("posted %d times", n)
	}
	if m := w.last("U0ANN", "C0GEN"); m.ID != first.ID {
		t.Errorf("the message is %s, the answer was %s", m.ID, first.ID)
	}
	w.fine()
}

func TestTargets(t *testing.T) {
	t.Parallel()
	w := newWorld(t, overHTTP)
	root := w.post(card("plan"), "")
	if reply, err := w.slack.Post(t.Context(), bot.Target{ReplyTo: root}, card("entry"), "entry:1"); err != nil || reply.Thread != root.ID {
		t.Errorf("reply %+v: %v", reply, err)
	}
	again, err := w.slack.Post(t.Context(), bot.Target{ReplyTo: root}, card("entry"), "entry:1")
	if err != nil || again.Thread != root.ID {
		t.Errorf("reply %+v: %v", again, err)
	}
	direct, err := w.slack.Post(t.Context(), bot.Target{User: user("U0BOB")}, card("asked"), "ask:1")
	if err != nil || direct.Room.ID != "DU0BOB" {
		t.Errorf("direct message %+v: %v", direct, err)
	}
	if n := len(w.ann.Thread("C0GEN", root.ID)); n != 1 {
		t.Errorf("%d answers in the thread", n)
	}
	w.fine()
}

func TestLostAnswerIsLookedFor(t *testing.T) {
	t.Parallel()
	w := newWorld(t, overHTTP)
	root := w.post(card("root"), "")
	for name, to := range map[string]bot.Target{"room": {Room: roomRef("C0GEN")}, "thread": {ReplyTo: root}, "person": {User: user("U0ANN")}} {
		before := len(w.Calls("chat.postMessage"))
		w.Faults().LoseAnswer("chat.postMessage", 1)
		_, err := w.slack.Post(t.Context(), to, card("plan"), name)
		if !lost(err) {
			t.Fatalf("%s: %v", name, err)
		}
		var limit *bot.RateLimited
		if _, err := w.slack.Post(t.Context(), to, card("plan"), name); !errors.As(err, &limit) {
			t.Errorf("%s: tried again at once: %v", name, err)
		}
		w.clock.pass(storage.PostPatience + time.Second)
		ref, err := w.slack.Post(t.Context(), to, card("plan"), name)
		if err != nil || ref.ID == "" || ref.Thread != to.ReplyTo.ID {
			t.Errorf("%s: found %+v: %v", name, ref, err)
		}
		if n := len(w.Calls("chat.postMessage")) - before; n != 1 {
			t.Errorf("%s: posted %d times", name, n)
		}
	}
	w.fine()
}

func TestPostInDoubtThatNeverWasIsPosted(t *testing.T) {
	t.Parallel()
	w := newWorld(t, overHTTP)
	for name, fail := range map[string]string{"crash before sending": "", "looking is not allowed": "missing_scope"} {
		if _, state, err := w.store.BeginPost(t.Context(), "slack", name, w.clock.now()); err != nil || state != storage.PostNew {
			t.Fatal(state, err)
		}
		w.clock.pass(storage.PostPatience + time.Second)
		if fail != "" {
			w.Faults().Fail("conversations.history", fail, 1)
		}
		before := len(w.ann.Look("C0GEN"))
		ref := w.post(card("plan"), name)
		if m := w.last("U0ANN", "C0GEN"); m.ID != ref.ID || len(w.ann.Look("C0GEN")) != before+1 {
			t.Errorf("%s: %+v", name, ref)
		}
	}
	w.fine()
}

func TestFailedPostLetsGoOfItsKey(t *testing.T) {
	t.Parallel()
	w := newWorld(t, overHTTP)
	for code, gone := range map[string]bool{
		"is_archived": true, "channel_not_found": true, "not_in_channel": true, "invalid_blocks": false, "token_revoked": false,
	} {
		w.Faults().Fail("chat.postMessage", code, 1)
		_, err := w.slack.Post(t.Context(), bot.Target{Room: roomRef("C0GEN")}, card("plan"), code)
		if err == nil || errors.Is(err, bot.ErrGone) != gone || lost(err) {
			t.Errorf("%s: %v", code, err)
		}
		if trouble := w.slack.Trouble(); (trouble != "") != (code == "token_revoked") {
			t.Errorf("%s: trouble %q", code, trouble)
		}
		w.post(card("plan"), code)
	}
	if trouble := w.slack.Trouble(); trouble != "" {
		t.Errorf("trouble %q", trouble)
	}
}

func TestLimitIsKeptWithoutAsking(t *testing.T) {
	t.Parallel()
	w := newWorld(t, overHTTP)
	ref := w.post(card("plan"), "")
	w.Faults().RateLimit("chat.update", 1, 7*time.Second)
	var limit *bot.RateLimited
	if err := w.slack.Update(t.Context(), ref, card("new")); !errors.As(err, &limit) || limit.After != 7*time.Second {
		t.Errorf("limited: %v", err)
	}
	w.clock.pass(3 * time.Second)
	if err := w.slack.Update(t.Context(), ref, card("new")); !errors.As(err, &limit) || limit.After > 4*time.Second || limit.After < 3*time.Second {
		t.Errorf("still limited: %v", err)
	}
	if n := len(w.Calls("chat.update")); n != 1 {
		t.Errorf("asked %d times", n)
	}
	w.post(card("another method"), "k")
	w.clock.pass(4 * time.Second)
	if err := w.slack.Update(t.Context(), ref, card("new")); err != nil {
		t.Error(err)
	}
	if m := w.ann.Look("C0GEN")[0]; !strings.Contains(m.Text, "new") || m.Edits != 1 {
		t.Errorf("it reads %+v", m)
	}
	w.Faults().RateLimit("chat.postMessage", 1, time.Second)
	if _, err := w.slack.Post(t.Context(), bot.Target{Room: roomRef("C0GEN")}, card("x"), "y"); !errors.As(err, &limit) {
		t.Errorf("posting is limited: %v", err)
	}
	w.clock.pass(time.Second)
	w.post(card("x"), "y") // its key was let go of
}

func TestGoneMessages(t *testing.T) {
	t.Parallel()
	w := newWorld(t, overHTTP)
	ref := w.post(card("plan"), "")
	w.Faults().Fail("chat.update", "edit_window_closed", 1)
	if err := w.slack.Update(t.Context(), ref, card("new")); !errors.Is(err, bot.ErrTooOld) {
		t.Errorf("too old: %v", err)
	}
	if _, _, err := w.slack.api.DeleteMessageContext(t.Context(), ref.Room.ID, ref.ID); err != nil {
		t.Fatal(err)
	}
	if err := w.slack.Update(t.Context(), ref, card("new")); !errors.Is(err, bot.ErrGone) {
		t.Errorf("update: %v", err)
	}
	if _, err := w.slack.Post(t.Context(), bot.Target{ReplyTo: ref}, card("entry"), "entry:1"); !errors.Is(err, bot.ErrGone) {
		t.Errorf("reply: %v", err)
	}
	if seen := w.ann.Look("C0GEN"); len(seen) != 0 {
		t.Errorf("left behind: %+v", seen)
	}
	if _, err := w.slack.Post(t.Context(), bot.Target{User: user("U0NOBODY")}, card("x"), ""); !errors.Is(err, bot.ErrGone) {
		t.Errorf("nobody: %v", err)
	}
	w.fine()
}

func TestWhisperFindsAWay(t *testing.T) {
	t.Parallel()
	w := newWorld(t, overHTTP)
	w.AddUser(w.newcomer("U0ZOE", "Zoe"))
	if _, err := w.slack.directRoom(t.Context(), "U0BOB"); err != nil {
		t.Fatal(err)
	}
	for room, to := range map[string]string{"C0GEN": "U0ANN", "DU0BOB": "U0BOB", "C0OUT": "U0ANN"} {
		if err := w.slack.Whisper(t.Context(), roomRef(room), user(to), card("psst "+room)); err != nil {
			t.Errorf("%s: %v", room, err)
		}
	}
	if err := w.slack.Whisper(t.Context(), roomRef("C0GEN"), user("U0ZOE"), card("psst Zoe")); err != nil {
		t.Errorf("not in the room: %v", err)
	}
	if m := w.last("U0ANN", "C0GEN"); !m.Only {
		t.Errorf("in the room: %+v", m)
	}
	for account, want := range map[string]string{"U0BOB": "DU0BOB", "U0ANN": "C0OUT", "U0ZOE": "Zoe"} {
		if m := w.last(account, "D"+account); m.Only || !strings.Contains(m.Text, want) {
			t.Errorf("%s got %+v", account, m)
		}
	}
	w.fine()
}

func TestPermalink(t *testing.T) {
	t.Parallel()
	w := newWorld(t, overHTTP)
	ref := w.post(card("plan"), "")
	if link, err := w.slack.Permalink(t.Context(), ref); err != nil || !strings.HasPrefix(link, "https://") {
		t.Errorf("%q: %v", link, err)
	}
	ref.ID = "1.000001"
	if _, err := w.slack.Permalink(t.Context(), ref); !errors.Is(err, bot.ErrGone) {
		t.Errorf("gone: %v", err)
	}
}

func TestPeople(t *testing.T) {
	t.Parallel()
	w := newWorld(t, overHTTP)
	ann, err := w.slack.Resolve(t.Context(), user("U0ANN"))
	if want := (bot.Person{Name: "Ann", Email: "ann@example.com", Locale: "zh-CN", TimeZone: "Asia/Shanghai"}); err != nil || ann != want {
		t.Errorf("Ann is %+v: %v", ann, err)
	}
	if eve, err := w.slack.Resolve(t.Context(), user("U0EVE")); err != nil || eve.Email != "" || eve.Name != "Eve" {
		t.Errorf("a stranger is %+v: %v", eve, err)
	}
	if self, err := w.slack.Resolve(t.Context(), user("U0SLIPWAY")); err != nil || self.Email != "" {
		t.Errorf("the bot is %+v: %v", self, err)
	}
	if _, err := w.slack.Resolve(t.Context(), user("U0NOBODY")); !errors.Is(err, bot.ErrGone) {
		t.Errorf("nobody: %v", err)
	}
	for range 3 {
		if _, err := w.slack.Resolve(t.Context(), user("U0ANN")); err != nil {
			t.Error(err)
		}
	}
	if n := len(w.Calls("users.info")); n != 4 {
		t.Errorf("asked %d times", n)
	}
	w.clock.pass(cacheTime)
	w.AddUser(w.newcomer("U0ANN", "Anna"))
	if ann, err := w.slack.Resolve(t.Context(), user("U0ANN")); err != nil || ann.Name != "Anna" {
		t.Errorf("later Ann is %+v: %v", ann, err)
	}
	if ref, err := w.slack.Find(t.Context(), "BOB@example.com"); err != nil || ref != user("U0BOB") {
		t.Errorf("found %+v: %v", ref, err)
	}
	for _, email := range []string{"eve@elsewhere.example", "nobody@example.com"} {
		if _, err := w.slack.Find(t.Context(), email); !errors.Is(err, bot.ErrGone) {
			t.Errorf("%s: %v", email, err)
		}
	}
}
