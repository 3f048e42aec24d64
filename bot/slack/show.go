package slack

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/slack-go/slack"

	"slipway/bot"
)

// Update implements bot.Platform.
func (s *Slack) Update(ctx context.Context, ref bot.MsgRef, c bot.Card) error {
	m := render(c)
	err := s.call(ctx, "chat.update", "", func(ctx context.Context) error {
		_, _, _, err := s.api.UpdateMessageContext(ctx, ref.Room.ID, ref.ID, slack.MsgOptionText(m.Text, false), slack.MsgOptionBlocks(m.Blocks...))
		return err
	})
	if err != nil {
		return fmt.Errorf("update message: %w", err)
	}
	return nil
}

// Whisper implements bot.Whisperer. In a direct conversation, and where the person is not
// in the room, it is a direct message.
func (s *Slack) Whisper(ctx context.Context, in bot.RoomRef, to bot.UserRef, c bot.Card) error {
	return s.whisper(ctx, bot.MsgRef{Room: in}, to.ID, render(c), "")
}

// whisper shows a message to one person, in the thread that at names if it names one.
func (s *Slack) whisper(ctx context.Context, at bot.MsgRef, to string, m message, key string) error {
	room, thread := at.Room.ID, at.Thread
	alone := room == "" || strings.HasPrefix(room, "D")
	if room == "" {
		room = to
	}
	send := func(ctx context.Context) (bot.MsgRef, error) {
		if alone {
			return s.send(ctx, room, thread, key, m)
		}
		ref, err := s.ephemeral(ctx, room, thread, to, m)
		if errors.Is(err, bot.ErrGone) || slices.Contains(outsideCodes, codeOf(err)) {
			return s.send(ctx, to, "", key, m)
		}
		return ref, err
	}
	_, err := s.once(ctx, key, posting{send: send})
	return err
}

// outsideCodes say that somebody cannot see a room.
var outsideCodes = []string{"user_not_in_channel", "restricted_action", "not_in_channel"}

func (s *Slack) ephemeral(ctx context.Context, room, thread, to string, m message) (bot.MsgRef, error) {
	options := contents(m)
	if thread != "" {
		options = append(options, slack.MsgOptionTS(thread))
	}
	ref := bot.MsgRef{Room: roomRef(room), Thread: thread}
	err := s.call(ctx, "chat.postEphemeral", room, func(ctx context.Context) (err error) {
		ref.ID, err = s.api.PostEphemeralContext(ctx, room, to, options...)
		return err
	})
	return ref, err
}

// toastMessage shows a toast as a message for one person.
func toastMessage(t bot.Toast) message {
	mark := map[bot.ToastKind]string{bot.ToastDone: "✅ ", bot.ToastInfo: "ℹ️ ", bot.ToastRefused: "⚠️ "}[t.Kind]
	return render(bot.Card{Summary: mark + t.Text})
}

// SetHome implements bot.Homer.
func (s *Slack) SetHome(ctx context.Context, u bot.UserRef, c bot.Card) error {
	err := s.call(ctx, "views.publish", "", func(ctx context.Context) error {
		_, err := s.api.PublishViewContext(ctx, slack.PublishViewContextRequest{UserID: u.ID, View: renderHome(c)})
		return err
	})
	if err != nil {
		return fmt.Errorf("set home page: %w", err)
	}
	return nil
}

// OpenForm implements bot.Former.
func (s *Slack) OpenForm(ctx context.Context, t bot.Trigger, f bot.Form) error {
	id, data, _ := strings.Cut(string(t), " ")
	var from origin
	if data != "" {
		if err := json.Unmarshal([]byte(data), &from); err != nil {
			return fmt.Errorf("read trigger: %w", err)
		}
	}
	view, err := s.modalOf(ctx, f, from)
	if err != nil {
		return err
	}
	err = s.call(ctx, "views.open", "", func(ctx context.Context) error {
		_, err := s.api.OpenViewContext(ctx, id, view)
		return err
	})
	if err != nil {
		return fmt.Errorf("open form %s: %w", f.ID, err)
	}
	return nil
}

// trigger is what OpenForm needs: Slack's own trigger, and where it came from.
func trigger(id string, from origin) bot.Trigger {
	if id == "" {
		return ""
	}
	data, err := json.Marshal(from)
	if err != nil {
		return bot.Trigger(id)
	}
	return bot.Trigger(id + " " + string(data))
}

