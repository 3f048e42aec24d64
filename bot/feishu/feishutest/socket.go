package feishutest

import (
	"context"
	"encoding/json"
	"errors"
	mrand "math/rand/v2"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/gorilla/websocket"
	larkws "github.com/larksuite/oapi-sdk-go/v3/ws"

	"slipway/bot/standin"
)

const connectPath = "/callback/ws/connect"

// maxSockets is how many connections an app has at most. event-subscription-guide/
// long-connection-mode: "每个应用最多建立 50 个连接".
const maxSockets = 50

// socket is one long connection.
type socket struct {
	conn *websocket.Conn
	mu   sync.Mutex // of writing
	wait map[string]chan larkws.Response
	gone chan struct{}
	once sync.Once
}

func (c *socket) drop() {
	c.once.Do(func() { close(c.gone) })
	_ = c.conn.Close()
}

// giveEndpoint tells where to connect to.
func (s *Server) giveEndpoint(r *request) reply {
	no := func(code int, msg string) reply {
		return reply{status: http.StatusOK, body: map[string]any{"code": code, "msg": msg}}
	}
	switch {
	case s.cfg.Mode != LongConnection:
		return no(larkws.Forbidden, "the app has not chosen the long connection")
	case r.str("AppID") != s.cfg.AppID || r.str("AppSecret") != s.cfg.AppSecret:
		return no(larkws.AuthFailed, "app_id or app_secret is wrong")
	case s.Connections() >= maxSockets:
		return no(larkws.ExceedConnLimit, "the number of connections exceeded the limit")
	}
	query := url.Values{"device_id": {standin.Random(8)}, "service_id": {"33554678"}, "access_key": {standin.Random(8)}, "ticket": {s.ticket()}}
	address := url.URL{Scheme: "ws", Host: r.host, Path: connectPath, RawQuery: query.Encode()}
	return reply{status: http.StatusOK, body: map[string]any{"code": 0, "msg": "", "data": map[string]any{
		"URL": address.String(), "ClientConfig": s.clientConfig(),
	}}}
}

// ticket is what a connection must show: nobody can connect without having asked.
func (s *Server) ticket() string { return Sign(s.cfg.AppID, s.cfg.AppSecret, connectPath, nil) }

// clientConfig is what the SDKs go by. Feishu tells them to wait up to two minutes before
// they connect again; here it is a second, so that tests do not.
func (s *Server) clientConfig() larkws.ClientConfig {
	return larkws.ClientConfig{
		ReconnectCount: -1, ReconnectInterval: 1, ReconnectNonce: 1,
		PingInterval: max(1, int(s.cfg.PingEvery/time.Second)),
	}
}

// connect takes a long connection and reads from it until it ends.
func (s *Server) connect(w http.ResponseWriter, r *http.Request) {
	if s.cfg.Mode != LongConnection || r.URL.Query().Get("ticket") != s.ticket() {
		w.Header().Set(larkws.HeaderHandshakeStatus, strconv.Itoa(larkws.AuthFailed))
		w.Header().Set(larkws.HeaderHandshakeMsg, "the ticket is wrong")
		w.WriteHeader(http.StatusForbidden)
		return
	}
	upgrader := websocket.Upgrader{CheckOrigin: func(*http.Request) bool { return true }}
	conn, err := upgrader.Upgrade(w, r, nil)
	if err != nil {
		return // it has answered
	}
	c := &socket{conn: conn, wait: map[string]chan larkws.Response{}, gone: make(chan struct{})}
	s.lines.Join(c)
	s.read(c)
	s.lines.Leave(c)
	c.drop()
}

// Connections returns how many long connections there are.
func (s *Server) Connections() int { return len(s.lines.Open()) }

