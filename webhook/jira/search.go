package jira

import (
	"cmp"
	"context"
	"errors"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode"

	"slipway"
)

// The bounds of a search.
const (
	boardsKeptFor  = time.Minute
	sprintsKeptFor = 20 * time.Second
	boardsSearched = 24
	askedAtOnce    = 4
	maxFound       = 100
)

// board is a board as the Agile API gives it. Older Data Centers do not say where it is.
type board struct {
	ID       int64  `json:"id"`
	Name     string `json:"name"`
	Type     string `json:"type"`
	Location struct {
		ProjectKey  string `json:"projectKey"`
		ProjectName string `json:"projectName"`
		Name        string `json:"name"`
	} `json:"location"`
}

func (b *board) projectName() string { return cmp.Or(b.Location.ProjectName, b.Location.Name) }

// catalog keeps boards and their open sprints for a moment, because people type letter by
// letter.
type catalog struct {
	mu      sync.Mutex
	boards  []board
	read    time.Time
	sprints map[int64]kept
}

type kept struct {
	list []sprint
	read time.Time
}

// Search returns sprints whose project, board or name contain all words of a text, those
// under way first, then those to come; closed ones are only found by their number. It looks
// at those boards first that a word names, and not at more than a few.
func (c *Client) Search(ctx context.Context, text string) ([]slipway.SprintLook, error) {
	words := strings.FieldsFunc(strings.ToLower(text), func(r rune) bool { return unicode.IsSpace(r) || strings.ContainsRune("·,，#/", r) })
	boards, err := c.listBoards(ctx)
	if err != nil {
		return nil, err
	}
	found, err := c.among(ctx, likely(boards, words), words)
	if err != nil {
		return nil, err
	}
	if id, err := strconv.ParseInt(last(words), 10, 64); err == nil && id > 0 && !slices.ContainsFunc(found, func(l slipway.SprintLook) bool { return l.SprintID == id }) {
		s, err := c.byNumber(ctx, words, id)
		if err != nil {
			return nil, err
		}
		found = append(s, found...)
	}
	return found[:min(len(found), maxFound)], nil
}

func last(words []string) string {
	if len(words) == 0 {
		return ""
	}
	return words[len(words)-1]
}

// byNumber finds a sprint whatever its state: "PAY 42", "42".
func (c *Client) byNumber(ctx context.Context, words []string, id int64) ([]slipway.SprintLook, error) {
	key := ""
	if len(words) == 2 {
		key = strings.ToUpper(words[0])
	}
	if len(words) > 2 {
		return nil, nil
	}
	s, err := c.Sprint(ctx, key, id)
	if code := slipway.CodeOf(err); code == slipway.NotFound || code == slipway.Invalid {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return []slipway.SprintLook{{Sprint: s, URL: c.sprintURL(id)}}, nil
}

// likely are the boards to look at: those that a word names, and if no word names one, the
// first.
func likely(boards []board, words []string) []board {
	named := slices.DeleteFunc(slices.Clone(boards), func(b board) bool {
		of := strings.ToLower(b.Location.ProjectKey + " " + b.projectName() + " " + b.Name)
		return !slices.ContainsFunc(words, func(w string) bool { return strings.Contains(of, w) })
	})
	order := append(named, slices.DeleteFunc(slices.Clone(boards), func(b board) bool {
		return slices.ContainsFunc(named, func(n board) bool { return n.ID == b.ID })
	})...)
	return order[:min(len(order), boardsSearched)]
}

// among searches the open sprints of some boards.
func (c *Client) among(ctx context.Context, boards []board, words []string) ([]slipway.SprintLook, error) {
	of, err := c.sprintsOf(ctx, boards)
	if err != nil {
		return nil, err
	}
	var found []slipway.SprintLook
	for i, b := range boards {
		for _, s := range of[i] {
			said := strings.ToLower(b.Location.ProjectKey + " " + b.projectName() + " " + b.Name + " " + s.Name + " " + strconv.FormatInt(s.ID, 10))
			misses := slices.ContainsFunc(words, func(w string) bool { return !strings.Contains(said, w) })
			if misses || slices.ContainsFunc(found, func(l slipway.SprintLook) bool { return l.SprintID == s.ID }) {
				continue
			}
			found = append(found, slipway.SprintLook{State: s.State, URL: c.sprintURL(s.ID), Sprint: slipway.Sprint{
				ProjectKey: b.Location.ProjectKey, ProjectName: b.projectName(), BoardID: b.ID, SprintID: s.ID, SprintName: s.Name,
			}})
		}
	}
	slices.SortStableFunc(found, func(a, b slipway.SprintLook) int {
		return cmp.Or(cmp.Compare(a.State, b.State), cmp.Compare(a.ProjectKey, b.ProjectKey)) // active before future
	})
	return found, nil
}

// listBoards returns the boards that may have sprints, each with its place.
func (c *Client) listBoards(ctx context.Context) ([]board, error) {
	now := c.config.Now()
	c.boards.mu.Lock()
	boards, read := c.boards.boards, c.boards.read
	c.boards.mu.Unlock()
	if !read.IsZero() && now.Sub(read) < boardsKeptFor {
		return boards, nil
	}
	boards, err := all[board](ctx, c, "/rest/agile/1.0/board", nil, values)
	if err != nil {
		return nil, err
	}
	boards = slices.DeleteFunc(boards, func(b board) bool { return b.Type == "kanban" })
	c.boards.mu.Lock()
	defer c.boards.mu.Unlock()
	c.boards.boards, c.boards.read = boards, now
	return boards, nil
}

// sprintsOf returns the open sprints of each board.
func (c *Client) sprintsOf(ctx context.Context, boards []board) ([][]sprint, error) {
	out, errs := make([][]sprint, len(boards)), make([]error, len(boards))
	var asking sync.WaitGroup
	places := make(chan struct{}, askedAtOnce)
	for i := range boards {
		asking.Go(func() {
			places <- struct{}{}
			defer func() { <-places }()
			out[i], errs[i] = c.openSprints(ctx, &boards[i])
		})
	}
	asking.Wait()
	return out, errors.Join(errs...)
}

func (c *Client) openSprints(ctx context.Context, b *board) ([]sprint, error) {
	now := c.config.Now()
	c.boards.mu.Lock()
	was, known := c.boards.sprints[b.ID]
	c.boards.mu.Unlock()
	if !known || now.Sub(was.read) >= sprintsKeptFor {
		path := "/rest/agile/1.0/board/" + strconv.FormatInt(b.ID, 10) + "/sprint"
		found, err := all[sprint](ctx, c, path, url.Values{"state": {"active,future"}}, values)
		if code := slipway.CodeOf(err); code == slipway.Invalid || code == slipway.NotFound || code == slipway.Forbidden {
			found, err = nil, nil // a board without sprints says so with 400
		}
		if err != nil {
			return nil, err
		}
		was = kept{found, now}
		c.boards.mu.Lock()
		if c.boards.sprints == nil {
			c.boards.sprints = map[int64]kept{}
		}
		c.boards.sprints[b.ID] = was
		c.boards.mu.Unlock()
	}
	if b.Location.ProjectKey == "" && len(was.list) > 0 {
		of, err := c.projectsOf(ctx, b.ID)
		if err != nil && !isNone(err) {
			return nil, err
		}
		if len(of) > 0 {
			b.Location.ProjectKey, b.Location.ProjectName = of[0].Key, of[0].Name
		}
	}
	return was.list, nil
}
