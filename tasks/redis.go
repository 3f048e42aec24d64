package tasks

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/hibiken/asynq"
	"github.com/redis/go-redis/v9"
)

// embeddedTick is how often the clock of the embedded Redis is moved on.
const embeddedTick = time.Second

// RedisConfig says which Redis to use.
type RedisConfig struct {
	// URL is one of
	//
	//	redis://user:password@host:6379/0             one server; rediss:// for TLS
	//	redis-sentinel://user:password@host:26379,host:26379/0?master=NAME
	//	redis-cluster://user:password@host:6379,host:6379
	//	unix:///path/to/redis.sock
	//
	// with the options of go-redis as query parameters, such as ?pool_size=50. For
	// sentinels, user and password are those of Redis; the sentinels' own are the
	// parameters sentinel_username and sentinel_password. rediss-sentinel and
	// rediss-cluster use TLS. Empty: a Redis inside this process that keeps nothing.
	URL  string
	Now  func() time.Time
	Rand io.Reader // for the password of the embedded Redis
	Log  *slog.Logger
}

// Redis is the connection to Redis that everything in a process shares.
type Redis struct {
	redis.UniversalClient

	connect func() redis.UniversalClient
	bells   *bells
	mini    *miniredis.Miniredis
	stop    context.CancelFunc
	ended   sync.WaitGroup
}

var _ asynq.RedisConnOpt = (*Redis)(nil)

// OpenRedis returns a connection to the configured Redis, or starts an embedded one.
// A Redis that does not answer is no error: Slipway waits until it does. Close it
// when everything that uses it has stopped.
func OpenRedis(c RedisConfig) (*Redis, error) {
	ctx, stop := context.WithCancel(context.Background())
	r := &Redis{bells: newBells(), stop: stop}
	var err error
	if c.URL == "" {
		err = r.embed(ctx, c)
	} else {
		r.connect, err = redisClient(c.URL)
	}
	if err != nil {
		stop()
		return nil, err
	}
	r.UniversalClient = r.connect()
	r.AddHook(r.bells)
	if r.mini == nil {
		r.ended.Go(func() { r.bells.listen(ctx, r.UniversalClient) })
	}
	return r, nil
}

// Embedded tells whether this Redis lives inside the process.
func (r *Redis) Embedded() bool { return r.mini != nil }

// MakeRedisClient returns a connection of its own, for the queue dashboard.
func (r *Redis) MakeRedisClient() any { return r.connect() }

// ring wakes the workers for a queue, in every process.
func (r *Redis) ring(ctx context.Context, queue string) {
	r.bells.ring(queue)
	if r.mini == nil {
		// A ring that is lost delays the others by one look at the queue.
		_ = r.Publish(ctx, bellChannel, queue).Err()
	}
}

// Close closes the connection and ends an embedded Redis.
func (r *Redis) Close() error {
	r.stop()
	err := r.UniversalClient.Close()
	r.ended.Wait()
	if r.mini != nil {
		r.mini.Close()
	}
	return err
}

// embed starts a Redis in this process. It listens on loopback, where other users of
// the machine could reach it, so it demands a password that only this process knows.
func (r *Redis) embed(ctx context.Context, c RedisConfig) error {
	secret := make([]byte, 16)
	if _, err := io.ReadFull(c.Rand, secret); err != nil {
		return fmt.Errorf("read randomness: %w", err)
	}
	password := hex.EncodeToString(secret)
	mini := miniredis.NewMiniRedis()
	mini.RequireAuth(password)
	if err := mini.StartAddr("127.0.0.1:0"); err != nil {
		return fmt.Errorf("start embedded redis: %w", err)
	}
	c.Log.DebugContext(ctx, "embedded redis started", "address", mini.Addr())
	r.mini = mini
	r.connect = func() redis.UniversalClient {
		return redis.NewClient(&redis.Options{Addr: mini.Addr(), Password: password})
	}
	r.ended.Go(func() { runEmbeddedClock(ctx, mini, c.Now) })
	return nil
}

