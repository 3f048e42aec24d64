package slacktest

import (
	"encoding/json"
	"maps"
	"slices"

	"slipway/bot/slack/blockkit"
)

// view is a modal or a home page as somebody has it open.
type view struct {
	id, user   string
	definition map[string]any // as the app sent it, with ids
	hash       string
	root, prev string
	state      map[string]map[string]any // by block id and action id
	errors     map[string]string         // by block id
	offered    map[string][]any          // options that the app answered, by block id
	versions   [][]any                   // the blocks of a home page over time
	opened     string                    // room where the form was asked for
}

func (v *view) blocks() []any {
	blocks, _ := v.definition["blocks"].([]any)
	return blocks
}

func (v *view) str(name string) string {
	s, _ := v.definition[name].(string)
	return s
}

// readView checks a view and reads it.
func (s *Server) readView(raw json.RawMessage, check func(json.RawMessage) []blockkit.Problem) (map[string]any, *refusal) {
	if problems := check(raw); problems != nil {
		return nil, problem("invalid_arguments", problems)
	}
	list, problems := readList(append(append(json.RawMessage("["), raw...), ']'))
	if problems != nil || len(list) != 1 {
		return nil, refuse("invalid_arguments")
	}
	definition, _ := list[0].(map[string]any) // checked
	blocks, _ := definition["blocks"].([]any)
	s.withIDs(blocks)
	return definition, nil
}

// define puts a definition into a view. What people typed stays where block and action
// have the same ids as before.
func (s *Server) define(v *view, definition map[string]any) {
	v.definition, v.errors, v.offered = definition, nil, map[string][]any{}
	v.hash = s.id("hash.")
	old := v.state
	v.state = map[string]map[string]any{}
	for _, in := range v.inputs() {
		value := initial(in.element)
		if before, ok := old[in.block][in.action].(map[string]any); ok && before["type"] == in.element["type"] {
			value = before
		}
		v.state[in.block] = map[string]any{in.action: value}
	}
	if definition["type"] == "home" {
		v.versions = append(v.versions, v.blocks())
	}
	s.showTo(v.user)
}

// renderView is a view as the app gets it.
func (s *Server) renderView(v *view) map[string]any {
	o := maps.Clone(v.definition)
	for _, name := range []string{"private_metadata", "callback_id", "external_id"} {
		if _, ok := o[name]; !ok {
			o[name] = ""
		}
	}
	for _, name := range []string{"title", "close", "submit"} {
		if _, ok := o[name]; !ok {
			o[name] = nil
		}
	}
	for _, name := range []string{"clear_on_close", "notify_on_close"} {
		if _, ok := o[name]; !ok {
			o[name] = false
		}
	}
	maps.Copy(o, map[string]any{
		"id": v.id, "team_id": s.cfg.Team, "app_id": s.cfg.AppID, "app_installed_team_id": s.cfg.Team, "bot_id": botID,
		"hash": v.hash, "root_view_id": v.root, "previous_view_id": nil, "state": map[string]any{"values": v.state},
	})
	if v.prev != "" {
		o["previous_view_id"] = v.prev
	}
	return o
}

func (s *Server) newModal(t *trigger, definition map[string]any) (*view, *refusal) {
	if bad := s.unusedExternal(definition, ""); bad != nil {
		return nil, bad
	}
	v := &view{id: s.id("V"), user: t.user, opened: t.room}
	v.root = v.id
	s.define(v, definition)
	return v, nil
}

// unusedExternal refuses an external_id that another open view has.
func (s *Server) unusedExternal(definition map[string]any, but string) *refusal {
	id, _ := definition["external_id"].(string)
	if id == "" {
		return nil
	}
	for _, stack := range s.modals {
		for _, v := range stack {
			if v.id != but && v.str("external_id") == id {
				return refuse("duplicate_external_id")
			}
		}
	}
	return nil
}

func (s *Server) openView(a arguments) (answer, *refusal) {
	definition, bad := s.readView(a.raw("view"), blockkit.CheckModal)
	if bad != nil {
		return nil, bad
	}
	t, bad := s.exchange(a.str("trigger_id"))
	if bad != nil {
		return nil, bad
	}
	v, bad := s.newModal(t, definition)
	if bad != nil {
		return nil, bad
	}
	s.modals[t.user] = []*view{v}
	return answer{"view": s.renderView(v)}, nil
}

func (s *Server) pushView(a arguments) (answer, *refusal) {
	definition, bad := s.readView(a.raw("view"), blockkit.CheckModal)
	if bad != nil {
		return nil, bad
	}
	t, bad := s.exchange(a.str("trigger_id"))
	if bad != nil {
		return nil, bad
	}
	stack := s.modals[t.user]
	if len(stack) == 0 {
		return nil, refuse("view_not_found")
	}
	v, bad := s.push(t, definition)
	if bad != nil {
		return nil, bad
	}
	return answer{"view": s.renderView(v)}, nil
}

// push opens a modal on top of those that are open.
func (s *Server) push(t *trigger, definition map[string]any) (*view, *refusal) {
	stack := s.modals[t.user]
	if len(stack) >= blockkit.ViewStack {
		return nil, refuse("push_limit_reached")
	}
	v, bad := s.newModal(t, definition)
	if bad != nil {
		return nil, bad
	}
	v.root, v.prev = stack[0].id, stack[len(stack)-1].id
	s.modals[t.user] = append(stack, v)
	return v, nil
}

func (s *Server) updateView(a arguments) (answer, *refusal) {
	var v *view
	for _, stack := range s.modals {
		for _, open := range stack {
			if open.id == a.str("view_id") || a.has("external_id") && open.str("external_id") == a.str("external_id") {
				v = open
			}
		}
	}
	check := blockkit.CheckModal
	for _, home := range s.homes {
		if home.id == a.str("view_id") {
			v, check = home, blockkit.CheckHome
		}
	}
	if v == nil {
		return nil, refuse("not_found")
	}
	definition, bad := s.readView(a.raw("view"), check)
	if bad != nil {
		return nil, bad
	}
	if hash := a.str("hash"); hash != "" && hash != v.hash {
		return nil, refuse("hash_conflict")
	}
	if bad := s.unusedExternal(definition, v.id); bad != nil {
		return nil, bad
	}
	s.define(v, definition)
	return answer{"view": s.renderView(v)}, nil
}

func (s *Server) publishView(a arguments) (answer, *refusal) {
	user := a.str("user_id")
	if s.users[user] == nil {
		return nil, refuse("user_not_found")
	}
	definition, bad := s.readView(a.raw("view"), blockkit.CheckHome)
	if bad != nil {
		return nil, bad
	}
	v := s.homes[user]
	if hash := a.str("hash"); hash != "" && (v == nil || hash != v.hash) {
		return nil, refuse("hash_conflict")
	}
	if v == nil {
		v = &view{id: s.id("V"), user: user}
		v.root = v.id
		s.homes[user] = v
	}
	s.define(v, definition)
	return answer{"view": s.renderView(v)}, nil
}

// top returns the modal that somebody sees, nil if none is open.
func (s *Server) top(user string) *view {
	stack := s.modals[user]
	if len(stack) == 0 {
		return nil
	}
	return stack[len(stack)-1]
}

// pop closes the modal on top.
func (s *Server) pop(v *view) {
	s.modals[v.user] = slices.DeleteFunc(s.modals[v.user], func(open *view) bool { return open == v })
	s.change()
}
