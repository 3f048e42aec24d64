package dingtalktest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/gorilla/websocket"

	"slipway/bot/standin"
)

// connectPath is where connections are made.
const connectPath = "/connect"

// ticketLife is how long a ticket is good; it is for one connection.
const ticketLife = 90 * time.Second

// socket is one connection.
type socket struct {
	conn *websocket.Conn
	gone chan struct{}

	mu   sync.Mutex // of writing, and of what follows
	wait map[string]chan ack
}

// ack is the app's answer to a frame.
type ack struct {
	Code    int               `json:"code"`
	Message string            `json:"message"`
	Headers map[string]string `json:"headers"`
	Data    string            `json:"data"`
}

// giveEndpoint tells where to connect to.
func (s *Server) giveEndpoint(c *call) reply {
	var in struct {
		ID            string `json:"clientId"`
		Secret        string `json:"clientSecret"`
		UA            string `json:"ua"`
		IP            string `json:"localIp"`
		Subscriptions []struct {
			Type  string `json:"type"`
			Topic string `json:"topic"`
		} `json:"subscriptions"`
	}
	if !strings.Contains(c.http.Header.Get("Accept"), "application/json") {
		s.Violate("%s: without an Accept header DingTalk answers with XML", OpStream)
		return refusal("xml", "<Error/>")
	}
	if s.read(c, &in) != nil || in.ID != s.cfg.AppKey || in.Secret != s.cfg.AppSecret {
		return refusalWith(http.StatusUnauthorized, "authFailed", "鉴权失败")
	}
	if len(in.Subscriptions) == 0 {
		return refusal("subscriptionsEmpty", "订阅为空")
	}
	ticket := standin.Random(16)
	s.tickets[ticket] = s.cfg.Now().Add(ticketLife)
	return done(map[string]any{"endpoint": "ws://" + c.http.Host + connectPath, "ticket": ticket})
}

// connect takes a connection and reads from it until it ends.
func (s *Server) connect(w http.ResponseWriter, r *http.Request) {
	ticket := r.URL.Query().Get("ticket")
	s.mu.Lock()
	good := s.cfg.Now().Before(s.tickets[ticket])
	delete(s.tickets, ticket)
	s.mu.Unlock()
	if !good {
		http.Error(w, "invalid ticket", http.StatusUnauthorized)
		return
	}
	conn, err := (&websocket.Upgrader{CheckOrigin: func(*http.Request) bool { return true }}).Upgrade(w, r, nil)
	if err != nil {
		return // it has answered
	}
	c := &socket{conn: conn, gone: make(chan struct{}), wait: map[string]chan ack{}}
	s.lines.Join(c)
	s.listen(c)
	s.lines.Leave(c)
	close(c.gone)
	_ = conn.Close()
}

// listen reads answers.
func (s *Server) listen(c *socket) {
	for !s.Ended() {
		_, data, err := c.conn.ReadMessage()
		if err != nil {
			return
		}
		var a ack
		d := json.NewDecoder(strings.NewReader(string(data)))
		d.DisallowUnknownFields()
		if err := d.Decode(&a); err != nil {
			s.mu.Lock()
			s.Violate("stream: an answer is not as documented: %v", err)
			s.mu.Unlock()
			return
		}
		c.mu.Lock()
		waiting := c.wait[a.Headers["messageId"]]
		delete(c.wait, a.Headers["messageId"])
		c.mu.Unlock()
		if waiting != nil {
			waiting <- a
		}
	}
}

// write sends a frame. Its answer comes over the channel.
func (c *socket) write(kind, topic, data string, headers map[string]string) (<-chan ack, error) {
	all := map[string]string{"topic": topic, "messageId": standin.Random(8), "contentType": "application/json", "time": fmt.Sprint(time.Now().UnixMilli())}
	for k, v := range headers {
		all[k] = v
	}
	answer := make(chan ack, 1)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.wait[all["messageId"]] = answer
	return answer, c.conn.WriteJSON(map[string]any{"specVersion": "1.0", "type": kind, "headers": all, "data": data})
}

// ask sends a frame and waits for its answer.
func (c *socket) ask(ctx context.Context, kind, topic, data string, headers map[string]string) (ack, error) {
	answer, err := c.write(kind, topic, data, headers)
	if err != nil {
		return ack{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	select {
	case a := <-answer:
		return a, nil
	case <-c.gone:
		return ack{}, errors.New("the connection broke")
	case <-ctx.Done():
		return ack{}, ctx.Err()
	}
}

// push delivers an event over a connection.
func (s *Server) push(ctx context.Context, c *socket, e event) (status int, err error) {
	data, err := json.Marshal(e.payload)
	if err != nil {
		return 0, err
	}
	a, err := c.ask(ctx, "EVENT", "*", string(data), map[string]string{
		"eventType": e.name, "eventId": standin.Random(16), "eventCorpId": corpID, "eventBornTime": fmt.Sprint(time.Now().UnixMilli()), "eventUnifiedAppId": corpID,
	})
	if err != nil {
		return 0, err
	}
	var word struct{ Status string }
	if a.Code != http.StatusOK || json.Unmarshal([]byte(a.Data), &word) != nil || word.Status != "SUCCESS" {
		return a.Code, fmt.Errorf("the event was answered with %d %s", a.Code, a.Data)
	}
	return a.Code, nil
}

// Connected waits for a connection.
func (s *Server) Connected(ctx context.Context) error {
	_, err := s.lines.Wait(ctx)
	return err
}

// Ping asks over every connection whether there is anybody.
func (s *Server) Ping(ctx context.Context) error {
	for _, c := range s.lines.Open() {
		data := `{"opaque":"` + standin.Random(8) + `"}`
		if a, err := c.ask(ctx, "SYSTEM", "ping", data, nil); err != nil || a.Code != http.StatusOK || a.Data != data {
			return fmt.Errorf("the ping was answered with %+v, %w", a, err)
		}
	}
	return nil
}

// DropConnections breaks all connections without a word.
func (f *Faults) DropConnections() { f.end(func(*socket) {}) }

// Disconnect asks the app to connect anew, as DingTalk does from time to time.
func (f *Faults) Disconnect() {
	f.end(func(c *socket) { _, _ = c.write("SYSTEM", "disconnect", `{"reason":"persistent connection"}`, nil) })
}

// end ends all connections, and waits until they are gone.
func (f *Faults) end(last func(*socket)) {
	for _, c := range f.s.lines.Open() {
		last(c)
		_ = c.conn.Close()
		<-c.gone
	}
}
