package feishutest

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"

	"slipway/bot/standin"
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
	r, err := s.Post(ctx, path, s.Headers(body), body)
	return r.Status, r.Body, err
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
	nonce := standin.Random(8)
	h := http.Header{}
	h.Set("Content-Type", "application/json; charset=utf-8")
	h.Set("X-Lark-Request-Timestamp", timestamp)
	h.Set("X-Lark-Request-Nonce", nonce)
	h.Set("X-Lark-Signature", Sign(timestamp, nonce, s.cfg.EncryptKey, body))
	return h
}

// Verify does what Feishu does when an address is entered in its console: the app must
// answer a challenge within a second. path is /feishu/events or /feishu/cards.
func (s *Server) Verify(ctx context.Context, path string) error {
	challenge := standin.Random(16)
	payload, err := json.Marshal(map[string]string{"challenge": challenge, "token": s.cfg.VerificationToken, "type": "url_verification"})
	if err != nil {
		return err
	}
	body, err := s.Envelope(payload)
	if err != nil {
		return err
	}
	r, err := s.Post(ctx, path, s.Headers(body), body)
	if err != nil {
		return fmt.Errorf("send the challenge: %w", err)
	}
	var echoed struct{ Challenge string }
	if r.Status != http.StatusOK || json.Unmarshal(r.Body, &echoed) != nil || echoed.Challenge != challenge {
		return fmt.Errorf("the challenge was answered with %d %s", r.Status, r.Body)
	}
	return nil
}
