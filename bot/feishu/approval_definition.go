package feishu

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"slipway"
)

// definition is an approval definition: a form and a process.
type definition struct {
	Name   string        `json:"approval_name"`
	Status string        `json:"status"`
	Form   string        `json:"form"` // JSON
	Nodes  []definedNode `json:"node_list"`

	code    string
	widgets []widget
}

// definedNode is a step of a process.
type definedNode struct {
	ID       string `json:"node_id"`
	CustomID string `json:"custom_node_id"`
	Name     string `json:"name"`
	Type     string `json:"node_type"`
	// Free tells that its approvers are chosen by who asks; those of other nodes are fixed.
	Free  bool `json:"need_approver"`
	Multi bool `json:"approver_chosen_multi"`
	Range []struct {
		Type int      `json:"approver_range_type"`
		IDs  []string `json:"approver_range_ids"`
	} `json:"approver_chosen_range"`
}

// The types of nodes, and of a range of approvers.
const (
	nodeAll      = "AND"
	nodeAny      = "OR"
	nodeInTurn   = "SEQUENTIAL" // all of them, one after another
	nodeInformed = "CC_NODE"
	rangePeople  = 2
)

// The states of a definition.
const (
	definitionActive  = "ACTIVE"
	definitionDeleted = "DELETED"
)

// title is what people know the definition by.
func (d *definition) title() string {
	if d.Name == "" {
		return d.code
	}
	return fmt.Sprintf("“%s” (%s)", shorten(oneLine(printable(d.Name)), 60), d.code)
}

// errNoDefinition says that a definition is not there (any more).
var errNoDefinition = errors.New("no such approval definition")

// read asks for a definition. It fails with errNoDefinition if it is gone.
func (a *Approvals) read(ctx context.Context, code string) (*definition, error) {
	var out struct {
		Data definition `json:"data"`
	}
	err := a.f.call(ctx, http.MethodGet, "/open-apis/approval/v4/approvals/"+url.PathEscape(code), url.Values{"user_id_type": {"open_id"}}, nil, &out)
	if refusedWith(err, codeNoDefinition, codeDeleted) {
		return nil, fmt.Errorf("%w: %w", errNoDefinition, explain(err, code))
	}
	if err != nil {
		return nil, fmt.Errorf("read approval definition %s: %w", code, explain(err, code))
	}
	d := out.Data
	d.code = code
	if d.Status == definitionDeleted {
		return nil, fmt.Errorf("%w: %w", errNoDefinition, explain(&apiError{Status: http.StatusBadRequest, Code: codeDeleted, Msg: "it is deleted"}, code))
	}
	if err := json.Unmarshal([]byte(d.Form), &d.widgets); err != nil {
		return nil, fmt.Errorf("read the form of approval definition %s: %w", code, err)
	}
	return &d, nil
}

// definition returns the one to ask with: the chosen one, if it can be used, or one that
// Slipway makes.
func (a *Approvals) definition(ctx context.Context, nodes []askedNode) (*definition, error) {
	if a.Definition == "" {
		return a.made(ctx, nodes)
	}
	d, err := a.read(ctx, a.Definition)
	if err != nil {
		return nil, err
	}
	return d, d.usable(a.Fields)
}

// usable refuses, with all problems at once, a definition that cannot be used as it is.
func (d *definition) usable(fields fieldMap) error {
	if d.Status != definitionActive {
		return explain(&apiError{Status: http.StatusBadRequest, Code: codeInactive, Msg: "its status is " + d.Status}, d.title())
	}
	if _, problems := d.layout(fields); len(problems) > 0 {
		return slipway.Refuse(slipway.Unfit, "The approval definition %[1]s cannot be used as it is set up: %[2]s",
			"审批定义 %[1]s 无法按当前设置使用：%[2]s", d.title(), sentences(problems))
	}
	return nil
}

func sentences(of []slipway.Text) slipway.Text {
	var en, zh []string
	for _, t := range of {
		en, zh = append(en, t.EN), append(zh, t.ZH)
	}
	return slipway.Text{EN: strings.Join(en, " "), ZH: strings.Join(zh, "")}
}

// free are the nodes that somebody must be chosen for.
func (d *definition) free() []definedNode {
	return slices.DeleteFunc(slices.Clone(d.Nodes), func(n definedNode) bool { return !n.Free || n.Type == nodeInformed })
}

