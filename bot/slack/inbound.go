package slack

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"sync"
	"time"

	"slipway/bot"
)

// source is which of Slack's three ways a payload came.
type source string

// The sources, by their names in Socket Mode.
const (
	fromEvents   source = "events_api"
	fromCommands source = "slash_commands"
	fromPeople   source = "interactive"
)

// answer is what Slack gets back at once: a status as HTTP has it, and a body if there is
// something to say. after, if not nil, is called when it was sent.
type answer struct {
	status int
	body   any
	after  func()
}

func (a *answer) sent() {
	if a.after != nil {
		a.after()
	}
}

var (
	taken   = answer{status: http.StatusOK}
	wrong   = answer{status: http.StatusBadRequest}
	foreign = answer{status: http.StatusForbidden}
	notNow  = answer{status: http.StatusServiceUnavailable}
)

// envelope is what all payloads have in common.
type envelope struct {
	Type          string `json:"type"`
	APIAppID      string `json:"api_app_id"`
	TeamID        string `json:"team_id"`
	ContextTeamID string `json:"context_team_id"`
	Team          *struct {
		ID string `json:"id"`
	} `json:"team"`
	Authorizations []struct {
		TeamID string `json:"team_id"`
	} `json:"authorizations"`
	Challenge string `json:"challenge"`
	SSLCheck  string `json:"ssl_check"`
}

// teams are the workspaces that a payload names. In a channel that is shared with
// another workspace there may be several.
func (e *envelope) teams() []string {
	teams := []string{e.TeamID, e.ContextTeamID}
	if e.Team != nil {
		teams = append(teams, e.Team.ID)
	}
	for _, a := range e.Authorizations {
		teams = append(teams, a.TeamID)
	}
	return slices.DeleteFunc(teams, func(t string) bool { return t == "" })
}

// receive takes a verified payload, however it came.
func (s *Slack) receive(ctx context.Context, from source, payload []byte) answer {
	refuse := func(a answer, why, kind string) answer {
		s.Log.WarnContext(ctx, "refuse slack payload", "source", string(from), "type", cut(kind, 60), "why", why)
		return a
	}
	var e envelope
	if err := json.Unmarshal(payload, &e); err != nil {
		return refuse(wrong, "it cannot be read", "")
	}
	switch {
	case from == fromEvents && e.Type == "url_verification":
		return answer{status: http.StatusOK, body: map[string]string{"challenge": e.Challenge}}
	case from == fromCommands && e.SSLCheck != "":
		return taken
	}
	soon, cancel := context.WithTimeout(ctx, ackTime)
	defer cancel()
	me, err := s.me(soon)
	if err != nil {
		if ctx.Err() == nil { // else the program stops, and Slack tells the next one
			s.Log.ErrorContext(ctx, "ask slack who the bot is", "error", err)
		}
		return notNow
	}
	if me.app != "" && e.APIAppID != me.app {
		return refuse(foreign, "it is for another app", e.Type)
	}
	if teams := e.teams(); len(teams) > 0 && !slices.Contains(teams, me.team) || len(teams) == 0 && from != fromPeople {
		return refuse(foreign, "it is from another workspace", e.Type)
	}
	var occasions []*occasion
	ok := true
	switch from {
	case fromEvents:
		occasions, ok = s.readEvent(soon, payload, me)
	case fromCommands:
		occasions, ok = s.readCommand(soon, payload, me)
	case fromPeople:
		if e.Type == "block_suggestion" {
			return s.suggest(soon, payload)
		}
		occasions, ok = s.readInteraction(soon, payload, me)
	}
	if !ok {
		return refuse(wrong, "it is of an unknown kind", e.Type)
	}
	last := taken
	for _, o := range occasions {
		if o.replyURL != "" && !s.mayAnswerTo(o.replyURL) {
			return refuse(wrong, "its response_url is not one of Slack's", e.Type)
		}
		last.sent() // no answer is more than a status where there are several
		last = s.handle(soon, o)
	}
	return last
}

// How long things may take. Slack shows an error to the person after 3 s, and a spinner
// until then: a click or command that takes longer than clickTime is answered by message.
// A form that was sent can only be answered at once, and an event that was not is delivered
// again should this process die.
const (
	ackTime     = 2500 * time.Millisecond
	clickTime   = 800 * time.Millisecond
	handlerTime = time.Minute
	deliverTime = 90 * time.Second
)

// handle lets the bot handle an event and answers with what fits into the answer. If the
// bot is not done when soon ends, Slack gets an empty answer and the person the reply later.
func (s *Slack) handle(soon context.Context, o *occasion) answer {
	h := s.handler.Load()
	if h == nil {
		return notNow
	}
	ctx := context.WithoutCancel(soon)
	done := make(chan bot.Reply, 1)
	s.chores.do(func() {
		ctx, cancel := context.WithTimeout(ctx, handlerTime)
		defer cancel()
		customs := s.customs(ctx, o.event.From.ID)
		o.event.Locale, o.event.TimeZone = customs.Locale, customs.TimeZone
		done <- (*h).Handle(ctx, o.event)
	})
	if o.event.Kind == bot.Click || o.event.Kind == bot.Command {
		sooner, cancel := context.WithTimeout(soon, clickTime)
		defer cancel()
		soon = sooner
	}
	select {
	case r := <-done:
		return s.reply(ctx, o, r)
	case <-soon.Done():
		s.Log.WarnContext(ctx, "answer slack before the bot is done", "event", o.event.ID, "kind", string(o.event.Kind))
		s.chores.do(func() { s.deliver(ctx, o, <-done) })
		return taken
	}
}

// chores are goroutines that are waited for in the end.
type chores struct {
	mu   sync.Mutex
	busy int
	idle chan struct{} // closed when the last is done; nil if nobody waits
}

func (c *chores) do(f func()) {
	c.mu.Lock()
	c.busy++
	c.mu.Unlock()
	go func() {
		defer c.done()
		f()
	}()
}

func (c *chores) done() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.busy--; c.busy == 0 && c.idle != nil {
		close(c.idle)
		c.idle = nil
	}
}

// wait returns when nothing is being done.
func (c *chores) wait() {
	c.mu.Lock()
	if c.busy == 0 {
		c.mu.Unlock()
		return
	}
	if c.idle == nil {
		c.idle = make(chan struct{})
	}
	idle := c.idle
	c.mu.Unlock()
	<-idle
}
