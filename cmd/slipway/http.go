package main

import (
	"context"
	"net/http"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"slipway/storage"
	"slipway/tasks"
	"slipway/webhook"
)

// routes puts the surfaces together: machines below /api, operators, people. Pages that
// are told of changes end with live.
func (a *app) routes(live context.Context) http.Handler {
	metrics := prometheus.NewRegistry()
	metrics.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}), taskCollector{a.store}, a.tried, hookCollector{a.store}, engineCollector{a.tasks.Engines})
	if a.role != tasks.RoleWorker {
		metrics.MustRegister(chatCollector(a.chats))
	}
	took := prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name: "slipway_http_request_seconds", Help: "Time to answer, by surface and status.",
		Buckets: []float64{.001, .003, .01, .03, .1, .3, 1, 3},
	}, []string{"surface", "status"})
	metrics.MustRegister(took)

	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("ok\n")) })
	mux.HandleFunc("GET /readyz", a.ready)
	mux.Handle("GET /metrics", promhttp.HandlerFor(metrics, promhttp.HandlerOpts{}))
	if a.role == tasks.RoleWorker {
		return mux // people and outside systems are answered by others
	}

	machines := timed(took, "api", webhook.NewHandler(webhook.HandlerConfig{
		Commands: a.commands, Store: a.store, Rules: a.commands.Rules, Notices: a.notices, Now: time.Now, Log: a.log,
		Rand: a.commands.Rand, CallbackRate: a.config.callbackRate(), Engines: a.tasks, Checks: a.config.checks(),
	}))
	people := timed(took, "console", a.web.Routes())
	mux.Handle("/api/", machines)
	mux.Handle("GET /api/v1/events", endsWith(live, machines))
	for _, c := range a.chats {
		mux.Handle("/"+string(c.ID())+"/", timed(took, string(c.ID()), c.Routes()))
	}
	if a.dingtalk != nil {
		mux.Handle("/dingtalk/", timed(took, "dingtalk", a.dingtalk.Routes()))
	}
	mux.Handle("/", people)
	mux.Handle("GET /live", endsWith(live, people))
	return prompt(mux)
}

// bodyTime is how long a request's body may take to arrive.
const bodyTime = 30 * time.Second

// prompt cuts off who sends a body drop by drop. A time limit of the whole server would
// cut off the pages that are told of changes, too; they are read with GET.
func prompt(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			// A connection that knows no deadlines is a test's.
			_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(bodyTime))
		}
		h.ServeHTTP(w, r)
	})
}

// endsWith ends the requests of a handler with a context. Only answers that would go on
// for ever need it: the others are waited for when the server shuts down.
func endsWith(live context.Context, h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithCancel(r.Context())
		defer cancel()
		defer context.AfterFunc(live, cancel)()
		h.ServeHTTP(w, r.WithContext(ctx))
	})
}

// ready tells whether this process can do its work: the database answers. Redis and the
// chats may be away for a while without harm, so they are only named.
func (a *app) ready(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), 2*time.Second)
	defer cancel()
	if err := a.store.Ping(ctx); err != nil {
		a.log.WarnContext(ctx, "not ready", "error", err)
		http.Error(w, "the database does not answer", http.StatusServiceUnavailable)
		return
	}
	said := "ready"
	if a.redis.Ping(ctx).Err() != nil {
		said += "; redis does not answer, work waits until it does"
	}
	for _, c := range a.chats {
		if trouble := c.Trouble(); trouble != "" && a.role != tasks.RoleWorker {
			said += "; " + string(c.ID()) + ": " + trouble
		}
	}
	_, _ = w.Write([]byte(said + "\n"))
}

// timed measures a handler.
func timed(took *prometheus.HistogramVec, surface string, h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		began := time.Now()
		s := &statusWriter{ResponseWriter: w, status: http.StatusOK}
		h.ServeHTTP(s, r)
		took.WithLabelValues(surface, strconv.Itoa(s.status)).Observe(time.Since(began).Seconds())
	})
}

type statusWriter struct {
	http.ResponseWriter
	status int
}

// WriteHeader implements http.ResponseWriter.
func (s *statusWriter) WriteHeader(status int) {
	s.status = status
	s.ResponseWriter.WriteHeader(status)
}

// Unwrap lets http.ResponseController reach the connection.
func (s *statusWriter) Unwrap() http.ResponseWriter { return s.ResponseWriter }

// taskCollector reports the rows of the tasks table.
type taskCollector struct{ store *storage.Store }

var (
	tasksWaiting = prometheus.NewDesc("slipway_tasks", "Rows of the tasks table, by kind.", []string{"kind"}, nil)
	oldestDue    = prometheus.NewDesc("slipway_oldest_due_task_seconds", "How long the oldest due task has been due.", nil, nil)
)

// Describe implements prometheus.Collector.
func (taskCollector) Describe(ch chan<- *prometheus.Desc) {
	ch <- tasksWaiting
	ch <- oldestDue
}

// Collect implements prometheus.Collector.
func (c taskCollector) Collect(ch chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	counts, err := c.store.TaskCounts(ctx)
	if err != nil {
		ch <- prometheus.NewInvalidMetric(tasksWaiting, err)
		return
	}
	for kind, n := range counts {
		ch <- prometheus.MustNewConstMetric(tasksWaiting, prometheus.GaugeValue, float64(n), string(kind))
	}
	at, err := c.store.OldestDue(ctx)
	if err != nil {
		ch <- prometheus.NewInvalidMetric(oldestDue, err)
		return
	}
	age := 0.0
	if now := time.Now().UnixMilli(); at != 0 && at < now {
		age = float64(now-at) / 1000
	}
	ch <- prometheus.MustNewConstMetric(oldestDue, prometheus.GaugeValue, age)
}
