package dingtalk

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/gorilla/websocket"

	"slipway/bot/sealed"
)

// pathConnect is where to ask for a connection.
const pathConnect = "/v1.0/gateway/connections/open"

// The pace of the stream.
const (
	firstWait = 200 * time.Millisecond // until a lost connection is made again
	longest   = 30 * time.Second
	pingEvery = time.Minute
	silence   = 2*pingEvery + 10*time.Second // after which a connection is taken for lost
)

// errMoved says that DingTalk has asked to connect anew, which it does from time to time.
var errMoved = errors.New("DingTalk asks to connect anew")

// frame is a message of DingTalk's.
type frame struct {
	Type    string         `json:"type"` // SYSTEM or EVENT
	Headers map[string]any `json:"headers"`
	Data    string         `json:"data"` // JSON in itself
}

func (f frame) header(name string) string {
	v, _ := f.Headers[name].(string)
	return v
}

// reply is the answer to a frame.
type reply struct {
	Code    int            `json:"code"`
	Message string         `json:"message"`
	Headers map[string]any `json:"headers"`
	Data    string         `json:"data"`
}

// Run takes events over a connection that it keeps up until ctx ends, and returns nil then.
// Without Config.Stream there is nothing to do, and it returns at once. What happens while
// there is no connection is seen when the instance is looked at.
func (d *DingTalk) Run(ctx context.Context) error {
	if !d.Stream {
		return nil
	}
	wait := firstWait
	for {
		served, err := d.session(ctx)
		if ctx.Err() != nil {
			return nil //nolint:nilerr // it ended because it was to end
		}
		if served {
			wait = firstWait
		}
		if !errors.Is(err, errMoved) {
			d.Log.WarnContext(ctx, "dingtalk connection lost", "error", err, "again_in", wait.String())
		}
		again := time.NewTimer(wait)
		select {
		case <-again.C:
		case <-ctx.Done():
			again.Stop()
			return nil
		}
		wait = min(2*wait, longest)
	}
}

// endpoint asks where to connect to. The address is good for one connection, soon.
func (d *DingTalk) endpoint(ctx context.Context) (string, error) {
	in := map[string]any{
		"clientId": d.AppKey, "clientSecret": d.AppSecret, "ua": "slipway", "subscriptions": []map[string]string{{"type": "EVENT", "topic": "*"}},
	}
	var out struct {
		Endpoint string `json:"endpoint"`
		Ticket   string `json:"ticket"`
	}
	if err := d.request(ctx, http.MethodPost, pathConnect, nil, "", in, &out); err != nil {
		return "", err
	}
	u, err := url.Parse(out.Endpoint)
	if err != nil || (u.Scheme != "ws" && u.Scheme != "wss") || out.Ticket == "" {
		return "", errors.New("DingTalk named no address to connect to")
	}
	u.RawQuery = url.Values{"ticket": {out.Ticket}}.Encode()
	return u.String(), nil
}

// session makes one connection and serves it to its end. served tells that something else
// than its end came over it.
func (d *DingTalk) session(ctx context.Context) (served bool, err error) {
	address, err := d.endpoint(ctx)
	if err != nil {
		return false, fmt.Errorf("open connection: %w", err)
	}
	conn, res, err := (&websocket.Dialer{HandshakeTimeout: 10 * time.Second, Proxy: http.ProxyFromEnvironment}).DialContext(ctx, address, nil)
	if res != nil {
		defer func() { _ = res.Body.Close() }()
	}
	if err != nil {
		return false, fmt.Errorf("connect: %w", err) // it names no address, whose ticket is a secret
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	end := context.AfterFunc(ctx, func() { _ = conn.Close() })
	defer end()
	defer func() { _ = conn.Close() }()
	silent := time.AfterFunc(silence, func() { _ = conn.Close() })
	defer silent.Stop()
	conn.SetReadLimit(sealed.MaxBody)
	conn.SetPongHandler(func(string) error {
		silent.Reset(silence)
		return nil
	})
	go ping(ctx, conn)
	for {
		_, data, err := conn.ReadMessage()
		if err != nil {
			return served, fmt.Errorf("read: %w", err)
		}
		silent.Reset(silence)
		if err := d.take(ctx, conn, data); err != nil {
			return served, err
		}
		served = true
	}
}

// ping keeps a connection from falling asleep, until ctx ends. Whether there is still
// somebody at the other end, the reader finds out.
func ping(ctx context.Context, conn *websocket.Conn) {
	every := time.NewTicker(pingEvery)
	defer every.Stop()
	for {
		select {
		case <-every.C:
			_ = conn.WriteControl(websocket.PingMessage, nil, time.Time{})
		case <-ctx.Done():
			return
		}
	}
}

// take handles one frame and answers it. Only the reader writes, beside pings.
func (d *DingTalk) take(ctx context.Context, conn *websocket.Conn, data []byte) error {
	var f frame
	if err := json.Unmarshal(data, &f); err != nil {
		d.Log.WarnContext(ctx, "dingtalk event refused", "reason", sealed.ErrMalformed)
		return nil //nolint:nilerr // what cannot be read cannot be answered
	}
	answer := reply{Code: http.StatusOK, Message: "OK", Headers: map[string]any{"messageId": f.header("messageId"), "contentType": "application/json"}}
	switch {
	case f.Type == "SYSTEM" && f.header("topic") == "disconnect":
		return errMoved
	case f.Type == "SYSTEM" && f.header("topic") == "ping":
		answer.Data = f.Data
	case f.Type == "EVENT":
		ev := event{}
		if err := json.Unmarshal([]byte(f.Data), &ev); err != nil {
			d.Log.WarnContext(ctx, "dingtalk event refused", "reason", sealed.ErrMalformed)
		}
		ev.Type = f.header("eventType")
		d.tell(ctx, ev)
		answer.Data = `{"status":"SUCCESS","message":"OK"}`
	default:
		return nil
	}
	if err := conn.WriteJSON(answer); err != nil {
		return fmt.Errorf("answer: %w", err)
	}
	return nil
}
