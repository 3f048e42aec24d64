package slacktest

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"sort"
	"strings"
	"sync"
	"time"

	"slipway/bot/screen"
)

// Person is somebody's client. It implements screen.Person; Shortcut, GlobalShortcut and
// Suggest are what Slack has beyond it.
type Person struct {
	s  *Server
	id string
}

var _ screen.Person = (*Person)(nil)

// known fails for accounts that the workspace does not have.
func (p *Person) known() error {
	if p.s.users[p.id] == nil {
		return fmt.Errorf("account %s: %w", p.id, screen.ErrNotThere)
	}
	return nil
}

// enter finds a room that the person is in.
func (p *Person) enter(id string) (*room, error) {
	if err := p.known(); err != nil {
		return nil, err
	}
	r := p.s.channels[id]
	if id == p.s.direct(p.id).ID {
		r = p.s.direct(p.id)
	}
	if r == nil || !r.member(p.id) {
		return nil, fmt.Errorf("room %s: %w", id, screen.ErrNotThere)
	}
	return r, nil
}

// Rooms implements screen.Person.
func (p *Person) Rooms() []screen.Room {
	p.s.mu.Lock()
	defer p.s.mu.Unlock()
	if err := p.known(); err != nil {
		return nil
	}
	var rooms []screen.Room
	for _, id := range p.s.rooms {
		if r := p.s.channels[id]; r.member(p.id) {
			rooms = append(rooms, screen.Room{ID: id, Name: "#" + r.Name})
		}
	}
	return append(rooms, screen.Room{ID: p.s.direct(p.id).ID, Name: botName, Direct: true})
}

// Look implements screen.Person.
func (p *Person) Look(room string) []screen.Message {
	return p.look(room, func(m *message) bool { return m.thread == "" || m.broadcast })
}

// Thread implements screen.Person.
func (p *Person) Thread(room, root string) []screen.Message {
	return p.look(room, func(m *message) bool { return m.thread == root })
}

func (p *Person) look(room string, which func(*message) bool) []screen.Message {
	p.s.mu.Lock()
	defer p.s.mu.Unlock()
	if _, err := p.enter(room); err != nil {
		return nil
	}
	var seen []screen.Message
	for _, m := range p.s.messages[room] {
		if which(m) && !m.gone && (m.only == "" || m.only == p.id) {
			seen = append(seen, p.see(m))
		}
	}
	return seen
}

func (p *Person) reader() reader { return reader{s: p.s, user: p.s.users[p.id]} }

// see shows a message to the person.
func (p *Person) see(m *message) screen.Message {
	read := p.reader().read(m, len(m.versions)-1)
	raw, _ := json.Marshal(rawOf(m)) // it was read from JSON
	return screen.Message{
		ID: m.ts, Room: m.channel, Thread: m.thread, Author: m.user, Bot: m.bot, Text: read.text(), Buttons: read.buttons(),
		Only: m.only != "", Edits: len(m.versions) - 1, Raw: raw, At: m.at,
	}
}

// rawOf is a message as the bot sent it.
func rawOf(m *message) map[string]any {
	c := m.now()
	o := map[string]any{"text": c.text}
	if len(c.blocks) > 0 {
		o["blocks"] = c.blocks
	}
	var attachments []any
	attachments = append(attachments, c.attachments...)
	for _, u := range m.unfurls {
		attachments = append(attachments, u.attachment)
	}
	if attachments != nil {
		o["attachments"] = attachments
	}
	return o
}

// Command implements screen.Person: with the slash command, or by a mention in a thread.
func (p *Person) Command(ctx context.Context, room, thread, text string) (screen.Answer, error) {
	if thread != "" {
		p.s.mu.Lock()
		r, err := p.enter(room)
		p.s.mu.Unlock()
		if err != nil {
			return screen.Answer{}, err
		}
		if r.im == "" {
			text = "<@" + botUser + "> " + p.typed(text)
		} else {
			text = p.typed(text)
		}
		return p.say(ctx, room, thread, text, waitForAnswer)
	}
	return p.slash(ctx, room, text)
}

// Write implements screen.Person.
func (p *Person) Write(ctx context.Context, room, thread, text string) (screen.Answer, error) {
	wait := noWait
	if room == "D"+p.id {
		wait = waitForAnswer // only there is every text meant for the bot
	}
	return p.say(ctx, room, thread, p.typed(text), wait)
}

