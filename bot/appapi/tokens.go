package appapi

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"
)

// RenewBefore is how long before its end a token is replaced. The platforms keep the old
// one valid next to the new one.
const RenewBefore = 5 * time.Minute

// ErrNoToken says that a call was not made because there is no token.
var ErrNoToken = errors.New("no access token")

// Tokens is the source of an app's access token. It is safe for concurrent use.
type Tokens struct {
	now func() time.Time
	ask func(ctx context.Context) (token string, life time.Duration, err error)

	once  singleflight.Group
	mu    sync.Mutex
	token string
	until time.Time
}

// NewTokens returns a source that has no token yet. ask asks the platform for one.
func NewTokens(now func() time.Time, ask func(context.Context) (token string, life time.Duration, err error)) *Tokens {
	return &Tokens{now: now, ask: ask}
}

// Use makes a call with a token. One that turns out to be no good, as refused tells of the
// call's error, is replaced once: who takes no token has not acted on the call.
func (t *Tokens) Use(ctx context.Context, refused func(error) bool, call func(token string) error) error {
	token, err := t.get(ctx)
	if err != nil {
		return err
	}
	if err = call(token); err == nil || !refused(err) {
		return err
	}
	t.drop(token)
	if token, err = t.get(ctx); err != nil {
		return err
	}
	return call(token)
}

// Renew asks for a new token, whatever there is.
func (t *Tokens) Renew(ctx context.Context) error {
	_, err := t.renew(ctx)
	return err
}

// get returns a token that is good as far as is known. Of many that need a new one only
// one asks.
func (t *Tokens) get(ctx context.Context) (string, error) {
	if token := t.good(); token != "" {
		return token, nil
	}
	asked := t.once.DoChan("", func() (any, error) {
		if token := t.good(); token != "" {
			return token, nil // it came since
		}
		// Whoever asks first must not take the others down with it by hanging up.
		return t.renew(context.WithoutCancel(ctx))
	})
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

// good returns the token, "" if there is none or it is over.
func (t *Tokens) good() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.now().Before(t.until) {
		return ""
	}
	return t.token
}

func (t *Tokens) renew(ctx context.Context) (string, error) {
	began := t.now()
	token, life, err := t.ask(ctx)
	switch {
	case err != nil:
		return "", fmt.Errorf("%w: %w", ErrNoToken, err)
	case token == "":
		return "", fmt.Errorf("%w: none was given", ErrNoToken)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.token, t.until = token, began.Add(max(life-RenewBefore, life/2))
	return token, nil
}

// drop forgets a token that is not taken. One that came in the meantime stays.
func (t *Tokens) drop(token string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.token == token {
		t.token = ""
	}
}
