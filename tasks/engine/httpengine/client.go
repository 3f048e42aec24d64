package httpengine

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"strings"

	"slipway"
	"slipway/tasks/engine/output"
)

// fault is an answer that is not the one that was asked for.
type fault struct {
	status int
	said   string // the server's own words, one line
}

func (f *fault) Error() string {
	text := fmt.Sprintf("the server answers %d", f.status)
	if f.said != "" {
		text += ": " + f.said
	}
	return text
}

// values returns what placeholders stand for: the run, the secrets, and more.
func (e *Engine) values(r run, more map[string]string) values {
	v := values{
		texts: map[string]string{"mark": r.mark, "ref": r.ref, "project": r.project, "workflow": r.workflow}, raw: map[string]json.RawMessage{},
	}
	for name, secret := range e.config.Secrets {
		v.texts["secret."+name] = secret
	}
	maps.Copy(v.texts, more)
	return v
}

// send sends a request of the settings. What is set for all requests comes first.
func (e *Engine) send(ctx context.Context, r *Request, method string, v values, header http.Header) ([]byte, error) {
	var body io.Reader
	form, err := isForm(e.settings.Headers, r.Headers)
	if err != nil {
		return nil, err
	}
	kind := ""
	switch {
	case r.Body == "":
	case form:
		kind, body = "application/x-www-form-urlencoded", strings.NewReader(fill(strings.TrimSpace(r.Body), v, inForm))
	default:
		kind, body = "application/json", strings.NewReader(fill(r.Body, v, inJSON))
	}
	address, err := e.address(r.URL, v)
	if err != nil {
		return nil, err
	}
	request, err := http.NewRequestWithContext(ctx, cmp.Or(r.Method, method), address, body)
	if err != nil {
		return nil, fmt.Errorf("make request: %w", err)
	}
	request.Header.Set("User-Agent", "slipway")
	request.Header.Set("Accept", "application/json")
	if kind != "" {
		request.Header.Set("Content-Type", kind)
	}
	for _, headers := range []map[string]string{e.settings.Headers, r.Headers} {
		for name, value := range headers {
			request.Header.Set(name, fill(value, v, inHeader))
		}
	}
	for name := range header {
		request.Header.Set(name, header.Get(name))
	}
	answer, err := e.client.Do(request)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	content, err := io.ReadAll(answer.Body)
	if err != nil {
		return nil, fmt.Errorf("read answer: %w", err)
	}
	if answer.StatusCode < 200 || answer.StatusCode > 299 {
		return nil, &fault{status: answer.StatusCode, said: saidOf(answer.Header.Get("Content-Type"), content)}
	}
	return content, nil
}

// address fills in an address. A value must not lead out of its place in the path.
func (e *Engine) address(text string, v values) (string, error) {
	parts, err := parse(text)
	if err != nil {
		return "", err
	}
	for _, name := range names(parts) {
		if value := v.texts[name]; value == "." || value == ".." {
			return "", slipway.Refuse(slipway.Invalid, "The value of %[1]s stands in an address of the engine %[3]s, where it cannot be %[2]q.",
				"%[1]s 的值用于引擎 %[3]s 的地址中，不能为 %[2]q。", strings.TrimPrefix(name, "params."), value, e.config.Name)
		}
	}
	return fill(text, v, inURL), nil
}

// saidOf is why a server refuses: the text of its answer, or of a field of it in which
// servers commonly say so. Pages for people are not read.
func saidOf(kind string, content []byte) string {
	text := ""
	if value, err := decode(content); err == nil {
		for _, at := range []string{"message", "error.message", "error", "detail", "title"} {
			if text = optional(value, at); text != "" {
				break
			}
		}
		if said, ok := value.(string); ok {
			text = said
		}
	} else if strings.HasPrefix(kind, "text/plain") {
		text = string(content)
	}
	return output.Short(text)
}

// read sends a request that reads JSON.
func (e *Engine) read(ctx context.Context, r *Request, v values) (any, error) {
	content, err := e.send(ctx, r, http.MethodGet, v, nil)
	if err != nil {
		return nil, err
	}
	return decode(content)
}

func statusOf(err error) int {
	var f *fault
	if errors.As(err, &f) {
		return f.status
	}
	return 0
}

func isNotFound(err error) bool {
	return statusOf(err) == http.StatusNotFound || statusOf(err) == http.StatusGone
}

// refusal makes a refusal of an answer that says that the server did nothing. One that
// sends elsewhere may come after something was done.
func (e *Engine) refusal(err error) *slipway.Error {
	var f *fault
	if !errors.As(err, &f) {
		return nil
	}
	name := e.config.Name
	said := e.vendor.Hide(cmp.Or(f.said, fmt.Sprint(f.status)))
	switch {
	case f.status == http.StatusUnauthorized:
		return slipway.Refuse(slipway.Unauthenticated,
			"The engine %[1]s does not accept Slipway's credentials. An operator sets them anew; they come from: %[2]s.",
			"引擎 %[1]s 不接受 Slipway 的凭据。请运维人员重新设置，凭据来源：%[2]s。", name, e.sources())
	case f.status == http.StatusForbidden:
		return slipway.Refuse(slipway.Forbidden, "The engine %[1]s does not let Slipway do this: %[2]s", "引擎 %[1]s 不允许 Slipway 执行此操作：%[2]s",
			name, said)
	case isNotFound(err):
		return slipway.Refuse(slipway.NotFound, "The engine %[1]s knows no such thing: %[2]s", "引擎 %[1]s 中没有该对象：%[2]s", name, said)
	case f.status == http.StatusTooManyRequests:
		return slipway.Refuse(slipway.TooMany, "The engine %s is asked too often. Try again in a minute.", "对引擎 %s 的请求过于频繁，请一分钟后重试。", name)
	case f.status == http.StatusMovedPermanently, f.status == http.StatusTemporaryRedirect, f.status == http.StatusPermanentRedirect:
		return slipway.Refuse(slipway.Conflict,
			"The engine %s sends us elsewhere, and Slipway follows nobody with its credentials. An operator sets the final address.",
			"引擎 %s 将请求重定向到其他地址，Slipway 不会带着凭据跟随重定向。请运维人员填写最终地址。", name)
	case f.status == http.StatusRequestTimeout, f.status < 400, f.status >= 500:
		return nil
	}
	return slipway.Refuse(slipway.Conflict, "The engine %[1]s refuses: %[2]s", "引擎 %[1]s 拒绝了该操作：%[2]s", name, said)
}
