package feishutest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
)

// request delivers an event to the app's address, encrypted and signed.
// event-subscription-guide/event-subscription-configure-/encrypt-key-encryption-configuration-case.
func (s *Server) request(ctx context.Context, e event) (status int, answer []byte, err error) {
	path := "/feishu/events"
	if e.callback {
		path = "/feishu/cards"
	}
	body, err := s.Envelope(e.payload)
	if err != nil {
		return 0, nil, err
	}
	return s.send(ctx, path, body, s.Headers(body))
}

// Envelope returns the body of a request that carries an event: encrypted if the app has
// an encrypt key.
func (s *Server) Envelope(payload []byte) ([]byte, error) {
	if s.cfg.EncryptKey == "" {
		return payload, nil
	}
	text, err := Encrypt(payload, s.cfg.EncryptKey)
	if err != nil {
		return nil, err
	}
	return json.Marshal(map[string]string{"encrypt": text})
}

// Headers returns the headers that sign a request now.
func (s *Server) Headers(body []byte) http.Header {
	s.mu.Lock()
	timestamp := strconv.FormatInt(s.now().Unix(), 10)
	s.mu.Unlock()
	nonce := random(8)
	h := http.Header{}
	h.Set("Content-Type", "application/json; charset=utf-8")
	h.Set("X-Lark-Request-Timestamp", timestamp)
	h.Set("X-Lark-Request-Nonce", nonce)
	h.Set("X-Lark-Signature", Sign(timestamp, nonce, s.cfg.EncryptKey, body))
	return h
}

// send posts a body to the app. Redirects are not followed, as Feishu demands.
func (s *Server) send(ctx context.Context, path string, body []byte, headers http.Header) (status int, answer []byte, err error) {
	s.mu.Lock()
	app := s.app
	s.mu.Unlock()
	if app == "" {
		return 0, nil, errors.New("the app has no address")
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, app+path, bytes.NewReader(body))
	if err != nil {
		return 0, nil, err
	}
	req.Header = headers
	client := *s.client
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	resp, err := client.Do(req)
	if err != nil {
		return 0, nil, err
	}
	defer resp.Body.Close()
	answer, err = io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	return resp.StatusCode, answer, err
}

// Verify does what Feishu does when an address is entered in its console: the app must
// answer a challenge within a second. path is /feishu/events or /feishu/cards.
func (s *Server) Verify(ctx context.Context, path string) error {
	challenge := random(16)
	payload, err := json.Marshal(map[string]string{"challenge": challenge, "token": s.cfg.VerificationToken, "type": "url_verification"})
	if err != nil {
		return err
	}
	body, err := s.Envelope(payload)
	if err != nil {
		return err
	}
	status, answer, err := s.send(ctx, path, body, s.Headers(body))
	if err != nil {
		return fmt.Errorf("send the challenge: %w", err)
	}
	var echoed struct{ Challenge string }
	if status != http.StatusOK || json.Unmarshal(answer, &echoed) != nil || echoed.Challenge != challenge {
		return fmt.Errorf("the challenge was answered with %d %s", status, answer)
	}
	return nil
}