// modalOf makes the dialog of a form, with the accounts of the people in it.
func (s *Slack) modalOf(ctx context.Context, f bot.Form, from origin) (slack.ModalViewRequest, error) {
	accounts := map[string]string{}
	picks := slices.ContainsFunc(f.Fields, func(f bot.Field) bool {
		return (f.Kind == bot.PersonField || f.Kind == bot.PeopleField) && len(f.Value) > 0
	})
	if picks {
		users, err := s.Store.Users(ctx)
		if err != nil {
			return slack.ModalViewRequest{}, fmt.Errorf("find accounts: %w", err)
		}
		for _, u := range users {
			accounts[u.ID] = u.SlackID
		}
	}
	return s.modal(f, from, accounts)
}

// Permalink implements bot.Linker.
func (s *Slack) Permalink(ctx context.Context, m bot.MsgRef) (string, error) {
	var link string
	err := s.call(ctx, "chat.getPermalink", "", func(ctx context.Context) (err error) {
		link, err = s.api.GetPermalinkContext(ctx, &slack.PermalinkParameters{Channel: m.Room.ID, Ts: m.ID})
		return err
	})
	if err != nil {
		return "", fmt.Errorf("find address of message: %w", err)
	}
	return link, nil
}

// composed begins the id of a "message" that is still being written.
const composed = "composer:"

// Unfurl implements bot.Unfurler.
func (s *Slack) Unfurl(ctx context.Context, m bot.MsgRef, link string, c bot.Card) error {
	shown := map[string]slack.Attachment{link: {Color: paint(c.State), Blocks: slack.Blocks{BlockSet: layOut(c, unfurlSpace)}}}
	err := s.call(ctx, "chat.unfurl", "", func(ctx context.Context) (err error) {
		if id, ok := strings.CutPrefix(m.ID, composed); ok {
			_, _, _, err = s.api.UnfurlMessageByIDContext(ctx, id, "composer", shown)
		} else {
			_, _, _, err = s.api.UnfurlMessageContext(ctx, m.Room.ID, m.ID, shown)
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("unfurl link: %w", err)
	}
	return nil
}

// paint is the bar beside an unfurled card.
func paint(st *bot.State) string {
	if st == nil {
		return ""
	}
	return map[bot.Colour]string{bot.Grey: "#8d8d8d", bot.Blue: "#1d6fd1", bot.Amber: "#d99a00", bot.Green: "#2a9d4a", bot.Red: "#d1312f"}[st.Colour]
}

// hookHosts are where Slack's own response URLs are.
var hookHosts = []string{"hooks.slack.com", "hooks.slack-gov.com"}

// mayAnswerTo tells whether an address is one that Slack gives for answers. Anything else
// would let a forger make Slipway call addresses of their choice.
func (s *Slack) mayAnswerTo(address string) bool {
	u, err := url.Parse(address)
	if err != nil || u.User != nil {
		return false
	}
	if s.APIURL == slack.APIURL {
		return u.Scheme == "https" && slices.Contains(hookHosts, u.Host)
	}
	api, err := url.Parse(s.APIURL)
	return err == nil && u.Scheme == api.Scheme && u.Host == api.Host || u.Scheme == "https" && slices.Contains(hookHosts, u.Host)
}

// hookMessage is what a response URL takes.
type hookMessage struct {
	message
	ResponseType string `json:"response_type"`
	Replace      bool   `json:"replace_original"`
	Thread       string `json:"thread_ts,omitempty"`
}

// hook posts to a response URL.
func (s *Slack) hook(ctx context.Context, address string, m hookMessage) error {
	if !s.mayAnswerTo(address) {
		return errForeignHook
	}
	data, err := json.Marshal(m)
	if err != nil {
		return fmt.Errorf("marshal answer: %w", err)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, address, bytes.NewReader(data))
	if err != nil {
		return fmt.Errorf("answer over response_url: %w", safe(err))
	}
	req.Header.Set("Content-Type", "application/json; charset=utf-8")
	res, err := s.Client.Do(req)
	if err != nil {
		return fmt.Errorf("answer over response_url: %w", safe(err))
	}
	defer func() { _ = res.Body.Close() }() // nothing more is read from it
	if res.StatusCode == http.StatusTooManyRequests {
		after, err := time.ParseDuration(res.Header.Get("Retry-After") + "s")
		if err != nil {
			after = busyTime
		}
		return &bot.RateLimited{After: after}
	}
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("answer over response_url: %w", slack.StatusCodeError{Code: res.StatusCode, Status: res.Status})
	}
	return nil
}

var errForeignHook = errors.New("the response_url is not one of Slack's")
