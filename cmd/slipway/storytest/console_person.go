package storytest

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"golang.org/x/net/html"

	"slipway/bot/screen"
)

// Rooms implements screen.Person.
func (b *browser) Rooms() []screen.Room {
	page, err := b.get(b.console.ctx, "/")
	if err != nil {
		b.trouble(err)
		return nil
	}
	var rooms []screen.Room
	for _, a := range all(page, hasClass("room")) {
		rooms = append(rooms, screen.Room{
			ID: strings.TrimPrefix(attr(a, "href"), "/rooms/"), Name: textOf(a), Direct: attr(a, "data-mark") == "@",
		})
	}
	return rooms
}

// maxPages is how far back a look into a room goes.
const maxPages = 10

// Look implements screen.Person.
func (b *browser) Look(room string) []screen.Message {
	items, err := b.items(b.console.ctx, room)
	if err != nil {
		b.trouble(err)
		return nil
	}
	list := make([]screen.Message, len(items))
	for i, li := range items {
		list[i] = readMessage(room, li)
	}
	return list
}

// items returns the messages of a room as HTML, oldest first.
func (b *browser) items(ctx context.Context, room string) ([]*html.Node, error) {
	b.console.watch(b, room)
	var list []*html.Node
	path := "/rooms/" + url.PathEscape(room)
	for range maxPages {
		page, err := b.get(ctx, path)
		if err != nil {
			return nil, err
		}
		list = append(all(page, hasClass("msg")), list...)
		older := first(page, hasClass("older"))
		if older == nil {
			break
		}
		path = attr(first(older, isTag("a")), "href")
	}
	return list, nil
}

// Thread implements screen.Person.
func (b *browser) Thread(room, message string) []screen.Message {
	items, err := b.items(b.console.ctx, room)
	if err != nil {
		b.trouble(err)
		return nil
	}
	for _, li := range items {
		if attr(li, "id") == "m-"+message {
			return readThread(room, message, li)
		}
	}
	return nil
}

// Command implements screen.Person. The console has no threads to write in.
func (b *browser) Command(ctx context.Context, room, thread, text string) (screen.Answer, error) {
	if thread != "" {
		return screen.Answer{}, fmt.Errorf("%w: nobody writes in a thread of the console", screen.ErrNotThere)
	}
	page, err := b.get(ctx, "/rooms/"+url.PathEscape(room))
	if err != nil {
		return screen.Answer{}, err
	}
	composer := first(page, hasID("composer"))
	if composer == nil {
		return screen.Answer{}, fmt.Errorf("%w: the room %s has no composer", screen.ErrNotThere, room)
	}
	form := hiddenOf(composer)
	form.Set("text", text)
	return b.post(ctx, attr(composer, "action"), form)
}

// Write implements screen.Person. All that is written in the console is for the bot.
func (b *browser) Write(ctx context.Context, room, thread, text string) (screen.Answer, error) {
	return b.Command(ctx, room, thread, text)
}

// Press implements screen.Person.
func (b *browser) Press(ctx context.Context, message screen.Message, pressed screen.Button) (screen.Answer, error) {
	items, err := b.items(ctx, message.Room)
	if err != nil {
		return screen.Answer{}, err
	}
	for _, li := range items {
		if attr(li, "id") != "m-"+message.ID {
			continue
		}
		now := readMessage(message.Room, li)
		i := slices.IndexFunc(now.Buttons, func(x screen.Button) bool { return x.Label == pressed.Label && x.Row == pressed.Row })
		if i < 0 {
			break
		}
		is := now.Buttons[i]
		is.Yes = pressed.Yes
		return b.PressSeen(ctx, now, is)
	}
	return screen.Answer{}, fmt.Errorf("%w: button %q of message %s", screen.ErrNotThere, pressed.Label, message.ID)
}

// PressSeen implements screen.Person.
func (b *browser) PressSeen(ctx context.Context, _ screen.Message, pressed screen.Button) (screen.Answer, error) {
	path, query, ok := strings.Cut(pressed.Handle, "?")
	form, err := url.ParseQuery(query)
	if !ok || err != nil || pressed.Disabled {
		return screen.Answer{}, fmt.Errorf("%w: button %q cannot be pressed", screen.ErrNotThere, pressed.Label)
	}
	if err := pressed.Answers(pressed); err != nil {
		return screen.Answer{}, err
	}
	return b.post(ctx, path, form)
}

// Form implements screen.Person.
func (b *browser) Form() *screen.Form {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.form == nil {
		return nil
	}
	return b.form.screen()
}

// Fill implements screen.Person.
func (b *browser) Fill(ctx context.Context, values map[string][]string) (screen.Answer, error) {
	b.mu.Lock()
	d := b.form
	b.mu.Unlock()
	if d == nil {
		return screen.Answer{}, fmt.Errorf("%w: no form is open", screen.ErrNotThere)
	}
	form, err := d.fill(values)
	if err != nil {
		return screen.Answer{}, err
	}
	return b.post(ctx, d.action, form)
}

// CloseForm implements screen.Person.
func (b *browser) CloseForm(context.Context) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.form == nil {
		return fmt.Errorf("%w: no form is open", screen.ErrNotThere)
	}
	b.form = nil
	return nil
}

// OpenHome implements screen.Person: `list mine open` in the person's own room stands
// for the home.
func (b *browser) OpenHome(ctx context.Context) (screen.Message, error) {
	rooms := b.Rooms()
	if len(rooms) == 0 {
		return screen.Message{}, errors.New("no rooms")
	}
	own := rooms[len(rooms)-1].ID
	if _, err := b.Command(ctx, own, "", "list mine open"); err != nil {
		return screen.Message{}, err
	}
	list := b.Look(own)
	if len(list) == 0 || !list[len(list)-1].Bot {
		return screen.Message{}, errors.New("nothing stands for the home")
	}
	return list[len(list)-1], nil
}

// Paste implements screen.Person. The console shows nothing below links.
func (b *browser) Paste(ctx context.Context, room, link string) (string, error) {
	_, err := b.Command(ctx, room, "", link)
	return "", err
}
