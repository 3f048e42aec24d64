package webhook

import "time"

// delays are the pauses after the first, second, ... failed attempt; the last one
// repeats. The first is short so that a blip during a release is not felt.
var delays = []time.Duration{
	time.Second,
	5 * time.Second,
	30 * time.Second,
	2 * time.Minute,
	5 * time.Minute,
	15 * time.Minute,
	30 * time.Minute,
	time.Hour,
	2 * time.Hour,
	4 * time.Hour,
	8 * time.Hour,
}

const jitter = 0.2

// Backoff returns how long to wait after the given number of failed attempts, one or
// more: 1 s, 5 s, 30 s, 2 m, 5 m, 15 m, 30 m, 1 h, 2 h, 4 h, then 8 h each, give or
// take 20 %. A retryAfter above zero is a floor; the jitter then only adds to it, so
// that deliveries that were all told the same time do not come back at once.
// rnd returns numbers in [0, 1).
func Backoff(attempt int, retryAfter time.Duration, rnd func() float64) time.Duration {
	step := min(max(attempt, 1), len(delays)) - 1
	chance := rnd()
	delay := scale(delays[step], 1-jitter+2*jitter*chance)
	if retryAfter <= 0 {
		return delay
	}
	return max(delay, scale(retryAfter, 1+jitter*chance))
}

func scale(d time.Duration, by float64) time.Duration {
	return time.Duration(float64(d) * by)
}
