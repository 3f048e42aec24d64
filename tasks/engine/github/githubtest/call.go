package githubtest

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

// call is a request and its answer.
type call struct {
	s       *Server
	w       http.ResponseWriter
	r       *http.Request
	pattern string
	body    []byte
	login   string // who asks

	status int
	header http.Header
	answer []byte
}

// call reads a request; nil if it was refused.
func (s *Server) call(w http.ResponseWriter, r *http.Request, pattern string, query []string) *call {
	c := &call{s: s, w: w, r: r, pattern: pattern, header: http.Header{}}
	s.CheckQuery(r, pattern, query)
	if r.Header.Get("User-Agent") == "" {
		s.Notes.Addf("%s %s has no User-Agent: GitHub refuses that", r.Method, r.URL.Path)
	}
	var err error
	if c.body, err = io.ReadAll(r.Body); err != nil {
		return nil
	}
	if !s.authenticate(c) {
		c.send()
		return nil
	}
	return c
}

// say answers with JSON.
func (c *call) say(status int, body any) {
	text, err := json.Marshal(body)
	if err != nil {
		panic(err)
	}
	c.status, c.answer = status, text
	c.header.Set("Content-Type", "application/json; charset=utf-8")
}

// refuse answers as GitHub does when it does not do what it is asked.
func (c *call) refuse(status int, message string) {
	c.say(status, map[string]any{"message": message, "documentation_url": "https://docs.github.com/rest", "status": strconv.Itoa(status)})
}

// read reads the body of the request; what is not in the contract is noted.
func (c *call) read(into any) bool {
	kind, _, err := mime.ParseMediaType(c.r.Header.Get("Content-Type"))
	if err != nil || kind != "application/json" {
		c.s.Notes.Addf("%s is of type %q", c.pattern, kind)
	}
	d := json.NewDecoder(bytes.NewReader(c.body))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		c.s.Notes.Addf("%s: %v", c.pattern, err)
		c.refuse(http.StatusBadRequest, "Problems parsing JSON")
		return false
	}
	return true
}

// send sends the answer, or that it is the same as the one that the caller has.
func (c *call) send() {
	c.s.describe(c)
	for key, values := range c.header {
		c.w.Header()[key] = values
	}
	h := c.w.Header()
	h.Set("X-RateLimit-Limit", "5000")
	h.Set("X-RateLimit-Remaining", "4999")
	h.Set("X-RateLimit-Reset", strconv.FormatInt(c.s.Now().Unix()+3600, 10))
	if c.r.Method == http.MethodGet && c.status == http.StatusOK {
		sum := sha256.Sum256(c.answer)
		tag := `W/"` + hex.EncodeToString(sum[:]) + `"`
		h.Set("ETag", tag)
		if c.r.Header.Get("If-None-Match") == tag {
			c.w.WriteHeader(http.StatusNotModified)
			return
		}
	}
	c.w.WriteHeader(c.status)
	_, _ = c.w.Write(c.answer)
}

// page answers with one page of a list, under a key beside the length of all.
func page[T any](c *call, key string, list []T) {
	number, size := 1, 30
	if n, err := strconv.Atoi(c.r.URL.Query().Get("page")); err == nil && n > 0 {
		number = n
	}
	if n, err := strconv.Atoi(c.r.URL.Query().Get("per_page")); err == nil && n > 0 {
		size = min(n, 100)
	}
	from, to := min((number-1)*size, len(list)), min(number*size, len(list))
	if to < len(list) {
		next := url.URL{Scheme: "http", Host: c.r.Host, Path: "/api/v3" + c.r.URL.Path}
		q := c.r.URL.Query()
		q.Set("page", strconv.Itoa(number+1))
		next.RawQuery = q.Encode()
		c.header.Set("Link", fmt.Sprintf(`<%s>; rel="next"`, next.String()))
	}
	c.say(http.StatusOK, map[string]any{"total_count": len(list), key: append([]T{}, list[from:to]...)})
}

// bearer is the token of a request.
func (c *call) bearer() string {
	kind, value, _ := strings.Cut(c.r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(kind, "Bearer") && !strings.EqualFold(kind, "token") {
		return ""
	}
	return value
}
