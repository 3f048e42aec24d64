package bot

import (
	"context"
	"errors"
	"strings"

	"slipway"
	"slipway/storage"
)

// The sizes of lists in chat.
const (
	listSize = 10
	logSize  = 15
)

// show puts the plan's card here. In the thread of a card and where nothing can be
// posted, the person alone gets it.
func (b *Bot) show(ctx context.Context, v *visit, p *slipway.Plan) (Reply, error) {
	card, err := b.planCard(ctx, p, b.view(v))
	if err != nil {
		return Reply{}, err
	}
	if v.ev.Msg.Thread != "" || v.ev.Room.ID == "" {
		return Reply{Whisper: &card}, nil
	}
	if err := b.showIn(ctx, v, p, "show:"+v.ask(0).RequestID, p.Seq); err != nil && !errors.Is(err, ErrBusy) {
		b.Log.WarnContext(ctx, "show plan", "room", v.ev.Room.ID, "error", err)
		return Reply{Whisper: &card}, nil
	}
	return Reply{}, nil
}

// showIn makes the plan's live card the newest message of the visitor's room. Its thread
// tells what comes after told, a Seq of the plan.
func (b *Bot) showIn(ctx context.Context, v *visit, p *slipway.Plan, key string, told int64) error {
	platform := b.platforms[v.ev.Room.Platform]
	if platform == nil {
		return ErrGone
	}
	if err := b.knowShared(ctx, v); err != nil {
		return err
	}
	view, err := b.roomView(ctx, v.ev.Room)
	if err != nil {
		return err
	}
	card, err := b.planCard(ctx, p, view)
	if err != nil {
		return err
	}
	_, err = b.raise(ctx, p, view, posting{to: Target{Room: v.ev.Room}, card: card, key: key, told: told})
	return err
}

func (b *Bot) showLog(ctx context.Context, v *visit, p *slipway.Plan, cursor string) (Reply, error) {
	page, err := b.Store.Entries(ctx, p.ID, cursor, logSize)
	if err != nil {
		return Reply{}, err
	}
	card := LogCard(p, page.Rows, page.Next, b.view(v))
	return Reply{Whisper: &card}, nil
}

// list answers `list`: plans by whose they are, status and words.
func (b *Bot) list(ctx context.Context, v *visit, text, cursor string) (Reply, error) {
	f := listFilter(text, v.user.ID)
	f.Limit, f.Cursor = listSize, cursor
	page, err := b.Store.Plans(ctx, f)
	if err != nil {
		return Reply{}, err
	}
	card := ListCard(page.Rows, page.Total, oneLine(text), page.Next, b.view(v))
	return Reply{Whisper: &card}, nil
}

// listFilter understands the words of `list`: mine, open, statuses; whatever remains is
// searched in the names.
func listFilter(text, userID string) storage.Filter {
	var f storage.Filter
	var search []string
	ws := words(text)
	for i := 0; i < len(ws); {
		n := 0
		for j := len(ws); j > i && n == 0; j-- {
			phrase := make([]string, 0, j-i)
			for _, w := range ws[i:j] {
				phrase = append(phrase, fold(w.text))
			}
			if narrow(&f, strings.Join(phrase, " "), userID) {
				n = j - i
			}
		}
		if n == 0 {
			search = append(search, ws[i].text)
			n = 1
		}
		i += n
	}
	f.Text = strings.Join(search, " ")
	return f
}

// narrow applies a word or phrase of `list` to the filter; false if it is none.
func narrow(f *storage.Filter, phrase, userID string) bool {
	switch phrase {
	case "mine", "my", "me", "我的":
		f.PersonID = userID
		return true
	case "all", "全部", "所有":
		return true
	case "open", "active", "进行中", "未结束":
		for _, s := range slipway.Statuses() {
			if !s.Over() {
				f.Statuses = append(f.Statuses, s)
			}
		}
		return true
	case "waiting", "外部检测":
		f.Statuses = append(f.Statuses, slipway.WaitFinishPlanning, slipway.WaitExecute, slipway.WaitAllDone)
		return true
	case "failed", "检测失败":
		f.Statuses = append(f.Statuses, slipway.FinishPlanningCheckFailed, slipway.ExecuteCheckFailed, slipway.AllDoneCheckFailed)
		return true
	}
	s, ok := slipway.ParseStatus(phrase)
	for _, known := range slipway.Statuses() {
		if phrase == fold(known.Text().EN) || phrase == known.Text().ZH {
			s, ok = known, true
		}
	}
	if ok {
		f.Statuses = append(f.Statuses, s)
	}
	return ok
}

// linkShared shows a plan below a link to its page; Text is the link.
func (b *Bot) linkShared(ctx context.Context, v *visit) Reply {
	unfurler, ok := b.platforms[v.ev.Room.Platform].(Unfurler)
	_, id, found := strings.Cut(v.ev.Text, "/plans/")
	if !ok || !found {
		return Reply{}
	}
	id, _, _ = strings.Cut(id, "?")
	p, err := b.Commands.Find(ctx, strings.Trim(id, "/"))
	if err == nil {
		err = b.unfurl(ctx, unfurler, v, p)
	}
	if err != nil {
		b.log(ctx, v, "unfurl link", err)
	}
	return Reply{}
}

func (b *Bot) unfurl(ctx context.Context, unfurler Unfurler, v *visit, p *slipway.Plan) error {
	view, err := b.roomView(ctx, v.ev.Room)
	if err != nil {
		return err
	}
	card, err := b.planCard(ctx, p, view)
	if err != nil {
		return err
	}
	return unfurler.Unfurl(ctx, v.ev.Msg, v.ev.Text, card)
}