// assign says who approves at which node. Fixed nodes are Feishu's own affair; all others
// must be those that are asked for.
func (d *definition) assign(nodes []askedNode) ([]element, error) {
	free := d.free()
	fits := len(free) == len(nodes)
	for i := 0; fits && i < len(nodes); i++ {
		fits = free[i].takes(nodes[i])
	}
	if !fits {
		return nil, slipway.Refuse(slipway.Unfit,
			"The approval definition %[1]s has other levels than the plan: %[2]s there, %[3]s in the plan. Change the approvers of the plan, or ask an administrator of Slipway to name another definition.",
			"审批定义 %[1]s 的审批级别与发布计划不一致：审批定义为 %[2]s，发布计划为 %[3]s。请修改发布计划的审批人，或联系 Slipway 管理员改用其他审批定义。",
			d.title(), stepsThere(free), stepsAsked(nodes))
	}
	chosen := make([]element, len(nodes))
	for i, n := range nodes {
		if err := free[i].admits(n, d.title()); err != nil {
			return nil, err
		}
		chosen[i] = element{"key": free[i].key(), "value": n.accounts}
	}
	return chosen, nil
}

func (n definedNode) key() string {
	if n.ID == "" {
		return n.CustomID
	}
	return n.ID
}

// takes tells whether a node decides as it is asked for. With one approver every node is
// the same.
func (n definedNode) takes(asked askedNode) bool {
	switch {
	case len(asked.accounts) == 1:
		return true
	case asked.all:
		return n.Type == nodeAll || n.Type == nodeInTurn
	}
	return n.Type == nodeAny
}

// admits refuses approvers that a node does not let anybody choose.
func (n definedNode) admits(asked askedNode, definition string) error {
	if !n.Multi && len(asked.accounts) > 1 {
		return slipway.Refuse(slipway.Unfit,
			"The node “%[1]s” of the approval definition %[2]s takes one approver, but the plan names %[3]d there. Let it take several, or change the approvers of the plan.",
			"审批定义 %[2]s 的节点“%[1]s”只能选择一名审批人，而发布计划指定了 %[3]d 人。请在审批定义中允许多选，或修改发布计划的审批人。",
			n.Name, definition, len(asked.accounts))
	}
	for i, account := range asked.accounts {
		for _, r := range n.Range {
			if r.Type == rangePeople && !slices.Contains(r.IDs, account) {
				return slipway.Refuse(slipway.Unfit,
					"%[1]s is not among those who may be chosen at the node “%[2]s” of the approval definition %[3]s. Widen its range, or change the approvers of the plan.",
					"%[1]s 不在审批定义 %[3]s 的节点“%[2]s”的可选审批人范围内。请扩大范围，或修改发布计划的审批人。",
					asked.names[i], n.Name, definition)
			}
		}
	}
	return nil
}

// What steps are called in a sentence.
var (
	stepAny    = slipway.T("any of several", "或签")
	stepAll    = slipway.T("all of several", "会签")
	stepInTurn = slipway.T("all of several in turn", "依次审批")
	stepOne    = slipway.T("one person", "单人审批")
	stepNone   = slipway.T("no level that people are chosen for", "没有需要自选审批人的节点")
)

func stepsThere(nodes []definedNode) slipway.Text {
	words := map[string]slipway.Text{nodeAll: stepAll, nodeAny: stepAny, nodeInTurn: stepInTurn}
	steps := make([]slipway.Text, len(nodes))
	for i, n := range nodes {
		word, ok := words[n.Type]
		if !ok {
			word = slipway.T(n.Type, n.Type)
		}
		steps[i] = word
	}
	return numbered(steps)
}

func stepsAsked(nodes []askedNode) slipway.Text {
	steps := make([]slipway.Text, len(nodes))
	for i, n := range nodes {
		switch {
		case len(n.accounts) == 1:
			steps[i] = stepOne
		case n.all:
			steps[i] = stepAll
		default:
			steps[i] = stepAny
		}
	}
	return numbered(steps)
}

func numbered(steps []slipway.Text) slipway.Text {
	if len(steps) == 0 {
		return stepNone
	}
	for i, s := range steps {
		steps[i] = slipway.T("%d. %s", "%d.%s", i+1, s)
	}
	return slipway.JoinTexts(steps)
}