// runEmbeddedClock moves the clock of an embedded Redis on. It stands still by
// itself, so that without this no key would ever expire.
func runEmbeddedClock(ctx context.Context, mini *miniredis.Miniredis, now func() time.Time) {
	tick := time.NewTicker(embeddedTick)
	defer tick.Stop()
	last := now()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			at := now()
			if d := at.Sub(last); d > 0 {
				mini.FastForward(d)
			}
			last = at
		}
	}
}

// CheckRedisURL returns what is wrong with a URL, without the password in it.
func CheckRedisURL(raw string) error {
	_, err := redisClient(raw)
	return err
}

// redisClient returns a function that connects to the Redis of a URL.
func redisClient(raw string) (func() redis.UniversalClient, error) {
	raw, others := splitHosts(raw)
	u, err := url.Parse(raw)
	if err != nil {
		if cause := (*url.Error)(nil); errors.As(err, &cause) {
			err = cause.Err // the rest of it has the password
		}
		return nil, fmt.Errorf("parse redis url: %w", err)
	}
	scheme, kind, _ := strings.Cut(u.Scheme, "-")
	plain := scheme == "redis" || scheme == "rediss"
	switch {
	case u.Scheme != "unix" && (!plain || kind != "" && kind != "sentinel" && kind != "cluster"):
		return nil, fmt.Errorf("parse redis url: unknown scheme %q; want redis, rediss, redis-sentinel, redis-cluster or unix", u.Scheme)
	case kind == "" && len(others) > 0:
		return nil, errors.New("parse redis url: several hosts need redis-sentinel:// or redis-cluster://")
	}
	u.Scheme, u.Host = scheme, withPort(u.Host, kind)
	query := u.Query()
	for _, host := range others {
		query.Add("addr", withPort(host, kind))
	}
	switch kind {
	case "sentinel":
		return sentinelClient(u, query)
	case "cluster":
		u.RawQuery = query.Encode()
		o, err := redis.ParseClusterURL(u.String())
		if err != nil {
			return nil, fmt.Errorf("parse redis url: %w", err)
		}
		return func() redis.UniversalClient { return redis.NewClusterClient(o) }, nil
	}
	o, err := redis.ParseURL(u.String())
	if err != nil {
		return nil, fmt.Errorf("parse redis url: %w", err)
	}
	return func() redis.UniversalClient { return redis.NewClient(o) }, nil
}

// splitHosts returns the URL with the first of its hosts, which is all that net/url
// understands, and the other hosts.
func splitHosts(raw string) (string, []string) {
	before, rest, found := strings.Cut(raw, "://")
	if !found {
		return raw, nil
	}
	authority, after := rest, ""
	if end := strings.IndexAny(rest, "/?#"); end >= 0 {
		authority, after = rest[:end], rest[end:]
	}
	user := authority[:strings.LastIndex(authority, "@")+1]
	hosts := strings.Split(authority[len(user):], ",")
	return before + "://" + user + hosts[0] + after, hosts[1:]
}

func sentinelClient(u *url.URL, query url.Values) (func() redis.UniversalClient, error) {
	if query.Get("master") == "" {
		return nil, errors.New("parse redis url: redis-sentinel:// needs ?master=NAME")
	}
	query.Set("master_name", query.Get("master"))
	if u.User != nil {
		password, _ := u.User.Password()
		query.Set("username", u.User.Username())
		query.Set("password", password)
	}
	u.User = nil
	if query.Has("sentinel_password") {
		u.User = url.UserPassword(query.Get("sentinel_username"), query.Get("sentinel_password"))
	}
	for _, own := range []string{"master", "sentinel_username", "sentinel_password"} {
		query.Del(own)
	}
	u.RawQuery = query.Encode()
	o, err := redis.ParseFailoverURL(u.String())
	if err != nil {
		return nil, fmt.Errorf("parse redis url: %w", err)
	}
	return func() redis.UniversalClient { return redis.NewFailoverClient(o) }, nil
}

func withPort(host, kind string) string {
	if _, _, err := net.SplitHostPort(host); err == nil || host == "" {
		return host
	}
	if kind == "sentinel" {
		return net.JoinHostPort(host, "26379")
	}
	return net.JoinHostPort(host, "6379")
}
