package dingtalk

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"
)

// renewBefore is how long before its end a token is replaced. DingTalk keeps the old one
// valid next to the new one.
const renewBefore = 5 * time.Minute

// tokens is the source of the app's access token. Of many that need a new one only one
// asks: turn, which has room for one, is held by who looks at the rest.
type tokens struct {
	turn  chan struct{}
	token string
	until time.Time
}

// errNoToken says that a call was not made because there is no token.
var errNoToken = errors.New("no access token")

// get returns a token that is good as far as is known.
func (t *tokens) get(ctx context.Context, d *DingTalk) (string, error) {
	select {
	case t.turn <- struct{}{}:
		defer func() { <-t.turn }()
	case <-ctx.Done():
		return "", fmt.Errorf("get token: %w", ctx.Err())
	}
	if t.token != "" && d.Now().Before(t.until) {
		return t.token, nil
	}
	var out struct {
		AccessToken string `json:"accessToken"`
		ExpireIn    int    `json:"expireIn"` // seconds
	}
	began := d.Now()
	err := d.request(ctx, http.MethodPost, pathToken, nil, "", map[string]string{"appKey": d.AppKey, "appSecret": d.AppSecret}, &out)
	if err != nil {
		return "", fmt.Errorf("%w: %w", errNoToken, err)
	}
	if out.AccessToken == "" {
		return "", fmt.Errorf("%w: DingTalk gave none", errNoToken)
	}
	life := time.Duration(out.ExpireIn) * time.Second
	t.token, t.until = out.AccessToken, began.Add(max(life-renewBefore, life/2))
	return t.token, nil
}

// drop forgets a token that DingTalk does not take. One that came in the meantime stays.
func (t *tokens) drop(token string) {
	t.turn <- struct{}{}
	defer func() { <-t.turn }()
	if t.token == token {
		t.token = ""
	}
}
