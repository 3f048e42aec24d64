package webhook

import (
	"bytes"
	"cmp"
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"sync"
	"time"
)

// The limits of one try.
const (
	DefaultTimeout = 15 * time.Second // from the first byte of the name lookup to the last of the answer
	MaxRetryAfter  = time.Hour        // a longer Retry-After is cut to this

	connectTimeout = 5 * time.Second
	maxRead        = 64 << 10 // of an answer; the connection is closed on the rest
	maxAnswerHead  = 64 << 10
	idlePerHost    = 256
)

// Delivery is one hook on its way to one endpoint. ID and Body never change between
// tries; the other fields are the endpoint's configuration at the time of the try.
type Delivery struct {
	ID      string // webhook-id: printable ASCII without a dot
	URL     string
	Body    []byte            // JSON, sent and signed byte for byte
	Secrets []string          // none: sent unsigned
	Headers map[string]string // from the configuration; see CheckHeaders
	At      time.Time         // of this try; zero: now

	AllowPrivate  bool     // the endpoint may be at one of the PrivateNetworks
	AllowNetworks []string // or at one of these, in CIDR notation

	ClientCert, ClientKey string // PEM, shown to an endpoint that asks for a certificate; "": none

	CallbackURL string // sent along as Slipway-Callback-Url; "": not sent

	Compat   string // CompatZadig adds Zadig's headers, for which the next three are
	Token    string // X-Zadig-Token, sent as it is
	Instance string // X-Zadig-Instance, the address of this server
	Event    string // X-Zadig-Event, the same text as the envelope's event
}

// Attempt is what came of one try.
type Attempt struct {
	StatusCode int           // 0: there was no whole answer head
	Duration   time.Duration // until the answer's end or the failure
	Answer     string        // the first 4 KiB of the answer's body, valid UTF-8 without NUL, our secrets masked
	Err        string        // why it does not count as delivered, "" if it does; secrets masked
	Outcome    Outcome
	RetryAfter time.Duration // what the endpoint asked for, at most MaxRetryAfter; 0: nothing

	Sent       string        // the head of the request, one header a line, secrets masked
	AnswerHead string        // that of the answer, secrets masked
	FirstByte  time.Duration // until the answer's head; 0: there was none
}

// Outcome says what follows from an attempt.
type Outcome int

// The outcomes.
const (
	Retry     Outcome = iota // try again after Backoff, until the endpoint's patience is over
	Delivered                // 2xx and the answer came whole, or its first 64 KiB
	Disable                  // 410: the endpoint wants no more; ask nothing of it until a person says so
	GiveUp                   // the delivery itself is malformed, so no later try can go better
)

// String returns the word for logs and metrics.
func (o Outcome) String() string {
	switch o {
	case Retry:
		return "retry"
	case Delivered:
		return "delivered"
	case Disable:
		return "disable"
	case GiveUp:
		return "give_up"
	}
	return "outcome " + strconv.Itoa(int(o))
}

// Classify returns the outcome of a final HTTP status. Only 2xx is success and only
// 410 is a farewell. Everything else is tried again, redirects and the other 4xx
// included: a path, a token or a proxy that is wrong tonight is mended tomorrow, and
// nothing is lost meanwhile.
func Classify(status int) Outcome {
	switch {
	case status >= 200 && status <= 299:
		return Delivered
	case status == http.StatusGone:
		return Disable
	}
	return Retry
}

// SenderConfig is what a Sender needs from outside.
type SenderConfig struct {
	Version  string           // for User-Agent: Slipway/<version>
	Now      func() time.Time // required
	Timeout  time.Duration    // of a whole try; 0: DefaultTimeout
	RootCAs  *x509.CertPool   // nil: the system's
	Resolver *net.Resolver    // nil: the system's
}

// Sender makes tries. It keeps connections open between them, so a process should
// have one. It is safe for concurrent use.
type Sender struct {
	config  SenderConfig
	agent   string
	now     func() time.Time
	timeout time.Duration

	mu     sync.Mutex
	routes map[routeKey]route
}

// NewSender returns a Sender. Call Close when it is not needed any more.
func NewSender(c SenderConfig) *Sender {
	return &Sender{
		config: c, agent: "Slipway/" + cmp.Or(c.Version, "dev"), now: c.Now, timeout: cmp.Or(c.Timeout, DefaultTimeout),
		routes: map[routeKey]route{},
	}
}

