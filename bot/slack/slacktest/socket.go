package slacktest

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/gorilla/websocket"

	"slipway/bot/slack/blockkit"
	"slipway/bot/standin"
)

// maxSockets is how many WebSockets an app may have open.
const maxSockets = 10

// socket is one WebSocket of the app.
type socket struct {
	ws     *websocket.Conn
	closed chan struct{}
	once   sync.Once

	write sync.Mutex // gorilla's connections take one writer at a time

	mu   sync.Mutex
	acks map[string]chan json.RawMessage // by envelope
	done map[string]bool                 // envelopes that were given up
}

// envelope is what goes over a WebSocket to the app.
type envelope struct {
	ID      string          `json:"envelope_id"`
	Type    string          `json:"type"`
	Accepts bool            `json:"accepts_response_payload"`
	Payload json.RawMessage `json:"payload"`
	Retry   int             `json:"retry_attempt"`
	Reason  string          `json:"retry_reason"`
}

// Apps are no browsers, so where a request comes from says nothing.
var upgrader = websocket.Upgrader{CheckOrigin: func(*http.Request) bool { return true }}

// serveSocket opens a WebSocket for a ticket that nobody used yet.
func (s *Server) serveSocket(w http.ResponseWriter, r *http.Request) {
	ticket := r.URL.Query().Get("ticket")
	s.mu.Lock()
	valid := s.tickets[ticket]
	delete(s.tickets, ticket)
	n := s.Connections()
	if !valid {
		s.Violate("opened a WebSocket with an address that is not its own or was used before")
	}
	s.mu.Unlock()
	switch {
	case !valid:
		http.Error(w, "invalid_ticket", http.StatusForbidden)
		return
	case n >= maxSockets:
		http.Error(w, "too_many_websockets", http.StatusTooManyRequests)
		return
	}
	ws, err := upgrader.Upgrade(w, r, nil)
	if err != nil {
		s.cfg.Log.WarnContext(r.Context(), "upgrade to WebSocket", "error", err)
		return
	}
	c := &socket{ws: ws, closed: make(chan struct{}), acks: map[string]chan json.RawMessage{}, done: map[string]bool{}}
	hello := map[string]any{
		"type": "hello", "num_connections": n + 1, "connection_info": map[string]any{"app_id": s.cfg.AppID},
		"debug_info": map[string]any{"host": "slacktest", "build_number": 1, "approximate_connection_time": 18060},
	}
	// With the lock, so that whoever has seen the hello is also delivered to, and nothing
	// comes before it.
	s.mu.Lock()
	if err := c.send(hello); err != nil {
		s.mu.Unlock()
		c.drop()
		return
	}
	s.lines.Join(c)
	s.change()
	s.mu.Unlock()
	if s.Ended() {
		c.drop() // Close may have gone through the list before this one was on it
	}
	s.Go(func(context.Context) { s.ping(c) })
	s.read(c) // until the connection ends
	s.lose(c)
}

// lose breaks a WebSocket and forgets it.
func (s *Server) lose(c *socket) {
	c.drop()
	s.lines.Leave(c)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.change()
}

// Connections tells how many WebSockets the app has open.
func (s *Server) Connections() int { return len(s.lines.Open()) }

// WaitConnected returns when the app has a WebSocket open.
func (s *Server) WaitConnected(ctx context.Context) error {
	_, err := s.lines.Wait(ctx)
	return err
}

func (s *Server) ping(c *socket) {
	tick := time.NewTicker(s.cfg.PingEvery)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			c.write.Lock()
			err := c.ws.WriteMessage(websocket.PingMessage, []byte("Ping from slacktest"))
			c.write.Unlock()
			if err != nil {
				c.drop()
				return
			}
		case <-c.closed:
			return
		}
	}
}

// read takes the app's answers.
func (s *Server) read(c *socket) {
	for {
		_, raw, err := c.ws.ReadMessage()
		if err != nil {
			return
		}
		var ack struct {
			ID      string          `json:"envelope_id"`
			Payload json.RawMessage `json:"payload"`
		}
		if err := json.Unmarshal(raw, &ack); err != nil || ack.ID == "" {
			s.Violate("sent %.100q over the WebSocket, which answers nothing", raw)
			continue
		}
		if len(raw) >= blockkit.SocketResponse {
			s.Violate("an answer over the WebSocket has %d bytes; Slack drops it", len(raw))
			continue
		}
		c.mu.Lock()
		waiting, late := c.acks[ack.ID], c.done[ack.ID]
		delete(c.acks, ack.ID)
		c.mu.Unlock()
		switch {
		case waiting != nil:
			waiting <- ack.Payload
		case !late: // that it was late is noted already
			s.Violate("answered envelope %q, which is not open on this WebSocket", ack.ID)
		}
	}
}

// overSocket sends an envelope over one of the WebSockets and waits for its answer.
func (s *Server) overSocket(ctx context.Context, d delivery) (reply, error) {
	s.mu.Lock()
	raw, err := json.Marshal(d.payload)
	e := envelope{ID: s.id("env-"), Type: d.kind, Accepts: d.kind != "events_api", Payload: raw, Retry: d.retry, Reason: d.reason}
	sockets := s.lines.Open()
	s.turn++ // the next envelope begins with another socket, as Slack spreads them
	first := s.turn
	s.mu.Unlock()
	if err != nil {
		return reply{}, fmt.Errorf("write payload: %w", err)
	}
	start := s.cfg.Now()
	for i := range sockets {
		c := sockets[(first+i)%len(sockets)]
		answer := c.expect(e.ID)
		if err := c.send(e); err != nil {
			c.drop()
			continue
		}
		r, err := s.awaitAck(ctx, c, e, answer)
		r.took = s.cfg.Now().Sub(start)
		return r, err
	}
	return reply{}, standin.ErrDown
}

func (s *Server) awaitAck(ctx context.Context, c *socket, e envelope, answer chan json.RawMessage) (reply, error) {
	timer := time.NewTimer(s.cfg.AckWithin)
	defer timer.Stop()
	select {
	case body := <-answer:
		var r reply
		if body = bytes.TrimSpace(body); string(body) != "null" && e.Accepts {
			r.body = body
		}
		return r, nil
	case <-timer.C:
		c.giveUp(e.ID)
		s.Violate("no answer to %s envelope within %s", e.Type, s.cfg.AckWithin)
		return reply{}, fmt.Errorf("%s envelope: %w", e.Type, errLate)
	case <-c.closed:
		return reply{}, fmt.Errorf("%s envelope: %w: connection lost", e.Type, standin.ErrDown)
	case <-ctx.Done():
		c.giveUp(e.ID)
		return reply{}, fmt.Errorf("%s envelope: %w", e.Type, ctx.Err())
	}
}

func (c *socket) expect(id string) chan json.RawMessage {
	answer := make(chan json.RawMessage, 1)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.acks[id] = answer
	return answer
}

func (c *socket) giveUp(id string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.acks, id)
	c.done[id] = true
}

func (c *socket) send(v any) error {
	c.write.Lock()
	defer c.write.Unlock()
	if err := c.ws.WriteJSON(v); err != nil {
		return fmt.Errorf("write to WebSocket: %w", err)
	}
	return nil
}

// disconnect tells the app that the connection will end.
func (c *socket) disconnect(reason string) {
	if err := c.send(map[string]any{"type": "disconnect", "reason": reason, "debug_info": map[string]any{"host": "slacktest"}}); err != nil {
		c.drop()
	}
}

// drop breaks the connection.
func (c *socket) drop() {
	c.once.Do(func() {
		close(c.closed)
		_ = c.ws.Close() // broken is what it is to be
	})
}
