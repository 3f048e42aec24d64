package dingtalk

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"slipway"
	"slipway/bot"
	"slipway/bot/appapi"
)

var (
	_ bot.Approvals = (*DingTalk)(nil)
	_ bot.Prober    = (*DingTalk)(nil)
)

// defaultURL is where DingTalk's API is.
const defaultURL = "https://api.dingtalk.com"

// The fields of the form beyond those that take a detail.
const (
	// DetailRest is the multi-line field that takes everything that has no field of its
	// own; every form needs one.
	DetailRest bot.DetailKey = ""
	// DetailMark is the field that takes the mark of the question. Without one the mark
	// is the last line of the rest.
	DetailMark bot.DetailKey = "mark"
)

// DefaultField is the name of the field for the rest, unless Config.Fields names another.
const DefaultField = "发布详情"

// details are all that Config.Fields may name.
var details = []bot.DetailKey{
	DetailRest, DetailMark, bot.DetailPlan, bot.DetailManager, bot.DetailWindow, bot.DetailSchedule, bot.DetailItems,
	bot.DetailDescription, bot.DetailRequired, bot.DetailLink,
}

// Config is what asking in DingTalk needs.
type Config struct {
	AppKey, AppSecret string // of an app of the organisation; DingTalk also says Client ID and Client Secret
	BaseURL           string // "" is DingTalk's own
	// Definition is the processCode of the approval, PROC-…
	Definition string
	// Originator is the userid of who asks; "" is the account of who asks in Slipway.
	Originator string
	// Dept is the originator's department, -1 the root; 0 lets DingTalk choose.
	Dept int64
	// Fields says which field of the form takes a detail, by the field's name.
	Fields map[bot.DetailKey]string
	// Account returns a person's userid in DingTalk, "" if it is not known.
	Account func(slipway.User) string
	// Stream tells to take events over a connection to DingTalk, see Run.
	Stream bool
	// CallbackToken and CallbackKey are those of the event subscription over HTTP, if
	// events come that way, see Routes.
	CallbackToken, CallbackKey string
	// Changed is told that something happened to an instance. It takes a note and returns:
	// DingTalk waits 1.5 seconds for the answer to its event.
	Changed func(ctx context.Context, ref string)

	Now  func() time.Time
	Rand io.Reader
	Log  *slog.Logger // nil: nothing is logged
	// Client makes all requests; nil is one with a time limit.
	Client *http.Client
}

// DingTalk is the system in which people are asked. It is safe for concurrent use.
type DingTalk struct {
	Config
	tokens *appapi.Tokens
	key    []byte // decoded Config.CallbackKey, nil without it
	seen   seen
}

// New returns the system. It refuses, with all problems at once, a configuration that
// cannot work; it makes no request.
func New(c Config) (*DingTalk, error) {
	var problems []error
	need := func(ok bool, format string, args ...any) {
		if !ok {
			problems = append(problems, fmt.Errorf("dingtalk: "+format, args...))
		}
	}
	need(c.AppKey != "", "an app key is needed")
	need(c.AppSecret != "", "an app secret is needed")
	need(c.Definition != "", "the processCode of an approval is needed")
	need(c.Account != nil && c.Now != nil && c.Rand != nil, "accounts, clock and source of randomness are needed")
	if c.BaseURL == "" {
		c.BaseURL = defaultURL
	}
	c.BaseURL = strings.TrimRight(c.BaseURL, "/")
	u, err := url.Parse(c.BaseURL)
	need(err == nil && (u.Scheme == "https" || u.Scheme == "http") && u.Host != "", "the base URL must be an http(s) address")
	c.Fields = maps.Clone(c.Fields)
	problems = append(problems, completeFields(&c)...)
	key, err := callbackKey(c)
	if err != nil {
		problems = append(problems, err)
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	c.Client = appapi.Client(c.Client)
	if err := errors.Join(problems...); err != nil {
		return nil, err
	}
	d := &DingTalk{Config: c, key: key, seen: seen{at: map[string]time.Time{}}}
	d.tokens = appapi.NewTokens(c.Now, d.token)
	return d, nil
}

// completeFields adds the field that every form has, and says what is wrong with the
// others.
func completeFields(c *Config) (problems []error) {
	if c.Fields == nil {
		c.Fields = map[bot.DetailKey]string{}
	}
	if c.Fields[DetailRest] == "" {
		c.Fields[DetailRest] = DefaultField
	}
	taken := map[string]bot.DetailKey{}
	for _, detail := range slices.Sorted(maps.Keys(c.Fields)) {
		name := c.Fields[detail]
		other, twice := taken[name]
		switch {
		case !slices.Contains(details, detail):
			problems = append(problems, fmt.Errorf("dingtalk: fields: %q is no detail; there are %q", detail, details[1:]))
		case name == "":
			problems = append(problems, fmt.Errorf("dingtalk: fields: the name of the field for %q is missing", detail))
		case twice:
			problems = append(problems, fmt.Errorf("dingtalk: fields: %q is to take both %q and %q", name, other, detail))
		}
		taken[name] = detail
	}
	return problems
}

// callbackKey decodes the key of events: 43 characters of base64 for 32 bytes.
func callbackKey(c Config) ([]byte, error) {
	pushed := c.CallbackKey != "" || c.CallbackToken != ""
	switch {
	case (pushed || c.Stream) && c.Changed == nil:
		return nil, errors.New("dingtalk: somebody must be told of events")
	case !pushed:
		return nil, nil
	case c.CallbackKey == "" || c.CallbackToken == "":
		return nil, errors.New("dingtalk: events over HTTP need both the token and the AES key of the subscription")
	}
	key, err := base64.StdEncoding.DecodeString(c.CallbackKey + "=")
	if err != nil || len(key) != 32 {
		return nil, fmt.Errorf("dingtalk: the AES key of the event subscription must have 43 letters and digits, not %d", len(c.CallbackKey))
	}
	return key, nil
}

// Type implements bot.Approvals.
func (d *DingTalk) Type() slipway.ApprovalType { return slipway.DingTalkApproval }
