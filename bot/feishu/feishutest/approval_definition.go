package feishutest

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"slipway/bot/standin"
)

// newDefinition is the body of approval-v4/approval/create.
type newDefinition struct {
	Name        string `json:"approval_name"`
	Code        string `json:"approval_code"`
	Description string `json:"description"`
	Viewers     []struct {
		Type       string `json:"viewer_type"`
		User       string `json:"viewer_user_id"`
		Department string `json:"viewer_department_id"`
	} `json:"viewers"`
	Form struct {
		Content  string `json:"form_content"`
		Relation string `json:"widget_relation"`
	} `json:"form"`
	Nodes    []newNode `json:"node_list"`
	Settings *struct {
		RevertInterval int `json:"revert_interval"`
		RevertOption   int `json:"revert_option"`
		RejectOption   int `json:"reject_option"`
		QuickApproval  int `json:"quick_approval_option"`
	} `json:"settings"`
	Config *struct {
		Viewer  *bool  `json:"can_update_viewer"`
		Form    *bool  `json:"can_update_form"`
		Process *bool  `json:"can_update_process"`
		Revert  *bool  `json:"can_update_revert"`
		Help    string `json:"help_url"`
	} `json:"config"`
	Icon     int          `json:"icon"`
	Texts    []i18nTexts  `json:"i18n_resources"`
	Managers []string     `json:"process_manager_ids"`
	said     i18nDefaults // of Texts
}

type newNode struct {
	ID       string `json:"id"`
	Name     string `json:"name"`
	Type     string `json:"node_type"`
	Approver []struct {
		Type  string `json:"type"`
		User  string `json:"user_id"`
		Level string `json:"level"`
	} `json:"approver"`
	Multi bool `json:"approver_chosen_multi"`
	Range []struct {
		Type string   `json:"type"`
		IDs  []string `json:"id_list"`
	} `json:"approver_chosen_range"`
	Starter string `json:"starter_assignee"`
}

// i18nTexts are texts in a language.
type i18nTexts struct {
	Locale string `json:"locale"`
	Texts  []struct {
		Key   string `json:"key"`
		Value string `json:"value"`
	} `json:"texts"`
	Default bool `json:"is_default"`
}

// i18nDefaults are the texts in the default language, by key.
type i18nDefaults map[string]string

// defaults finds the texts of the default language, which must be one and have all keys.
func defaults(all []i18nTexts) (i18nDefaults, error) {
	var found i18nDefaults
	for _, in := range all {
		if !slices.Contains([]string{"zh-CN", "en-US", "ja-JP"}, in.Locale) {
			return nil, fmt.Errorf("i18n_resources: no language is called %q", in.Locale)
		}
		texts := i18nDefaults{}
		for _, t := range in.Texts {
			if !strings.HasPrefix(t.Key, "@i18n@") || t.Value == "" {
				return nil, fmt.Errorf("i18n_resources: the key %q, or its text, is not allowed", t.Key)
			}
			texts[t.Key] = t.Value
		}
		if in.Default && found != nil {
			return nil, fmt.Errorf("i18n_resources: two languages are the default")
		}
		if in.Default {
			found = texts
		}
	}
	if found == nil {
		return nil, fmt.Errorf("i18n_resources: no language is the default")
	}
	return found, nil
}

// text returns a text of nine characters or more by its key.
func (d i18nDefaults) text(key string) (string, error) {
	if !strings.HasPrefix(key, "@i18n@") || utf8.RuneCountInString(key) < 9 {
		return "", fmt.Errorf("%q is no key of nine characters or more that begins with @i18n@", key)
	}
	text, ok := d[key]
	if !ok {
		return "", fmt.Errorf("there is no text %s in the default language", key)
	}
	return text, nil
}

// createDefinition makes a definition. approval-v4/approval/create.
func (s *Server) createDefinition(r *request) reply {
	var in newDefinition
	if refused, ok := s.strictly(r, &in); !ok {
		return refused
	}
	d, err := s.defined(&in)
	if err != nil {
		s.Violate("approval definition: %v", err)
		return badApproval("%v", err)
	}
	if in.Code != "" && s.approvals.definitions[in.Code] == nil {
		return refusal(1390002, "approval code not found")
	}
	standin.OrElse(&d.Code, newCode())
	s.approvals.definitions[d.Code] = d
	return done(map[string]any{"approval_code": d.Code, "approval_id": "7090754740375519252"})
}

