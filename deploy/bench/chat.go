package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"slipway/bot/feishu/feishutest"
	"slipway/bot/screen"
	"slipway/bot/slack/slacktest"
	"slipway/cmd/slipway/processtest"
)

// What the clicks in chats are.
const (
	chatPlans  = 100 // each with a card in Slack and one in Feishu
	chatItems  = 20
	clickRate  = 50 // a second, half of them in each chat
	farDelay   = 200 * time.Millisecond
	lookEvery  = 3 * time.Second // whether all clicks are shown
	slackRoom  = "C0RELEASES"
	feishuRoom = "oc_releases"
)

// chatClicks is what came of clicks in Slack and Feishu.
type chatClicks struct {
	slack, feishu times // until the platform had its answer
	visible       times // until the last copy of the card showed it
}

// chats is a Slipway that is connected to both stand-ins.
type chats struct {
	slack  *slacktest.Server
	feishu *feishutest.Server
	client *processtest.Client
	base   string
	plans  []processtest.Plan
	seen   [2][]screen.Message // the card of each plan in each chat
}

const chatSettings = `users:
  - {name: Olga, email: olga@example.com, role: admin}
  - {name: Alice, email: alice@example.com, slack_id: UALICE, feishu_open_id: ou_alice}
rooms:
  - {platform: slack, id: ` + slackRoom + `}
  - {platform: feishu, id: ` + feishuRoom + `}
`

// chatEnd is how far clicks are followed.
type chatEnd int

const (
	untilAnswered chatEnd = iota
	untilVisible
)

// measureChats measures a set-up with both chats.
func measureChats(ctx context.Context, o options, program, dir string, env []string, until chatEnd) (c chatClicks, err error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return c, fmt.Errorf("write settings: %w", err)
	}
	settings := filepath.Join(dir, "slipway.yaml")
	if err := os.WriteFile(settings, []byte(chatSettings), 0o600); err != nil {
		return c, fmt.Errorf("write settings: %w", err)
	}
	h, err := openChats()
	if err != nil {
		return c, err
	}
	defer h.close()
	env = slices.Concat(env, []string{
		"SLIPWAY_ADMIN_TOKEN=" + adminToken, "SLIPWAY_CONFIG=" + settings, "SLIPWAY_DATA_DIR=" + filepath.Join(dir, "data"),
		"SLIPWAY_SLACK_API_URL=" + h.slack.APIURL(), "SLIPWAY_SLACK_BOT_TOKEN=" + h.slack.BotToken(), "SLIPWAY_SLACK_APP_TOKEN=" + h.slack.AppToken(),
		"SLIPWAY_FEISHU_BASE_URL=" + h.feishu.BaseURL(), "SLIPWAY_FEISHU_APP_ID=" + h.feishu.AppID(), "SLIPWAY_FEISHU_APP_SECRET=" + h.feishu.AppSecret(),
		"SLIPWAY_FEISHU_VERIFICATION_TOKEN=" + h.feishu.VerificationToken(),
	})
	p, err := processtest.Start(ctx, processtest.Config{Path: program, Dir: dir, Env: env})
	if err != nil {
		return c, err
	}
	defer p.Kill()
	h.base = p.URL
	if c, err = h.measure(ctx, o, until); err != nil {
		lines := p.Logged()
		return c, fmt.Errorf("%w; the end of its log:\n%s", err, strings.Join(lines[max(0, len(lines)-5):], "\n"))
	}
	return c, p.Stop(ctx)
}

func openChats() (*chats, error) {
	h := &chats{
		slack:  slacktest.New(slacktest.Config{Now: time.Now, SocketMode: true}),
		feishu: feishutest.New(feishutest.Config{}), client: processtest.NewClient(adminToken),
	}
	if _, err := h.slack.Listen("127.0.0.1:0"); err != nil {
		return nil, err
	}
	if _, err := h.feishu.Listen("127.0.0.1:0"); err != nil {
		h.slack.Close()
		return nil, err
	}
	h.slack.AddUser(slacktest.User{ID: "UALICE", Name: "Alice", Email: alice})
	h.slack.AddChannel(slacktest.Channel{ID: slackRoom, Name: "releases", Members: []string{"UALICE"}, Bot: true})
	h.feishu.AddUser(feishutest.User{OpenID: "ou_alice", Name: "Alice", Email: alice})
	h.feishu.AddGroup(feishutest.Group{ID: feishuRoom, Name: "releases", Members: []string{"ou_alice"}})
	return h, nil
}

func (h *chats) close() {
	h.client.HTTP.CloseIdleConnections()
	_ = h.feishu.Close()
	h.slack.Close()
}

func (h *chats) measure(ctx context.Context, o options, until chatEnd) (c chatClicks, err error) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Minute)
	defer cancel()
	if err := h.begin(ctx); err != nil {
		return c, err
	}
	clicks := min(int(o.span.Seconds()*clickRate), chatPlans*(chatItems-1))
	at := make([]time.Time, clicks)
	took := make([]time.Duration, clicks)
	errs := make([]error, clicks)
	var all sync.WaitGroup
	tick := time.NewTicker(time.Second / clickRate)
	defer tick.Stop()
	for n := range clicks {
		<-tick.C
		all.Go(func() {
			at[n] = time.Now()
			took[n], errs[n] = h.click(ctx, n)
		})
	}
	all.Wait()
	if err := errors.Join(errs...); err != nil {
		return c, err
	}
	for n, d := range took {
		if n%2 == 0 {
			c.slack = append(c.slack, d)
		} else {
			c.feishu = append(c.feishu, d)
		}
	}
	if until == untilVisible {
		if c.visible, err = h.visible(ctx, at); err != nil {
			return c, err
		}
	}
	if wrong := append(h.slack.Violations(), h.feishu.Violations()...); len(wrong) > 0 {
		return c, fmt.Errorf("%d violations of the platforms' rules, the first: %s", len(wrong), wrong[0])
	}
	return c, nil
}

