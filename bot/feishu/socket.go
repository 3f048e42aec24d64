package feishu

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"sync"
	"time"

	"github.com/gorilla/websocket"
	larkws "github.com/larksuite/oapi-sdk-go/v3/ws"

	"slipway/bot/sealed"
)

// The pace at which a lost connection is made again. The SDK's client would wait up to
// thirty seconds and then two minutes each time, as Feishu tells it to, and clicks would
// be lost meanwhile.
const (
	firstWait = 200 * time.Millisecond
	longest   = 30 * time.Second
	steady    = 10 * time.Second // a connection that held so long counts as good
	flaps     = 10               // so many that did not are taken for bad luck
)

// trouble is what is wrong with the connection.
type trouble struct {
	mu   sync.Mutex
	text string
}

func (t *trouble) set(text string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.text = text
}

// Trouble implements bot.Watched.
func (f *Feishu) Trouble() string {
	f.link.mu.Lock()
	defer f.link.mu.Unlock()
	return f.link.text
}

// connect keeps the long connection up until ctx ends. The SDK's client is not used for
// it: it answers events that nobody subscribed to in the code with an error, loses parts
// of long events that arrive side by side, and panics on others. Its frames are.
func (f *Feishu) connect(ctx context.Context) {
	f.link.set("connecting to Feishu")
	wait, short := firstWait, 0
	for {
		end, err := f.session(ctx)
		if ctx.Err() != nil {
			f.link.set("")
			return
		}
		switch end {
		case sessionSteady:
			wait, short = firstWait, 0
		case sessionShort:
			if short++; short <= flaps {
				wait = firstWait
			}
		case sessionNone:
		}
		f.link.set("not connected to Feishu: " + err.Error())
		f.Log.WarnContext(ctx, "feishu connection lost", "error", err, "again_in", wait.String())
		if pause(ctx, wait+f.jitter(wait)) != nil {
			f.link.set("")
			return
		}
		wait = min(2*wait, longest)
	}
}

// ended says how a session came to its end.
type ended int

const (
	sessionNone   ended = iota // there was no connection
	sessionShort               // it did not hold for long
	sessionSteady              // it was good for a while
)

// jitter is up to half of a wait, so that replicas do not come back all at once.
func (f *Feishu) jitter(wait time.Duration) time.Duration {
	var b [1]byte
	if _, err := f.Rand.Read(b[:]); err != nil {
		return 0
	}
	return wait * time.Duration(b[0]) / 512
}

// session makes one connection and serves it to its end.
func (f *Feishu) session(ctx context.Context) (ended, error) {
	address, conf, err := f.endpoint(ctx)
	if err != nil {
		return sessionNone, err
	}
	u, err := url.Parse(address)
	if err != nil {
		return sessionNone, errors.New("the address of the long connection is malformed")
	}
	conn, res, err := f.dialer().DialContext(ctx, address, nil)
	if res != nil {
		defer func() { _ = res.Body.Close() }()
	}
	if err != nil {
		return sessionNone, handshakeError(res, err)
	}
	service, err := strconv.ParseInt(u.Query().Get(larkws.ServiceID), 10, 32)
	if err != nil {
		service = 0 // as the SDK does
	}
	s := &session{f: f, conn: conn, service: int32(service), ping: 2 * time.Minute}
	s.configure(conf)
	good := time.NewTimer(steady)
	defer good.Stop()
	f.link.set("")
	f.Log.InfoContext(ctx, "feishu connected", "host", u.Host)
	err = s.serve(ctx)
	select {
	case <-good.C:
		return sessionSteady, err
	default:
		return sessionShort, err
	}
}

