package github

import (
	"net/http"
	"strconv"
	"time"
)

// limited translates GitHub's ways to say that it is asked too often, which may be a 403
// with the time in one of two headers, to the common one: 429 with Retry-After.
type limited struct {
	next http.RoundTripper
	now  func() time.Time
}

// RoundTrip implements http.RoundTripper.
func (l *limited) RoundTrip(r *http.Request) (*http.Response, error) {
	answer, err := l.next.RoundTrip(r)
	if err != nil || (answer.StatusCode != http.StatusForbidden && answer.StatusCode != http.StatusTooManyRequests) {
		return answer, err
	}
	if answer.Header.Get("Retry-After") == "" {
		reset, err := strconv.ParseInt(answer.Header.Get("X-RateLimit-Reset"), 10, 64)
		if err != nil || answer.Header.Get("X-RateLimit-Remaining") != "0" {
			return answer, nil //nolint:nilerr // it is no limit, or says not until when
		}
		wait := max(1, int64(time.Unix(reset, 0).Sub(l.now()).Seconds())+1)
		answer.Header.Set("Retry-After", strconv.FormatInt(wait, 10))
	}
	answer.StatusCode, answer.Status = http.StatusTooManyRequests, "429 Too Many Requests"
	return answer, nil
}
