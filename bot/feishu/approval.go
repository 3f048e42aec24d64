package feishu

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"

	"slipway"
	"slipway/bot"
)

var _ bot.Approvals = (*Approvals)(nil)

// ApprovalConfig says how plans are approved in Feishu's own approval center.
type ApprovalConfig struct {
	// Definition is the code of the approval definition that is used. With "" Slipway
	// makes one for each shape of levels, when it is first asked for.
	Definition string
	// Initiator is the open id in whose name is asked, "" = the account of who asks.
	Initiator string
	// Fields names the widget of the definition's form that takes a detail, by its id or
	// its custom id. Details that are not named go together into the widget of
	// DetailRest, or the one of several lines that is left.
	Fields map[bot.DetailKey]string
	// Changed is told which instance may have changed; nil: nobody is.
	Changed func(ctx context.Context, ref string)
}

// DetailRest stands in ApprovalConfig.Fields for all details that are not named there.
const DetailRest bot.DetailKey = "rest"

// ApprovalFields are the keys of ApprovalConfig.Fields.
func ApprovalFields() []bot.DetailKey { return append(slices.Clone(detailKeys), DetailRest) }

// detailKeys are the details that a form may be told apart by.
var detailKeys = []bot.DetailKey{
	bot.DetailPlan, bot.DetailManager, bot.DetailWindow, bot.DetailSchedule, bot.DetailItems, bot.DetailDescription,
	bot.DetailRequired, bot.DetailLink,
}

// check refuses what cannot be meant. It makes no request.
func (c *ApprovalConfig) check(need func(ok bool, what string)) {
	need(!strings.ContainsAny(c.Definition, " /?#\n"), "an approval definition's code has no spaces or slashes")
	need(c.Initiator == "" || strings.HasPrefix(c.Initiator, "ou_"), fmt.Sprintf("the initiator of approvals is %q, expected an open id such as ou_0123456789abcdef", c.Initiator))
	need(c.Definition != "" || len(c.Fields) == 0, "the fields of approvals are widgets of a definition: name it, too")
	known := ApprovalFields()
	for _, key := range slices.Sorted(maps.Keys(c.Fields)) {
		need(slices.Contains(known, key), fmt.Sprintf("a field of approvals is for %q, expected one of %v", key, known))
		need(c.Fields[key] != "", fmt.Sprintf("the field of approvals for %s names no widget", key))
	}
}

// Approvals is Feishu's approval center.
type Approvals struct {
	ApprovalConfig

	f     *Feishu
	heard recent // events

	mu        sync.Mutex
	listening map[string]bool // to definitions, by code
}

// Approvals returns Feishu's approval center, nil if plans are not approved there.
func (f *Feishu) Approvals() *Approvals { return f.approvals }

// Type implements bot.Approvals.
func (a *Approvals) Type() slipway.ApprovalType { return slipway.LarkApproval }

// Create implements bot.Approvals. Feishu makes one instance of a mark.
func (a *Approvals) Create(ctx context.Context, q bot.Question) (string, error) {
	ref, err := a.create(ctx, q)
	if err == nil {
		return ref, nil
	}
	if limited := (*bot.RateLimited)(nil); !errors.As(err, &limited) {
		// Whatever is wrong now, an earlier try, or this one, may have made it: its answer was lost.
		if ref, lost := a.Find(ctx, q); lost == nil && ref != "" {
			return ref, nil
		}
	}
	return "", fmt.Errorf("ask in Feishu: %w", err)
}

func (a *Approvals) create(ctx context.Context, q bot.Question) (string, error) {
	from, nodes, err := a.people(ctx, q)
	if err != nil {
		return "", err
	}
	d, err := a.definition(ctx, nodes)
	if err != nil {
		return "", err
	}
	in, err := a.request(d, from, nodes, q)
	if err != nil {
		return "", err
	}
	a.listen(ctx, d.code)
	var out struct {
		Data struct {
			Code string `json:"instance_code"`
		} `json:"data"`
	}
	err = a.f.call(ctx, http.MethodPost, "/open-apis/approval/v4/instances", nil, in, &out)
	if err == nil && out.Data.Code == "" {
		err = errors.New("Feishu named no instance")
	}
	return out.Data.Code, explain(err, d.title())
}

// The key of the instance's title, and Feishu's way to show nothing beside it.
const (
	titleKey  = "@i18n@slipway_title"
	titleOnly = 1
)