// defined checks a new definition.
func (s *Server) defined(in *newDefinition) (d *ApprovalDefinition, err error) {
	if in.said, err = defaults(in.Texts); err != nil {
		return nil, err
	}
	d = &ApprovalDefinition{Code: in.Code, Status: approvalActive, made: true}
	if d.Name, err = in.said.text(in.Name); err != nil {
		return nil, fmt.Errorf("approval_name: %w", err)
	}
	if in.Description != "" {
		if _, err := in.said.text(in.Description); err != nil {
			return nil, fmt.Errorf("description: %w", err)
		}
	}
	if len(in.Viewers) == 0 || !slices.Contains([]string{"TENANT", "DEPARTMENT", "USER", "NONE"}, in.Viewers[0].Type) {
		return nil, fmt.Errorf("viewers: somebody, or NONE, is expected")
	}
	if c := in.Config; c != nil && (c.Viewer == nil || c.Form == nil || c.Process == nil || c.Revert == nil) {
		return nil, fmt.Errorf("config: all of its switches are expected")
	}
	if d.Widgets, err = in.widgets(); err != nil {
		return nil, fmt.Errorf("form: %w", err)
	}
	if d.Nodes, err = s.nodes(in); err != nil {
		return nil, fmt.Errorf("node_list: %w", err)
	}
	return d, nil
}

// widgets are those of the form. Of all types those are known that the app may use.
func (in *newDefinition) widgets() ([]ApprovalWidget, error) {
	var listed []struct {
		ID        string `json:"id"`
		CustomID  string `json:"custom_id"`
		Name      string `json:"name"`
		Type      string `json:"type"`
		Required  *bool  `json:"required"`
		Printable bool   `json:"printable"`
	}
	if err := json.Unmarshal([]byte(in.Form.Content), &listed); err != nil {
		return nil, fmt.Errorf("form_content is no list: %w", err)
	}
	var widgets []ApprovalWidget
	for _, w := range listed {
		name, err := in.said.text(w.Name)
		switch {
		case err != nil:
			return nil, err
		case w.ID == "" || slices.ContainsFunc(widgets, func(other ApprovalWidget) bool { return other.ID == w.ID }):
			return nil, fmt.Errorf("the id %q is missing or there twice", w.ID)
		case w.Required == nil:
			return nil, fmt.Errorf("%s does not say whether it is required", w.ID)
		case !slices.Contains([]string{"input", "textarea", "number", "date"}, w.Type):
			return nil, fmt.Errorf("%s is a %q, which is not known here", w.ID, w.Type)
		}
		widgets = append(widgets, ApprovalWidget{ID: w.ID, CustomID: w.CustomID, Name: name, Type: w.Type, Required: *w.Required})
	}
	if len(widgets) == 0 {
		return nil, fmt.Errorf("it has no widgets")
	}
	return widgets, nil
}

// nodes are those between the first and the last.
func (s *Server) nodes(in *newDefinition) ([]ApprovalNode, error) {
	last := len(in.Nodes) - 1
	if last < 1 || in.Nodes[0].ID != "START" || in.Nodes[last].ID != "END" {
		return nil, fmt.Errorf("START must be the first and END the last")
	}
	var nodes []ApprovalNode
	for _, n := range in.Nodes[1:last] {
		name, err := in.said.text(n.Name)
		if err != nil {
			return nil, err
		}
		node := ApprovalNode{ID: standin.Random(16), CustomID: n.ID, Name: name, Type: n.Type, One: !n.Multi}
		if !slices.Contains([]string{nodeAll, nodeAny, nodeInTurn}, n.Type) || len(n.Approver) == 0 || n.ID == "" {
			return nil, fmt.Errorf("%q has no id, no approver, or no type", n.ID)
		}
		for _, a := range n.Approver {
			switch {
			case a.Type == "Free" && a.User == "" && len(n.Approver) == 1:
			case a.Type == "Personal" && n.Type != nodeInTurn && s.users[a.User] != nil:
				node.Fixed = append(node.Fixed, a.User)
			default:
				return nil, fmt.Errorf("%s has an approver of the type %q that cannot be", n.ID, a.Type)
			}
		}
		for _, span := range n.Range {
			if span.Type == "PERSONAL" {
				node.Among = append(node.Among, span.IDs...)
			}
		}
		nodes = append(nodes, node)
	}
	return nodes, nil
}
