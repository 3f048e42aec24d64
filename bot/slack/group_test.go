package slack

import (
	"errors"
	"slices"
	"testing"

	"slipway/bot"
)

func TestTheMembersOfAUserGroup(t *testing.T) {
	t.Parallel()
	w := newWorld(t, overHTTP)
	w.AddUserGroup("S0OPS", "U0ANN", "U0BOB")
	for _, group := range []string{"S0OPS", "@s0ops", "@S0OPS"} {
		refs, err := w.slack.Members(t.Context(), group)
		if want := []bot.UserRef{user("U0ANN"), user("U0BOB")}; err != nil || !slices.Equal(refs, want) {
			t.Errorf("%s: %v, %v", group, refs, err)
		}
	}
	for _, group := range []string{"S0NONE", "@none"} {
		if _, err := w.slack.Members(t.Context(), group); !errors.Is(err, bot.ErrGone) {
			t.Errorf("%s: %v", group, err)
		}
	}
}