func (s *Server) read(c *socket) {
	for !s.Ended() {
		kind, data, err := c.conn.ReadMessage()
		if err != nil {
			return
		}
		var f larkws.Frame
		if kind != websocket.BinaryMessage || f.Unmarshal(data) != nil {
			s.mu.Lock()
			s.Violate("long connection: a message is no frame")
			s.mu.Unlock()
			return
		}
		headers := larkws.Headers(f.Headers)
		if larkws.FrameType(f.Method) == larkws.FrameTypeControl {
			if larkws.MessageType(headers.GetString(larkws.HeaderType)) == larkws.MessageTypePing {
				s.pong(c, f)
			}
			continue
		}
		s.answered(c, headers.GetString(larkws.HeaderMessageID), f.Payload)
	}
}

// pong answers a ping with the configuration, which may have changed.
func (s *Server) pong(c *socket, ping larkws.Frame) {
	payload, err := json.Marshal(s.clientConfig())
	if err != nil {
		return
	}
	_ = c.write(larkws.Frame{
		Method: int32(larkws.FrameTypeControl), Service: ping.Service,
		Headers: []larkws.Header{{Key: larkws.HeaderType, Value: string(larkws.MessageTypePong)}}, Payload: payload,
	})
}

// answered passes on the answer to an event.
func (s *Server) answered(c *socket, id string, payload []byte) {
	var answer larkws.Response
	if json.Unmarshal(payload, &answer) != nil {
		s.mu.Lock()
		s.Violate("long connection: an answer is not JSON")
		s.mu.Unlock()
		return
	}
	c.mu.Lock()
	waiting := c.wait[id]
	delete(c.wait, id)
	c.mu.Unlock()
	if waiting != nil {
		waiting <- answer
	}
}

func (c *socket) write(f larkws.Frame) error {
	data, err := f.Marshal()
	if err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.conn.SetWriteDeadline(time.Now().Add(5 * time.Second)); err != nil {
		return err
	}
	return c.conn.WriteMessage(websocket.BinaryMessage, data)
}

// frame delivers an event over one of the long connections: Feishu takes any one of them. If
// there is none it waits for one, as long as the app may take to answer.
func (s *Server) frame(ctx context.Context, e event, other bool) (status int, answer []byte, err error) {
	c, err := s.pick(ctx, other)
	if err != nil {
		return 0, nil, err
	}
	id := standin.Random(8)
	waiting := make(chan larkws.Response, 1)
	c.mu.Lock()
	c.wait[id] = waiting
	c.mu.Unlock()
	parts := slices.Collect(slices.Chunk(e.payload, s.cfg.Part))
	for i, part := range parts {
		headers := larkws.Headers{}
		headers.Add(larkws.HeaderType, string(larkws.MessageTypeEvent))
		headers.Add(larkws.HeaderMessageID, id)
		headers.Add(larkws.HeaderSum, strconv.Itoa(len(parts)))
		headers.Add(larkws.HeaderSeq, strconv.Itoa(i))
		headers.Add(larkws.HeaderTraceID, standin.Random(8))
		headers.Add(larkws.HeaderTimestamp, strconv.FormatInt(time.Now().UnixMilli(), 10))
		f := larkws.Frame{Method: int32(larkws.FrameTypeData), Service: 33554678, Headers: headers, Payload: part}
		if err := c.write(f); err != nil {
			return 0, nil, err
		}
		if i < len(parts)-1 {
			// The SDK for Go handles frames side by side and loses parts that come at once.
			pause(ctx, 20*time.Millisecond)
		}
	}
	select {
	case got := <-waiting:
		return got.StatusCode, got.Data, nil
	case <-c.gone:
		return 0, nil, errors.New("the connection broke")
	case <-ctx.Done():
		return 0, nil, ctx.Err()
	}
}

func (s *Server) pick(ctx context.Context, other bool) (*socket, error) {
	open, err := s.lines.Wait(ctx)
	if err != nil {
		return nil, err
	}
	switch n := len(open); {
	case n > 1 && other:
		return open[n-1], nil
	case n > 1 && s.doubling():
		return open[0], nil
	default:
		return open[mrand.IntN(n)], nil
	}
}

func (s *Server) doubling() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.faults.twice
}
