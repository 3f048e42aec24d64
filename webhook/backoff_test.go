package webhook

import (
	"testing"
	"time"
)

func TestBackoff(t *testing.T) {
	t.Parallel()
	middle := func() float64 { return 0.5 }
	want := []time.Duration{
		time.Second, 5 * time.Second, 30 * time.Second,
		2 * time.Minute, 5 * time.Minute, 15 * time.Minute, 30 * time.Minute,
		time.Hour, 2 * time.Hour, 4 * time.Hour, 8 * time.Hour, 8 * time.Hour,
	}
	for i, w := range want {
		if got := Backoff(i+1, 0, middle); got != w {
			t.Errorf("Backoff after attempt %d = %v, want %v", i+1, got, w)
		}
	}
	for _, attempt := range []int{-1, 0} {
		if got := Backoff(attempt, 0, middle); got != time.Second {
			t.Errorf("Backoff(%d) = %v, want the first delay", attempt, got)
		}
	}
	if got := Backoff(1<<40, 0, middle); got != 8*time.Hour {
		t.Errorf("Backoff after very many attempts = %v, want 8h", got)
	}
}

func TestBackoffStaysWithinItsJitter(t *testing.T) {
	t.Parallel()
	for attempt := 1; attempt <= 12; attempt++ {
		base := Backoff(attempt, 0, func() float64 { return 0.5 })
		for _, chance := range []float64{0, 0.25, 0.75, 0.999999} {
			got := Backoff(attempt, 0, func() float64 { return chance })
			if off := (got - base).Abs(); off > base/5+1 {
				t.Errorf("Backoff(%d) at chance %v = %v, more than 20%% off %v", attempt, chance, got, base)
			}
		}
	}
}

func TestBackoffNeverComesBackBeforeRetryAfter(t *testing.T) {
	t.Parallel()
	for _, chance := range []float64{0, 0.5, 0.999999} {
		for _, retryAfter := range []time.Duration{time.Nanosecond, 10 * time.Second, time.Hour} {
			got := Backoff(1, retryAfter, func() float64 { return chance })
			if got < retryAfter || got > max(retryAfter*6/5, 1200*time.Millisecond) {
				t.Errorf("Backoff with Retry-After %v at chance %v = %v", retryAfter, chance, got)
			}
		}
	}
	if got := Backoff(8, time.Second, func() float64 { return 0.5 }); got != time.Hour {
		t.Errorf("a short Retry-After shortened the backoff to %v", got)
	}
}
