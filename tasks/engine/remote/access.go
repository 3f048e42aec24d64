package remote

import (
	"cmp"
	"io"
	"log/slog"
	"net/http"
	"time"
)

// Access is how an engine deals with its vendor's server, whichever it is. The Config of
// every engine has it.
type Access struct {
	Timeout   time.Duration // of one request; default 15 s
	Poll      time.Duration // between two looks at a run that changes; each engine has its default
	MaxPoll   time.Duration // between two looks at one that does not; default 12 times Poll
	PerMinute int           // requests a minute at most; 0: no limit
	// Settle is how long after its request a run may still appear: only then it is sure
	// that there is none. Default: one minute, or four times Timeout if that is more.
	Settle    time.Duration
	Transport http.RoundTripper // default: one of its own
	Now       func() time.Time
	Rand      io.Reader    // spreads the looks
	Log       *slog.Logger // default: none
}

// Complete fills in the defaults.
func (a *Access) Complete(poll time.Duration) {
	a.Timeout = cmp.Or(a.Timeout, 15*time.Second)
	a.Poll = cmp.Or(a.Poll, poll)
	a.MaxPoll = cmp.Or(a.MaxPoll, 12*a.Poll)
	a.Settle = cmp.Or(a.Settle, max(time.Minute, 4*a.Timeout))
	a.Log = cmp.Or(a.Log, slog.New(slog.DiscardHandler))
}
