package slipway

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestEveryVerbInEveryStatusByEveryRole tries all of them and holds the outcome
// against the table of moves.
func TestEveryVerbInEveryStatusByEveryRole(t *testing.T) {
	t.Parallel()
	people := map[string]Actor{
		"manager": alice, "approver": bob, "second approver": carol, "owner": dave, "stranger": eve, "admin": root,
		"system": SystemActor(), "receiver": {Kind: Receiver, Name: "office"},
	}
	for _, s := range Statuses() {
		for _, verb := range Verbs() {
			if verb == VerbCreate {
				continue
			}
			for role, a := range people {
				t.Run(fmt.Sprintf("%s/%s/%s", s, verb, role), func(t *testing.T) {
					t.Parallel()
					w := reach(t, s)
					before := *w.plan
					voted := before.Approval != nil && before.Approval.VoteOf(a.ID) != nil
					m := move(s, verb)
					has := m != nil && w.hasRole(a, m) // before a place is passed on
					_, err := w.try(verb, a)
					switch {
					case m == nil || w.plan.pointless(verb):
						wantRefusal(t, err, Conflict)
					case verb == VerbRetry || verb == VerbAdopt || verb == VerbDecide:
						// Nothing has failed or waits in these plans; whoever may is told so.
						wantRefusal(t, err, Conflict, Forbidden)
					case !has:
						wantRefusal(t, err, Forbidden)
					case verb == VerbWithdraw && !voted:
						wantRefusal(t, err, Conflict)
					case err != nil:
						// The owner of one item may not work on the other.
						wantRefusal(t, err, Forbidden)
						if role != "owner" || verb != VerbExecute {
							t.Errorf("refused: %v", err)
						}
					case !slices.Contains(m.To, w.plan.Status()):
						t.Errorf("led to %s, want one of %v", w.plan.Status(), m.To)
					case w.plan.Seq != before.Seq+1:
						t.Errorf("seq went from %d to %d", before.Seq, w.plan.Seq)
					}
					if err != nil && (w.plan.Seq != before.Seq || w.plan.Status() != s || w.plan.Version != before.Version) {
						t.Error("a refused move changed the plan")
					}
				})
			}
		}
	}
}

// hasRole tells whether an actor has a role of a move, on one item at least.
func (w *world) hasRole(a Actor, m *Move) bool {
	if !itemVerb(m.Verb) {
		return w.plan.hasRole(a, m, nil)
	}
	return slices.ContainsFunc(w.plan.Items, func(it *Item) bool { return w.plan.hasRole(a, m, it) })
}

func wantRefusal(t *testing.T, err error, codes ...Code) {
	t.Helper()
	if !slices.Contains(codes, CodeOf(err)) {
		t.Fatalf("got %v, want a refusal of %v", err, codes)
	}
	text := TextOf(err)
	if len(text.EN) < 20 || len(text.ZH) < 10 || strings.Contains(text.EN+text.ZH, "%!") {
		t.Errorf("the refusal says too little: %+v", text)
	}
}

func TestARefusalSaysWhatIsPossible(t *testing.T) {
	t.Parallel()
	w := reach(t, Executing)
	_, err := w.plan.Submit(w.req(alice), nil)
	want := "Plan #1 payments 4.2 is in status “Executing” (Bob: approve, 2026-11-24 12:00 UTC), so submit is not possible now. Possible: execute, complete, skip, replan, cancel."
	if got := TextOf(err).EN; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	want = "发布计划 #1 payments 4.2 当前为“执行中”（Bob：通过，2026-11-24 12:00 UTC），不能“提交”。现在可以：执行、完成、跳过、重新规划、取消。"
	if got := TextOf(err).ZH; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestGoldenStatePicture(t *testing.T) {
	t.Parallel()
	path := filepath.Join("docs", "state.md")
	want := statePicture()
	if os.Getenv("SLIPWAY_UPDATE_GOLDEN") != "" {
		if err := os.WriteFile(path, []byte(want), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != want {
		t.Errorf("%s is stale; `make golden` draws it anew", path)
	}
}

// statePicture draws the table of moves.
func statePicture() string {
	var b strings.Builder
	b.WriteString("# The states of a plan\n\nDrawn from the table of moves (`moves.go`) by `make golden`; a test fails when it is stale.\n\n" +
		"```mermaid\nstateDiagram-v2\n    [*] --> planning: create\n")
	edges := map[string][]string{}
	var order []string
	for _, m := range Moves() {
		for _, from := range m.From {
			for _, to := range m.To {
				e := fmt.Sprintf("%s --> %s", from, to)
				if edges[e] == nil {
					order = append(order, e)
				}
				edges[e] = append(edges[e], string(m.Verb))
			}
		}
	}
	for _, e := range order {
		fmt.Fprintf(&b, "    %s: %s\n", e, strings.Join(edges[e], ", "))
	}
	b.WriteString("    success --> [*]\n    cancel --> [*]\n```\n\n| from | verb | who | to |\n| --- | --- | --- | --- |\n")
	for _, m := range Moves() {
		fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", words(m.From), m.Verb, words(m.Who), words(m.To))
	}
	return b.String()
}

func words[T ~string](list []T) string {
	out := make([]string, len(list))
	for i, x := range list {
		out[i] = string(x)
	}
	return strings.Join(out, ", ")
}

func TestTheWindowEndsOnlyWhatTheTableSays(t *testing.T) {
	t.Parallel()
	for _, s := range Statuses() {
		w := reach(t, s)
		w.at = noon.Add(2 * time.Hour)
		_, err := w.plan.EndWindow(w.req(SystemActor()))
		ends := move(s, VerbTimeout) != nil
		if ends != (err == nil) || ends != (w.plan.Status() == Timeout && s != Timeout) {
			t.Errorf("in %s: err %v, now %s", s, err, w.plan.Status())
		}
	}
}
