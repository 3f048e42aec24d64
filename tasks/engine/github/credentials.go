package github

import (
	"bytes"
	"context"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"slipway/tasks/engine/output"
)

// credentials put Slipway's own on requests to GitHub's API, and on no others.
type credentials interface {
	http.RoundTripper
	// secrets are what must be shown to nobody.
	secrets() []string
}

// loginError says that a request was not sent, because there were no credentials for it.
type loginError struct{ err error }

func (e *loginError) Error() string { return "log in to GitHub: " + e.err.Error() }
func (e *loginError) Unwrap() error { return e.err }

// statusError is an answer of another status than expected.
type statusError struct {
	status int
	body   []byte
}

func (e *statusError) Error() string {
	return fmt.Sprintf("status %d: %s", e.status, output.Short(string(e.body)))
}

func newCredentials(c Config, base *url.URL, next http.RoundTripper) (credentials, error) {
	switch {
	case c.Token != "" && c.AppID+c.AppKey != "":
		return nil, errors.New("GitHub is reached with a token or as an app, not both")
	case c.Token != "":
		return &token{value: c.Token, base: base, next: next}, nil
	case c.AppID == "" || c.AppKey == "":
		return nil, fmt.Errorf("GitHub at %s has neither a token nor an app's number and private key", base.Host)
	}
	key, err := readKey(c.AppKey)
	if err != nil {
		return nil, fmt.Errorf("private key of the GitHub App: %w", err)
	}
	return &app{id: c.AppID, key: key, base: base, next: next, now: c.Now, grants: map[string]*grant{}}, nil
}

// ours tells whether a request goes to GitHub's API; path is the rest of its address.
func ours(base, u *url.URL) (path string, yes bool) {
	if u.Scheme != base.Scheme || !strings.EqualFold(u.Host, base.Host) {
		return "", false
	}
	return strings.CutPrefix(u.Path, base.Path)
}

// token is that of an account.
type token struct {
	value string
	base  *url.URL
	next  http.RoundTripper
}

func (t *token) secrets() []string { return []string{t.value} }

// RoundTrip implements http.RoundTripper.
func (t *token) RoundTrip(r *http.Request) (*http.Response, error) {
	if _, yes := ours(t.base, r.URL); yes {
		r = r.Clone(r.Context())
		r.Header.Set("Authorization", "Bearer "+t.value)
	}
	return t.next.RoundTrip(r)
}

// app is a GitHub App: its key signs for what is about the app, and gets a token for
// each repository that it is installed for.
type app struct {
	id   string
	key  *rsa.PrivateKey
	base *url.URL
	next http.RoundTripper
	now  func() time.Time

	mu     sync.Mutex
	grants map[string]*grant // by repository, in small letters
}

// grant is the token for a repository; it lives for an hour.
type grant struct {
	mu      sync.Mutex
	value   string
	expires time.Time
}

func readKey(text string) (*rsa.PrivateKey, error) {
	block, _ := pem.Decode([]byte(text))
	if block == nil {
		return nil, errors.New("not PEM")
	}
	if key, err := x509.ParsePKCS1PrivateKey(block.Bytes); err == nil {
		return key, nil
	}
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, errors.New("not a key of RSA in PKCS #1 or #8")
	}
	key, ok := parsed.(*rsa.PrivateKey)
	if !ok {
		return nil, errors.New("not a key of RSA")
	}
	return key, nil
}

func (a *app) secrets() []string {
	a.mu.Lock()
	defer a.mu.Unlock()
	var all []string
	for _, g := range a.grants {
		g.mu.Lock()
		if g.value != "" {
			all = append(all, g.value)
		}
		g.mu.Unlock()
	}
	return all
}

