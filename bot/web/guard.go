package web

import (
	"net/http"
	"strings"

	"slipway"
)

// MaxBody is the most bytes that a form may have.
const MaxBody = 1 << 20

// contentPolicy lets a page load its own files and nothing else. There is no inline
// script or style in any page.
const contentPolicy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; " +
	"connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"

// guard sets the headers that keep browsers careful, refuses changes that another site
// asks for, and limits the size of what is sent.
func (w *Web) guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		h := rw.Header()
		h.Set("Content-Security-Policy", contentPolicy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "same-origin")
		h.Set("X-Frame-Options", "DENY")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Permissions-Policy", "camera=(), geolocation=(), microphone=(), payment=()")
		if w.secure {
			h.Set("Strict-Transport-Security", "max-age=31536000")
		}
		if !strings.HasPrefix(r.URL.Path, "/static/") {
			// A page shows the state of now, and some show secrets once.
			h.Set("Cache-Control", "no-store")
		}
		if err := w.origins.Check(r); err != nil {
			w.fail(rw, r, nil, slipway.Refuse(slipway.Forbidden,
				"This request came from another site and was refused. Open the console and try again there.",
				"该请求来自其他网站，已被拒绝。请打开控制台后重试。").Because(err))
			return
		}
		if r.ContentLength > MaxBody {
			w.fail(rw, r, nil, tooLarge())
			return
		}
		r.Body = http.MaxBytesReader(rw, r.Body, MaxBody)
		next.ServeHTTP(rw, r)
	})
}

func tooLarge() error {
	return slipway.Refuse(slipway.TooLarge, "This is too large: at most 1 MiB can be sent.", "内容过大，最多 1 MiB。")
}

// statusOf is the HTTP status of an error.
func statusOf(code slipway.Code) int {
	switch code {
	case slipway.Invalid:
		return http.StatusBadRequest
	case slipway.Unauthenticated:
		return http.StatusUnauthorized
	case slipway.Forbidden:
		return http.StatusForbidden
	case slipway.NotFound:
		return http.StatusNotFound
	case slipway.Conflict, slipway.Stale:
		return http.StatusConflict
	case slipway.Unfit:
		return http.StatusUnprocessableEntity
	case slipway.TooLarge:
		return http.StatusRequestEntityTooLarge
	case slipway.TooMany:
		return http.StatusTooManyRequests
	case slipway.Unavailable:
		return http.StatusServiceUnavailable
	case slipway.Internal:
		return http.StatusInternalServerError
	}
	return http.StatusInternalServerError
}
