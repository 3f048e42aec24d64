package slack

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/gorilla/websocket"

	"slipway/bot/slack/blockkit"
)

// Bounds of one connection. Slack pings every few seconds.
const (
	handshakeTime = 10 * time.Second
	silenceTime   = 30 * time.Second
)

var errRefresh = errors.New("Slack asks for a new connection")

// connection is one WebSocket of Socket Mode. The library's client is not used for it: it
// takes every message of a room apart, block by block, before it hands on the click that
// came behind it, and that is most of what a bot with large cards would do.
type connection struct {
	s       *Slack
	conn    *websocket.Conn
	writing sync.Mutex
}

// dial opens the WebSocket. The address carries a ticket, so no error tells it.
func dial(ctx context.Context, s *Slack, address string) (*connection, error) {
	d := &websocket.Dialer{HandshakeTimeout: handshakeTime, Proxy: http.ProxyFromEnvironment}
	conn, res, err := d.DialContext(ctx, address, nil)
	if res != nil {
		defer func() { _ = res.Body.Close() }()
	}
	switch {
	case err != nil && res != nil:
		return nil, fmt.Errorf("open the WebSocket: HTTP %d", res.StatusCode)
	case err != nil:
		return nil, fmt.Errorf("open the WebSocket: %w", safe(err))
	}
	conn.SetReadLimit(maxBody)
	return &connection{s: s, conn: conn}, nil
}

// frame is what comes over the connection.
type frame struct {
	Type    string          `json:"type"`
	ID      string          `json:"envelope_id"`
	Payload json.RawMessage `json:"payload"`
	Reason  string          `json:"reason"` // of a disconnect
}

// serve takes deliveries until the connection ends, or Slack asks for a new one: then
// what is under way is still answered on this one.
func (c *connection) serve(ctx context.Context) error {
	stop := context.AfterFunc(ctx, c.close)
	defer stop()
	silence := time.AfterFunc(silenceTime, c.close)
	defer silence.Stop()
	pong := c.conn.PingHandler()
	c.conn.SetPingHandler(func(data string) error {
		silence.Reset(silenceTime)
		return pong(data)
	})
	for {
		_, data, err := c.conn.ReadMessage()
		if err != nil {
			c.close()
			return fmt.Errorf("the connection was lost: %w", safe(err))
		}
		silence.Reset(silenceTime)
		var f frame
		if err := json.Unmarshal(data, &f); err != nil {
			c.s.Log.WarnContext(ctx, "not understood over socket mode", "error", err)
			continue
		}
		switch {
		case f.Type == "hello":
			c.s.status.setSocket("")
		case f.Type == "disconnect":
			time.AfterFunc(2*ackTime, c.close)
			return fmt.Errorf("%w (%s)", errRefresh, f.Reason)
		case f.ID != "":
			c.take(ctx, f)
		}
	}
}

// take handles one delivery on a goroutine of its own, so that the reader is never held
// up.
func (c *connection) take(ctx context.Context, f frame) {
	c.s.chores.do(func() {
		a := c.s.receive(ctx, source(f.Type), f.Payload)
		if a.status == http.StatusServiceUnavailable {
			return // Slack delivers it again
		}
		c.answer(ctx, f.ID, a.body)
		a.sent()
	})
}

// response answers a delivery.
type response struct {
	ID      string `json:"envelope_id"`
	Payload any    `json:"payload,omitempty"`
}

// answer answers a delivery. Without its answer it is delivered again.
func (c *connection) answer(ctx context.Context, id string, body any) {
	data, err := json.Marshal(response{ID: id, Payload: body})
	if err == nil && len(data) >= blockkit.SocketResponse {
		c.s.Log.ErrorContext(ctx, "answer is too large for socket mode", "bytes", len(data))
		data, err = json.Marshal(response{ID: id})
	}
	if err == nil {
		err = c.write(data)
	}
	if err != nil && ctx.Err() == nil {
		c.s.Log.WarnContext(ctx, "answer over socket mode", "error", safe(err))
	}
}

func (c *connection) write(data []byte) error {
	c.writing.Lock()
	defer c.writing.Unlock()
	late := time.AfterFunc(ackTime, c.close)
	defer late.Stop()
	return c.conn.WriteMessage(websocket.TextMessage, data)
}

func (c *connection) close() { _ = c.conn.Close() }
