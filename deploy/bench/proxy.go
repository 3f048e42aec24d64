package main

import (
	"context"
	"fmt"
	"net"
	"net/url"
	"sync"
	"time"
)

// farAway stands in front of a server and delays all that it answers, as if it were
// far away. What comes in a row stays in a row: only the way is long, not narrow.
type farAway struct {
	listener net.Listener
	to       string
	delay    time.Duration
	conns    sync.WaitGroup
	stop     context.CancelFunc
}

// newFarAway returns the address with the server moved away.
func newFarAway(ctx context.Context, address string, delay time.Duration) (string, *farAway, error) {
	u, err := url.Parse(address)
	if err != nil {
		return "", nil, fmt.Errorf("read address: %w", err)
	}
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", nil, fmt.Errorf("stand in front of the server: %w", err)
	}
	ctx, stop := context.WithCancel(ctx)
	f := &farAway{listener: l, to: u.Host, delay: delay, stop: stop}
	f.conns.Go(func() { f.accept(ctx) })
	u.Host = l.Addr().String()
	return u.String(), f, nil
}

func (f *farAway) close() {
	f.stop()
	_ = f.listener.Close()
	f.conns.Wait()
}

func (f *farAway) accept(ctx context.Context) {
	for {
		near, err := f.listener.Accept()
		if err != nil {
			return
		}
		far, err := new(net.Dialer).DialContext(ctx, "tcp", f.to)
		if err != nil {
			_ = near.Close()
			continue
		}
		end := sync.OnceFunc(func() {
			_ = near.Close()
			_ = far.Close()
		})
		context.AfterFunc(ctx, end)
		f.conns.Go(func() {
			defer end()
			copyAfter(far, near, 0)
		})
		f.conns.Go(func() {
			defer end()
			copyAfter(near, far, f.delay)
		})
	}
}

// copyAfter passes on what it reads, each piece as much later.
func copyAfter(to, from net.Conn, delay time.Duration) {
	type piece struct {
		data []byte
		due  time.Time
	}
	way := make(chan piece, 1024)
	var done sync.WaitGroup
	done.Go(func() {
		for p := range way {
			time.Sleep(time.Until(p.due))
			if _, err := to.Write(p.data); err != nil {
				_ = from.Close()
				for range way { // the reader ends now
				}
				return
			}
		}
	})
	buffer := make([]byte, 64<<10)
	for {
		n, err := from.Read(buffer)
		if n > 0 {
			way <- piece{append([]byte(nil), buffer[:n]...), time.Now().Add(delay)}
		}
		if err != nil {
			break
		}
	}
	close(way)
	done.Wait()
}
