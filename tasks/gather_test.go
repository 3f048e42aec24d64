package tasks

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// What is asked for while a batch is under way goes together with the next one, and each
// name once.
func TestWhatIsAskedForMeanwhileGoesTogether(t *testing.T) {
	t.Parallel()
	begun, goOn := make(chan []string), make(chan struct{})
	g := &gather[string, string]{
		most: 3, atOnce: 1, key: func(q string) string { return q },
		do: func(_ context.Context, list []string) (map[string]string, error) {
			begun <- list
			<-goOn
			answers := map[string]string{}
			for _, q := range list {
				if q != "missing" {
					answers[q] = "answer to " + q
				}
			}
			return answers, nil
		},
	}
	var all sync.WaitGroup
	ask := func(q string, before int) {
		all.Go(func() {
			a, found, err := g.get(t.Context(), q)
			if err != nil || found == (q == "missing") || found && a != "answer to "+q {
				t.Errorf("%s: %q, %v, %v", q, a, found, err)
			}
		})
		eventually(t, q+" is waiting", func() bool {
			g.mu.Lock()
			defer g.mu.Unlock()
			return len(g.waiting) > before
		})
	}
	all.Go(func() { _, _, _ = g.get(t.Context(), "a") })
	batches := [][]string{receive(t, "the first batch", begun)}
	for i, q := range []string{"b", "b", "missing", "c", "d"} {
		ask(q, i)
	}
	for range 3 {
		goOn <- struct{}{}
		if len(batches) < 3 {
			batches = append(batches, receive(t, "the next batch", begun))
		}
	}
	all.Wait()
	want := [][]string{{"a"}, {"b", "missing", "c"}, {"b", "d"}}
	if diff := cmp.Diff(want, batches); diff != "" {
		t.Errorf("the batches (-want +got):\n%s", diff)
	}
}

// One that cannot be done does not spoil the others of its batch.
func TestOneDoesNotSpoilItsBatch(t *testing.T) {
	t.Parallel()
	begun, hold := make(chan struct{}), make(chan struct{})
	g := &gather[string, int]{
		most: 10, atOnce: 1, key: func(q string) string { return q },
		do: func(_ context.Context, list []string) (map[string]int, error) {
			if list[0] == "first" {
				close(begun)
				<-hold
			}
			if all := strings.Join(list, " "); strings.Contains(all, "bad") {
				return nil, fmt.Errorf("cannot do %s", all)
			}
			answers := map[string]int{}
			for _, q := range list {
				answers[q] = len(q)
			}
			return answers, nil
		},
	}
	var all sync.WaitGroup
	errs := make([]error, 4)
	for i, q := range []string{"first", "good", "bad", "better"} {
		all.Go(func() { _, _, errs[i] = g.get(t.Context(), q) })
		if i == 0 {
			receive(t, "the first begins", begun)
			continue
		}
		eventually(t, q+" waits", func() bool {
			g.mu.Lock()
			defer g.mu.Unlock()
			return len(g.waiting) == i
		})
	}
	close(hold)
	all.Wait()
	if errors.Join(errs[0], errs[1], errs[3]) != nil || errs[2] == nil || errs[2].Error() != "cannot do bad" {
		t.Errorf("errors: %v", errs)
	}
}
