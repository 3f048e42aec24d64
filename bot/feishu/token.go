package feishu

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"
)

// renewBefore is how long before its end a token is replaced. Feishu gives out a new one
// only in the last half hour, and keeps the old one valid next to it.
const renewBefore = 5 * time.Minute

// tokens is the source of the app's access token. The SDK's own is not used: it keeps a
// token that was revoked until its time is over, for every client of the process.
type tokens struct {
	mu    sync.Mutex
	token string
	until time.Time
	once  singleflight.Group
}

// get returns a token that is good as far as is known. Of many that need a new one only
// one asks.
func (t *tokens) get(ctx context.Context, f *Feishu) (string, error) {
	t.mu.Lock()
	token, until := t.token, t.until
	t.mu.Unlock()
	if token != "" && f.Now().Before(until) {
		return token, nil
	}
	// Whoever asks first must not take the others down with it by hanging up.
	asked := t.once.DoChan("", func() (any, error) { return t.ask(context.WithoutCancel(ctx), f) })
	select {
	case r := <-asked:
		if r.Err != nil {
			return "", r.Err
		}
		return r.Val.(string), nil
	case <-ctx.Done():
		return "", fmt.Errorf("get token: %w", ctx.Err())
	}
}

// errNoToken says that a call was not made because there is no token.
var errNoToken = errors.New("no access token")

func (t *tokens) ask(ctx context.Context, f *Feishu) (string, error) {
	var out struct {
		Token  string `json:"tenant_access_token"`
		Expire int    `json:"expire"` // seconds
	}
	in := map[string]string{"app_id": f.AppID, "app_secret": f.AppSecret}
	began := f.Now()
	if err := f.request(ctx, http.MethodPost, "/open-apis/auth/v3/tenant_access_token/internal", nil, "", in, &out); err != nil {
		return "", fmt.Errorf("%w: %w", errNoToken, err)
	}
	if out.Token == "" {
		return "", fmt.Errorf("%w: Feishu gave none", errNoToken)
	}
	life := time.Duration(out.Expire) * time.Second
	t.mu.Lock()
	defer t.mu.Unlock()
	t.token, t.until = out.Token, began.Add(max(life-renewBefore, life/2))
	return t.token, nil
}

// drop forgets a token that Feishu does not take. One that came in the meantime stays.
func (t *tokens) drop(token string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.token == token {
		t.token = ""
	}
}