// Close closes the connections that are idle.
func (s *Sender) Close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range s.routes {
		r.transport.CloseIdleConnections()
	}
}

// Send makes one try. It ends with an answer, a failure or the timeout; a context
// that ends is a failure to retry.
func (s *Sender) Send(ctx context.Context, d Delivery) Attempt {
	start := s.now()
	a := s.try(ctx, d, cmp.Or(d.At, start))
	a.Duration = s.now().Sub(start)
	hidden := newVeil(d)
	a.Answer = cutText(hidden.mask(a.Answer), maxAnswer)
	a.Err = cutText(hidden.mask(a.Err), maxErr)
	a.AnswerHead = cutText(hidden.mask(a.AnswerHead), maxAnswer)
	return a
}

func (s *Sender) try(ctx context.Context, d Delivery, at time.Time) Attempt {
	header, err := s.header(d, at)
	if err != nil {
		return failure(err)
	}
	way, err := s.route(d)
	if err != nil {
		return failure(err)
	}
	target, err := way.guard.parse(d.URL)
	if err != nil {
		return failure(err)
	}
	start, sent := s.now(), sentHead(header, d)
	ctx, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "", bytes.NewReader(d.Body))
	if err != nil {
		return failure(err)
	}
	req.URL, req.Host, req.Header = target, target.Host, header

	// The transport itself, not a client: no redirects, no cookies, no rewriting.
	res, err := way.transport.RoundTrip(req)
	if err != nil {
		a := failure(s.explain(err))
		a.Sent = sent
		return a
	}
	defer func() { _ = res.Body.Close() }()
	a := Attempt{
		StatusCode: res.StatusCode, Outcome: Classify(res.StatusCode), Sent: sent, AnswerHead: headText(res.Header), FirstByte: s.now().Sub(start),
	}
	if a.Outcome == Retry {
		a.RetryAfter = parseRetryAfter(res.Header.Get("Retry-After"), s.now())
	}
	a.Err = complaint(res)
	if res.StatusCode == http.StatusSwitchingProtocols {
		return a // the body is a raw connection, without an end
	}
	body, err := io.ReadAll(io.LimitReader(res.Body, maxRead))
	if err != nil && a.Outcome == Delivered {
		// The head said yes, but the receiver may have died before its work was done.
		a.Outcome = Retry
		a.Err = fmt.Sprintf("answered %d, but the answer broke off: %v", res.StatusCode, s.explain(err))
	}
	a.Answer = answerText(res.Header, body)
	return a
}

// failure is a try that got no answer. Configuration can be mended and networks
// recover, so only a delivery that cannot be sent at all is given up.
func failure(err error) Attempt {
	a := Attempt{Outcome: Retry, Err: err.Error()}
	if errors.Is(err, ErrBadID) {
		a.Outcome = GiveUp
	}
	return a
}

// complaint says why an answer is not a success.
func complaint(res *http.Response) string {
	if Classify(res.StatusCode) == Delivered {
		return ""
	}
	text := fmt.Sprintf("answered %d %s", res.StatusCode, http.StatusText(res.StatusCode))
	if http.StatusText(res.StatusCode) == "" {
		text = fmt.Sprintf("answered %d", res.StatusCode)
	}
	if res.StatusCode >= 300 && res.StatusCode <= 399 {
		text += "; redirects are not followed"
	}
	return text
}

// explain puts the two ways in which a context ends into words.
func (s *Sender) explain(err error) error {
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return fmt.Errorf("no whole answer within %s", s.timeout)
	case errors.Is(err, context.Canceled):
		return errors.New("sending was interrupted")
	}
	return err
}

// parseRetryAfter reads seconds or an HTTP date. Anything else, and what lies in the
// past, is 0.
func parseRetryAfter(value string, now time.Time) time.Duration {
	if value == "" {
		return 0
	}
	if digits(value) {
		seconds, err := strconv.ParseInt(value, 10, 64)
		if err != nil || seconds > int64(MaxRetryAfter/time.Second) {
			return MaxRetryAfter
		}
		return time.Duration(seconds) * time.Second
	}
	when, err := http.ParseTime(value)
	if err != nil {
		return 0
	}
	return min(max(when.Sub(now), 0), MaxRetryAfter)
}
