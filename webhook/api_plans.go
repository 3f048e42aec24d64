package webhook

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"slipway"
	"slipway/commands"
	"slipway/storage"
)

func (h *handler) createPlan(w http.ResponseWriter, r *http.Request, u *slipway.User) error {
	a, err := ask(r, u, 0)
	if err != nil {
		return err
	}
	doc, err := h.document(w, r)
	if err != nil {
		return err
	}
	out, err := h.Commands.Create(r.Context(), a, doc)
	if err != nil {
		return err
	}
	return h.created(w, r, u, out.Plan)
}

func (h *handler) copyPlan(w http.ResponseWriter, r *http.Request, u *slipway.User) error {
	p, err := h.Commands.Find(r.Context(), r.PathValue("id"))
	if err != nil {
		return err
	}
	a, err := ask(r, u, 0)
	if err != nil {
		return err
	}
	f, err := readVerb(w, r)
	if err != nil {
		return err
	}
	f.only("name", "comment")
	name := f.text("name", slipway.MaxName)
	f.text("comment", slipway.MaxComment)
	if err := f.err(); err != nil {
		return err
	}
	out, err := h.Commands.Copy(r.Context(), a, p.ID, name)
	if err != nil {
		return err
	}
	return h.created(w, r, u, out.Plan)
}

func (h *handler) created(w http.ResponseWriter, r *http.Request, u *slipway.User, p *slipway.Plan) error {
	w.Header().Set("Location", "/api/v1/plans/"+p.ID)
	return h.answer(w, r, u, http.StatusCreated, p)
}

func (h *handler) showPlan(w http.ResponseWriter, r *http.Request, u *slipway.User) error {
	p, err := h.Commands.Find(r.Context(), r.PathValue("id"))
	if err != nil {
		return err
	}
	return h.answer(w, r, u, http.StatusOK, p)
}

// replacePlan puts a document in the place of the one that If-Match names.
func (h *handler) replacePlan(w http.ResponseWriter, r *http.Request, u *slipway.User) error {
	p, err := h.Commands.Find(r.Context(), r.PathValue("id"))
	if err != nil {
		return err
	}
	version, err := ifMatch(r)
	if err != nil {
		return err
	}
	a, err := ask(r, u, version)
	if err != nil {
		return err
	}
	doc, err := h.document(w, r)
	if err != nil {
		return err
	}
	out, err := h.Commands.Replace(r.Context(), a, p.ID, doc)
	if err != nil {
		return err
	}
	return h.answer(w, r, u, http.StatusOK, out.Plan)
}

func (h *handler) document(w http.ResponseWriter, r *http.Request) (commands.Document, error) {
	body, err := readBody(w, r)
	if err != nil {
		return commands.Document{}, err
	}
	return h.Commands.ParseDocument(r.Context(), body)
}

func (h *handler) viewer(r *http.Request, u *slipway.User) viewer {
	return viewer{user: u, lang: language(r), rules: h.Rules(), now: h.Now()}
}

// answer shows a plan, with what is known of its runs by now, and warnings if there are any.
func (h *handler) answer(w http.ResponseWriter, r *http.Request, u *slipway.User, status int, p *slipway.Plan, warnings ...warningBody) error {
	if slices.ContainsFunc(p.Items, func(it *slipway.Item) bool { return it.Status == slipway.Running }) {
		runs, err := h.Store.Runs(r.Context(), p.ID)
		if err != nil {
			return fmt.Errorf("show plan: %w", err)
		}
		p = p.Clone()
		freshen(p, runs)
	}
	w.Header().Set("ETag", strconv.Quote(strconv.FormatInt(p.Version, 10)))
	v, err := h.viewer(r, u), error(nil)
	if v.times, err = h.Commands.Times(r.Context(), p); err != nil {
		return fmt.Errorf("show plan: %w", err)
	}
	b := v.plan(p)
	b.Warnings = warnings
	writeJSON(w, status, b)
	return nil
}

// planVerb is a verb of plans: a request, the plan's id and a comment.
type planVerb func(context.Context, commands.Ask, string, string) (storage.Outcome, error)

// planVerbs are the verbs of plans that have a path of their own. Every one takes a
// comment; those that do nothing more with it keep it in the log.
func (h *handler) planVerbs() map[slipway.Verb]planVerb {
	c := h.Commands
	logged := func(do func(context.Context, commands.Ask, string) (storage.Outcome, error)) planVerb {
		return func(ctx context.Context, a commands.Ask, planID, comment string) (storage.Outcome, error) {
			a.Comment = comment
			return do(ctx, a, planID)
		}
	}
	return map[slipway.Verb]planVerb{
		slipway.VerbSubmit: logged(c.Submit), slipway.VerbStart: logged(c.Start),
		slipway.VerbApprove: c.Approve, slipway.VerbReject: c.Reject, slipway.VerbWithdraw: c.Withdraw, slipway.VerbRemind: logged(c.Remind), slipway.VerbReplan: c.Replan,
		slipway.VerbCancel: c.Cancel, slipway.VerbOverride: c.Override,
	}
}

func (h *handler) planVerb(verb slipway.Verb, do planVerb) personAction {
	return func(w http.ResponseWriter, r *http.Request, u *slipway.User) error {
		id, _, err := h.Commands.Refer(r.Context(), r.PathValue("id"), "")
		if err != nil {
			return err
		}
		a, comment, err := readAsk(w, r, u, "comment")
		if err != nil {
			return err
		}
		out, err := do(r.Context(), a, id, comment)
		if err != nil {
			return err
		}
		if verb == slipway.VerbSubmit {
			return h.answer(w, r, u, http.StatusOK, out.Plan, h.warnings(r.Context(), out.Plan, language(r))...)
		}
		return h.answer(w, r, u, http.StatusOK, out.Plan)
	}
}

