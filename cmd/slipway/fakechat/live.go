package fakechat

import (
	"context"
	"io"
	"net/http"
	"time"

	"slipway/bot/screen"
)

// breath is how often a connection on which nothing happens shows that it is alive.
const breath = 20 * time.Second

// live tells a page, until it leaves, whenever anything changed in any chat.
func (p *page) live(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/event-stream")
	changed := make(chan struct{}, 1)
	for _, c := range p.Chats {
		go forward(r.Context(), c.Screen, changed)
	}
	out := http.NewResponseController(w)
	say := func(line string) bool {
		_, err := io.WriteString(w, line)
		return err == nil && out.Flush() == nil
	}
	beat := time.NewTicker(breath)
	defer beat.Stop()
	// The first word has the page look: something may have changed before.
	for ok := say("data: look\n\n"); ok; {
		select {
		case <-changed:
			ok = say("data: look\n\n")
		case <-beat.C:
			ok = say(":\n\n")
		case <-r.Context().Done():
			return
		}
	}
}

// forward passes changes on until the context ends; several at once become one.
func forward(ctx context.Context, c screen.Chat, changed chan<- struct{}) {
	for {
		next := c.Changed()
		select {
		case changed <- struct{}{}:
		default:
		}
		select {
		case <-next:
		case <-ctx.Done():
			return
		}
	}
}
