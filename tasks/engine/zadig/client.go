package zadig

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"slipway"
	"slipway/tasks/engine/output"
)

// answerError is an answer that is no success. Zadig answers most refusals with 500 and
// a body that says why; it is read then, and Said is not empty.
type answerError struct {
	Status int
	Code   int    // Zadig's own
	Said   string // what Zadig says; empty: the answer is not one of Zadig's
}

func (a *answerError) Error() string {
	return fmt.Sprintf("answer %d (%d): %s", a.Status, a.Code, a.Said)
}

// missing tells whether an error says that Zadig has no such thing.
func missing(err error) bool {
	var a *answerError
	return errors.As(err, &a) && (strings.Contains(a.Said, "no documents in result") || strings.Contains(a.Said, "document is nil"))
}

// unserved tells whether an error says that this version of Zadig has no such address.
func unserved(err error) bool {
	var a *answerError
	return errors.As(err, &a) && a.Status == http.StatusNotFound && a.Said == ""
}

func (e *Engine) get(ctx context.Context, path string, query url.Values, into any) error {
	return e.call(ctx, http.MethodGet, path, query, nil, into)
}

// call sends a request and reads its answer; body and into may be nil.
func (e *Engine) call(ctx context.Context, method, path string, query url.Values, body, into any) error {
	request, err := e.request(ctx, method, path, query, body)
	if err != nil {
		return err
	}
	answer, err := e.client.Do(request)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		return fmt.Errorf("read answer: %w", err)
	}
	if answer.StatusCode != http.StatusOK {
		return readFault(answer.StatusCode, text)
	}
	switch into := into.(type) {
	case nil:
	case *string:
		*into = string(text)
	default:
		if err := json.Unmarshal(text, into); err != nil {
			return fmt.Errorf("read answer to %s %s: %w", method, path, err)
		}
	}
	return nil
}

func (e *Engine) request(ctx context.Context, method, path string, query url.Values, body any) (*http.Request, error) {
	var content io.Reader
	if body != nil {
		text, err := json.Marshal(body)
		if err != nil {
			return nil, fmt.Errorf("write request: %w", err)
		}
		content = bytes.NewReader(text)
	}
	address := e.base + path
	if len(query) > 0 {
		address += "?" + query.Encode()
	}
	request, err := http.NewRequestWithContext(ctx, method, address, content)
	if err != nil {
		return nil, fmt.Errorf("make request: %w", err)
	}
	request.Header.Set("Authorization", "Bearer "+e.config.Token)
	request.Header.Set("User-Agent", "slipway")
	if body != nil {
		request.Header.Set("Content-Type", "application/json")
	}
	return request, nil
}

func readFault(status int, text []byte) error {
	var said struct {
		Code        int    `json:"code"`
		Message     string `json:"message"`
		Description string `json:"description"`
	}
	a := &answerError{Status: status}
	if json.Unmarshal(text, &said) == nil && said.Code != 0 {
		a.Code, a.Said = said.Code, said.Description
		if a.Said == "" {
			a.Said = said.Message
		}
		a.Said = output.Short(a.Said)
	}
	return a
}

// reading makes an error for people of one from a request that only read. Zadig answers
// with 500 what it refuses, and when it is in trouble itself.
func (e *Engine) reading(ctx context.Context, err error) error {
	var a *answerError
	syntax := (*json.SyntaxError)(nil)
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.As(err, &a) && a.Status >= 500:
		return e.vendor.Silent(err)
	case errors.As(err, &syntax):
		return slipway.Refuse(slipway.Unavailable,
			"What answers at %s is not Zadig's API. Check SLIPWAY_ZADIG_URL, and what stands in between.",
			"%s 返回的不是 Zadig 接口的内容。请检查 SLIPWAY_ZADIG_URL 以及中间的代理。", e.host).Because(e.vendor.Redacted(err))
	}
	return e.vendor.Reading(ctx, err)
}

// refusal makes a refusal of an answer that says that Zadig, or what stands before it,
// did nothing.
func (e *Engine) refusal(err error) *slipway.Error {
	var a *answerError
	if !errors.As(err, &a) {
		return nil
	}
	switch {
	case a.Status == http.StatusUnauthorized:
		return slipway.Refuse(slipway.Unauthenticated,
			"Zadig at %s does not accept Slipway's API token: it is wrong, replaced or expired. An operator sets a new one in SLIPWAY_ZADIG_TOKEN.",
			"Zadig（%s）不接受 Slipway 的 API Token：Token 错误、已被替换或已过期。请运维人员在 SLIPWAY_ZADIG_TOKEN 中设置新的 Token。", e.host)
	case a.Status == http.StatusForbidden:
		return slipway.Refuse(slipway.Forbidden,
			"Zadig does not let Slipway's account do this. Give the account a role in the project that may view and execute workflows.",
			"Zadig 不允许 Slipway 的账号执行此操作。请在该项目中为其授予可查看并执行工作流的角色。")
	case a.Status == http.StatusTooManyRequests:
		return e.vendor.Usual(a.Status, a.Said)
	case a.Status >= 300 && a.Status < 400:
		return slipway.Refuse(slipway.Unfit,
			"Zadig at %s sends Slipway to another address. Set the final one in SLIPWAY_ZADIG_URL.",
			"Zadig（%s）将请求重定向到了其他地址。请在 SLIPWAY_ZADIG_URL 中填写最终地址。", e.host)
	case a.Status == http.StatusNotFound && a.Said == "":
		return slipway.Refuse(slipway.NotFound, "This version of Zadig does not offer that.", "当前版本的 Zadig 不支持该操作。")
	case a.Said != "":
		return slipway.Refuse(slipway.Conflict, "Zadig refuses: %s", "Zadig 拒绝了该操作：%s", e.vendor.Hide(a.Said))
	case a.Status < 500 && a.Status != http.StatusRequestTimeout:
		return slipway.Refuse(slipway.Unfit, "Something in front of Zadig at %[1]s refuses the request with status %[2]d.",
			"Zadig（%[1]s）前面的代理拒绝了请求，状态码 %[2]d。", e.host, a.Status)
	}
	return nil
}
