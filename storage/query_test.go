package storage_test

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"slipway"
	"slipway/storage"
	"slipway/storage/storagetest"
)

func TestFilters(t *testing.T) {
	t.Parallel()
	storagetest.Each(t, func(t *testing.T, s *storage.Store) {
		mine := bare("50%_done ÄRGER")
		create(t, s, mine) // 1
		bobs := bare("支付 release")
		bobs.Manager, bobs.StartTime, bobs.EndTime = bob.Ref(), 1000, 2000
		create(t, s, bobs) // 2
		helped := bare("back\\slash 500_done")
		helped.EndTime = 1500
		helped.Items[0].Owner = root.Ref()
		create(t, s, helped)                // 3
		create(t, s, draft(t, "Payments"))  // 4, Bob approves
		executing(t, s, draft(t, "active")) // 5
		for name, test := range map[string]struct {
			filter storage.Filter
			want   []int64
		}{
			"all":                        {storage.Filter{}, []int64{5, 4, 3, 2, 1}},
			"a status":                   {storage.Filter{Statuses: []slipway.Status{slipway.Executing}}, []int64{5}},
			"two statuses":               {storage.Filter{Statuses: []slipway.Status{slipway.Executing, slipway.Planning}}, []int64{5, 4, 3, 2, 1}},
			"part of a name, other case": {storage.Filter{Text: "PAYm"}, []int64{4}},
			"umlauts, other case":        {storage.Filter{Text: "ärger"}, []int64{1}},
			"Chinese":                    {storage.Filter{Text: "支付"}, []int64{2}},
			"wildcards are letters":      {storage.Filter{Text: "0%_"}, []int64{1}},
			"a backslash is a letter":    {storage.Filter{Text: `k\s`}, []int64{3}},
			"a quote and a NUL":          {storage.Filter{Text: "'\x00?"}, nil},
			"a manager":                  {storage.Filter{ManagerID: bob.ID}, []int64{2}},
			"involved as approver":       {storage.Filter{PersonID: bob.ID}, []int64{5, 4, 2}},
			"involved as owner":          {storage.Filter{PersonID: root.ID}, []int64{3}},
			"involved as creator":        {storage.Filter{PersonID: alice.ID}, []int64{5, 4, 3, 2, 1}},
			"window from":                {storage.Filter{WindowFrom: 1501}, []int64{5, 4, 2, 1}},
			"window to":                  {storage.Filter{WindowTo: 999}, []int64{3, 1}},
			"window ends are included":   {storage.Filter{WindowFrom: 2000, WindowTo: 2000}, []int64{2, 1}},
			"all at once":                {storage.Filter{Text: "a", PersonID: bob.ID, ManagerID: alice.ID, WindowFrom: 1}, []int64{5, 4}},
		} {
			page, err := s.Plans(t.Context(), test.filter)
			if err != nil {
				t.Errorf("%s: %v", name, err)
				continue
			}
			var got []int64
			for _, p := range page.Rows {
				got = append(got, p.Index)
				if len(p.Items) == 0 {
					t.Errorf("%s: plan #%d has no items", name, p.Index)
				}
			}
			if diff := cmp.Diff(test.want, got); diff != "" || page.Total != int64(len(test.want)) || page.Next != "" {
				t.Errorf("%s: total %d, next %q, plans (-want +got):\n%s", name, page.Total, page.Next, diff)
			}
		}
	})
}

// Who is no longer involved after an edit no longer finds the plan.
func TestInvolvementFollowsThePlan(t *testing.T) {
	t.Parallel()
	storagetest.Each(t, func(t *testing.T, s *storage.Store) {
		p := create(t, s, draft(t, "moving"))
		req := ask(alice, noRules)
		move(t, s, p.ID, req, func(p *slipway.Plan) (*slipway.Change, error) {
			d := p.Draft()
			d.Approval.Approvers = []slipway.PersonRef{root.Ref()}
			return p.Edit(req, d)
		})
		for user, want := range map[string]int64{bob.ID: 0, root.ID: 1} {
			if page, err := s.Plans(t.Context(), storage.Filter{PersonID: user}); err != nil || page.Total != want {
				t.Errorf("%s finds %d plans, %v; want %d", user, page.Total, err, want)
			}
		}
	})
}

// Pages neither repeat nor leave out a plan while new ones are made.
func TestPagesAreStableWhilePlansAreMade(t *testing.T) {
	t.Parallel()
	storagetest.Each(t, func(t *testing.T, s *storage.Store) {
		for i := range 5 {
			create(t, s, bare(fmt.Sprint("plan ", i)))
		}
		var got []int64
		f := storage.Filter{Limit: 2}
		for {
			page, err := s.Plans(t.Context(), f)
			must(t, err)
			for _, p := range page.Rows {
				got = append(got, p.Index)
			}
			if page.Next == "" {
				break
			}
			f.Cursor = page.Next
			create(t, s, bare("late"))
		}
		if diff := cmp.Diff([]int64{5, 4, 3, 2, 1}, got); diff != "" {
			t.Errorf("plans on all pages (-want +got):\n%s", diff)
		}
	})
}

func TestPagesOfTheLog(t *testing.T) {
	t.Parallel()
	storagetest.Each(t, func(t *testing.T, s *storage.Store) {
		p := executing(t, s, draft(t, "logged"))
		var got []slipway.Verb
		cursor := ""
		for {
			page, err := s.Entries(t.Context(), p.ID, cursor, 2)
			must(t, err)
			if page.Total != 3 {
				t.Errorf("total %d, want 3", page.Total)
			}
			for _, e := range page.Rows {
				got = append(got, e.Verb)
			}
			if cursor = page.Next; cursor == "" {
				break
			}
		}
		if diff := cmp.Diff([]slipway.Verb{slipway.VerbApprove, slipway.VerbSubmit, slipway.VerbCreate}, got); diff != "" {
			t.Errorf("the log (-want +got):\n%s", diff)
		}
	})
}

func TestABadCursorIsRefused(t *testing.T) {
	t.Parallel()
	s := storagetest.New(t)
	for _, cursor := range []string{"7", "%%%", "YmVmb3JlOg", "YmVmb3JlOi01", "' OR 1=1 --", "\x00"} {
		_, err := s.Plans(t.Context(), storage.Filter{Cursor: cursor})
		wantCode(t, err, slipway.Invalid)
		_, err = s.Entries(t.Context(), "p", cursor, 0)
		wantCode(t, err, slipway.Invalid)
	}
}