// endpoint asks where to connect to.
func (f *Feishu) endpoint(ctx context.Context) (address string, conf *larkws.ClientConfig, err error) {
	in := larkws.BootstrapRequest{AppID: f.AppID, AppSecret: f.AppSecret}
	var out larkws.EndpointResp
	if err := f.request(ctx, http.MethodPost, larkws.GenEndpointUri, nil, "", in, &out); err != nil {
		return "", nil, err
	}
	if out.Data == nil || out.Data.Url == "" {
		return "", nil, errors.New("Feishu named no address to connect to")
	}
	return out.Data.Url, out.Data.ClientConfig, nil
}

// dialer connects by the same ways as the HTTP client.
func (f *Feishu) dialer() *websocket.Dialer {
	d := &websocket.Dialer{HandshakeTimeout: 10 * time.Second, Proxy: http.ProxyFromEnvironment}
	if t, ok := f.Client.Transport.(*http.Transport); ok {
		d.Proxy, d.NetDialContext = t.Proxy, t.DialContext
		if t.TLSClientConfig != nil {
			d.TLSClientConfig = &tls.Config{RootCAs: t.TLSClientConfig.RootCAs, Certificates: t.TLSClientConfig.Certificates, MinVersion: tls.VersionTLS12}
		}
	}
	return d
}

// handshakeError says why a connection was refused. The address carries a key, so it is
// not told.
func handshakeError(res *http.Response, err error) error {
	if res == nil {
		return fmt.Errorf("connect: %w", err)
	}
	status, msg := res.Header.Get(larkws.HeaderHandshakeStatus), res.Header.Get(larkws.HeaderHandshakeMsg)
	if status == "" {
		return fmt.Errorf("connect: HTTP %d", res.StatusCode)
	}
	return fmt.Errorf("connect: refused with %s: %s", status, shorten(oneLine(msg), 200))
}

// session is one long connection.
type session struct {
	f       *Feishu
	conn    *websocket.Conn
	service int32
	writing sync.Mutex

	mu   sync.Mutex
	ping time.Duration
}

// writeWithin is how long one frame may take to be written.
const writeWithin = 10 * time.Second

func (s *session) configure(c *larkws.ClientConfig) {
	if c == nil || c.PingInterval <= 0 {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ping = time.Duration(c.PingInterval) * time.Second
}

func (s *session) pingEvery() time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.ping
}

// serve reads frames until the connection ends. Silence for more than two pings is an
// end, too.
func (s *session) serve(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	end := context.AfterFunc(ctx, func() { _ = s.conn.Close() })
	defer end()
	defer func() { _ = s.conn.Close() }()
	silence := time.AfterFunc(2*s.pingEvery()+5*time.Second, func() { _ = s.conn.Close() })
	defer silence.Stop()
	go s.keepPinging(ctx)
	s.conn.SetReadLimit(2 * sealed.MaxBody)
	parts := assembly{}
	for {
		kind, data, err := s.conn.ReadMessage()
		if err != nil {
			return fmt.Errorf("read: %w", err)
		}
		silence.Reset(2*s.pingEvery() + 5*time.Second)
		var frame larkws.Frame
		if kind != websocket.BinaryMessage || frame.Unmarshal(data) != nil {
			s.f.Log.WarnContext(ctx, "feishu frame refused", "reason", sealed.ErrMalformed.Error())
			continue
		}
		s.take(ctx, frame, parts)
	}
}

// take handles one frame. Events are handled side by side; their parts are put together
// one after the other.
func (s *session) take(ctx context.Context, frame larkws.Frame, parts assembly) {
	headers := larkws.Headers(frame.Headers)
	kind := larkws.MessageType(headers.GetString(larkws.HeaderType))
	switch {
	case larkws.FrameType(frame.Method) == larkws.FrameTypeControl:
		var conf larkws.ClientConfig
		if kind == larkws.MessageTypePong && json.Unmarshal(frame.Payload, &conf) == nil {
			s.configure(&conf)
		}
	case kind == larkws.MessageTypeEvent:
		payload, err := parts.add(headers, frame.Payload)
		if err != nil {
			s.refuse(ctx, frame, err)
			return
		}
		if payload != nil {
			s.f.background(ctx, func(ctx context.Context) { s.event(ctx, frame, payload) })
		}
	}
}