// itemVerb is a verb of items: a request, the plan's id, the item's id and a remark.
type itemVerb func(ctx context.Context, a commands.Ask, planID, itemID, remark string) (storage.Outcome, error)

func (h *handler) itemVerbs() map[slipway.Verb]itemVerb {
	c := h.Commands
	logged := func(do func(context.Context, commands.Ask, string, string) (storage.Outcome, error)) itemVerb {
		return func(ctx context.Context, a commands.Ask, planID, itemID, remark string) (storage.Outcome, error) {
			a.Comment = remark
			return do(ctx, a, planID, itemID)
		}
	}
	return map[slipway.Verb]itemVerb{
		slipway.VerbExecute: logged(c.Execute), slipway.VerbComplete: c.Complete, slipway.VerbSkip: c.Skip,
	}
}

func (h *handler) itemVerb(do itemVerb) personAction {
	return func(w http.ResponseWriter, r *http.Request, u *slipway.User) error {
		id, item, err := h.Commands.Refer(r.Context(), r.PathValue("id"), r.PathValue("job"))
		if err != nil {
			return err
		}
		a, remark, err := readAsk(w, r, u, "remark")
		if err != nil {
			return err
		}
		out, err := do(r.Context(), a, id, item, remark)
		if err != nil {
			return renamed(err, "comment", "remark")
		}
		return h.answer(w, r, u, http.StatusOK, out.Plan)
	}
}

// readAsk reads the body of a verb: what is said, under the name of its field, and
// the version of the plan that the person saw.
func readAsk(w http.ResponseWriter, r *http.Request, u *slipway.User, field string) (commands.Ask, string, error) {
	f, err := readVerb(w, r)
	if err != nil {
		return commands.Ask{}, "", err
	}
	f.only(field, "version")
	said, version := f.text(field, slipway.MaxComment), f.version("version")
	if err := f.err(); err != nil {
		return commands.Ask{}, "", err
	}
	a, err := ask(r, u, version)
	return a, said, err
}

// renamed returns an error whose problems name a field as this API does.
func renamed(err error, from, to string) error {
	var e *slipway.Error
	if !errors.As(err, &e) || len(e.Problems) == 0 {
		return err
	}
	c := *e
	c.Problems = slices.Clone(e.Problems)
	for i := range c.Problems {
		if c.Problems[i].Path == from {
			c.Problems[i].Path = to
		}
	}
	return &c
}

func (h *handler) listPlans(w http.ResponseWriter, r *http.Request, u *slipway.User) error {
	filter, err := h.filter(r, u)
	if err != nil {
		return err
	}
	page, err := h.Store.Plans(r.Context(), filter)
	if err != nil {
		return atCursor(err)
	}
	v := h.viewer(r, u)
	answer := struct {
		Plans []planBody `json:"plans"`
		Total int64      `json:"total"`
		Next  string     `json:"next_cursor"`
	}{Plans: []planBody{}, Total: page.Total, Next: page.Next}
	for _, p := range page.Rows {
		answer.Plans = append(answer.Plans, v.row(p))
	}
	writeJSON(w, http.StatusOK, answer)
	return nil
}

// The sizes of pages.
const (
	defaultLimit = 50
	maxLimit     = 200
)

// filter reads the parameters of a list; everything wrong with them at once.
func (h *handler) filter(r *http.Request, u *slipway.User) (storage.Filter, error) {
	q := readQuery(r, "status", "q", "manager", "window_from", "window_to", "limit", "cursor")
	f := storage.Filter{
		Text: q.one("q"), WindowFrom: q.time("window_from"), WindowTo: q.time("window_to"),
		Limit: int(q.number("limit", 1, maxLimit, defaultLimit)), Cursor: q.one("cursor"),
	}
	for word := range strings.SplitSeq(strings.Join(q.values["status"], ","), ",") {
		if word = strings.TrimSpace(word); word == "" {
			continue
		}
		s, ok := slipway.ParseStatus(word)
		if !ok {
			q.Add("status", "%q is not a status; the statuses: %s", "%q 不是有效的状态；可用：%s", cutText(word, 60), statusWords())
		}
		f.Statuses = append(f.Statuses, s)
	}
	switch who := q.one("manager"); who {
	case "":
	case "me":
		f.ManagerID = u.ID
	default:
		m, err := h.Commands.FindUser(r.Context(), who)
		if slipway.CodeOf(err) == slipway.Internal {
			return f, fmt.Errorf("list plans: %w", err)
		}
		if err != nil {
			q.Append(slipway.Problem{Path: "manager", Text: slipway.TextOf(err)})
		} else {
			f.ManagerID = m.ID
		}
	}
	if f.WindowFrom != 0 && f.WindowTo != 0 && f.WindowTo < f.WindowFrom {
		q.Add("window_to", "must not be before window_from", "不能早于 window_from")
	}
	return f, q.err()
}

func statusWords() string {
	words := make([]string, 0, len(slipway.Statuses()))
	for _, s := range slipway.Statuses() {
		words = append(words, string(s))
	}
	return strings.Join(words, ", ")
}

// atCursor gives the refusal of a cursor its place.
func atCursor(err error) error {
	var e *slipway.Error
	if !errors.As(err, &e) || e.Code != slipway.Invalid || len(e.Problems) > 0 {
		return err
	}
	c := *e
	c.Problems = []slipway.Problem{{Path: "cursor", Text: e.Text}}
	return &c
}
