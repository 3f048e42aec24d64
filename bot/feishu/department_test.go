package feishu

import (
	"errors"
	"fmt"
	"testing"

	"slipway/bot"
	"slipway/bot/feishu/feishutest"
)

func TestTheMembersOfADepartment(t *testing.T) {
	t.Parallel()
	w := newWorld(t, feishutest.Config{Mode: modeSocket})
	var many []string
	for i := range 120 {
		id := fmt.Sprintf("ou_member%d", i)
		w.chat.AddUser(feishutest.User{OpenID: id})
		many = append(many, id)
	}
	w.chat.AddUser(feishutest.User{OpenID: "ou_hidden", Hidden: true})
	w.chat.AddDepartment("od-ops", wang, "ou_hidden", li)
	w.chat.AddDepartment("od-all", many...)
	w.chat.AddDepartment("od-empty")
	if got := demand[[]bot.UserRef](t)(w.Members(t.Context(), "od-ops")); len(got) != 2 || got[0] != userRef(wang) || got[1] != userRef(li) {
		t.Errorf("members: %v", got)
	}
	if got := demand[[]bot.UserRef](t)(w.Members(t.Context(), "od-all")); len(got) != len(many) || got[119] != userRef(many[119]) {
		t.Errorf("%d members in several pages", len(got))
	}
	if got := demand[[]bot.UserRef](t)(w.Members(t.Context(), "od-empty")); len(got) != 0 {
		t.Errorf("members of an empty department: %v", got)
	}
	if _, err := w.Members(t.Context(), "od-none"); !errors.Is(err, bot.ErrGone) {
		t.Errorf("no such department: %v", err)
	}
	w.chat.Faults().Fail(feishutest.OpDepartment, 40003, 9)
	if _, err := w.Members(t.Context(), "od-ops"); err == nil || errors.Is(err, bot.ErrGone) {
		t.Errorf("a fault over there: %v", err)
	}
}