// Mention writes a text that begins with a mention of the bot.
func (p *Person) Mention(ctx context.Context, room, thread, text string) (screen.Answer, error) {
	return p.say(ctx, room, thread, "<@"+botUser+"> "+p.typed(text), waitForAnswer)
}

// typed is a text as Slack stores it: escaped, with names after @ as mentions and
// addresses as links.
func (p *Person) typed(text string) string {
	text = escaper.Replace(text)
	p.s.mu.Lock()
	defer p.s.mu.Unlock()
	// The longest names first, so that @Ann does not take the beginning of @Ann Lee.
	accounts := slices.Clone(p.s.order)
	sort.SliceStable(accounts, func(i, j int) bool { return len(p.s.users[accounts[i]].Name) > len(p.s.users[accounts[j]].Name) })
	for _, id := range accounts {
		if name := p.s.users[id].Name; name != "" {
			text = strings.ReplaceAll(text, "@"+escaper.Replace(name), "<@"+id+">")
		}
	}
	words := strings.Split(text, " ")
	for i, w := range words {
		if strings.HasPrefix(w, "https://") || strings.HasPrefix(w, "http://") {
			words[i] = "<" + w + ">"
		}
	}
	return strings.Join(words, " ")
}

// waiting says whether a deed waits for something to be shown.
type waiting string

const (
	noWait        waiting = "no"
	waitForAnswer waiting = "answer"
)

// say posts a message and tells the app what Slack tells it.
func (p *Person) say(ctx context.Context, room, thread, text string, wait waiting) (screen.Answer, error) {
	s := p.s
	s.mu.Lock()
	r, err := p.enter(room)
	if err == nil && thread != "" && s.find(room, thread) == nil {
		err = fmt.Errorf("message %s: %w", thread, screen.ErrNotThere)
	}
	if err != nil {
		s.mu.Unlock()
		return screen.Answer{}, err
	}
	since := s.seq
	m := s.put(&message{channel: r.ID, thread: thread, user: p.id, versions: []content{{text: text}}})
	events := s.said(m)
	s.mu.Unlock()

	took, err := s.sendAll(ctx, events)
	if err != nil {
		return screen.Answer{Took: took}, err
	}
	if len(events) == 0 {
		wait = noWait // the app has not heard of it
	}
	return p.answer(ctx, since, nil, took, wait), nil
}

// sendAll delivers events at once, as they come in reality.
func (s *Server) sendAll(ctx context.Context, events []delivery) (time.Duration, error) {
	var wg sync.WaitGroup
	took, errs := make([]time.Duration, len(events)), make([]error, len(events))
	for i, e := range events {
		wg.Go(func() {
			r, err := s.send(ctx, e)
			took[i], errs[i] = r.took, err
		})
	}
	wg.Wait()
	for _, err := range errs {
		if err != nil {
			return slices.Max(took), err
		}
	}
	if len(took) == 0 {
		return 0, nil
	}
	return slices.Max(took), nil
}

// answer collects what the app showed to the person since, and waits for it a little. What
// comes through the response address of another deed does not count.
func (p *Person) answer(ctx context.Context, since int, own *hook, took time.Duration, wait waiting) screen.Answer {
	if wait == waitForAnswer {
		p.s.linger(ctx, func() bool { return p.s.shown[p.id] > since || own != nil && own.shown })
	}
	p.s.mu.Lock()
	defer p.s.mu.Unlock()
	return screen.Answer{Took: took, Toast: p.whispered(since, own)}
}

// whispered is what the app showed to the person alone since.
func (p *Person) whispered(since int, own *hook) string {
	var found []*message
	for _, list := range p.s.messages {
		for _, m := range list {
			if m.only == p.id && m.seq > since && !m.gone && (m.via == nil || m.via == own) {
				found = append(found, m)
			}
		}
	}
	sort.Slice(found, func(i, j int) bool { return found[i].seq < found[j].seq })
	var texts []string
	for _, m := range found {
		read := p.reader().read(m, len(m.versions)-1)
		texts = append(texts, read.text())
	}
	return strings.Join(texts, "\n")
}

// linger waits until something is seen, but not long.
func (s *Server) linger(ctx context.Context, seen func() bool) {
	timer := time.NewTimer(s.cfg.Linger)
	defer timer.Stop()
	for {
		s.mu.Lock()
		done, changed := seen(), s.changed
		s.mu.Unlock()
		if done {
			return
		}
		select {
		case <-changed:
		case <-timer.C:
			return
		case <-ctx.Done():
			return
		}
	}
}
