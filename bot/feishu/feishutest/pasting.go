package feishutest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"slipway/bot/feishu/cardjson"
	"slipway/bot/standin"
)

// Paste implements screen.Person. The app is asked what to show below the link, and told
// of the message like of any other.
func (p person) Paste(ctx context.Context, room, url string) (string, error) {
	s := p.s
	s.mu.Lock()
	m, err := p.text(room, "", url, false)
	if err != nil {
		s.mu.Unlock()
		return "", err
	}
	link := &preview{token: standin.Random(16), url: url, message: m.id, by: p.id, refreshed: s.now()}
	s.previews[link.token] = link
	m.preview = link.token
	e, told := p.messageEvent(m, false)
	s.mu.Unlock()
	shown, err := s.fetchPreview(ctx, link)
	if told {
		_, tellErr := s.tell(ctx, e)
		err = errors.Join(err, tellErr)
	}
	return shown, err
}

// previewAnswer is what an app answers when it is asked about a link.
// development-link-preview/pull-link-preview-data.
type previewAnswer struct {
	Inline *struct {
		Title     string            `json:"title"`
		I18nTitle map[string]string `json:"i18n_title"`
		ImageKey  string            `json:"image_key"`
		URL       json.RawMessage   `json:"url"`
	} `json:"inline"`
	Card *struct {
		Type string          `json:"type"`
		Data json.RawMessage `json:"data"`
	} `json:"card"`
}

// fetchPreview asks the app what to show below a link.
func (s *Server) fetchPreview(ctx context.Context, link *preview) (string, error) {
	p := person{s: s, id: link.by}
	s.mu.Lock()
	operator := p.operator()
	operator["tenant_key"] = tenantKey
	e := s.newEvent(eventPreview, map[string]any{
		"operator": operator, "host": "im_message",
		"context": map[string]any{
			"url": link.url, "preview_token": link.token, "open_message_id": link.message, "open_chat_id": s.messages[link.message].chat,
		},
	})
	s.mu.Unlock()
	d, err := s.tell(ctx, e)
	if err != nil {
		return "", err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(d.Answer) == 0 {
		return "", nil
	}
	var answer previewAnswer
	if err := json.Unmarshal(d.Answer, &answer); err != nil {
		s.Violate("%s: wrong answer: %v", eventPreview, err)
		return "", fmt.Errorf("read the preview: %w", err)
	}
	var lines []string
	rd := s.reader(link.by)
	if in := answer.Inline; in != nil {
		title := in.Title
		if local := in.I18nTitle[rd.locale]; local != "" {
			title = local
		}
		lines = append(lines, title)
	}
	if answer.Card != nil {
		if problems := cardjson.Check(answer.Card.Data); answer.Card.Type != "raw" || len(problems) > 0 {
			s.Violate("%s: bad card: %s %v", eventPreview, answer.Card.Type, problems)
			return "", fmt.Errorf("the preview has a bad card: %v", problems)
		}
		lines = append(lines, rd.look(answer.Card.Data).lines...)
	}
	link.text = strings.Join(lines, "\n")
	s.touch()
	return link.text, nil
}
