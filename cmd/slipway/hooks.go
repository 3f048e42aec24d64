package main

import (
	"context"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"slipway/commands"
	"slipway/storage"
	"slipway/tasks"
	"slipway/webhook"
)

// rulesEvery is how often the endpoints that admins manage are read anew although no
// notice came: one may have been lost.
const rulesEvery = 15 * time.Second

// keepRules brings endpoints and delegations that were changed in another process into force.
func (a *app) keepRules(ctx context.Context) error {
	tick := time.NewTicker(rulesEvery)
	defer tick.Stop()
	changed := a.notices.Subscribe(ctx)
	for {
		select {
		case <-ctx.Done():
			return nil
		case topic := <-changed:
			if topic != commands.TopicRules && topic != tasks.Everything {
				continue
			}
		case <-tick.C:
		}
		if err := a.rulebook.Refresh(ctx); err != nil && ctx.Err() == nil {
			a.log.WarnContext(ctx, "rules not read anew", "err", err)
		}
	}
}

func newTried() *prometheus.HistogramVec {
	return prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name: "slipway_hook_seconds", Help: "Time of one try to send a hook, by endpoint, outcome and HTTP status (0: none).",
		Buckets: []float64{.005, .02, .05, .1, .3, 1, 3, 15},
	}, []string{"endpoint", "outcome", "status"})
}

// attempted counts a try.
func (a *app) attempted(endpoint string, t webhook.Attempt) {
	a.tried.WithLabelValues(endpoint, t.Outcome.String(), strconv.Itoa(t.StatusCode)).Observe(t.Duration.Seconds())
}

// hookCollector reports the deliveries of the last day, and all that are still to be sent.
type hookCollector struct{ store *storage.Store }

var (
	deliveries = prometheus.NewDesc("slipway_deliveries", "Deliveries of the last day, and all that are pending, by endpoint and state.",
		[]string{"endpoint", "state"}, nil)
	oldestPending = prometheus.NewDesc("slipway_oldest_pending_delivery_seconds", "How long the oldest delivery to an endpoint has been waiting.",
		[]string{"endpoint"}, nil)
)

// Describe implements prometheus.Collector.
func (hookCollector) Describe(ch chan<- *prometheus.Desc) {
	ch <- deliveries
	ch <- oldestPending
}

// Collect implements prometheus.Collector.
func (c hookCollector) Collect(ch chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	now := time.Now()
	counts, err := c.store.DeliveryCounts(ctx, now.Add(-24*time.Hour).UnixMilli())
	if err != nil {
		ch <- prometheus.NewInvalidMetric(deliveries, err)
		return
	}
	for _, n := range counts {
		ch <- prometheus.MustNewConstMetric(deliveries, prometheus.GaugeValue, float64(n.Count), n.Endpoint, string(n.State))
		if n.State == storage.DeliveryPending {
			ch <- prometheus.MustNewConstMetric(oldestPending, prometheus.GaugeValue, now.Sub(time.UnixMilli(n.Oldest)).Seconds(), n.Endpoint)
		}
	}
}