// RoundTrip implements http.RoundTripper.
func (a *app) RoundTrip(r *http.Request) (*http.Response, error) {
	path, yes := ours(a.base, r.URL)
	if !yes {
		return a.next.RoundTrip(r)
	}
	parts := strings.Split(path, "/")
	if len(parts) < 3 || parts[0] != "repos" {
		return a.asApp(r)
	}
	g := a.grant(parts[1] + "/" + parts[2])
	value, err := a.tokenOf(r.Context(), g, parts[1], parts[2])
	if err != nil {
		return nil, &loginError{err}
	}
	r = r.Clone(r.Context())
	r.Header.Set("Authorization", "Bearer "+value)
	answer, err := a.next.RoundTrip(r)
	if err == nil && answer.StatusCode == http.StatusUnauthorized {
		g.forget(value)
	}
	return answer, err
}

func (a *app) grant(repository string) *grant {
	a.mu.Lock()
	defer a.mu.Unlock()
	repository = strings.ToLower(repository)
	g := a.grants[repository]
	if g == nil {
		g = &grant{}
		a.grants[repository] = g
	}
	return g
}

func (g *grant) forget(value string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.value == value {
		g.value = ""
	}
}

// tokenOf returns a token that is good for a while yet.
func (a *app) tokenOf(ctx context.Context, g *grant, owner, name string) (string, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.value != "" && a.now().Before(g.expires.Add(-5*time.Minute)) {
		return g.value, nil
	}
	var installation struct {
		ID int64 `json:"id"`
	}
	if err := a.ask(ctx, http.MethodGet, "repos/"+owner+"/"+name+"/installation", http.StatusOK, &installation); err != nil {
		return "", fmt.Errorf("find installation for %s/%s: %w", owner, name, err)
	}
	var made struct {
		Token   string    `json:"token"`
		Expires time.Time `json:"expires_at"`
	}
	path := fmt.Sprintf("app/installations/%d/access_tokens", installation.ID)
	if err := a.ask(ctx, http.MethodPost, path, http.StatusCreated, &made); err != nil {
		return "", fmt.Errorf("get token for %s/%s: %w", owner, name, err)
	}
	g.value, g.expires = made.Token, made.Expires
	return g.value, nil
}

// ask sends a request in the name of the app.
func (a *app) ask(ctx context.Context, method, path string, want int, into any) error {
	r, err := http.NewRequestWithContext(ctx, method, a.base.String()+path, http.NoBody) //nolint:gosec // the operator names the server
	if err != nil {
		return err
	}
	r.Header.Set("Accept", "application/vnd.github+json")
	answer, err := a.asApp(r)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	switch {
	case err != nil:
		return err
	case answer.StatusCode != want:
		return &statusError{answer.StatusCode, body}
	}
	return json.Unmarshal(body, into)
}

func (a *app) asApp(r *http.Request) (*http.Response, error) {
	signed, err := a.sign()
	if err != nil {
		return nil, &loginError{err}
	}
	r = r.Clone(r.Context())
	r.Header.Set("Authorization", "Bearer "+signed)
	return a.next.RoundTrip(r)
}

// sign returns a JSON Web Token in which the app says who it is. It is a minute old, in
// case that GitHub's clock is behind ours.
func (a *app) sign() (string, error) {
	now := a.now()
	claims, err := json.Marshal(map[string]any{"iat": now.Add(-time.Minute).Unix(), "exp": now.Add(9 * time.Minute).Unix(), "iss": a.id})
	if err != nil {
		return "", err
	}
	var b bytes.Buffer
	b.WriteString(base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"RS256","typ":"JWT"}`)))
	b.WriteByte('.')
	b.WriteString(base64.RawURLEncoding.EncodeToString(claims))
	sum := sha256.Sum256(b.Bytes())
	signature, err := rsa.SignPKCS1v15(rand.Reader, a.key, crypto.SHA256, sum[:])
	if err != nil {
		return "", fmt.Errorf("sign as app: %w", err)
	}
	b.WriteByte('.')
	b.WriteString(base64.RawURLEncoding.EncodeToString(signature))
	return b.String(), nil
}
