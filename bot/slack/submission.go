package slack

import (
	"encoding/json"
	"strconv"
	"strings"

	"slipway/bot"
)

// view is a dialog or home page as payloads tell of it.
type view struct {
	ID              string `json:"id"`
	Type            string `json:"type"`
	Hash            string `json:"hash"`
	CallbackID      string `json:"callback_id"`
	PrivateMetadata string `json:"private_metadata"`
	Blocks          []struct {
		Type    string `json:"type"`
		BlockID string `json:"block_id"`
	} `json:"blocks"`
	State struct {
		Values map[string]map[string]input `json:"values"`
	} `json:"state"`
}

// input is what somebody filled in.
type input struct {
	Type             string   `json:"type"`
	Value            *string  `json:"value"`
	SelectedOption   *picked  `json:"selected_option"`
	SelectedOptions  []picked `json:"selected_options"`
	SelectedUser     *string  `json:"selected_user"`
	SelectedUsers    []string `json:"selected_users"`
	SelectedDateTime *int64   `json:"selected_date_time"`
}

type picked struct {
	Value string `json:"value"`
}

// values are the answers as the bot knows them. What was left empty comes as an empty
// answer, so that it differs from what was not asked.
func (in *input) values() []string {
	switch in.Type {
	case "checkboxes", "multi_static_select", "multi_external_select":
		out := []string{}
		for _, o := range in.SelectedOptions {
			out = append(out, o.Value)
		}
		return out
	case "multi_users_select":
		out := []string{}
		for _, u := range in.SelectedUsers {
			out = append(out, accountValue(u))
		}
		return out
	case "users_select":
		if in.SelectedUser != nil && *in.SelectedUser != "" {
			return []string{accountValue(*in.SelectedUser)}
		}
	case "static_select", "external_select":
		if in.SelectedOption != nil {
			return []string{in.SelectedOption.Value}
		}
	case "datetimepicker":
		if in.SelectedDateTime != nil && *in.SelectedDateTime != 0 {
			return []string{strconv.FormatInt(*in.SelectedDateTime, 10)}
		}
	default:
		if in.Value != nil {
			return []string{*in.Value}
		}
	}
	return []string{""}
}

func accountValue(account string) string { return string(bot.Slack) + ":" + account }

// submitted reads a sent form; false if it is none of ours.
func (s *Slack) submitted(i *interaction) (*occasion, bool) {
	if i.View == nil {
		return nil, false
	}
	form, ok := strings.CutPrefix(i.View.CallbackID, formPrefix)
	var from origin
	if err := json.Unmarshal([]byte(i.View.PrivateMetadata), &from); err != nil || !ok {
		return nil, false
	}
	// A form that was refused and is sent again is another event.
	id := or(i.TriggerID, i.View.ID+":"+i.View.Hash)
	o := s.occasionOf(bot.Submission, id, i.User.ID)
	o.in(from.Room, from.Msg, from.Thread)
	o.direct(from.Direct)
	o.from, o.view, o.ephemeral = from, true, from.Ephemeral
	o.event.Form, o.event.Value, o.event.Fields = bot.FormID(form), from.Value, bot.Values{}
	for name, value := range from.Hidden {
		o.event.Fields[name] = []string{value}
	}
	for _, b := range i.View.Blocks {
		if b.Type != "input" {
			continue
		}
		o.inputs = append(o.inputs, b.BlockID)
		if in, ok := i.View.State.Values[b.BlockID][inputID]; ok {
			o.event.Fields[b.BlockID] = in.values()
		}
	}
	return o, true
}
