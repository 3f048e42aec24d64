package jenkins

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"slipway"
	"slipway/tasks/engine"
	"slipway/tasks/engine/output"
)

// answer is what Jenkins sent back.
type answer struct {
	status int
	header http.Header
	body   []byte
}

// fault is an answer that is not the one that was asked for.
type fault struct {
	status     int
	said       string // Jenkins' own words, one line
	permission string // that is missing
}

func (f *fault) Error() string {
	text := fmt.Sprintf("Jenkins answers %d", f.status)
	if f.said != "" {
		text += ": " + f.said
	}
	return text
}

// send sends a request below the address of Jenkins; a form makes it a POST.
func (e *Engine) send(ctx context.Context, path string, query, form url.Values) (*answer, error) {
	method, body := http.MethodGet, io.Reader(nil)
	if form != nil {
		method, body = http.MethodPost, strings.NewReader(form.Encode())
	}
	address := e.base + path
	if len(query) > 0 {
		address += "?" + query.Encode()
	}
	r, err := http.NewRequestWithContext(ctx, method, address, body)
	if err != nil {
		return nil, fmt.Errorf("ask Jenkins: %w", err)
	}
	r.SetBasicAuth(e.config.User, e.config.Token)
	r.Header.Set("Accept-Language", "en")
	r.Header.Set("User-Agent", "slipway")
	if form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	got, err := e.client.Do(r)
	if err != nil {
		return nil, err
	}
	defer got.Body.Close()
	content, err := io.ReadAll(got.Body)
	if err != nil {
		return nil, fmt.Errorf("read answer of Jenkins: %w", err)
	}
	a := &answer{status: got.StatusCode, header: got.Header, body: content}
	if a.status < 200 || a.status > 299 {
		return a, &fault{status: a.status, said: e.vendor.Hide(saidOf(a)), permission: a.header.Get("X-Required-Permission")}
	}
	return a, nil
}

// saidOf is why Jenkins refuses. Its pages are for people and are not read.
func saidOf(a *answer) string {
	text := a.header.Get("X-Error")
	if kind := a.header.Get("Content-Type"); text == "" && (strings.HasPrefix(kind, "application/json") || strings.HasPrefix(kind, "text/plain")) {
		text = string(a.body)
	}
	return output.Short(text)
}

// get reads what the tree names of an object of the remote access API.
func (e *Engine) get(ctx context.Context, path, tree string, into any) error {
	query := url.Values{}
	if tree != "" {
		query.Set("tree", tree)
	}
	return e.read(ctx, path+"/api/json", query, into)
}

func (e *Engine) read(ctx context.Context, path string, query url.Values, into any) error {
	a, err := e.send(ctx, path, query, nil)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(a.body, into); err != nil {
		return fmt.Errorf("read %s of Jenkins: %w", path, err)
	}
	return nil
}

func statusOf(err error) int {
	var f *fault
	if errors.As(err, &f) {
		return f.status
	}
	return 0
}

func isNotFound(err error) bool { return statusOf(err) == http.StatusNotFound }

// refusal makes a refusal of an answer that says that Jenkins did nothing.
func (e *Engine) refusal(err error) *slipway.Error {
	var f *fault
	if !errors.As(err, &f) {
		return nil
	}
	switch {
	case f.status == http.StatusUnauthorized:
		return e.notAccepted()
	case f.status == http.StatusForbidden && f.permission != "":
		return slipway.Refuse(slipway.Forbidden, "Jenkins does not let Slipway's account do this: it lacks the permission %s.",
			"Jenkins 不允许 Slipway 的账号执行此操作：缺少权限 %s。", e.vendor.Hide(f.permission))
	case f.status == http.StatusForbidden:
		return slipway.Refuse(slipway.Forbidden,
			"Jenkins does not let Slipway's account do this. Give it the permission; and use an API token, not a password.",
			"Jenkins 不允许 Slipway 的账号执行此操作。请为其授权，并确认使用的是 API token 而不是密码。")
	case f.status >= 300 && f.status < 400:
		return slipway.Refuse(slipway.Conflict,
			"Jenkins at %s sends us elsewhere, and Slipway follows nobody with its credentials. Set SLIPWAY_JENKINS_URL to the final address.",
			"Jenkins（%s）将请求重定向到其他地址，Slipway 不会带着凭据跟随重定向。请将 SLIPWAY_JENKINS_URL 设置为最终地址。", e.host)
	}
	return e.vendor.Usual(f.status, cmp.Or(f.said, fmt.Sprint(f.status)))
}

func (e *Engine) notAccepted() *slipway.Error {
	return slipway.Refuse(slipway.Unauthenticated,
		"Jenkins at %[1]s does not accept the API token of “%[2]s”: it is wrong or revoked. An operator sets SLIPWAY_JENKINS_USER and SLIPWAY_JENKINS_TOKEN.",
		"Jenkins（%[1]s）不接受“%[2]s”的 API token：令牌错误或已吊销。请运维人员设置 SLIPWAY_JENKINS_USER 和 SLIPWAY_JENKINS_TOKEN。",
		e.host, e.config.User)
}

// missing makes an error of one about a run.
func (e *Engine) missing(ctx context.Context, err error, ref engine.Ref) error {
	if isNotFound(err) || errors.Is(err, engine.ErrNoRun) {
		return fmt.Errorf("build %q: %w", ref, engine.ErrNoRun)
	}
	return e.vendor.Acting(ctx, err)
}
