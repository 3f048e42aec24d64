package dingtalk

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"slipway/bot"
)

const (
	// early is how much earlier than it was first asked an instance may have been made
	// by DingTalk's clock.
	early = 10 * time.Minute
	// span is how far back, and over how long a time, DingTalk lists instances. It says
	// 120 days; the clocks may differ.
	span = 120*24*time.Hour - time.Hour
	// page is how many instances DingTalk lists at once.
	page = 20
	// maxPages is where DingTalk stops to list.
	maxPages = 10000 / page
)

// list is the request for the ids of instances.
type list struct {
	ProcessCode string `json:"processCode"`
	StartTime   int64  `json:"startTime"` // milliseconds
	NextToken   int64  `json:"nextToken"`
	MaxResults  int    `json:"maxResults"`
}

// Find implements bot.Approvals: it reads what was asked since, by whomever, since the
// account in whose name is asked may have been another one then.
func (d *DingTalk) Find(ctx context.Context, q bot.Question) (string, error) {
	since := time.Unix(q.At, 0).Add(-early)
	if oldest := d.Now().Add(-span); since.Before(oldest) {
		since = oldest
	}
	in := list{ProcessCode: d.Definition, StartTime: since.UnixMilli(), MaxResults: page}
	for range maxPages {
		var out struct {
			Result struct {
				List      []string `json:"list"`
				NextToken cursor   `json:"nextToken"`
			} `json:"result"`
		}
		if err := d.call(ctx, http.MethodPost, pathList, nil, in, &out); err != nil {
			return "", fmt.Errorf("find approval in DingTalk: %w", err)
		}
		for _, ref := range out.Result.List {
			marked, err := d.marked(ctx, ref, q.Mark)
			if err != nil {
				return "", fmt.Errorf("find approval in DingTalk: %w", err)
			}
			if marked {
				return ref, nil
			}
		}
		if in.NextToken = int64(out.Result.NextToken); in.NextToken == 0 {
			return "", nil
		}
	}
	return "", fmt.Errorf("find approval in DingTalk: there are more than %d since it was asked", maxPages*page)
}

// marked tells whether an instance has the mark of a question where Create puts it. A mark
// that stands elsewhere was written by somebody, perhaps of another plan.
func (d *DingTalk) marked(ctx context.Context, ref, mark string) (bool, error) {
	in, err := d.instance(ctx, ref)
	if errors.Is(err, bot.ErrGone) {
		return false, nil // deleted since it was listed
	}
	if err != nil {
		return false, err
	}
	name, ok := d.Fields[DetailMark]
	if !ok {
		name = d.Fields[DetailRest] // which it ends
	}
	return slices.ContainsFunc(in.Form, func(f fill) bool {
		return f.Name == name && strings.HasSuffix(strings.TrimSpace(f.Value), mark)
	}), nil
}

// cursor is where a list goes on. It is asked for as a number and answered as a string.
type cursor int64

// UnmarshalJSON implements json.Unmarshaler.
func (c *cursor) UnmarshalJSON(data []byte) error {
	text := string(bytes.Trim(data, `"`))
	if text == "" || text == "null" {
		return nil
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return fmt.Errorf("read nextToken: %w", err)
	}
	*c = cursor(n)
	return nil
}