// begin makes the plans and waits for their cards.
func (h *chats) begin(ctx context.Context) error {
	h.plans = make([]processtest.Plan, chatPlans)
	err := inParallel(8, func(worker int) error {
		for n := worker; n < chatPlans; n += 8 {
			if err := h.plan(ctx, n); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	for n, chat := range []screen.Chat{h.slack, h.feishu} {
		person, room := chat.Person("UALICE"), slackRoom
		if n == 1 {
			person, room = chat.Person("ou_alice"), feishuRoom
		}
		for {
			changed := chat.Changed()
			h.seen[n] = ready(person.Look(room))
			if h.seen[n] != nil {
				break
			}
			select {
			case <-ctx.Done():
				return fmt.Errorf("the cards do not come: %w", ctx.Err())
			case <-changed:
			}
		}
	}
	return nil
}

func planName(n int) string { return fmt.Sprintf("payments 7.%02d", n) }

func (h *chats) plan(ctx context.Context, n int) error {
	jobs := make([]map[string]any, chatItems)
	for i := range jobs {
		jobs[i] = map[string]any{"name": fmt.Sprintf("step %d", i+1), "type": "text", "spec": map[string]any{"content": "Tell the **hotline**"}}
	}
	a, err := h.client.Do(ctx, h.base, processtest.Request{
		Path: "/api/v1/plans", Actor: alice, Body: map[string]any{"name": planName(n), "jobs": jobs},
	})
	if err != nil {
		return err
	}
	if err := a.Decode(&h.plans[n]); err != nil {
		return err
	}
	for _, verb := range []string{"submit", "start"} {
		if a, err = h.client.Do(ctx, h.base, planVerb(h.plans[n], verb, alice)); err != nil {
			return err
		}
		if a.Status != http.StatusOK {
			return fmt.Errorf("%s: answered %d %s", verb, a.Status, a.Message())
		}
	}
	return nil
}

// ready returns the card of each plan once all can be worked on; nil until then.
func ready(messages []screen.Message) []screen.Message {
	cards := make([]screen.Message, chatPlans)
	for n := range cards {
		i := slices.IndexFunc(messages, func(m screen.Message) bool {
			return strings.Contains(m.Text, planName(n)) && slices.ContainsFunc(m.Buttons, isComplete(1))
		})
		if i < 0 {
			return nil
		}
		cards[n] = messages[i]
	}
	return cards
}

func isComplete(item int) func(screen.Button) bool {
	return func(b screen.Button) bool {
		return b.Label == "Complete" && strings.Contains(b.Row+" ", fmt.Sprintf("step %d ", item))
	}
}

// click completes an item of a plan: in Slack if n is even, else in Feishu. Each plan is
// clicked on once in a while only, and its items in their order.
func (h *chats) click(ctx context.Context, n int) (time.Duration, error) {
	plan, item := n%chatPlans, n/chatPlans+1
	person := h.slack.Person("UALICE")
	if n%2 == 1 {
		person = h.feishu.Person("ou_alice")
	}
	card := h.seen[n%2][plan]
	i := slices.IndexFunc(card.Buttons, isComplete(item))
	if i < 0 {
		return 0, fmt.Errorf("plan %d has no button to complete item %d", plan, item)
	}
	a, err := person.PressSeen(ctx, card, card.Buttons[i])
	if err != nil {
		return 0, fmt.Errorf("click %d: %w", n, err)
	}
	return a.Took, nil
}

var progressOf = regexp.MustCompile(`(\d+) of \d+ done`)

// shown is when a card first showed so many items done.
type shown struct {
	at   time.Time
	done int
}

// visible returns how long each click took to be shown on both cards of its plan. It looks
// seldom, because looking takes from what it measures; the calls know when they came.
func (h *chats) visible(ctx context.Context, at []time.Time) (times, error) {
	for {
		updates := h.updates()
		took, missing := times{}, 0
		for n, clicked := range at {
			var last time.Time
			for _, m := range []screen.Message{h.seen[0][n%chatPlans], h.seen[1][n%chatPlans]} {
				i := slices.IndexFunc(updates[m.ID], func(s shown) bool { return s.done > n/chatPlans })
				if i < 0 {
					missing++
					continue
				}
				if s := updates[m.ID][i]; s.at.After(last) {
					last = s.at
				}
			}
			took = append(took, last.Sub(clicked))
		}
		if missing == 0 {
			return took, nil
		}
		if err := pause(ctx, lookEvery); err != nil {
			return nil, fmt.Errorf("%d clicks are never shown: %w", missing, err)
		}
	}
}

// updates are what the cards showed, by message.
func (h *chats) updates() map[string][]shown {
	all := map[string][]shown{}
	add := func(id, body string, at time.Time) {
		if m := progressOf.FindStringSubmatch(body); m != nil {
			done, _ := strconv.Atoi(m[1])
			all[id] = append(all[id], shown{at, done})
		}
	}
	for _, c := range h.slack.Calls("chat.update") {
		add(c.Arg("ts"), c.Arg("blocks"), c.At)
	}
	for _, c := range h.feishu.Calls(feishutest.OpPatch) {
		add(c.Path[strings.LastIndexByte(c.Path, '/')+1:], string(c.Body), c.At)
	}
	return all
}
