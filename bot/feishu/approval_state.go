package feishu

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"slipway/bot"
)

// instance is what Feishu tells of an approval.
type instance struct {
	Code       string       `json:"instance_code"`
	Mark       string       `json:"uuid"`
	Name       string       `json:"approval_name"`
	Definition string       `json:"approval_code"`
	From       string       `json:"open_id"` // in whose name was asked
	Status     string       `json:"status"`
	Reverted   bool         `json:"reverted"` // after it was approved
	Tasks      []taskOf     `json:"task_list"`
	Timeline   []happenedOn `json:"timeline"`
}

// taskOf is one person's part of an approval.
type taskOf struct {
	ID     string `json:"id"`
	OpenID string `json:"open_id"`
	Type   string `json:"type"` // how it is decided
	Status string `json:"status"`
	End    millis `json:"end_time"`
}

// happenedOn is something that happened to an approval.
type happenedOn struct {
	Type    string `json:"type"`
	At      millis `json:"create_time"`
	OpenID  string `json:"open_id"`
	TaskID  string `json:"task_id"`
	Comment string `json:"comment"`
}

// millis is a time in Unix milliseconds, which Feishu writes as text or as a number. One
// that cannot be read is 0: times are only shown, and hold no decision back.
type millis int64

// UnmarshalJSON takes both.
func (m *millis) UnmarshalJSON(data []byte) error {
	n, err := strconv.ParseInt(strings.Trim(string(data), `"`), 10, 64)
	if err != nil {
		n = 0
	}
	*m = millis(n)
	return nil
}

// instance asks for an instance by its code or its mark. It fails with bot.ErrGone if
// there is none.
func (a *Approvals) instance(ctx context.Context, id string) (instance, error) {
	var out struct {
		Data instance `json:"data"`
	}
	query := url.Values{"user_id_type": {"open_id"}}
	if err := a.f.call(ctx, http.MethodGet, "/open-apis/approval/v4/instances/"+url.PathEscape(id), query, nil, &out); err != nil {
		return instance{}, fmt.Errorf("read approval %s: %w", id, explain(err, cmp.Or(a.Definition, "Slipway")))
	}
	return out.Data, nil
}

// verdictOf says what Feishu's states mean. Some are told by events only, according to
// its documentation. CANCELED has one L.
var verdictOf = map[string]bot.VerdictState{
	"PENDING": bot.VerdictOpen, "OVERTIME_RECOVER": bot.VerdictOpen,
	"APPROVED": bot.VerdictApproved,
	"REJECTED": bot.VerdictRejected,
	"CANCELED": bot.VerdictWithdrawn, "CANCELLED": bot.VerdictWithdrawn, "REVERTED": bot.VerdictWithdrawn,
	"TERMINATED": bot.VerdictWithdrawn, "OVERTIME_CLOSE": bot.VerdictWithdrawn,
	"DELETED": bot.VerdictDeleted,
}

// state is how an instance stands. What is not understood is an error, never a decision.
func (i *instance) state() (bot.VerdictState, error) {
	state, ok := verdictOf[strings.ToUpper(i.Status)]
	switch {
	case !ok:
		return "", fmt.Errorf("Feishu says that it is %q, which is not understood", shorten(printable(i.Status), 40))
	case state == bot.VerdictApproved && i.Reverted:
		return bot.VerdictWithdrawn, nil
	}
	return state, nil
}

// byRule are the types of what a rule of the definition decides, in the timeline and of
// tasks. Nobody said it, whosever task it was.
var byRule = []string{"AUTO_PASS", "AUTO_REJECT", "REMOVE_REPEAT"}

// said is what people said, oldest first. The timeline has their comments; a decision
// that it lacks is among the tasks.
func (i *instance) said() []bot.Opinion {
	var said []bot.Opinion
	told := map[string]bool{} // tasks
	for _, h := range i.Timeline {
		switch {
		case slices.Contains(byRule, h.Type):
			told[h.TaskID] = true
		case h.OpenID != "" && (h.Type == "PASS" || h.Type == "REJECT"):
			told[h.TaskID] = true
			said = append(said, bot.Opinion{
				Account: h.OpenID, Approve: h.Type == "PASS", Comment: strings.TrimSpace(printable(h.Comment)), At: int64(h.At) / 1000,
			})
		}
	}
	for _, t := range i.Tasks {
		decided := t.Status == "APPROVED" || t.Status == "REJECTED"
		if decided && t.OpenID != "" && !told[t.ID] && !slices.Contains(byRule, t.Type) {
			said = append(said, bot.Opinion{Account: t.OpenID, Approve: t.Status == "APPROVED", At: int64(t.End) / 1000})
		}
	}
	slices.SortStableFunc(said, func(a, b bot.Opinion) int { return cmp.Compare(a.At, b.At) })
	return said
}

// The app ids of the approval center, as links to it name it.
const (
	feishuCenter = "cli_9cb844403dbb9108"
	larkCenter   = "cli_9c7cc8a9a9edd105"
)

// page is a link that opens an instance in the client.
func (a *Approvals) page(ref string) string {
	host, center := feishuLink, feishuCenter
	if a.f.BaseURL == larkURL {
		host, center = larkLink, larkCenter
	}
	which := "?instanceId=" + url.QueryEscape(ref)
	return host + "/client/mini_program/open?" + url.Values{
		"appId": {center}, "path": {"pages/detail/index" + which}, "path_pc": {"pc/pages/in-process/index" + which}, "mode": {"appCenter"},
	}.Encode()
}