// request is what makes an instance.
func (a *Approvals) request(d *definition, from string, nodes []askedNode, q bot.Question) (element, error) {
	chosen, err := d.assign(nodes)
	if err != nil {
		return nil, err
	}
	form, err := d.fill(a.Fields, q)
	if err != nil {
		return nil, err
	}
	return element{
		"approval_code": d.code, "open_id": from, "uuid": q.Mark, "form": string(encode(form)), "node_approver_open_id_list": chosen,
		"title": titleKey, "title_display_method": titleOnly,
		"i18n_resources": []element{{
			"locale": localeName(q.Lang), "is_default": true,
			"texts": []element{{"key": titleKey, "value": shorten(oneLine(printable(q.Title)), 100)}},
		}},
	}, nil
}

// localeName is Feishu's name of a language.
func localeName(lang slipway.Lang) string {
	if lang == slipway.Chinese {
		return "zh-CN"
	}
	return "en-US"
}

// Find implements bot.Approvals: Feishu knows an instance by its mark, too.
func (a *Approvals) Find(ctx context.Context, q bot.Question) (string, error) {
	i, err := a.instance(ctx, q.Mark)
	switch {
	case errors.Is(err, bot.ErrGone):
		return "", nil
	case err != nil:
		return "", fmt.Errorf("find what was asked in Feishu: %w", err)
	case !strings.EqualFold(i.Mark, q.Mark) || i.Code == "":
		return "", fmt.Errorf("find what was asked in Feishu: it answers %s with the instance %q of %q", q.Mark, i.Code, i.Mark)
	}
	return i.Code, nil
}

// Look implements bot.Approvals.
func (a *Approvals) Look(ctx context.Context, ref string) (bot.Verdict, error) {
	i, err := a.instance(ctx, ref)
	if err != nil {
		return bot.Verdict{}, fmt.Errorf("look up approval in Feishu: %w", err)
	}
	state, err := i.state()
	if err != nil {
		return bot.Verdict{}, fmt.Errorf("look up approval %s in Feishu: %w", ref, err)
	}
	return bot.Verdict{State: state, Said: i.said(), URL: a.page(ref)}, nil
}

// Withdraw implements bot.Approvals. Feishu lets who asked withdraw. What is over is not
// touched: withdrawing what was approved would open it again.
func (a *Approvals) Withdraw(ctx context.Context, ref string, q bot.Question, why slipway.Text) error {
	i, over, err := a.open(ctx, ref)
	if err != nil || over {
		return err
	}
	in := element{"approval_code": i.Definition, "instance_code": ref, "user_id": i.From}
	err = a.f.call(ctx, http.MethodPost, "/open-apis/approval/v4/instances/cancel", url.Values{"user_id_type": {"open_id"}}, in, nil)
	if err == nil {
		a.comment(ctx, ref, i.From, why.In(q.Lang))
		return nil
	}
	// Somebody may have been quicker, or the answer was lost.
	if _, over, looked := a.open(ctx, ref); looked == nil && over {
		return nil
	}
	return fmt.Errorf("withdraw approval in Feishu: %w", explain(err, i.Name))
}

// comment says something below an instance. It is a courtesy: nothing depends on it.
func (a *Approvals) comment(ctx context.Context, ref, from, text string) {
	if text = strings.TrimSpace(printable(text)); text == "" {
		return
	}
	in := element{"content": string(encode(element{"text": text})), "disable_bot": true}
	who := url.Values{"user_id_type": {"open_id"}, "user_id": {from}}
	if err := a.f.call(ctx, http.MethodPost, "/open-apis/approval/v4/instances/"+url.PathEscape(ref)+"/comments", who, in, nil); err != nil {
		a.f.Log.WarnContext(ctx, "approval is withdrawn without a word", "instance", ref, "error", err)
	}
}

// open looks up an instance that is to be withdrawn; over tells that it need not be.
func (a *Approvals) open(ctx context.Context, ref string) (i instance, over bool, err error) {
	i, err = a.instance(ctx, ref)
	if errors.Is(err, bot.ErrGone) {
		return i, true, nil
	}
	if err != nil {
		return i, false, fmt.Errorf("withdraw approval in Feishu: %w", err)
	}
	state, err := i.state()
	if err != nil {
		return i, false, fmt.Errorf("withdraw approval %s in Feishu: %w", ref, err)
	}
	return i, state != bot.VerdictOpen, nil
}