// event gives an event to the bot and answers it.
func (s *session) event(ctx context.Context, frame larkws.Frame, payload []byte) {
	began := s.f.Now()
	a, err := s.f.receive(ctx, payload)
	if err != nil {
		s.refuse(ctx, frame, err)
		return
	}
	defer a.answered()
	res := larkws.NewResponseByCode(http.StatusOK)
	res.Data = encode(a.body)
	s.respond(ctx, frame, res, s.f.Now().Sub(began))
}

// refuse answers an event that is not taken, and notes it in one line.
func (s *session) refuse(ctx context.Context, frame larkws.Frame, err error) {
	s.f.Log.WarnContext(ctx, "feishu event refused", "reason", oneLine(err.Error()))
	s.respond(ctx, frame, larkws.NewResponseByCode(statusOf(err)), 0)
}

func (s *session) respond(ctx context.Context, frame larkws.Frame, res *larkws.Response, took time.Duration) {
	headers := append(larkws.Headers{}, frame.Headers...)
	headers.Add(larkws.HeaderBizRt, strconv.FormatInt(took.Milliseconds(), 10))
	frame.Headers, frame.Payload = headers, encode(res)
	if err := s.write(frame); err != nil {
		s.f.Log.WarnContext(ctx, "feishu event not answered", "error", err)
	}
}

func (s *session) write(frame larkws.Frame) error {
	data, err := frame.Marshal()
	if err != nil {
		return fmt.Errorf("write frame: %w", err)
	}
	s.writing.Lock()
	defer s.writing.Unlock()
	late := time.AfterFunc(writeWithin, func() { _ = s.conn.Close() })
	defer late.Stop()
	if err := s.conn.WriteMessage(websocket.BinaryMessage, data); err != nil {
		return fmt.Errorf("write frame: %w", err)
	}
	return nil
}

// keepPinging pings at once and then as often as Feishu asks for.
func (s *session) keepPinging(ctx context.Context) {
	for {
		if s.write(*larkws.NewPingFrame(s.service)) != nil {
			return // the reader sees the end, too
		}
		if pause(ctx, s.pingEvery()) != nil {
			return
		}
	}
}

// assembly puts events together that come in several parts.
type assembly map[string]*parts

type parts struct {
	of    [][]byte
	size  int
	count int
}

// The bounds of what is being put together.
const (
	maxParts    = 64
	maxAssembly = 32 // events at a time
)

// add takes one part and returns the whole event with the last one.
func (a assembly) add(h larkws.Headers, payload []byte) ([]byte, error) {
	id, sum, seq := h.GetString(larkws.HeaderMessageID), h.GetInt(larkws.HeaderSum), h.GetInt(larkws.HeaderSeq)
	if sum <= 1 {
		if len(payload) > sealed.MaxBody {
			return nil, sealed.ErrTooLarge
		}
		return append([]byte{}, payload...), nil
	}
	if sum > maxParts || seq < 0 || seq >= sum || len(payload) == 0 {
		return nil, sealed.ErrMalformed
	}
	p := a[id]
	if p == nil || len(p.of) != sum {
		if len(a) >= maxAssembly {
			clear(a) // parts whose others never came; Feishu sends their events again
		}
		p = &parts{of: make([][]byte, sum)}
		a[id] = p
	}
	if p.of[seq] == nil {
		p.count++
		p.size += len(payload)
		p.of[seq] = append([]byte{}, payload...)
	}
	if p.size > sealed.MaxBody {
		delete(a, id)
		return nil, sealed.ErrTooLarge
	}
	if p.count < sum {
		return nil, nil
	}
	delete(a, id)
	whole := make([]byte, 0, p.size)
	for _, part := range p.of {
		whole = append(whole, part...)
	}
	return whole, nil
}
