package slack

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"

	"github.com/slack-go/slack"

	"slipway"
	"slipway/bot"
	"slipway/bot/slack/blockkit"
)

// The shortcuts of the manifest.
const (
	shortcutNew  = "new_plan"          // from anywhere
	shortcutFrom = "plan_from_message" // on a message
)

// interaction is something that somebody pressed, chose or sent.
type interaction struct {
	Type        string `json:"type"`
	TriggerID   string `json:"trigger_id"`
	ResponseURL string `json:"response_url"`
	CallbackID  string `json:"callback_id"`
	User        struct {
		ID string `json:"id"`
	} `json:"user"`
	Channel struct {
		ID string `json:"id"`
	} `json:"channel"`
	Container struct {
		MessageTS   string `json:"message_ts"`
		ThreadTS    string `json:"thread_ts"`
		ChannelID   string `json:"channel_id"`
		IsEphemeral bool   `json:"is_ephemeral"`
		IsAppUnfurl bool   `json:"is_app_unfurl"`
	} `json:"container"`
	Message struct {
		TS       string `json:"ts"`
		ThreadTS string `json:"thread_ts"`
		Text     string `json:"text"`
	} `json:"message"`
	Actions []struct {
		ActionID       string `json:"action_id"`
		Value          string `json:"value"`
		SelectedOption *struct {
			Value string `json:"value"`
		} `json:"selected_option"`
	} `json:"actions"`
	View  *view  `json:"view"`
	Value string `json:"value"`    // typed into a menu
	Block string `json:"block_id"` // of that menu
}

// readInteraction reads what somebody did. What is of no interest makes no occasion.
func (s *Slack) readInteraction(ctx context.Context, payload []byte, me identity) ([]*occasion, bool) {
	var i interaction
	if err := json.Unmarshal(payload, &i); err != nil || i.User.ID == "" {
		return nil, false
	}
	var o *occasion
	switch i.Type {
	case "block_actions":
		o = s.clicked(ctx, &i)
	case "view_submission":
		var known bool
		if o, known = s.submitted(&i); !known {
			return nil, false
		}
	case "shortcut":
		if i.CallbackID != shortcutNew {
			return nil, false
		}
		o = s.occasionOf(bot.Command, i.TriggerID, i.User.ID)
		o.event.Text = slipway.T("new", "新建").EN
		o.opens(i.TriggerID)
	case "message_action":
		if i.CallbackID != shortcutFrom {
			return nil, false
		}
		o = s.occasionOf(bot.Shortcut, i.TriggerID, i.User.ID)
		o.replyURL = i.ResponseURL
		o.in(i.Channel.ID, i.Message.TS, i.Message.ThreadTS)
		o.direct(s.isDirect(ctx, i.Channel.ID, i.User.ID))
		o.opens(i.TriggerID)
		o.event.Text = typed(i.Message.Text, me)
	case "view_closed", "interactive_message":
	default:
		return nil, false
	}
	if o == nil {
		return nil, true
	}
	return []*occasion{o}, o.event.ID != ""
}

// clicked reads a click on a button or an entry of a menu; nil if nothing follows from it.
func (s *Slack) clicked(ctx context.Context, i *interaction) *occasion {
	if len(i.Actions) == 0 || i.View != nil && i.View.Type == string(slack.VTModal) {
		return nil
	}
	pick := i.Actions[0]
	option := ""
	if pick.SelectedOption != nil {
		option = pick.SelectedOption.Value
	}
	action, value, ok := pressed(pick.ActionID, pick.Value, option)
	if !ok {
		return nil
	}
	o := s.occasionOf(bot.Click, i.TriggerID, i.User.ID)
	o.event.Action, o.event.Value, o.replyURL = action, value, i.ResponseURL
	o.ephemeral, o.unfurled = i.Container.IsEphemeral, i.Container.IsAppUnfurl
	o.from.Home = i.View != nil
	o.in(or(i.Container.ChannelID, i.Channel.ID), or(i.Container.MessageTS, i.Message.TS), or(i.Container.ThreadTS, i.Message.ThreadTS))
	o.from.Ephemeral = o.ephemeral || o.unfurled
	o.direct(s.isDirect(ctx, o.event.Room.ID, i.User.ID))
	o.opens(i.TriggerID)
	return o
}

// suggest answers what can be chosen in a menu while somebody types.
func (s *Slack) suggest(ctx context.Context, payload []byte) answer {
	var i interaction
	h := s.handler.Load()
	if err := json.Unmarshal(payload, &i); err != nil {
		return wrong
	}
	if h == nil {
		return notNow
	}
	options := []*slack.OptionBlockObject{}
	var search func(context.Context, string) ([]bot.Option, error)
	if people, ok := (*h).(bot.Chooser); ok {
		search = people.People
	}
	if sprints, ok := (*h).(bot.SprintChooser); ok && i.Block == bot.SprintsField {
		search = sprints.Sprints
	}
	if search != nil {
		found, err := search(ctx, strings.TrimSpace(i.Value))
		if err != nil {
			s.Log.WarnContext(ctx, "list choices for slack", "field", i.Block, "error", err)
			return notNow
		}
		options, _ = optionsOf(found[:min(len(found), blockkit.SuggestedOptions)])
	}
	return answer{status: http.StatusOK, body: map[string]any{"options": options}}
}
